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

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// An account of November 2026 on a plan that is paid through the 3rd of December.
    fn account(subscription: Subscription) -> Account {
        Account {
            sequence: Sequence::new(7),
            balance: Credits::new(40, 1, 64),
            granted: 1000,
            subscription: Some(subscription),
            ..Account::unseen(time("2026-11-03T09:00:00Z"))
        }
    }

    const PAID_UNTIL: &str = "2026-12-03T09:00:00Z";
    const BEFORE: &str = "2026-12-03T08:59:59Z";

    #[test]
    fn where_a_plan_stands() {
        use PlanStatus::{Active, Canceled, PastDue};
        let plan = || Subscription::of_basic(time(PAID_UNTIL));
        let over = Some(time("2026-11-10T00:00:00Z"));
        for (subscription, now, status) in [
            (plan(), BEFORE, Active),
            (plan(), PAID_UNTIL, PastDue),
            (Subscription { past_due: true, ..plan() }, BEFORE, PastDue),
            (Subscription { ended_at: over, ..plan() }, BEFORE, Canceled),
            (Subscription { withdrawn_at: over, ..plan() }, BEFORE, Canceled),
            // The gravest is said.
            (Subscription { ended_at: over, past_due: true, ..plan() }, PAID_UNTIL, Canceled),
        ] {
            let account = account(subscription);
            assert_eq!(account.plan_status(time(now)), status, "{:?} at {now}", account.subscription);
        }
        assert_eq!(Account::unseen(time(BEFORE)).plan_status(time(BEFORE)), PlanStatus::None);
    }

    #[test]
    fn tunes_are_kept_longer_from_standard_on_while_it_is_paid_for() {
        for (plan, now, is_kept) in [
            ("basic", BEFORE, false),
            ("standard", BEFORE, true),
            ("standard", PAID_UNTIL, false),
            ("business", BEFORE, true),
            ("custom", BEFORE, true),
            // One that isn't sold any more.
            ("gone", BEFORE, false),
        ] {
            let account =
                account(Subscription { plan: plan.into(), ..Subscription::of_basic(time(PAID_UNTIL)) });
            assert_eq!(account.extended_tune_storage(time(now)), is_kept, "{plan} at {now}");
        }
        assert!(!Account::unseen(time(BEFORE)).extended_tune_storage(time(BEFORE)));
    }

    #[test]
    fn what_is_due_is_counted_in_though_nothing_was_written() {
        let account = account(Subscription::of_basic(time(PAID_UNTIL)));
        let december = account.as_of(time("2026-12-01T00:00:00Z"));
        assert_eq!(december.balance, Credits::new(1000, 1, 64));
        assert_eq!(december.sequence, account.sequence);
    }
}
