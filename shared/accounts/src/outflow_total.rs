//! The sum of a payment's refunds and disputes (docs/rules.md, rule 8).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Period;

/// The sum of the money of a payment that is refunded, disputed, or about to be refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutflowTotal {
    /// The sum, at most the amount that was paid.
    pub amount: u64,
    /// The time of the last outflow. Those after the whole amount is gone don't count.
    pub at: Option<DateTime<Utc>>,
    /// The part of the sum that went in the month of `at`.
    pub in_month: u64,
}

impl OutflowTotal {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The part that went in a month.
    pub(crate) fn within(&self, month: Period) -> u64 {
        if self.at.map(Period::of) == Some(month) { self.in_month } else { 0 }
    }

    /// The sum when a month began, which is the sum now unless money went in that month.
    pub(crate) fn before(&self, month: Period) -> Self {
        match self.within(month) {
            0 => *self,
            within => Self { amount: self.amount.saturating_sub(within), at: None, in_month: 0 },
        }
    }
}
