//! The sweep of a month: settles the accounts of a shard, several at once, until none is left or the time is over.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use lambda_runtime::Error;
use scrip_accounts::{AccountId, Change, EntryKind, Period};
use scrip_api::Metric;
use scrip_ledger::{DecisionReceipt, DuePartition, Ledger, chain};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How many accounts are settled at once.
const SETTLED_AT_ONCE: usize = 16;
/// How many months back due accounts are listed, because an earlier sweep may have missed some.
const MONTHS_BACK_MAX: usize = 12;
/// How many passes a partition gets at most. The index is eventually consistent, so an account whose record was written just
/// before may only be listed by a second pass.
const PASSES_MAX: usize = 3;

/// The counts of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Accounts that the index listed.
    pub(crate) due: u64,
    /// Accounts that got the month's allowance.
    pub(crate) refilled: u64,
    /// Accounts that lost their remaining credits, and have no plan that is paid for the month.
    pub(crate) expired: u64,
    /// Accounts that another write had settled before.
    pub(crate) already_settled: u64,
    /// Accounts that couldn't be settled.
    pub(crate) failed: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.refilled += other.refilled;
        self.expired += other.expired;
        self.already_settled += other.already_settled;
        self.failed += other.failed;
    }

    pub(crate) fn answer(&self, period: Period) -> Value {
        json!({
            "period": period, "due": self.due, "refilled": self.refilled, "expired": self.expired,
            "already_settled": self.already_settled, "failed": self.failed,
        })
    }

    fn settled(&self) -> [u64; 4] {
        [self.refilled, self.expired, self.already_settled, self.failed]
    }
}

/// Logs counts of a month, at `error` if an account failed.
macro_rules! log_counts {
    ($counts:expr, $period:expr, $message:literal $(, $field:ident = $value:expr)*) => {{
        let (counts, period) = (&$counts, $period.to_string());
        if counts.failed > 0 {
            log_counts!(error, counts, period, $message $(, $field = $value)*);
        } else {
            log_counts!(info, counts, period, $message $(, $field = $value)*);
        }
    }};
    ($level:ident, $counts:ident, $period:ident, $message:literal $(, $field:ident = $value:expr)*) => {
        tracing::$level!(
            $($field = $value,)*
            period = $period,
            due = $counts.due,
            refilled = $counts.refilled,
            expired = $counts.expired,
            already_settled = $counts.already_settled,
            failed = $counts.failed,
            $message
        )
    };
}
pub(crate) use log_counts;

/// The result of sweeping a shard.
#[derive(Debug, Default)]
pub(crate) struct ShardResult {
    pub(crate) counts: Counts,
    /// The counts that are in the metrics already.
    reported: [u64; 4],
    /// The most attempts that an account took since the metrics were last written.
    attempts_max: u32,
    /// The accounts that couldn't be settled.
    pub(crate) failed: HashSet<AccountId>,
}

/// The sweep of one month.
#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    ledger: &'a Ledger,
    period: Period,
    until: Instant,
}

/// The result of settling one account.
enum AccountResult {
    Refilled,
    Expired,
    Already,
    Failed(AccountId),
}

impl<'a> Sweep<'a> {
    pub(crate) fn new(ledger: &'a Ledger, period: Period, until: Instant) -> Self {
        Self { ledger, period, until }
    }

    /// Settles one account.
    pub(crate) async fn account(&self, account: &AccountId) -> Result<(), Error> {
        self.ledger.turn_month(account, self.period.start()).await?;
        Ok(())
    }

    /// Settles a shard's accounts.
    ///
    /// # Errors
    /// If the index can't be read, or the time is over before the end.
    pub(crate) async fn shard(&self, shard: u64) -> Result<ShardResult, Error> {
        let mut swept = ShardResult::default();
        for partition in partitions(self.period, shard) {
            self.partition(partition, &mut swept).await?;
        }
        log_counts!(swept.counts, self.period, "refill shard done", shard = shard);
        swept.write_metrics();
        Ok(swept)
    }

    /// How many accounts of a shard are due and not settled.
    ///
    /// # Errors
    /// If the index can't be read.
    pub(crate) async fn overdue(ledger: &Ledger, period: Period, shard: u64) -> Result<u64, Error> {
        let mut overdue = 0;
        for partition in partitions(period, shard) {
            overdue += ledger.count_due(partition).await?;
        }
        Ok(overdue)
    }

    async fn partition(&self, partition: DuePartition, swept: &mut ShardResult) -> Result<(), Error> {
        for pass in 0..PASSES_MAX {
            let total = self.ledger.count_due(partition).await?;
            if total == 0 {
                break;
            }
            let written = self.pass(partition, pass == 0, total, swept).await?;
            if written == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Settles the accounts of a partition once. Returns how many accounts were written to.
    async fn pass(
        &self,
        partition: DuePartition,
        is_first: bool,
        total: u64,
        swept: &mut ShardResult,
    ) -> Result<u64, Error> {
        let (mut written, mut seen, mut cursor) = (0, 0, None);
        let started = Instant::now();
        loop {
            let page = self.ledger.due(partition, cursor.take()).await?;
            let mut settling = stream::iter(page.accounts)
                .map(|account| self.settle(account, partition.month))
                .buffer_unordered(SETTLED_AT_ONCE);
            while let Some(settled) = settling.next().await {
                seen += 1;
                let (settled, attempts) = settled?;
                swept.attempts_max = swept.attempts_max.max(attempts);
                written += swept.count(settled, is_first);
                if seen % PROGRESS_EVERY == 0 {
                    let (shard, elapsed_ms) = (partition.shard, elapsed_ms(started));
                    log_counts!(
                        swept.counts,
                        self.period,
                        "refill progress",
                        shard = shard,
                        done = seen,
                        per_second = seen * 1000 / elapsed_ms,
                        remaining = total.saturating_sub(seen)
                    );
                    swept.write_metrics();
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(written),
            }
        }
    }

    /// Settles an account for the sweep's month.
    ///
    /// An account that was missed for months may have nothing due in this month, and would stay listed. So its first missed
    /// month is turned then.
    async fn settle_from(
        &self,
        account: &AccountId,
        listed: Period,
    ) -> Result<DecisionReceipt, scrip_ledger::Error> {
        let applied = self.ledger.turn_month(account, self.period.start()).await?;
        let missed = listed.next();
        if missed < self.period && applied.entries.is_empty() {
            self.ledger.turn_month(account, missed.start()).await?;
            return self.ledger.turn_month(account, self.period.start()).await;
        }
        Ok(applied)
    }

    /// Settles an account. Returns the result, and how often the write was tried.
    async fn settle(&self, account: AccountId, listed: Period) -> Result<(AccountResult, u32), Error> {
        if Instant::now() >= self.until {
            return Err(
                format!("the time for {} is over: the next delivery settles the rest", self.period).into()
            );
        }
        let settled = match self.settle_from(&account, listed).await {
            Ok(applied) => {
                let mut entries = applied.entries.iter();
                let settled = if entries.clone().any(|entry| entry.event.kind() == EntryKind::Refill) {
                    AccountResult::Refilled
                } else if entries
                    .any(|entry| entry.event.kind() == EntryKind::Expiry && entry.change != Change::NONE)
                {
                    AccountResult::Expired
                } else {
                    AccountResult::Already
                };
                (settled, applied.attempts)
            }
            Err(error) => {
                let (account_id, period) = (account.as_str(), self.period.to_string());
                tracing::error!(account_id, period, cause = chain(&error), "refill failed");
                (AccountResult::Failed(account), error.attempts())
            }
        };
        Ok(settled)
    }
}

/// The partitions of the index that may list due accounts, newest first.
fn partitions(period: Period, shard: u64) -> impl Iterator<Item = DuePartition> {
    let months = std::iter::successors(Some(period.previous()), |month| Some(month.previous()));
    months.take(MONTHS_BACK_MAX).map(move |month| DuePartition { month, shard })
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
}

/// How many accounts are settled between two lines of progress.
const PROGRESS_EVERY: u64 = 1_000;

impl ShardResult {
    /// Writes the metrics of the accounts since the last call.
    fn write_metrics(&mut self) {
        let settled = self.counts.settled();
        let mut news = settled;
        for (news, reported) in news.iter_mut().zip(self.reported) {
            *news = news.saturating_sub(reported);
        }
        self.reported = settled;
        let attempts = Some(std::mem::take(&mut self.attempts_max)).filter(|attempts| *attempts > 0);
        let metrics: Vec<_> =
            Metric::swept(news).into_iter().chain(attempts.map(Metric::append_attempts)).collect();
        scrip_api::count(&metrics);
    }

    /// Counts an account. Returns 1 if it was written to, else 0. A later pass may list accounts of the first again, so it
    /// counts only those that it writes to.
    fn count(&mut self, settled: AccountResult, is_first: bool) -> u64 {
        let (written, counter) = match settled {
            AccountResult::Refilled => (1, &mut self.counts.refilled),
            AccountResult::Expired => (1, &mut self.counts.expired),
            AccountResult::Already => (0, &mut self.counts.already_settled),
            AccountResult::Failed(account) => {
                let is_new = u64::from(self.failed.insert(account));
                self.counts.due += is_new;
                self.counts.failed += is_new;
                return 0;
            }
        };
        if is_first || written > 0 {
            *counter += 1;
            self.counts.due += 1;
        }
        written
    }
}
