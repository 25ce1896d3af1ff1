//! Periods of subscriptions, and shares of them.
//!
//! Invariant: every period is counted from the anchor, never from the period before it, so that what
//! began on a 31st is back on the 31st after a shorter month.

use chrono::{DateTime, Months, TimeDelta, Utc};

/// The anchor's day and time, that many months on; the month's last day where it has no such day.
pub fn after(anchor: DateTime<Utc>, months: u32) -> DateTime<Utc> {
    anchor.checked_add_months(Months::new(months)).expect("a period within the calendar")
}

/// The share of a price for what is left of a period, to the second, rounded to the nearest cent.
pub fn share(cents: i64, left: TimeDelta, whole: TimeDelta) -> i64 {
    let (left, whole) = (i128::from(left.num_seconds()), i128::from(whole.num_seconds()));
    let doubled = 2 * i128::from(cents) * left + whole;
    i64::try_from(doubled.div_euclid(2 * whole)).expect("a share is smaller than the price")
}
