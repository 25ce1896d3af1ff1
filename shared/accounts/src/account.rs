//! An account after its newest entry, and its state at a given time.
//!
//! Every entry carries the whole account, so the newest entry alone is the account's state.

use chrono::{DateTime, Utc};
use scrip_pricing::{CATALOG, Credits};
use serde::Serialize;

use crate::{OpenHold, Period, Sequence, Subscription, SubscriptionId, SubscriptionStatus};

/// An account after its newest entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The newest entry's sequence; [`Sequence::NONE`] for an account that was never seen.
    pub sequence: Sequence,
    /// The credits that can be spent.
    pub balance: Credits,
    /// Credits that refunds and disputes could not take back, because they were spent (rule 9).
    pub owed: Credits,
    /// The month that the account's playground credits belong to (rule 1).
    pub period: Period,
    /// The subscriptions that are not over, and those that were paid for in this month (rule 11).
    pub subscriptions: Vec<Subscription>,
    /// The open holds, oldest first; at most [`Account::HOLDS_MAX`].
    pub holds: Vec<OpenHold>,
    /// The time of the newest entry.
    pub updated_at: DateTime<Utc>,
}

/// The status of an account's plan (`plan_status` of the API).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// The account has no plan.
    None,
    /// The plan is paid for.
    Active,
    /// A renewal failed, or the paid time is over, and the subscription has not ended.
    PastDue,
    /// The subscription ended, or its payment was refunded or disputed.
    Canceled,
}

impl Account {
    /// The most holds that may be open at a time.
    pub const HOLDS_MAX: usize = 16;

    /// The state of an account that has no entries: a balance of zero (docs/rules.md, Keys and ids).
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Account, PlanStatus, Sequence};
    ///
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account::unseen(now);
    /// assert!(account.balance.is_zero());
    /// assert_eq!(account.sequence, Sequence::NONE);
    /// assert_eq!(account.plan_status(now), PlanStatus::None);
    /// ```
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

    /// The credits that open holds have set aside. They are not part of the balance.
    ///
    /// # Panics
    /// If the sum is above [`Credits::MAX_OF_A_KIND`], which no entry allows.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Account;
    ///
    /// let hold = r#"{"sequence":1,"credits":{"playground":2},"expires_at":"2026-11-22T11:00:00Z"}"#;
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { holds: vec![serde_json::from_str(hold).unwrap()], ..Account::unseen(now) };
    /// assert_eq!(account.held(), scrip_pricing::Credits::new(2, 0, 0));
    /// ```
    #[must_use]
    pub fn held(&self) -> Credits {
        let held = self.holds.iter().try_fold(Credits::ZERO, |held, hold| held.checked_add(hold.credits));
        held.expect("a balance has room for what is held")
    }

    /// The low-balance mark of each kind at a given time. It depends on the allowance of [`Self::plan`] if that is paid
    /// for (docs/rules.md, Work).
    ///
    /// # Examples
    ///
    /// ```
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// // Without a plan the allowance is 0.
    /// assert_eq!(scrip_accounts::Account::unseen(now).low_marks(now), scrip_pricing::Credits::new(0, 0, 8));
    /// ```
    #[must_use]
    pub fn low_marks(&self, now: DateTime<Utc>) -> Credits {
        let plan = self.plan(now).filter(|plan| plan.is_paid(now));
        CATALOG.low_marks(plan.map_or(0, |plan| plan.allowance))
    }

    /// Playground credits that the plans have granted this month and that no refund or dispute took back. An upgrade
    /// grants the difference to this number (rule 5).
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Account;
    ///
    /// let basic =
    ///     r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z","backed":1000}"#;
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { subscriptions: vec![serde_json::from_str(basic).unwrap()], ..Account::unseen(now) };
    /// assert_eq!(account.granted(), 1000);
    /// ```
    #[must_use]
    pub fn granted(&self) -> u64 {
        self.subscriptions.iter().map(|subscription| subscription.backed).max().unwrap_or_default()
    }

    /// The subscription of that id, if the account lists it.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Account, SubscriptionId};
    ///
    /// let basic = r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { subscriptions: vec![serde_json::from_str(basic).unwrap()], ..Account::unseen(now) };
    /// assert_eq!(account.subscription(&SubscriptionId::parse("sub_1").unwrap()).unwrap().plan, "basic");
    /// ```
    #[must_use]
    pub fn subscription(&self, id: &SubscriptionId) -> Option<&Subscription> {
        self.subscriptions.iter().find(|subscription| subscription.id == *id)
    }

    /// The subscriptions that are not over.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Account;
    ///
    /// let basic = r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { subscriptions: vec![serde_json::from_str(basic).unwrap()], ..Account::unseen(now) };
    /// assert_eq!(account.running().count(), 1);
    /// ```
    pub fn running(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.iter().filter(|subscription| !subscription.is_over())
    }

    /// The subscription that decides the account's plan at a given time (rule 11).
    ///
    /// It is the paid one with the highest allowance; without a paid one, one that isn't over; else the one with the
    /// latest `paid_through`.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Account;
    ///
    /// let basic = r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { subscriptions: vec![serde_json::from_str(basic).unwrap()], ..Account::unseen(now) };
    /// assert_eq!(account.plan(now).unwrap().plan, "basic");
    /// ```
    #[must_use]
    pub fn plan(&self, now: DateTime<Utc>) -> Option<&Subscription> {
        self.subscriptions.iter().max_by_key(|subscription| {
            let is_paid = subscription.is_paid(now);
            let allowance = if is_paid { subscription.allowance } else { 0 };
            (is_paid, !subscription.is_over(), allowance, subscription.paid_through, &subscription.id)
        })
    }

    /// Whether any plan is paid for at a given time (rule 2).
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Account;
    ///
    /// let basic = r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { subscriptions: vec![serde_json::from_str(basic).unwrap()], ..Account::unseen(now) };
    /// assert!(account.is_active(now));
    /// assert!(!account.is_active("2026-12-03T09:00:00Z".parse().unwrap()));
    /// ```
    #[must_use]
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.is_paid(now))
    }

    /// The status of the plan at a given time.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Account, PlanStatus};
    ///
    /// let basic = r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { subscriptions: vec![serde_json::from_str(basic).unwrap()], ..Account::unseen(now) };
    /// assert_eq!(account.plan_status(now), PlanStatus::Active);
    /// ```
    #[must_use]
    pub fn plan_status(&self, now: DateTime<Utc>) -> PlanStatus {
        match self.plan(now).map(|plan| plan.status_at(now)) {
            None => PlanStatus::None,
            Some(SubscriptionStatus::Active) => PlanStatus::Active,
            Some(SubscriptionStatus::PastDue) => PlanStatus::PastDue,
            Some(SubscriptionStatus::Canceled) => PlanStatus::Canceled,
        }
    }

    /// The time of the next refill: the first moment of the next month; `None` if no plan is paid for now.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Account;
    ///
    /// let basic = r#"{"id":"sub_1","plan":"basic","allowance":1000,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { subscriptions: vec![serde_json::from_str(basic).unwrap()], ..Account::unseen(now) };
    /// assert_eq!(account.next_refill_at(now), Some("2026-12-01T00:00:00Z".parse().unwrap()));
    /// ```
    #[must_use]
    pub fn next_refill_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.is_active(now).then(|| self.period.max(Period::of(now)).next().start())
    }

    /// Whether a plan that is paid for includes longer storage of Tune models.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Account;
    ///
    /// let standard = r#"{"id":"sub_1","plan":"standard","allowance":2500,"paid_through":"2026-12-03T09:00:00Z"}"#;
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { subscriptions: vec![serde_json::from_str(standard).unwrap()], ..Account::unseen(now) };
    /// assert!(account.extended_tune_storage(now));
    /// ```
    #[must_use]
    pub fn extended_tune_storage(&self, now: DateTime<Utc>) -> bool {
        let paid = self.subscriptions.iter().filter(|subscription| subscription.is_paid(now));
        paid.filter_map(|subscription| CATALOG.plan(subscription.plan.as_str()))
            .any(|plan| plan.extended_tune_storage)
    }

    /// The account's month, if the turn to the next month has something to do; else `None`.
    ///
    /// There is something to do if playground credits expire, or if a plan is paid into the next month. Credits in open
    /// holds count too, because they may come back by then; so holds and captures rarely change the due index. A
    /// payment that comes later makes an entry, and that entry makes the account due again.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Account;
    ///
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account { balance: scrip_pricing::Credits::new(40, 0, 0), ..Account::unseen(now) };
    /// // Without a plan, playground credits expire when November ends.
    /// assert_eq!(account.due_after(), Some("2026-11".parse().unwrap()));
    /// ```
    #[must_use]
    pub fn due_after(&self) -> Option<Period> {
        let expires = self.balance.playground() > 0 || self.held().playground() > 0;
        let refills = self.is_active(self.period.next().start());
        (expires || refills).then_some(self.period)
    }

    /// Moves the account to a month. Owed playground credits are forgotten, `backed` of each subscription is set to the
    /// credits of its refill, and all subscriptions that are over are removed, except the last one.
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
            // The paid one counts, whatever the status of the other.
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
            // A plan that isn't sold any more.
            ("gone", BEFORE, false),
        ] {
            let plan = Subscription { plan: plan.into(), ..Subscription::of_basic(time(PAID_UNTIL)) };
            assert_eq!(account(&[plan]).extended_tune_storage(time(now)), is_kept, "at {now}");
        }
        assert!(!Account::unseen(time(BEFORE)).extended_tune_storage(time(BEFORE)));
    }

    #[test]
    fn a_refill_that_is_due_is_counted_in_before_it_is_written() {
        let account = account(&[Subscription::of_basic(time(PAID_UNTIL))]);
        let december = account.as_of(time("2026-12-01T00:00:00Z"));
        assert_eq!(december.balance, Credits::new(1000, 1, 64));
        assert_eq!(december.sequence, account.sequence);
    }
}
