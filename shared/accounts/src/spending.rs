//! What an account's work took and what came back of it, added up from its entries by day or by operation.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use scrip_pricing::{Credits, Operation};
use serde::Serialize;

use crate::{DebitId, Entry, Event};

/// What spending is added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendingBy {
    /// The day of the entry, UTC: of a debit or capture the day it was made, of a reversal the day the credits came back.
    Day,
    /// The operation: of a reversal that of its debit.
    Operation,
}

/// What a row of spending is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendingOf {
    /// A day.
    Day(NaiveDate),
    /// An operation, by its name.
    Operation(&'static str),
}

/// What work took and gave back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// What debits and captures took, whatever came back of it.
    pub spent: Credits,
    /// What reversals gave back, with what of it paid what the account owed (rule 9).
    pub returned: Credits,
    /// How many debits and captures there were.
    pub jobs: u64,
}

impl Spent {
    fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            spent: self.spent.checked_add(other.spent)?,
            returned: self.returned.checked_add(other.returned)?,
            jobs: self.jobs.checked_add(other.jobs)?,
        })
    }
}

/// A sum is above [`Credits::MAX_OF_A_KIND`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sum is above {}", Credits::MAX_OF_A_KIND)]
pub struct SumLimit;

/// What the entries that were counted come to. They are counted newest first: so a reversal is seen before its debit,
/// whose operation it has, and only what came back of debits that weren't seen is remembered one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    by: SpendingBy,
    rows: BTreeMap<SpendingOf, Spent>,
    /// What came back of debits whose operation isn't known yet.
    unplaced: BTreeMap<DebitId, Spent>,
}

impl Spending {
    /// Nothing yet.
    #[must_use]
    pub fn new(by: SpendingBy) -> Self {
        Self { by, rows: BTreeMap::new(), unplaced: BTreeMap::new() }
    }

    /// Counts an entry.
    ///
    /// # Errors
    /// [`SumLimit`], far above what an account can spend in a quarter.
    pub fn count(&mut self, entry: &Entry) -> Result<(), SumLimit> {
        let day = SpendingOf::Day(entry.at.date_naive());
        match &entry.event {
            Event::Debit { operation, .. } => self.count_job(entry, operation, entry.change.taken()),
            Event::Capture { operation, captured, .. } => self.count_job(entry, operation, *captured),
            Event::Reversal { debit_id, offset, .. } => {
                let returned = entry.change.given().checked_add(*offset).ok_or(SumLimit)?;
                let returned = Spent { returned, ..Spent::default() };
                match self.by {
                    SpendingBy::Day => add(&mut self.rows, day, returned),
                    SpendingBy::Operation => add(&mut self.unplaced, debit_id.clone(), returned),
                }
            }
            // Credits that came or went for other reasons than work, or are set aside for work that isn't done yet.
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
            SpendingBy::Day => SpendingOf::Day(entry.at.date_naive()),
            SpendingBy::Operation => SpendingOf::Operation(operation.name()),
        };
        add(&mut self.rows, row, Spent { spent, jobs: 1, ..Spent::default() })?;
        self.place(entry)
    }

    /// Places what came back of a debit or captured hold under its operation. It isn't counted: it may be older than what
    /// is.
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
            Some(returned) => add(&mut self.rows, SpendingOf::Operation(operation.name()), returned),
            None => Ok(()),
        }
    }

    /// The debits that are still to be placed.
    #[must_use]
    pub fn unplaced(&self) -> Vec<DebitId> {
        self.unplaced.keys().cloned().collect()
    }

    /// The rows in which something happened: days from the oldest on, operations by their names.
    pub fn rows(&self) -> impl Iterator<Item = (SpendingOf, Spent)> {
        self.rows.iter().map(|(of, spent)| (*of, *spent))
    }

    /// The sum of the rows.
    ///
    /// # Errors
    /// [`SumLimit`].
    pub fn total(&self) -> Result<Spent, SumLimit> {
        let sum = self.rows.values().try_fold(Spent::default(), |sum, row| sum.checked_add(*row));
        sum.ok_or(SumLimit)
    }
}

/// Adds to a row.
fn add<K: Ord>(rows: &mut BTreeMap<K, Spent>, of: K, more: Spent) -> Result<(), SumLimit> {
    let row = rows.entry(of).or_default();
    *row = row.checked_add(more).ok_or(SumLimit)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use scrip_pricing::Operation;

    use super::*;
    use crate::{Account, Change, Sequence};

    /// What a test writes of an entry: when, its reference, and what happened.
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
    fn counted(by: SpendingBy, rows: &[Row]) -> Spending {
        let mut spending = Spending::new(by);
        for row in rows.iter().rev() {
            spending.count(&entry(row)).unwrap();
        }
        spending
    }

    fn table(spending: &Spending) -> Vec<(String, Credits, Credits, u64)> {
        let name = |of| match of {
            SpendingOf::Day(day) => day.to_string(),
            SpendingOf::Operation(name) => name.to_owned(),
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
            // What paid what was owed came back as well.
            ("2026-11-02T09:00:00Z", "a-2", GaveBack("a", c(1, 0, 0), c(2, 0, 0))),
            ("2026-11-02T09:00:00Z", "b-1", GaveBack("b", c(0, 0, 8), c(0, 0, 0))),
            ("2026-11-02T10:00:00Z", "c", Took("text_to_image", c(6, 0, 0))),
            ("2026-11-03T10:00:00Z", "won", Other(Event::DisputeWon)),
        ]
    }

    #[test]
    fn what_comes_back_counts_on_the_day_it_comes_back() {
        let spending = counted(SpendingBy::Day, &history());
        let expected = [
            ("2026-10-31".to_owned(), c(4, 0, 0), c(0, 0, 0), 1),
            ("2026-11-01".to_owned(), c(0, 1, 64), c(1, 0, 0), 1),
            ("2026-11-02".to_owned(), c(6, 0, 0), c(3, 0, 8), 1),
        ];
        assert_eq!(table(&spending), expected);
        assert!(spending.unplaced().is_empty());
        let total = Spent { spent: c(10, 1, 64), returned: c(4, 0, 8), jobs: 3 };
        assert_eq!(spending.total(), Ok(total));
    }

    #[test]
    fn what_comes_back_counts_for_the_operation_of_its_debit() {
        let spending = counted(SpendingBy::Operation, &history());
        let expected = [
            ("text_to_image".to_owned(), c(10, 0, 0), c(4, 0, 0), 2),
            ("train_tune".to_owned(), c(0, 1, 64), c(0, 0, 8), 1),
        ];
        assert_eq!(table(&spending), expected);
        assert!(spending.unplaced().is_empty());
        assert_eq!(spending.total(), counted(SpendingBy::Day, &history()).total());
    }

    #[test]
    fn a_debit_before_the_range_places_what_came_back_of_it_and_isnt_counted() {
        let history = history();
        let mut spending = counted(SpendingBy::Operation, &history[3..]);
        let only = [("text_to_image".to_owned(), c(6, 0, 0), c(0, 0, 0), 1)];
        assert_eq!(table(&spending), only);
        assert_eq!(spending.unplaced(), ["a", "b"].map(|id| DebitId::parse(id).unwrap()));
        // What isn't a debit, or none that is waited for, changes nothing.
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
        let mut spending = counted(SpendingBy::Day, std::slice::from_ref(&took));
        assert_eq!(spending.count(&entry(&took)), Err(SumLimit));
        let next_day: Row = ("2026-11-02T00:00:00Z", "b", Took("train_tune", max));
        spending.count(&entry(&next_day)).unwrap();
        assert_eq!(spending.total(), Err(SumLimit));
        assert_eq!(SumLimit.to_string(), "a sum is above 1000000000000");
    }

    #[test]
    fn nothing_is_no_rows() {
        for by in [SpendingBy::Day, SpendingBy::Operation] {
            let spending = Spending::new(by);
            assert_eq!((spending.rows().count(), spending.total()), (0, Ok(Spent::default())));
        }
    }
}
