//! How much of a payment's money is gone, and the credits that belong to that part (rule 8).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Period;

/// How much of a payment is gone: refunded, disputed, or about to be refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gone {
    /// In all, at most what was paid.
    pub amount: u64,
    /// When the last of it went: what goes after all is gone doesn't count.
    pub at: Option<DateTime<Utc>>,
    /// What of it went in the month of `at`.
    pub in_month: u64,
}

impl Gone {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn within(&self, month: Period) -> u64 {
        if self.at.map(Period::of) == Some(month) { self.in_month } else { 0 }
    }

    /// How much was gone when a month began; for a month in which nothing went, what is gone now.
    pub(crate) fn before(&self, month: Period) -> Self {
        match self.within(month) {
            0 => *self,
            within => Self { amount: self.amount.saturating_sub(within), at: None, in_month: 0 },
        }
    }
}

/// The part of some credits that the money stands for, rounded down.
pub(crate) fn share(credits: u64, part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return 0;
    }
    let share = u128::from(credits) * u128::from(part.min(whole)) / u128::from(whole);
    u64::try_from(share).unwrap_or(credits)
}
