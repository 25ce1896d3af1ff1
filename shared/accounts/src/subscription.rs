//! A subscription as an account's entries carry it: what a debit, a quote or the turn of a month needs of it.
//!
//! What was paid for it and when is kept in its [`SubscriptionRecord`](crate::SubscriptionRecord).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Period, SubscriptionId};

/// A plan that was subscribed to, and how long it is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The provider's id.
    pub id: SubscriptionId,
    /// The plan's name in the catalog.
    pub plan: String,
    /// Playground credits a month, from the next refill on: quantity counted in, or as agreed for a custom plan.
    pub allowance: u64,
    /// Where it stands at the provider.
    #[serde(default, skip_serializing_if = "SubscriptionStatus::is_active")]
    pub status: SubscriptionStatus,
    /// The moment from which on nothing is paid.
    pub paid_through: DateTime<Utc>,
    /// Playground credits of this month that its payments stand for: what they brought less what went back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub backed: u64,
}

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// In order.
    #[default]
    Active,
    /// A payment failed.
    PastDue,
    /// It was ended, or the money that it stands on went back.
    Canceled,
}

impl SubscriptionStatus {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A plan, and what it gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Terms {
    /// Playground credits a month, quantity counted in.
    pub allowance: u64,
    /// The plan's name in the catalog.
    pub plan: String,
}

impl Subscription {
    /// Whether it is paid for at a moment (rule 2).
    #[must_use]
    pub fn is_paid(&self, now: DateTime<Utc>) -> bool {
        self.paid_through > now
    }

    /// Whether it is over: it may no longer be paid for, or changed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.status == SubscriptionStatus::Canceled
    }

    /// Where it stands at a moment: past due as well if the paid time is over and no renewal was paid.
    #[must_use]
    pub fn status_at(&self, now: DateTime<Utc>) -> SubscriptionStatus {
        match self.status {
            SubscriptionStatus::Active if !self.is_paid(now) => SubscriptionStatus::PastDue,
            status => status,
        }
    }

    /// Begins a month: the refill gives its allowance if it is paid into the month.
    pub(crate) fn turn_month(&mut self, month: Period) {
        self.backed = if self.is_paid(month.start()) { self.allowance } else { 0 };
    }
}

#[cfg(test)]
impl Subscription {
    /// A basic plan that is paid through a moment and had this month's refill.
    pub(crate) fn of_basic(paid_through: DateTime<Utc>) -> Self {
        Self {
            id: SubscriptionId::parse("sub").unwrap(),
            plan: "basic".into(),
            allowance: 1000,
            status: SubscriptionStatus::Active,
            paid_through,
            backed: 1000,
        }
    }
}
