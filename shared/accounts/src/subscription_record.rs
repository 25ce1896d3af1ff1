//! What is kept of a subscription beside the account: what was paid for it, and how much of that money is gone.
//!
//! From it follows what the account's entries carry of it ([`Subscription`]): the plan, how long it is paid for,
//! and how many of this month's credits its payments stand for. All of it is a function of the payments, so it does
//! not matter in which order they become known.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Period, Purchase, PurchaseId, Subscription, SubscriptionId, SubscriptionStatus, Terms,
    facts::SubscriptionFacts,
};

/// How many invoices are remembered as recorded: more than one look at the provider's list shows.
const RECORDED_MAX: usize = 120;

/// What was paid for a subscription. Its revision is raised by each write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRecord {
    /// Counts the writes: a write fails unless the record is at the revision before.
    pub revision: u64,
    /// The provider's id.
    pub id: SubscriptionId,
    /// Whether the provider calls it past due.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub past_due: bool,
    /// When the provider ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// What its current item gives, if that is a plan of the catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Terms>,
    /// The payments that may still matter, in the order of their invoices.
    pub payments: Vec<PlanPayment>,
    /// The newest invoices that were recorded whole, so that they are not looked at again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<PurchaseId>,
}

/// One paid invoice of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPayment {
    /// The invoice.
    pub purchase_id: PurchaseId,
    /// The plan that it paid for.
    pub terms: Terms,
    /// When the invoice was made: orders the payments.
    pub invoiced_at: DateTime<Utc>,
    /// When it was paid, as far as that was in the past when it became known.
    pub paid_at: DateTime<Utc>,
    /// The end of the period that was paid.
    pub paid_until: DateTime<Utc>,
    /// Whether it changed a period that an earlier invoice paid for, and so stands on that one's money.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_change: bool,
    /// How much was paid, in the currency's minor unit.
    pub amount: u64,
    /// How much of it is gone.
    #[serde(default, skip_serializing_if = "Gone::is_nothing")]
    pub gone: Gone,
}

/// How much of a payment is gone: refunded, disputed, or about to be refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gone {
    /// In all, at most what was paid.
    pub amount: u64,
    /// When the last of it went.
    pub at: Option<DateTime<Utc>>,
    /// What of it went in the month of `at`.
    pub in_month: u64,
}

impl Gone {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn within(&self, month: Period) -> u64 {
        if self.at.map(Period::of) == Some(month) { self.in_month } else { 0 }
    }
}

impl PlanPayment {
    fn is_wholly_gone(&self) -> bool {
        self.amount > 0 && self.gone.amount >= self.amount
    }

    fn order(&self) -> (DateTime<Utc>, bool, DateTime<Utc>, &PurchaseId) {
        (self.invoiced_at, self.is_change, self.paid_at, &self.purchase_id)
    }
}

/// A payment whose money is there, and the place of its chain: an invoice and those that changed its period.
#[derive(Debug, Clone, Copy)]
struct Standing<'a> {
    payment: &'a PlanPayment,
    chain: usize,
}

impl SubscriptionRecord {
    /// A subscription for which nothing was recorded yet.
    #[must_use]
    pub fn new(id: SubscriptionId) -> Self {
        Self {
            revision: 0,
            id,
            past_due: false,
            ended_at: None,
            item: None,
            payments: Vec::new(),
            recorded: Vec::new(),
        }
    }

    /// Takes over what the provider shows of the subscription itself.
    pub(crate) fn update(&mut self, facts: &SubscriptionFacts) {
        self.past_due = facts.past_due;
        self.ended_at = facts.ended_at;
        self.item.clone_from(&facts.item);
        for id in &facts.settled {
            self.remember(id);
        }
    }

    /// Records a payment.
    pub(crate) fn insert(&mut self, payment: PlanPayment) {
        self.remember(&payment.purchase_id);
        self.payments.push(payment);
        self.payments.sort_by(|a, b| a.order().cmp(&b.order()));
    }

    fn remember(&mut self, id: &PurchaseId) {
        if !self.recorded.contains(id) {
            self.recorded.push(id.clone());
            let surplus = self.recorded.len().saturating_sub(RECORDED_MAX);
            self.recorded.drain(..surplus);
        }
    }

    /// The payment of an invoice.
    #[must_use]
    pub fn payment(&self, id: &PurchaseId) -> Option<&PlanPayment> {
        self.payments.iter().find(|payment| payment.purchase_id == *id)
    }

    /// Takes over how much of a purchase's money is gone.
    pub(crate) fn update_gone(&mut self, purchase: &Purchase) {
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.purchase_id == purchase.id) {
            payment.gone = purchase.gone_before(payment.paid_until);
        }
    }

    /// Forgets payments that can't matter any more: of a period that is over, and not of this month.
    pub(crate) fn forget_before(&mut self, month: Period) {
        let start = month.start();
        let newest = self.payments.iter().rposition(|payment| !payment.is_change).unwrap_or_default();
        let mut at = 0;
        self.payments.retain(|payment| {
            let is_kept = at >= newest || payment.paid_until > start || payment.paid_at >= start;
            at += 1;
            is_kept
        });
    }

    /// The payments whose money is there, in the order of their invoices. What changes a period stands on the
    /// payment before it: if that is gone, so is the change (rule 8).
    fn standing(&self) -> Vec<Standing<'_>> {
        let (mut standing, mut chain, mut is_cut) = (Vec::new(), 0, false);
        for payment in &self.payments {
            if !payment.is_change {
                (chain, is_cut) = (chain + 1, false);
            }
            is_cut |= payment.is_wholly_gone();
            if !is_cut {
                standing.push(Standing { payment, chain });
            }
        }
        standing
    }

    fn end_of(&self, paid_until: DateTime<Utc>) -> DateTime<Utc> {
        self.ended_at.map_or(paid_until, |ended_at| ended_at.min(paid_until))
    }

    /// What a payment gives from the next refill on: less if the subscription was moved to a plan that gives less, and
    /// no later payment was for that. One that gives more counts when it is paid for (rule 5).
    fn terms(&self, payment: &PlanPayment) -> Terms {
        let standing = self.standing();
        let newest = standing.last().map_or(payment, |standing| standing.payment);
        let is_newest = newest.purchase_id == payment.purchase_id;
        let is_lesser = |item: &&Terms| is_newest && item.allowance < payment.terms.allowance;
        let lesser = self.item.as_ref().filter(is_lesser);
        lesser.unwrap_or(&payment.terms).clone()
    }

    /// What the refill of a month gives for it, by what is known now.
    pub(crate) fn refill_of(&self, month: Period) -> u64 {
        self.summary_before(month)
            .filter(|before| before.is_paid(month.start()))
            .map_or(0, |before| before.allowance)
    }

    /// Playground credits of a month that the payments stand for, if the month's refill gave `refilled` for it: each
    /// payment adds what it gives more than those before it, less the part of its money that went in that month.
    fn backed(&self, month: Period, refilled: u64) -> u64 {
        let start = month.start();
        let standing = self.standing();
        let refill = standing.iter().rfind(|standing| standing.payment.paid_at < start);
        let (mut level, mut backed) = (0_u64, 0_u64);
        for Standing { payment, chain } in &standing {
            let most = if payment.paid_at >= start {
                u64::MAX
            } else if refill.is_some_and(|refill| refill.chain == *chain) {
                refilled
            } else {
                0
            };
            let gives = payment.terms.allowance.min(most);
            let adds = gives.saturating_sub(level);
            level = level.max(gives);
            let lost = share(adds, payment.gone.within(month), payment.amount);
            backed = backed.saturating_add(adds.saturating_sub(lost));
        }
        backed
    }

    /// What the account's entries carry of it in a month whose refill gave `refilled` for it; `None` if nothing was
    /// ever paid for it.
    pub(crate) fn summary(&self, month: Period, refilled: u64) -> Option<Subscription> {
        let standing = self.standing();
        let newest = standing.last().map(|standing| standing.payment);
        let (payment, is_gone) = match newest {
            Some(payment) => (payment, false),
            None => (self.payments.last()?, true),
        };
        // The money that all stood on is gone since then.
        let gone_at =
            self.payments.iter().rev().find(|payment| payment.is_wholly_gone()).and_then(|gone| gone.gone.at);
        let paid_through = match gone_at {
            Some(gone_at) if is_gone => self.end_of(payment.paid_until).min(gone_at),
            _ => self.end_of(payment.paid_until),
        };
        let terms = self.terms(payment);
        let status = if self.ended_at.is_some() || is_gone {
            SubscriptionStatus::Canceled
        } else if self.past_due {
            SubscriptionStatus::PastDue
        } else {
            SubscriptionStatus::Active
        };
        let (id, backed) = (self.id.clone(), self.backed(month, refilled));
        Some(Subscription {
            id,
            plan: terms.plan,
            allowance: terms.allowance,
            status,
            paid_through,
            refilled,
            backed,
        })
    }

    /// What the entries would carry of it just before a month began: by the payments that were made before.
    pub(crate) fn summary_before(&self, month: Period) -> Option<Subscription> {
        let start = month.start();
        let mut earlier = self.clone();
        earlier.payments.retain(|payment| payment.paid_at < start);
        if earlier.payments.len() < self.payments.len() {
            // What it is on now was paid for since.
            earlier.item = None;
        }
        earlier.summary(month.previous(), 0)
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
