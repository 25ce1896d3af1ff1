//! An account as its newest entry left it, and what can be read off it at a moment.
//!
//! Every entry carries the whole account, so the newest entry is the balance and nothing else is.

use chrono::{DateTime, Utc};
use pricing::{CATALOG, Credits};
use serde::Serialize;

use crate::{Period, Sequence, Subscription, journal::Journal};

/// An account after its newest entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The newest entry's sequence; [`Sequence::NONE`] for an account that was never seen.
    pub sequence: Sequence,
    /// What can be spent.
    pub balance: Credits,
    /// The month for which the playground credits were last settled (rule 1).
    pub period: Period,
    /// Playground credits granted within `period`, by a refill or a purchase. What an upgrade adds is
    /// measured against it (rule 5); zero says that the month's refill is still to come.
    pub granted: u64,
    /// What of `granted` was taken back with the money that paid for it. A new subscription grants as if that
    /// had never been granted.
    pub returned: u64,
    /// The plan, from the first subscription on.
    pub subscription: Option<Subscription>,
    /// When the newest entry was made.
    pub updated_at: DateTime<Utc>,
}

/// Where an account's plan stands (`plan_status` of the contract).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// There never was one.
    None,
    /// Paid for.
    Active,
    /// A renewal failed, or the paid time is over, and the subscription was not ended.
    PastDue,
    /// It was ended, or its money went back.
    Canceled,
}

impl Account {
    /// An account that was never seen: nothing in it (contract, section 3, Debit).
    #[must_use]
    pub fn unseen(now: DateTime<Utc>) -> Self {
        Self {
            sequence: Sequence::NONE,
            balance: Credits::ZERO,
            period: Period::of(now),
            granted: 0,
            returned: 0,
            subscription: None,
            updated_at: now,
        }
    }

    /// The account as of now: with the refill or expiry that is due counted in (rules 2 and 3), though
    /// nothing was written, so the sequence stays.
    #[must_use]
    pub fn as_of(&self, now: DateTime<Utc>) -> Self {
        Self { sequence: self.sequence, ..Journal::open(self, now).into_account() }
    }

    /// Whether the plan is paid for at a moment (rule 2).
    #[must_use]
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.subscription.as_ref().is_some_and(|subscription| subscription.paid_through() > now)
    }

    /// Where the plan stands at a moment.
    #[must_use]
    pub fn plan_status(&self, now: DateTime<Utc>) -> PlanStatus {
        match &self.subscription {
            None => PlanStatus::None,
            Some(plan) if plan.ended_at.is_some() || plan.withdrawn_at.is_some() => PlanStatus::Canceled,
            Some(plan) if plan.past_due || plan.paid_through() <= now => PlanStatus::PastDue,
            Some(_) => PlanStatus::Active,
        }
    }

    /// When playground credits are set to the allowance next: the first moment of the next month; `None`
    /// without a plan that is paid for now.
    #[must_use]
    pub fn next_refill_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.is_active(now).then(|| self.period.max(Period::of(now)).next().start())
    }

    /// Whether Tune models are kept for the longer period: a right of some plans, while they are paid for.
    #[must_use]
    pub fn extended_tune_storage(&self, now: DateTime<Utc>) -> bool {
        let plan = self.subscription.as_ref().filter(|_| self.is_active(now));
        plan.and_then(|subscription| CATALOG.plan(&subscription.plan))
            .is_some_and(|plan| plan.extended_tune_storage)
    }

    /// The settled month after which this account must be settled again, `None` where the next month
    /// finds nothing to do: no playground credits to expire, and no plan that is paid into that month. A
    /// payment that comes later makes an entry, and with it the account is due again.
    #[must_use]
    pub fn due_after(&self) -> Option<Period> {
        let expires = self.balance.playground() > 0;
        let refills = self.is_active(self.period.next().start());
        (expires || refills).then_some(self.period)
    }
}
