//! An account's spending on a range of days, summed from its entries.
//!
//! Times rise with sequences. So the newest entry of the range is found by binary search, with one request a step,
//! unless it is the account's newest entry. One more request checks that the range doesn't have too many entries. Then
//! entries are read downwards, in pages that double, until one is older than the range; so the entries that are read in
//! vain are fewer than those of the range and a page. Entries never change, so the answer is consistent even if others
//! write meanwhile.
//!
//! A reversal doesn't name the operation of its debit. Most debits are in the range, or in the last page. An older one
//! is found by its claim, which names its entry since it was reversed; this takes two requests each. (A transaction
//! could read a hundred at once, but it would make the function's zip 35 KB larger for a rare case.)

use chrono::{DateTime, Utc};
use scrip_accounts::{
    AccountId, CommandKey, Days, DebitId, Entry, Sequence, Spending, SpendingGrouping, SumLimit,
};

use crate::{Error, Ledger, backoff::persist, error::Failure, related::KeyState, scan::RaisePolicy};

/// The most entries of a range. By estimate they take 9 s of a function's 15: 200 requests, and 18 µs of a CPU for each
/// entry, of which a function with 256 MB has a seventh.
pub const SPENDING_ENTRIES_MAX: u64 = 50_000;
/// The most debits before the range that are read because they were reversed in it. By estimate they take 3 s.
pub const EARLIER_DEBITS_MAX: usize = 250;
/// The entries of the first page, which is as many as a typical user has in a month. Each further page is twice as
/// large, up to 255 entries; the largest of these fit into the megabyte of a query's page.
const PAGE_ENTRIES_FIRST: u8 = 32;

const DOING: &str = "add up what was spent";

/// The limit that a range exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpendingLimit {
    /// More than [`SPENDING_ENTRIES_MAX`] entries are in the range.
    Entries,
    /// More than [`EARLIER_DEBITS_MAX`] debits before the range were reversed in it.
    EarlierDebits,
}

impl Ledger {
    /// Sums the credits that an account's work took and got back on these days, or returns the limit that they exceed.
    ///
    /// # Errors
    /// Those of [`Ledger::account`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_accounts::{AccountId, Days, SpendingGrouping};
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), Box<dyn std::error::Error>> {
    /// let alice = AccountId::parse("alice")?;
    /// let november = Days::new("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap())?;
    /// if let Ok(spending) = ledger.spending(&alice, november, SpendingGrouping::Day).await? {
    ///     println!("{} jobs", spending.total()?.jobs);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn spending(
        &self,
        account_id: &AccountId,
        days: Days,
        by: SpendingGrouping,
    ) -> Result<Result<Spending, SpendingLimit>, Error> {
        let mut spending = Spending::new(by);
        let newest = self.newest_before(account_id, days.end()).await?;
        if let Some(beyond) = newest.get().checked_sub(SPENDING_ENTRIES_MAX).filter(|beyond| *beyond > 0)
            && self.time_of(account_id, Sequence::new(beyond)).await? >= days.start()
        {
            return Ok(Err(SpendingLimit::Entries));
        }
        self.count_down(account_id, newest, days.start(), &mut spending).await?;
        let earlier = spending.unplaced();
        if earlier.len() > EARLIER_DEBITS_MAX {
            return Ok(Err(SpendingLimit::EarlierDebits));
        }
        for debit_id in &earlier {
            place(&mut spending, &self.reversed_debit(account_id, debit_id).await?)?;
        }
        Ok(Ok(spending))
    }

    /// Finds the newest entry before a time; [`Sequence::NONE`] if there is none.
    async fn newest_before(&self, account_id: &AccountId, end: DateTime<Utc>) -> Result<Sequence, Error> {
        let newest = self.entries(account_id, None, 1).await?.entries.pop();
        let Some(newest) = newest else { return Ok(Sequence::NONE) };
        if newest.at < end {
            return Ok(newest.account.sequence);
        }
        // `before` is an entry before `end`, or 0; `after` is one that isn't. For 12 digits it takes 40 steps.
        let (mut before, mut after) = (0, newest.account.sequence.get());
        while after - before > 1 {
            let middle = before.midpoint(after);
            let is_before = self.time_of(account_id, Sequence::new(middle)).await? < end;
            if is_before {
                before = middle;
            } else {
                after = middle;
            }
        }
        Ok(Sequence::new(before))
    }

    /// Reads the time of an entry that is known to exist.
    async fn time_of(&self, account_id: &AccountId, sequence: Sequence) -> Result<DateTime<Utc>, Error> {
        let stored = persist(|| async {
            // Entries are never deleted, so it is still being written.
            self.entry(account_id, sequence).await?.ok_or_else(Failure::contended)
        });
        Ok(stored.await?.entry.at)
    }

    /// Counts the entries from `newest` down to `start`. Entries of the last page that are before `start` aren't
    /// counted, but they may be the debits of reversals in the range.
    async fn count_down(
        &self,
        account_id: &AccountId,
        newest: Sequence,
        start: DateTime<Utc>,
        spending: &mut Spending,
    ) -> Result<(), Error> {
        let (mut newest, mut limit) = (newest, PAGE_ENTRIES_FIRST);
        // It ends at an entry before `start`, or after the account's first entry.
        while newest != Sequence::NONE {
            let entries = persist(|| self.unbroken(account_id, newest, limit)).await?;
            for entry in &entries {
                if entry.at < start {
                    place(spending, entry)?;
                } else {
                    spending.count(entry).map_err(too_much)?;
                }
            }
            if entries.last().is_some_and(|oldest| oldest.at < start) {
                break;
            }
            newest = Sequence::new(newest.get().saturating_sub(entries.len() as u64));
            limit = limit.saturating_mul(2);
        }
        Ok(())
    }

    /// Reads a page of entries that begins with `newest`.
    async fn unbroken(
        &self,
        account_id: &AccountId,
        newest: Sequence,
        limit: u8,
    ) -> Result<Vec<Entry>, Failure> {
        let entries = self.entries_from(account_id, newest, limit).await?;
        let begins = entries.first().is_some_and(|entry| entry.account.sequence == newest);
        if begins { Ok(entries) } else { Err(Failure::contended()) }
    }

    /// Reads the entry of a debit that was reversed.
    async fn reversed_debit(&self, account_id: &AccountId, id: &DebitId) -> Result<Entry, Error> {
        let key = CommandKey::Debit(id.clone());
        match persist(|| self.key_state(account_id, &key, RaisePolicy::Nothing)).await? {
            KeyState::Found(_, stored) => Ok(stored.entry),
            KeyState::Absent | KeyState::Unfinished(_) => {
                Err(Error::internal(DOING, "a debit that was reversed is missing"))
            }
        }
    }
}

fn place(spending: &mut Spending, debit: &Entry) -> Result<(), Error> {
    spending.place(debit).map_err(too_much)
}

fn too_much(limit: SumLimit) -> Error {
    Error::internal(DOING, limit)
}
