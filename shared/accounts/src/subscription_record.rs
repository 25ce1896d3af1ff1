//! What is kept of a subscription beside the account: what was paid for it, and how much of that money is gone.
//!
//! From it follows what the account's entries carry of it ([`Subscription`]): the plan, how long it is paid for,
//! and how many of a month's credits its payments stand for. All of it is a function of the record and the month, so it
//! doesn't matter in which order payments, refunds and the subscription's end become known.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Gone, Period, Purchase, PurchaseId, Subscription, SubscriptionId, SubscriptionStatus, Terms,
    facts::SubscriptionFacts, gone::share,
};

/// How many invoices are remembered as recorded: more than one look at the provider's list shows.
const RECORDED_MAX: usize = 120;
/// How many payments are remembered, if their periods are over: those of some years.
const PAYMENTS_MAX: usize = 40;
/// How many plans of its item are remembered: more than a month of ordinary changes.
const ITEMS_MAX: usize = 32;

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
    /// The plans that its item was seen at, oldest first, where they aren't what the newest invoice was for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// The payments that may still matter, in the order of their invoices.
    pub payments: Vec<PlanPayment>,
    /// The newest invoices that were recorded whole, so that they are not looked at again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<PurchaseId>,
}

/// A plan that a subscription's item was seen at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What it gives.
    pub terms: Terms,
    /// When it was first seen: the provider doesn't show since when an item is what it is.
    pub since: DateTime<Utc>,
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

impl PlanPayment {
    /// Until when money that goes takes credits with it: to the end of the period that was paid, and at least to the end
    /// of the month in which it was paid, because that month's credits came with it (rule 8).
    fn counts_until(&self) -> DateTime<Utc> {
        self.paid_until.max(Period::of(self.paid_at).next().start())
    }

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
            items: Vec::new(),
            payments: Vec::new(),
            recorded: Vec::new(),
        }
    }

    /// Takes over what the provider shows of the subscription itself, but for its item.
    pub(crate) fn update(&mut self, facts: &SubscriptionFacts) {
        self.past_due = facts.past_due;
        self.ended_at = facts.ended_at;
        for id in &facts.settled {
            self.remember(id);
        }
    }

    /// Takes over what its current item gives, as it was seen at a moment, once all payments are recorded.
    pub(crate) fn update_item(&mut self, terms: &Terms, now: DateTime<Utc>) {
        let invoiced_at = self.payments.last().map_or(now, |payment| payment.invoiced_at);
        if self.item(DateTime::<Utc>::MAX_UTC).is_some_and(|(known, _)| known != terms) {
            self.items.push(Item { terms: terms.clone(), since: now.max(invoiced_at) });
        }
    }

    /// What its item gave before a moment, as far as invoices or looks showed it, and since when.
    fn item(&self, before: DateTime<Utc>) -> Option<(&Terms, DateTime<Utc>)> {
        let invoiced = self.payments.iter().rfind(|payment| payment.invoiced_at < before);
        let invoiced = invoiced.map(|payment| (&payment.terms, payment.invoiced_at));
        let seen = self.items.iter().rfind(|item| item.since < before).map(|item| (&item.terms, item.since));
        match (invoiced, seen) {
            (Some(invoiced), Some(seen)) => Some(if seen.1 >= invoiced.1 { seen } else { invoiced }),
            (invoiced, seen) => seen.or(invoiced),
        }
    }

    /// Records a payment of a purchase.
    pub(crate) fn insert(&mut self, mut payment: PlanPayment, purchase: &Purchase) {
        payment.gone = purchase.gone_before(payment.counts_until());
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

    /// The purchases whose money still counts at a moment: if it goes, credits or the plan go with it (rule 8).
    pub fn running(&self, now: DateTime<Utc>) -> impl Iterator<Item = &PurchaseId> {
        let running = self.payments.iter().filter(move |payment| payment.counts_until() > now);
        running.map(|payment| &payment.purchase_id)
    }

    /// The payment of an invoice.
    #[must_use]
    pub fn payment(&self, id: &PurchaseId) -> Option<&PlanPayment> {
        self.payments.iter().find(|payment| payment.purchase_id == *id)
    }

    /// Takes over how much of a purchase's money went before a month, if that is more than is known.
    pub(crate) fn update_gone_before(&mut self, month: Period, purchase: &Purchase) {
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.purchase_id == purchase.id) {
            let gone = purchase.gone_before(payment.counts_until()).before(month);
            if gone.amount > payment.gone.before(month).amount {
                payment.gone = gone;
            }
        }
    }

    /// Takes over how much of a purchase's money is gone.
    pub(crate) fn update_gone(&mut self, purchase: &Purchase) {
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.purchase_id == purchase.id) {
            payment.gone = purchase.gone_before(payment.counts_until());
        }
    }

    /// Forgets what can't matter any more: the oldest payments of periods that were over before a month, if there are
    /// many, and items that others came after before that month.
    pub(crate) fn forget_before(&mut self, month: Period) {
        let start = month.start();
        let surplus = self.payments.len().saturating_sub(PAYMENTS_MAX);
        let is_over = |payment: &&PlanPayment| payment.counts_until() <= start;
        let over = self.payments.iter().take(surplus).take_while(is_over).count();
        // What is kept begins with a payment that nothing else stands on.
        let first = self.payments.iter().take(over + 1).rposition(|payment| !payment.is_change);
        self.payments.drain(..first.unwrap_or_default());
        let before = self.items.iter().rposition(|item| item.since < start).unwrap_or_default();
        let surplus = before.max(self.items.len().saturating_sub(ITEMS_MAX));
        self.items.drain(..surplus);
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

    /// The payment that counts, the newest whose money is there; and when the money that everything stood on went, if
    /// nothing else is paid for since then.
    fn current(&self) -> Option<(&PlanPayment, Option<DateTime<Utc>>)> {
        let last = self.payments.last()?;
        let base = self.payments.iter().rfind(|payment| !payment.is_change).or(self.payments.first())?;
        let standing = self.standing().last().map(|standing| standing.payment);
        if !base.is_wholly_gone() {
            return Some((standing.unwrap_or(last), None));
        }
        let goes_on = |payment: &&PlanPayment| base.gone.at.is_none_or(|at| payment.paid_until > at);
        match standing.filter(goes_on) {
            Some(payment) => Some((payment, None)),
            None => Some((last, base.gone.at)),
        }
    }

    /// What a payment gives from a refill at a moment on: less if the subscription was moved to a plan that gives less
    /// after that payment. One that gives more counts when it is paid for (rule 5).
    fn terms<'a>(&'a self, payment: &'a PlanPayment, before: DateTime<Utc>) -> &'a Terms {
        match self.item(before) {
            Some((item, since))
                if since >= payment.invoiced_at && item.allowance < payment.terms.allowance =>
            {
                item
            }
            _ => &payment.terms,
        }
    }

    /// What the refill of a month gives for it, and the chain of the payment that stands for it.
    fn refill(&self, month: Period) -> Option<(u64, usize)> {
        let start = month.start();
        if self.ended_at.is_some_and(|ended_at| ended_at <= start) {
            return None;
        }
        let standing = self.standing();
        let last = standing.iter().rfind(|standing| standing.payment.paid_at < start)?;
        let gives = self.terms(last.payment, start).allowance;
        (last.payment.paid_until > start).then_some((gives, last.chain))
    }

    /// Whether the month's turn gave a refill for it, by what the record says of the time before.
    pub(crate) fn is_refilled(&self, month: Period) -> bool {
        self.before(month).refill(month).is_some()
    }

    /// Playground credits of a month that the payments stand for: each payment adds what it gives more than those before
    /// it, less the part of its money that went in that month. The payments of the refill's chain stand for what the
    /// refill gave, those of the month for their plans.
    pub(crate) fn backed(&self, month: Period) -> u64 {
        let start = month.start();
        let refill = self.refill(month);
        let (mut level, mut backed) = (0_u64, 0_u64);
        for Standing { payment, chain } in self.standing() {
            let most = match refill {
                _ if payment.paid_at >= start => u64::MAX,
                Some((gives, of)) if of == chain && payment.paid_until > start => gives,
                _ => 0,
            };
            let gives = payment.terms.allowance.min(most);
            let adds = gives.saturating_sub(level);
            level = level.max(gives);
            let lost = share(adds, payment.gone.within(month), payment.amount);
            backed = backed.saturating_add(adds.saturating_sub(lost));
        }
        backed
    }

    /// What the account's entries carry of it in a month; `None` if nothing was ever paid for it.
    pub(crate) fn summary(&self, month: Period) -> Option<Subscription> {
        let (payment, gone_at) = self.current()?;
        let end = self.ended_at.map_or(payment.paid_until, |ended_at| ended_at.min(payment.paid_until));
        let terms =
            if gone_at.is_some() { &payment.terms } else { self.terms(payment, DateTime::<Utc>::MAX_UTC) };
        let status = if self.ended_at.is_some() || gone_at.is_some() {
            SubscriptionStatus::Canceled
        } else if self.past_due {
            SubscriptionStatus::PastDue
        } else {
            SubscriptionStatus::Active
        };
        Some(Subscription {
            id: self.id.clone(),
            plan: terms.plan.clone(),
            allowance: terms.allowance,
            status,
            paid_through: gone_at.map_or(end, |gone_at| end.min(gone_at)),
            backed: self.backed(month),
        })
    }

    /// The record as it was when a month began: the payments made, the money gone and the items seen before.
    pub(crate) fn before(&self, month: Period) -> Self {
        let start = month.start();
        let mut earlier = self.clone();
        earlier.payments.retain(|payment| payment.paid_at < start);
        for payment in &mut earlier.payments {
            payment.gone = payment.gone.before(month);
        }
        earlier.items.retain(|item| item.since < start);
        earlier
    }
}
