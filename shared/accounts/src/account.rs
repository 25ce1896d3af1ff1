//! An account as its newest entry left it, and what can be read off it at a moment.
//!
//! Every entry carries the whole account, so the newest entry is the balance and nothing else is.

use chrono::{DateTime, Utc};
use scrip_pricing::{CATALOG, Credits};
use serde::Serialize;

use crate::{OpenHold, Period, Sequence, Subscription, SubscriptionId, SubscriptionStatus};

/// An account after its newest entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The newest entry's sequence; [`Sequence::NONE`] for an account that was never seen.
    pub sequence: Sequence,
    /// What can be spent.
    pub balance: Credits,
    /// What refunds and disputes should have taken back, and could not because it was spent (rule 9).
    pub owed: Credits,
    /// The month for which the playground credits were last settled (rule 1).
    pub period: Period,
    /// The subscriptions that are not over, and those that were paid for this month (rule 11).
    pub subscriptions: Vec<Subscription>,
    /// The holds that are open, the oldest first: at most [`Account::HOLDS_MAX`].
    pub holds: Vec<OpenHold>,
    /// When the newest entry was made.
    pub updated_at: DateTime<Utc>,
}

/// Where an account's plan stands (`plan_status` of the contract).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// There is none.
    None,
    /// Paid for.
    Active,
    /// A renewal failed, or the paid time is over, and the subscription was not ended.
    PastDue,
    /// It was ended, or its money went back.
    Canceled,
}

impl Account {
    /// How many holds may be open at a time.
    pub const HOLDS_MAX: usize = 16;

    /// An account that was never seen: nothing in it (contract, section 3, Debit).
    #[must_use]
    pub fn unseen(now: DateTime<Utc>) -> Self {
        Self {
            sequence: Sequence::NONE,
            balance: Credits::ZERO,
            owed: Credits::ZERO,
            period: Period::of(now),
            subscriptions: Vec::new(),
            holds: Vec::new(),
            updated_at: now,
        }
    }

    /// What is set aside by open holds. It is no part of the balance.
    ///
    /// # Panics
    /// If it is more than a balance may hold, which no entry allows.
    #[must_use]
    pub fn held(&self) -> Credits {
        let held = self.holds.iter().try_fold(Credits::ZERO, |held, hold| held.checked_add(hold.credits));
        held.expect("a balance has room for what is held")
    }

    /// The low-balance marks at a moment: by the plan that counts, if it is paid for (product page, "Packs").
    #[must_use]
    pub fn low_marks(&self, now: DateTime<Utc>) -> Credits {
        let plan = self.plan(now).filter(|plan| plan.is_paid(now));
        CATALOG.low_marks(plan.map_or(0, |plan| plan.allowance))
    }

    /// Playground credits that the plans have granted this month and whose money is still there. What an upgrade
    /// adds is measured against it (rule 5).
    #[must_use]
    pub fn granted(&self) -> u64 {
        self.subscriptions.iter().map(|subscription| subscription.backed).max().unwrap_or_default()
    }

    /// What the account shows of a subscription.
    #[must_use]
    pub fn subscription(&self, id: &SubscriptionId) -> Option<&Subscription> {
        self.subscriptions.iter().find(|subscription| subscription.id == *id)
    }

    /// The subscriptions that are not over.
    pub fn running(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.iter().filter(|subscription| !subscription.is_over())
    }

    /// The subscription that counts at a moment: the paid one with the highest allowance, else one that isn't over,
    /// else the one that was paid for longest (rule 11).
    #[must_use]
    pub fn plan(&self, now: DateTime<Utc>) -> Option<&Subscription> {
        self.subscriptions.iter().max_by_key(|subscription| {
            let is_paid = subscription.is_paid(now);
            let allowance = if is_paid { subscription.allowance } else { 0 };
            (is_paid, !subscription.is_over(), allowance, subscription.paid_through, &subscription.id)
        })
    }

    /// Whether a plan is paid for at a moment (rule 2).
    #[must_use]
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.is_paid(now))
    }

    /// Where the plan stands at a moment.
    #[must_use]
    pub fn plan_status(&self, now: DateTime<Utc>) -> PlanStatus {
        match self.plan(now).map(|plan| plan.status_at(now)) {
            None => PlanStatus::None,
            Some(SubscriptionStatus::Active) => PlanStatus::Active,
            Some(SubscriptionStatus::PastDue) => PlanStatus::PastDue,
            Some(SubscriptionStatus::Canceled) => PlanStatus::Canceled,
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
        let paid = self.subscriptions.iter().filter(|subscription| subscription.is_paid(now));
        paid.filter_map(|subscription| CATALOG.plan(&subscription.plan))
            .any(|plan| plan.extended_tune_storage)
    }

    /// The settled month after which this account must be settled again, `None` where the next month
    /// finds nothing to do: no playground credits to expire, and no plan that is paid into that month. A
    /// payment that comes later makes an entry, and with it the account is due again. Credits that are held count,
    /// because they may be back by then: so holds and captures rarely change what is due.
    #[must_use]
    pub fn due_after(&self) -> Option<Period> {
        let expires = self.balance.playground() > 0 || self.held().playground() > 0;
        let refills = self.is_active(self.period.next().start());
        (expires || refills).then_some(self.period)
    }

    /// Enters a month: nothing is owed of playground credits any more, each subscription stands for what the refill
    /// gives for it, and those that are over are left out, but for the last.
    pub(crate) fn turn_month(&mut self, month: Period) {
        self.period = month;
        self.owed = self.owed.with_playground(0);
        for subscription in &mut self.subscriptions {
            subscription.turn_month(month);
        }
        let last = self.plan(month.start()).map(|last| last.id.clone());
        self.subscriptions.retain(|subscription| {
            !subscription.is_over() || subscription.backed > 0 || Some(&subscription.id) == last.as_ref()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// An account of November 2026 with these subscriptions.
    fn account(subscriptions: &[Subscription]) -> Account {
        Account {
            sequence: Sequence::new(7),
            balance: Credits::new(40, 1, 64),
            subscriptions: subscriptions.to_vec(),
            ..Account::unseen(time("2026-11-03T09:00:00Z"))
        }
    }

    const PAID_UNTIL: &str = "2026-12-03T09:00:00Z";
    const BEFORE: &str = "2026-12-03T08:59:59Z";

    #[test]
    fn a_plan_status_is_that_of_the_subscription_that_counts() {
        use PlanStatus::{Active, Canceled, PastDue};
        let plan = || Subscription::of_basic(time(PAID_UNTIL));
        let with = |status| Subscription { status, ..plan() };
        let longer = |status| Subscription {
            id: SubscriptionId::parse("longer").unwrap(),
            status,
            paid_through: time("2027-11-03T09:00:00Z"),
            ..plan()
        };
        for (subscriptions, now, status) in [
            (vec![], BEFORE, PlanStatus::None),
            (vec![plan()], BEFORE, Active),
            (vec![plan()], PAID_UNTIL, PastDue),
            (vec![with(SubscriptionStatus::PastDue)], BEFORE, PastDue),
            (vec![with(SubscriptionStatus::Canceled)], BEFORE, Canceled),
            (vec![with(SubscriptionStatus::Canceled)], PAID_UNTIL, Canceled),
            // The one that is paid counts, whatever became of the other.
            (
                vec![with(SubscriptionStatus::Canceled), longer(SubscriptionStatus::Active)],
                PAID_UNTIL,
                Active,
            ),
            (vec![with(SubscriptionStatus::Canceled), plan()], PAID_UNTIL, PastDue),
        ] {
            let account = account(&subscriptions);
            assert_eq!(account.plan_status(time(now)), status, "{subscriptions:?} at {now}");
        }
    }

    #[test]
    fn the_paid_subscription_with_the_highest_allowance_counts() {
        let of = |plan: &str, allowance, paid_through| Subscription {
            id: SubscriptionId::parse(plan).unwrap(),
            plan: plan.into(),
            allowance,
            ..Subscription::of_basic(time(paid_through))
        };
        let all = [of("basic", 1000, "2027-11-03T09:00:00Z"), of("standard", 2500, PAID_UNTIL)];
        for (now, plan) in [(BEFORE, "standard"), (PAID_UNTIL, "basic")] {
            assert_eq!(account(&all).plan(time(now)).unwrap().plan, plan, "at {now}");
        }
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
            let plan = Subscription { plan: plan.into(), ..Subscription::of_basic(time(PAID_UNTIL)) };
            assert_eq!(account(&[plan]).extended_tune_storage(time(now)), is_kept, "at {now}");
        }
        assert!(!Account::unseen(time(BEFORE)).extended_tune_storage(time(BEFORE)));
    }

    #[test]
    fn what_is_due_is_counted_in_though_nothing_was_written() {
        let account = account(&[Subscription::of_basic(time(PAID_UNTIL))]);
        let december = account.as_of(time("2026-12-01T00:00:00Z"));
        assert_eq!(december.balance, Credits::new(1000, 1, 64));
        assert_eq!(december.sequence, account.sequence);
    }
}
