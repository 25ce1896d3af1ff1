//! A subscription, folded from its payments and its standing, in whatever order they become known.
//!
//! Each part keeps the newest payment's by the provider's time, or the largest value, so payments that come
//! late, twice or in another order end in the same subscription.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{PurchaseId, Standing, SubscriptionId, Terms};

/// A plan that was subscribed to, and how long it is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The provider's id.
    pub id: SubscriptionId,
    /// The plan's name in the catalog.
    pub plan: String,
    /// Playground credits a month: the plan's, or what was agreed for a custom one.
    pub allowance: u64,
    /// The purchase that pays for it now.
    pub purchase_id: PurchaseId,
    /// When that was paid.
    pub paid_at: DateTime<Utc>,
    /// When it was asked for, where that was earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoiced_at: Option<DateTime<Utc>>,
    /// When the one before was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_paid_at: Option<DateTime<Utc>>,
    /// The end of the last period that was paid.
    pub paid_until: DateTime<Utc>,
    /// When it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// When the money of the purchase that pays for it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Whether the last renewal failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub past_due: bool,
    /// What was paid for, where it was moved to a plan that gives less since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_terms: Option<Terms>,
}

impl Subscription {
    /// The moment from which on nothing is paid (`paid_through` of the contract).
    #[must_use]
    pub fn paid_through(&self) -> DateTime<Utc> {
        let ends = [self.ended_at, self.withdrawn_at];
        ends.into_iter().flatten().fold(self.paid_until, std::cmp::min)
    }

    /// Since when one is on what was paid for.
    #[must_use]
    pub(crate) fn terms_at(&self) -> DateTime<Utc> {
        self.invoiced_at.unwrap_or(self.paid_at)
    }

    /// The subscription after one more payment for it, whether that is the newest or comes late.
    #[must_use]
    pub(crate) fn after(self, payment: Self) -> Self {
        let is_newer = payment.order() > self.order();
        if payment.id != self.id {
            // Subscribed anew; what comes late for an older subscription changes nothing of the newer.
            return if is_newer { payment } else { self };
        }
        let (newer, older) = if is_newer { (payment, self) } else { (self, payment) };
        if newer.purchase_id == older.purchase_id {
            return newer;
        }
        let paid_until = newer.paid_until.max(older.paid_until);
        // Whether its money went back is the newer payment's own.
        Self { paid_until, previous_paid_at: newer.previous_paid_at.max(Some(older.paid_at)), ..newer }
    }

    /// The subscription under what the provider said of it beside its payments. Only what was said after the
    /// payment that pays for it now counts: that one settled the rest.
    #[must_use]
    pub(crate) fn under(self, standing: &Standing) -> Self {
        let terms_at = self.terms_at();
        let paid_for = self.paid_terms.unwrap_or(Terms { allowance: self.allowance, plan: self.plan });
        let chosen = standing.chosen.as_ref().filter(|chosen| chosen.at > terms_at);
        // A better one counts when it is paid for.
        let lesser = chosen.map(|chosen| &chosen.terms).filter(|terms| terms.allowance < paid_for.allowance);
        let (terms, paid_terms) = match lesser {
            Some(lesser) => (lesser.clone(), Some(paid_for)),
            None => (paid_for, None),
        };
        Self {
            plan: terms.plan,
            allowance: terms.allowance,
            paid_terms,
            ended_at: standing.ended_at.filter(|end| *end >= self.paid_at),
            past_due: standing.past_due && standing.status_at >= Some(self.paid_at),
            ..self
        }
    }

    /// Payments in the order they were asked for (one that was collected late is an older one's), equal times told
    /// apart the same way by everyone.
    fn order(&self) -> (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>, &PurchaseId) {
        (self.terms_at(), self.paid_at, self.paid_until, &self.purchase_id)
    }
}

#[cfg(test)]
impl Subscription {
    /// A basic plan, paid on the 1st of November 2026 through a moment.
    pub(crate) fn of_basic(paid_until: DateTime<Utc>) -> Self {
        Self {
            id: SubscriptionId::parse("sub").unwrap(),
            plan: "basic".into(),
            allowance: 1000,
            purchase_id: PurchaseId::parse("in").unwrap(),
            paid_at: "2026-11-01T00:00:00Z".parse().unwrap(),
            invoiced_at: None,
            previous_paid_at: None,
            paid_until,
            ended_at: None,
            withdrawn_at: None,
            past_due: false,
            paid_terms: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chosen;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn paid(subscription: &str, purchase: &str, paid_at: &str, paid_until: &str) -> Subscription {
        Subscription {
            id: SubscriptionId::parse(subscription).unwrap(),
            purchase_id: PurchaseId::parse(purchase).unwrap(),
            paid_at: time(paid_at),
            ..Subscription::of_basic(time(paid_until))
        }
    }

    #[test]
    fn payments_in_either_order_and_twice_end_in_the_same_subscription() {
        const DEC: &str = "2026-12-03T09:00:00Z";
        const JAN: &str = "2027-01-03T09:00:00Z";
        let first = paid("sub", "in1", "2026-11-03T09:00:00Z", DEC);
        let renewal = paid("sub", "in2", DEC, JAN);
        // An annual plan that was changed to a monthly one stays paid for its year.
        let year = paid("sub", "in1", "2026-11-03T09:00:00Z", "2027-11-03T09:00:00Z");
        let anew = paid("sub2", "in3", "2026-11-20T09:00:00Z", "2026-12-20T09:00:00Z");
        // the older, the newer -> paid by, when the one before was paid, paid until
        for (older, newer, previous, until) in [
            (&first, &renewal, Some(first.paid_at), renewal.paid_until),
            (&year, &renewal, Some(first.paid_at), year.paid_until),
            (&first, &anew, None, anew.paid_until),
            (&anew, &renewal, None, renewal.paid_until),
        ] {
            let expected = Subscription { previous_paid_at: previous, paid_until: until, ..newer.clone() };
            assert_eq!(older.clone().after(newer.clone()), expected);
            assert_eq!(newer.clone().after(older.clone()), expected);
            // What is known of the newest stays, though it is said again.
            let withdrawn_at = Some(time(JAN));
            let known = Subscription { withdrawn_at, ..expected };
            assert_eq!(known.clone().after(newer.clone()), known);
            assert_eq!(known.clone().after(older.clone()), known);
        }
    }

    #[test]
    fn what_was_said_after_the_payment_counts() {
        const BEFORE: &str = "2026-11-03T08:59:59Z";
        const PAID: &str = "2026-11-03T09:00:00Z";
        const AFTER: &str = "2026-11-03T09:00:01Z";
        let subscription = paid("sub", "in1", PAID, "2026-12-03T09:00:00Z");
        let unheard = || Standing::unheard(subscription.id.clone());
        let chosen = |at: &str, allowance, plan: &str| {
            let terms = Terms { allowance, plan: plan.into() };
            Standing { chosen: Some(Chosen { at: time(at), terms }), ..unheard() }
        };
        let late = |at: &str, past_due| Standing { past_due, status_at: Some(time(at)), ..unheard() };
        let ended = |at: &str| Standing { ended_at: Some(time(at)), ..unheard() };
        // standing -> plan, allowance, past due, ended
        for (standing, plan, allowance, past_due, is_ended) in [
            (unheard(), "basic", 1000, false, false),
            (chosen(PAID, 400, "less"), "basic", 1000, false, false),
            (chosen(AFTER, 400, "less"), "less", 400, false, false),
            // What doesn't give less counts when it is paid for.
            (chosen(AFTER, 999, "less"), "less", 999, false, false),
            (chosen(AFTER, 1000, "other"), "basic", 1000, false, false),
            (chosen(AFTER, 1001, "more"), "basic", 1000, false, false),
            (late(BEFORE, true), "basic", 1000, false, false),
            (late(PAID, true), "basic", 1000, true, false),
            (late(AFTER, true), "basic", 1000, true, false),
            (late(AFTER, false), "basic", 1000, false, false),
            (ended(BEFORE), "basic", 1000, false, false),
            (ended(PAID), "basic", 1000, false, true),
        ] {
            let after = subscription.clone().under(&standing);
            assert_eq!((after.plan.as_str(), after.allowance), (plan, allowance), "{standing:?}");
            assert_eq!((after.past_due, after.ended_at.is_some()), (past_due, is_ended), "{standing:?}");
            // What was paid for is kept, and counts again once nothing else was said.
            assert_eq!(after.under(&unheard()), subscription, "{standing:?}");
        }
    }
}
