//! A subscription as an account's entries carry it: the part that a debit, a quote or the month's turn needs.
//!
//! Its payments are in its [`SubscriptionRecord`](crate::SubscriptionRecord).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Period, PlanName, SubscriptionId};

/// A subscription to a plan, and the time up to which it is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The provider's id.
    pub id: SubscriptionId,
    /// The plan's name in the catalog.
    pub plan: PlanName,
    /// Playground credits a month, from the next refill on, for the whole quantity. For a custom plan it is the agreed
    /// number.
    pub allowance: u64,
    /// Its status at Stripe.
    #[serde(default, skip_serializing_if = "SubscriptionStatus::is_active")]
    pub status: SubscriptionStatus,
    /// The end of the time that is paid for, exclusive.
    pub paid_through: DateTime<Utc>,
    /// Playground credits of this month that its payments back: those that they granted, without those of money that
    /// was refunded or disputed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub backed: u64,
}

/// The status of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// Every payment was made.
    #[default]
    Active,
    /// A payment failed.
    PastDue,
    /// It ended, or its payment was refunded or disputed.
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

/// A plan and its monthly allowance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Terms {
    /// Playground credits a month, for the whole quantity.
    pub allowance: u64,
    /// The plan's name in the catalog.
    pub plan: PlanName,
}

impl Subscription {
    /// Whether it is paid for at a given time (rule 2).
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Subscription;
    ///
    /// let json = r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let basic: Subscription = serde_json::from_str(json)?;
    /// assert!(basic.is_paid("2026-12-03T08:59:59Z".parse().unwrap()));
    /// assert!(!basic.is_paid("2026-12-03T09:00:00Z".parse().unwrap()));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_paid(&self, now: DateTime<Utc>) -> bool {
        self.paid_through > now
    }

    /// Whether it is over: then it can't be paid for or changed any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Subscription, SubscriptionStatus};
    ///
    /// let json = r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let basic: Subscription = serde_json::from_str(json)?;
    /// assert!(!basic.is_over());
    /// assert!(Subscription { status: SubscriptionStatus::Canceled, ..basic }.is_over());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.status == SubscriptionStatus::Canceled
    }

    /// Its status at a given time. An active subscription is past due once its paid time is over without a renewal.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Subscription, SubscriptionStatus};
    ///
    /// let json = r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let basic: Subscription = serde_json::from_str(json)?;
    /// let end = basic.paid_through;
    /// assert_eq!(basic.status_at(end), SubscriptionStatus::PastDue);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn status_at(&self, now: DateTime<Utc>) -> SubscriptionStatus {
        match self.status {
            SubscriptionStatus::Active if !self.is_paid(now) => SubscriptionStatus::PastDue,
            status => status,
        }
    }

    /// Begins a month: its refill is the allowance if it is paid into the month, else zero.
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
