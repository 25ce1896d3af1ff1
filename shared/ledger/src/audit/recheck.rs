//! Reads the rows of findings again. A table in use changes while it is read, so a row and those that belong to it may
//! be of different moments.

use std::collections::HashSet;

use aws_sdk_dynamodb::operation::query::QueryInput;
use scrip_accounts::{AccountId, CommandKey, Sequence};

use super::{
    auditor::Auditor,
    facts::key_of,
    finding::{Finding, Row},
    history::Order,
    place::Place,
    problem::Problem,
    report::Report,
};
use crate::{
    Error, Ledger,
    backoff::persist,
    error::{Failure, classify},
    items::{self, Item},
    keys::{self, Key},
};

/// The most readings of an account while others write to it.
const READS_MAX: u32 = 5;

/// The rows of an account in one reading.
struct Partition {
    auditor: Auditor,
    newest: Sequence,
    /// The rows of the claims of entries with findings.
    claims: HashSet<Row>,
}

impl Ledger {
    /// Reads the rows of one account's findings again, and reports the findings that remain, with their repairs.
    ///
    /// The account's rows are read first, then those that belong to them. If another entry was appended meanwhile, all
    /// are read again, a few times. If that never succeeds, the account is reported as undecided, without repairs,
    /// because its rows were of different moments.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if throttling or faults outlast the attempts, [`Error::Internal`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_ledger::audit::Finding;
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger, found: Vec<Finding>) -> Result<(), scrip_ledger::Error> {
    /// let remaining = ledger.recheck(found).await?;
    /// println!("{} findings remain", remaining.findings.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recheck(&self, found: Vec<Finding>) -> Result<Report, Error> {
        let account_id = found.iter().find_map(|finding| finding.account_id.clone());
        let mut report = Report { findings: found, ..Report::default() };
        for _ in 0..READS_MAX {
            let (mut again, is_quiet) = self.read_again(account_id.as_ref(), &report.findings).await?;
            let before: HashSet<_> = report.findings.iter().map(mark).collect();
            again.findings.retain(|finding| before.contains(&mark(finding)));
            let rows: HashSet<_> = again.findings.iter().map(|finding| &finding.row).collect();
            again.repairs.retain(|repair| rows.contains(&repair.row));
            report = again;
            if is_quiet || report.findings.is_empty() {
                return Ok(report);
            }
        }
        report.repairs.clear();
        report.findings.truncate(1);
        for finding in &mut report.findings {
            (finding.problem, finding.is_repairable) = (Problem::Undecided, false);
        }
        Ok(report)
    }

    /// Makes one reading; also returns whether no entry was written meanwhile.
    async fn read_again(
        &self,
        account_id: Option<&AccountId>,
        found: &[Finding],
    ) -> Result<(Report, bool), Error> {
        let sought: HashSet<&str> = found.iter().map(|finding| finding.row.sk.as_str()).collect();
        let mut read = Partition {
            auditor: Auditor::new(Order::Sorted),
            newest: Sequence::NONE,
            claims: HashSet::new(),
        };
        if let Some(account_id) = account_id {
            self.read_partition(account_id, &sought, &mut read).await?;
        }
        let partition = account_id.map(keys::account);
        let others = found.iter().map(|finding| &finding.row);
        let others = others.filter(|row| Some(&row.pk) != partition.as_ref()).cloned();
        let others: HashSet<Row> = others.chain(read.claims).collect();
        for row in others {
            let item = persist(|| self.item_again(&row)).await?;
            if let Some(item) = item {
                read.auditor.take(item);
            }
        }
        let newest = match account_id {
            Some(account_id) => persist(|| self.newest_sequence(account_id)).await?,
            None => read.newest,
        };
        Ok((read.auditor.finish()?, newest == read.newest))
    }

    /// Reads an account's rows, and collects the claims of the sought entries.
    async fn read_partition(
        &self,
        account_id: &AccountId,
        sought: &HashSet<&str>,
        read: &mut Partition,
    ) -> Result<(), Error> {
        let mut start = None;
        loop {
            let (items, next) = persist(|| self.partition_page(account_id, start.clone())).await?;
            for item in items {
                let sk = item.get(keys::SK).and_then(|sk| sk.as_s().ok()).map_or("", String::as_str);
                if let Some(Place::Entry(_, sequence)) = Place::of(&keys::account(account_id), sk) {
                    read.newest = sequence;
                    if sought.contains(sk) {
                        read.claims.extend(claim_of(account_id, item.clone()));
                    }
                }
                read.auditor.take(item);
            }
            match next {
                Some(next) => start = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn item_again(&self, row: &Row) -> Result<Option<Item>, Failure> {
        let item = self.get(Key::from(row.clone())).await;
        item.map_err(|error| classify("read a row again", error))
    }

    async fn partition_page(
        &self,
        account_id: &AccountId,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), Failure> {
        let query = QueryInput::builder()
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_values(":pk", items::text(keys::account(account_id)))
            .consistent_read(true)
            .set_exclusive_start_key(start);
        let answer = self.query(query).await.map_err(|error| classify("read an account again", error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Reads the newest entry's sequence from its key, because the entry itself may be unreadable.
    async fn newest_sequence(&self, account_id: &AccountId) -> Result<Sequence, Failure> {
        let query = QueryInput::builder()
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :entry)")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", items::text(keys::account(account_id)))
            .expression_attribute_values(":entry", items::text(keys::ENTRY_PREFIX))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(1);
        let answer = self.query(query).await.map_err(|error| classify("read the newest entry", error))?;
        let newest = answer.items.unwrap_or_default().into_iter().next();
        let sk = newest.and_then(|mut item| item.remove(keys::SK));
        let sk = sk.as_ref().and_then(|sk| sk.as_s().ok()).map(String::as_str).unwrap_or_default();
        Ok(match Place::of(&keys::account(account_id), sk) {
            Some(Place::Entry(_, sequence)) => sequence,
            _ => Sequence::NONE,
        })
    }
}

/// The identity of a finding across readings: its row and its code.
fn mark(finding: &Finding) -> (&Row, &'static str) {
    (&finding.row, finding.problem.code())
}

/// The row of an entry's claim.
fn claim_of(account_id: &AccountId, item: Item) -> Option<Row> {
    let stored = items::read_entry(item).ok()?;
    let key: CommandKey = key_of(&stored.entry).ok()??;
    Some(keys::operation(account_id, &key).into())
}
