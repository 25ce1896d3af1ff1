//! An account's spending: the credits that its work took and got back, summed from its entries by day or by operation.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use scrip_pricing::{Credits, Operation};
use serde::Serialize;

use crate::{DebitId, Entry, Event};

/// The grouping of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendingGrouping {
    /// By the day of the entry in UTC. A reversal counts on the day on which the credits came back.
    Day,
    /// By operation. A reversal counts for the operation of its debit.
    Operation,
}

/// The day or operation of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendingGroup {
    /// A day.
    Day(NaiveDate),
    /// An operation, by its name.
    Operation(&'static str),
}

/// The credits that work took and got back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SpendingTotals {
    /// The credits that debits and captures took, before reversals.
    pub spent: Credits,
    /// The credits that reversals gave back, including those that paid owed credits (rule 9).
    pub returned: Credits,
    /// The number of debits and captures.
    pub jobs: u64,
}

impl SpendingTotals {
    fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            spent: self.spent.checked_add(other.spent)?,
            returned: self.returned.checked_add(other.returned)?,
            jobs: self.jobs.checked_add(other.jobs)?,
        })
    }
}

/// A sum above [`Credits::MAX_OF_A_KIND`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sum is above {}", Credits::MAX_OF_A_KIND)]
pub struct SumLimit;

/// The sums of the entries that were counted.
///
/// Entries must be counted newest first. A reversal then comes before its debit, whose operation it counts for; its
/// credits are kept apart until that debit is counted or placed.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, Command, CommandState, Debit, DebitId, Spending, SpendingGrouping};
/// use scrip_pricing::Credits;
///
/// let debit = Debit {
///     id: DebitId::parse("job-1")?,
///     request: serde_json::from_str(r#"{"operation":"upscale","factor":4,"images":3}"#)?,
/// };
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let account = Account { balance: Credits::new(10, 0, 0), ..Account::unseen(now) };
/// let entry = debit.decide(&CommandState::of_account(&account, now)).unwrap().entry;
///
/// let mut spending = Spending::new(SpendingGrouping::Operation);
/// spending.count(&entry)?;
/// let total = spending.total()?;
/// assert_eq!((total.spent, total.jobs), (Credits::new(6, 0, 0), 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    by: SpendingGrouping,
    rows: BTreeMap<SpendingGroup, SpendingTotals>,
    /// The credits that came back for debits whose operation isn't known yet.
    unplaced: BTreeMap<DebitId, SpendingTotals>,
}

impl Spending {
    /// Sums of no entries.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Spending, SpendingGrouping};
    ///
    /// assert_eq!(Spending::new(SpendingGrouping::Day).rows().count(), 0);
    /// ```
    #[must_use]
    pub fn new(by: SpendingGrouping) -> Self {
        Self { by, rows: BTreeMap::new(), unplaced: BTreeMap::new() }
    }

    /// Counts an entry.
    ///
    /// # Errors
    /// [`SumLimit`] if a sum is too large, which is far above what an account can spend in a quarter.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Account, Change, Entry, Spending, SpendingGrouping};
    ///
    /// let at = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let event = serde_json::from_str(r#"{"kind":"refill"}"#).unwrap();
    /// let (change, reference, account) = (Change::new(1000, 0, 0), "2026-11".to_owned(), Account::unseen(at));
    /// let mut spending = Spending::new(SpendingGrouping::Day);
    /// spending.count(&Entry { event, change, reference, at, low: vec![], account }).unwrap();
    /// assert_eq!(spending.rows().count(), 0);
    /// ```
    pub fn count(&mut self, entry: &Entry) -> Result<(), SumLimit> {
        let day = SpendingGroup::Day(entry.at.date_naive());
        match &entry.event {
            Event::Debit { operation, .. } => self.count_job(entry, operation, entry.change.taken()),
            Event::Capture { operation, captured, .. } => self.count_job(entry, operation, *captured),
            Event::Reversal { debit_id, offset, .. } => {
                let returned = entry.returned(*offset).ok_or(SumLimit)?;
                let returned = SpendingTotals { returned, ..SpendingTotals::default() };
                match self.by {
                    SpendingGrouping::Day => add(&mut self.rows, day, returned),
                    SpendingGrouping::Operation => add(&mut self.unplaced, debit_id.clone(), returned),
                }
            }
            // These credits moved for other reasons than work, or are set aside for work that isn't done yet.
            Event::Hold { .. }
            | Event::Release { .. }
            | Event::Purchase
            | Event::Refill
            | Event::Expiry
            | Event::Adjustment { .. }
            | Event::Subscription
            | Event::Refund { .. }
            | Event::RefundFailed
            | Event::Dispute { .. }
            | Event::DisputeWon => Ok(()),
        }
    }

    fn count_job(&mut self, entry: &Entry, operation: &Operation, spent: Credits) -> Result<(), SumLimit> {
        let row = match self.by {
            SpendingGrouping::Day => SpendingGroup::Day(entry.at.date_naive()),
            SpendingGrouping::Operation => SpendingGroup::Operation(operation.name()),
        };
        add(&mut self.rows, row, SpendingTotals { spent, jobs: 1, ..SpendingTotals::default() })?;
        self.place(entry)
    }

    /// Attributes the credits that came back for a debit or captured hold to its operation. The debit itself is not
    /// counted, because it may be older than the range.
    ///
    /// # Errors
    /// [`SumLimit`].
    pub fn place(&mut self, debit: &Entry) -> Result<(), SumLimit> {
        if self.unplaced.is_empty() {
            return Ok(());
        }
        let (Event::Debit { operation, .. }
        | Event::Hold { operation, .. }
        | Event::Capture { operation, .. }) = &debit.event
        else {
            return Ok(());
        };
        let id = DebitId::parse(debit.reference.as_str()).ok();
        match id.and_then(|id| self.unplaced.remove(&id)) {
            Some(returned) => add(&mut self.rows, SpendingGroup::Operation(operation.name()), returned),
            None => Ok(()),
        }
    }

    /// The debits whose operation is still unknown: they must be placed.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Account, Change, Entry, Spending, SpendingGrouping};
    ///
    /// let at = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let event = serde_json::from_str(r#"{"kind":"reversal","debit_id":"job-1"}"#).unwrap();
    /// let (change, reference, account) = (Change::new(6, 0, 0), "job-1-failed".to_owned(), Account::unseen(at));
    /// let mut spending = Spending::new(SpendingGrouping::Operation);
    /// spending.count(&Entry { event, change, reference, at, low: vec![], account }).unwrap();
    /// assert_eq!(spending.unplaced()[0].as_str(), "job-1");
    /// ```
    #[must_use]
    pub fn unplaced(&self) -> Vec<DebitId> {
        self.unplaced.keys().cloned().collect()
    }

    /// The rows that have entries: days from the oldest on, or operations in alphabetical order.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Account, Change, Entry, Spending, SpendingGrouping};
    ///
    /// let at = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let event = serde_json::from_str(r#"{"kind":"reversal","debit_id":"job-1"}"#).unwrap();
    /// let (change, reference, account) = (Change::new(6, 0, 0), "job-1-failed".to_owned(), Account::unseen(at));
    /// let mut spending = Spending::new(SpendingGrouping::Day);
    /// spending.count(&Entry { event, change, reference, at, low: vec![], account }).unwrap();
    /// assert_eq!(spending.rows().next().unwrap().1.returned, scrip_pricing::Credits::new(6, 0, 0));
    /// ```
    pub fn rows(&self) -> impl Iterator<Item = (SpendingGroup, SpendingTotals)> {
        self.rows.iter().map(|(of, spent)| (*of, *spent))
    }

    /// The sum of the rows.
    ///
    /// # Errors
    /// [`SumLimit`].
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Spending, SpendingGrouping, SpendingTotals};
    ///
    /// assert_eq!(Spending::new(SpendingGrouping::Day).total(), Ok(SpendingTotals::default()));
    /// ```
    pub fn total(&self) -> Result<SpendingTotals, SumLimit> {
        let sum = self.rows.values().try_fold(SpendingTotals::default(), |sum, row| sum.checked_add(*row));
        sum.ok_or(SumLimit)
    }
}

/// Adds to a row.
fn add<K: Ord>(rows: &mut BTreeMap<K, SpendingTotals>, of: K, more: SpendingTotals) -> Result<(), SumLimit> {
    let row = rows.entry(of).or_default();
    *row = row.checked_add(more).ok_or(SumLimit)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use scrip_pricing::Operation;

    use super::*;
    use crate::{Account, Change, Sequence};

    /// An entry in short: its time, its reference, and its event.
    type Row = (&'static str, &'static str, What);

    enum What {
        /// An operation, for credits.
        Took(&'static str, Credits),
        /// Of a debit: what was given, and what paid what was owed.
        GaveBack(&'static str, Credits, Credits),
        /// Anything else that moves credits.
        Other(Event),
    }
    use What::{GaveBack, Other, Took};

    fn c(playground: u64, tune: u64, tune_image: u64) -> Credits {
        Credits::new(playground, tune, tune_image)
    }

    fn operation(name: &str) -> Operation {
        let operation = match name {
            "text_to_image" => serde_json::json!({"operation": name, "width": 512, "height": 512}),
            "upscale" => serde_json::json!({"operation": name, "factor": 2}),
            name => serde_json::json!({"operation": name}),
        };
        serde_json::from_value(operation).unwrap()
    }

    fn entry((at, reference, what): &Row) -> Entry {
        let at = at.parse().unwrap();
        let (event, change) = match what {
            Took(name, credits) => {
                let catalog_version = "2026-11-01".to_owned();
                let operation = operation(name);
                (Event::Debit { operation, deferred_images: 0, catalog_version }, Change::take(*credits))
            }
            GaveBack(debit, given, offset) => {
                let debit_id = DebitId::parse(*debit).unwrap();
                (Event::Reversal { debit_id, offset: *offset, reason: None }, Change::give(*given))
            }
            Other(event) => (event.clone(), Change::take(c(7, 7, 7))),
        };
        let account = Account { sequence: Sequence::new(1), ..Account::unseen(at) };
        let (change, reference) = (change.unwrap(), (*reference).to_owned());
        Entry { event, change, reference, at, low: Vec::new(), account }
    }

    /// Counts entries, which are written as they happened: oldest first.
    fn counted(by: SpendingGrouping, rows: &[Row]) -> Spending {
        let mut spending = Spending::new(by);
        for row in rows.iter().rev() {
            spending.count(&entry(row)).unwrap();
        }
        spending
    }

    fn table(spending: &Spending) -> Vec<(String, Credits, Credits, u64)> {
        let name = |of| match of {
            SpendingGroup::Day(day) => day.to_string(),
            SpendingGroup::Operation(name) => name.to_owned(),
        };
        spending.rows().map(|(of, row)| (name(of), row.spent, row.returned, row.jobs)).collect()
    }

    fn history() -> [Row; 9] {
        [
            ("2026-10-31T23:59:59.999Z", "a", Took("text_to_image", c(4, 0, 0))),
            ("2026-11-01T00:00:00Z", "2026-10", Other(Event::Expiry)),
            ("2026-11-01T00:00:00Z", "b", Took("train_tune", c(0, 1, 64))),
            ("2026-11-01T08:00:00Z", "refund", Other(Event::Refund { spent: c(1, 0, 0) })),
            ("2026-11-01T09:00:00Z", "a-1", GaveBack("a", c(1, 0, 0), c(0, 0, 0))),
            // Credits that paid owed ones count as reversed as well.
            ("2026-11-02T09:00:00Z", "a-2", GaveBack("a", c(1, 0, 0), c(2, 0, 0))),
            ("2026-11-02T09:00:00Z", "b-1", GaveBack("b", c(0, 0, 8), c(0, 0, 0))),
            ("2026-11-02T10:00:00Z", "c", Took("text_to_image", c(6, 0, 0))),
            ("2026-11-03T10:00:00Z", "won", Other(Event::DisputeWon)),
        ]
    }

    #[test]
    fn reversed_credits_count_on_the_day_of_the_reversal() {
        let spending = counted(SpendingGrouping::Day, &history());
        let expected = [
            ("2026-10-31".to_owned(), c(4, 0, 0), c(0, 0, 0), 1),
            ("2026-11-01".to_owned(), c(0, 1, 64), c(1, 0, 0), 1),
            ("2026-11-02".to_owned(), c(6, 0, 0), c(3, 0, 8), 1),
        ];
        assert_eq!(table(&spending), expected);
        assert!(spending.unplaced().is_empty());
        let total = SpendingTotals { spent: c(10, 1, 64), returned: c(4, 0, 8), jobs: 3 };
        assert_eq!(spending.total(), Ok(total));
    }

    #[test]
    fn reversed_credits_count_for_the_operation_of_the_debit() {
        let spending = counted(SpendingGrouping::Operation, &history());
        let expected = [
            ("text_to_image".to_owned(), c(10, 0, 0), c(4, 0, 0), 2),
            ("train_tune".to_owned(), c(0, 1, 64), c(0, 0, 8), 1),
        ];
        assert_eq!(table(&spending), expected);
        assert!(spending.unplaced().is_empty());
        assert_eq!(spending.total(), counted(SpendingGrouping::Day, &history()).total());
    }

    #[test]
    fn a_debit_before_the_range_places_its_reversals_and_isnt_counted() {
        let history = history();
        let mut spending = counted(SpendingGrouping::Operation, &history[3..]);
        let only = [("text_to_image".to_owned(), c(6, 0, 0), c(0, 0, 0), 1)];
        assert_eq!(table(&spending), only);
        assert_eq!(spending.unplaced(), ["a", "b"].map(|id| DebitId::parse(id).unwrap()));
        // An entry that isn't a debit, or isn't one with unplaced reversals, changes nothing.
        spending.place(&entry(&history[1])).unwrap();
        spending.place(&entry(&("2026-10-01T00:00:00Z", "d", Took("upscale", c(1, 0, 0))))).unwrap();
        assert_eq!(table(&spending), only);
        // A reversal may have the id of a debit.
        spending
            .place(&entry(&("2026-10-01T00:00:00Z", "a", GaveBack("x", c(1, 0, 0), c(0, 0, 0)))))
            .unwrap();
        spending.place(&entry(&history[2])).unwrap();
        spending.place(&entry(&history[0])).unwrap();
        spending.place(&entry(&history[0])).unwrap();
        let expected = [
            ("text_to_image".to_owned(), c(6, 0, 0), c(4, 0, 0), 1),
            ("train_tune".to_owned(), c(0, 0, 0), c(0, 0, 8), 0),
        ];
        assert_eq!(table(&spending), expected);
        assert!(spending.unplaced().is_empty());
    }

    #[test]
    fn a_sum_that_no_number_of_credits_holds_is_no_sum() {
        let max = c(Credits::MAX_OF_A_KIND, 0, 0);
        let took: Row = ("2026-11-01T00:00:00Z", "a", Took("train_tune", max));
        let mut spending = counted(SpendingGrouping::Day, std::slice::from_ref(&took));
        assert_eq!(spending.count(&entry(&took)), Err(SumLimit));
        let next_day: Row = ("2026-11-02T00:00:00Z", "b", Took("train_tune", max));
        spending.count(&entry(&next_day)).unwrap();
        assert_eq!(spending.total(), Err(SumLimit));
        assert_eq!(SumLimit.to_string(), "a sum is above 1000000000000");
    }

    #[test]
    fn no_entries_give_no_rows() {
        for by in [SpendingGrouping::Day, SpendingGrouping::Operation] {
            let spending = Spending::new(by);
            assert_eq!((spending.rows().count(), spending.total()), (0, Ok(SpendingTotals::default())));
        }
    }
}
