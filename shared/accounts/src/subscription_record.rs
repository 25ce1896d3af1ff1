//! The record of a subscription: its payments, and the refunds and disputes of each.
//!
//! The account's entries carry a summary of it ([`Subscription`]): the plan, the paid time, and the number of the
//! month's credits that its payments back. The summary is a function of the record and the month, so payments, refunds
//! and the subscription's end may be seen in any order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    OutflowTotal, Period, ProviderTime, Purchase, PurchaseId, Subscription, SubscriptionId,
    SubscriptionStatus, Terms, facts::SubscriptionFacts, proportion::share,
};

/// The most invoices that are kept as recorded. It is more than one look at Stripe's list shows.
const RECORDED_MAX: usize = 120;
/// The most payments that are kept once their periods are over: those of some years.
const PAYMENTS_MAX: usize = 40;
/// The most plans of its item that are kept: more than an ordinary month has changes.
const ITEMS_MAX: usize = 32;

/// The payments and plans of a subscription. Each write raises its revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRecord {
    /// The number of writes. A write fails unless the stored record is at the revision before.
    pub revision: u64,
    /// Stripe's id of it.
    pub id: SubscriptionId,
    /// Whether it is past due at Stripe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub past_due: bool,
    /// The time at which it ended at Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// The plans of its item that differ from the newest invoice's plan, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ObservedPlan>,
    /// The payments that may still count, in the order of their invoices.
    pub payments: Vec<PlanPayment>,
    /// The newest invoices that were recorded whole, and need not be read again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<PurchaseId>,
}

/// A plan that a subscription's item had when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedPlan {
    /// The plan and its allowance.
    pub terms: Terms,
    /// The time at which it was first seen. Stripe doesn't show the time of the change.
    pub since: DateTime<Utc>,
}

/// One paid invoice of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPayment {
    /// The invoice.
    pub purchase_id: PurchaseId,
    /// The plan that it paid for.
    pub terms: Terms,
    /// The time at which the invoice was made. It orders the payments.
    pub invoiced_at: DateTime<Utc>,
    /// The time of the payment, or the time at which it was recorded if that was earlier.
    pub paid_at: DateTime<Utc>,
    /// The end of the period that was paid.
    pub paid_until: DateTime<Utc>,
    /// Whether it changed a period that an earlier invoice paid for. Then it counts only as long as that payment does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_change: bool,
    /// The amount that was paid, in the currency's minor unit.
    pub amount: u64,
    /// The sum of its refunds and disputes.
    #[serde(default, skip_serializing_if = "OutflowTotal::is_nothing")]
    pub gone: OutflowTotal,
}

impl PlanPayment {
    /// The time up to which a refund or dispute of this payment takes credits back: the end of the paid period, and at
    /// least the end of the month of the payment, because that month's credits came with it (rule 8).
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

/// A payment whose money is not gone. `chain` numbers groups of payments: an invoice and those that changed its period.
#[derive(Debug, Clone, Copy)]
struct BackingPayment<'a> {
    payment: &'a PlanPayment,
    chain: usize,
}

impl SubscriptionRecord {
    /// The record of a subscription without payments.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{SubscriptionId, SubscriptionRecord};
    ///
    /// let record = SubscriptionRecord::new(SubscriptionId::parse("sub_1")?);
    /// assert_eq!((record.revision, record.payments.len()), (0, 0));
    /// # Ok::<(), scrip_accounts::InvalidId>(())
    /// ```
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

    /// Takes over the subscription itself from the facts, without its item.
    pub(crate) fn update(&mut self, facts: &SubscriptionFacts) {
        self.past_due = facts.past_due;
        self.ended_at = facts.ended_at.map(ProviderTime::time);
        for id in &facts.settled {
            self.remember(id);
        }
    }

    /// Takes over the plan of its current item, as read at a given time. All payments must be recorded before.
    pub(crate) fn update_item(&mut self, terms: &Terms, now: DateTime<Utc>) {
        let invoiced_at = self.payments.last().map_or(now, |payment| payment.invoiced_at);
        if self.item(DateTime::<Utc>::MAX_UTC).is_some_and(|(known, _)| known != terms) {
            self.items.push(ObservedPlan { terms: terms.clone(), since: now.max(invoiced_at) });
        }
    }

    /// The plan of its item before a given time, as invoices and earlier looks showed it, and the time since when.
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

    /// The purchases that still count at a given time: a refund or dispute of one takes back credits or the plan (rule
    /// 8).
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::SubscriptionRecord;
    ///
    /// let record: SubscriptionRecord = serde_json::from_str(
    ///     r#"{"revision":1,"id":"sub_1","payments":[{"purchase_id":"in_1","terms":{"allowance":1000,"plan":"basic"},
    ///     "invoiced_at":"2026-11-03T09:00:00Z","paid_at":"2026-11-03T09:00:00Z","paid_until":"2026-12-03T09:00:00Z",
    ///     "amount":1900}]}"#,
    /// )?;
    /// assert_eq!(record.running("2026-11-22T10:00:00Z".parse().unwrap()).count(), 1);
    /// assert_eq!(record.running("2026-12-03T09:00:00Z".parse().unwrap()).count(), 0);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn running(&self, now: DateTime<Utc>) -> impl Iterator<Item = &PurchaseId> {
        let running = self.payments.iter().filter(move |payment| payment.counts_until() > now);
        running.map(|payment| &payment.purchase_id)
    }

    /// The payment of an invoice.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{PurchaseId, SubscriptionRecord};
    ///
    /// let record: SubscriptionRecord = serde_json::from_str(
    ///     r#"{"revision":1,"id":"sub_1","payments":[{"purchase_id":"in_1","terms":{"allowance":1000,"plan":"basic"},
    ///     "invoiced_at":"2026-11-03T09:00:00Z","paid_at":"2026-11-03T09:00:00Z","paid_until":"2026-12-03T09:00:00Z",
    ///     "amount":1900}]}"#,
    /// )?;
    /// assert_eq!(record.payment(&PurchaseId::parse("in_1")?).unwrap().amount, 1900);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn payment(&self, id: &PurchaseId) -> Option<&PlanPayment> {
        self.payments.iter().find(|payment| payment.purchase_id == *id)
    }

    /// Takes over the outflows of a purchase before a month, if they are more than the record has.
    pub(crate) fn update_gone_before(&mut self, month: Period, purchase: &Purchase) {
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.purchase_id == purchase.id) {
            let gone = purchase.gone_before(payment.counts_until()).before(month);
            if gone.amount > payment.gone.before(month).amount {
                payment.gone = gone;
            }
        }
    }

    /// Takes over all outflows of a purchase.
    pub(crate) fn update_gone(&mut self, purchase: &Purchase) {
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.purchase_id == purchase.id) {
            payment.gone = purchase.gone_before(payment.counts_until());
        }
    }

    /// Removes what can't count any more: surplus payments of periods that were over before a month, the oldest first;
    /// and items that another one followed before that month.
    pub(crate) fn forget_before(&mut self, month: Period) {
        let start = month.start();
        let surplus = self.payments.len().saturating_sub(PAYMENTS_MAX);
        let is_over = |payment: &&PlanPayment| payment.counts_until() <= start;
        let over = self.payments.iter().take(surplus).take_while(is_over).count();
        // The first payment that is kept must not be a change of an earlier one.
        let first = self.payments.iter().take(over + 1).rposition(|payment| !payment.is_change);
        self.payments.drain(..first.unwrap_or_default());
        let before = self.items.iter().rposition(|item| item.since < start).unwrap_or_default();
        let surplus = before.max(self.items.len().saturating_sub(ITEMS_MAX));
        self.items.drain(..surplus);
    }

    /// The payments whose money is not gone, in the order of their invoices. A change of a period depends on the
    /// payment before it: if that is gone, the change doesn't count either (rule 8).
    fn backing_payments(&self) -> Vec<BackingPayment<'_>> {
        let (mut backing, mut chain, mut is_cut) = (Vec::new(), 0, false);
        for payment in &self.payments {
            if !payment.is_change {
                (chain, is_cut) = (chain + 1, false);
            }
            is_cut |= payment.is_wholly_gone();
            if !is_cut {
                backing.push(BackingPayment { payment, chain });
            }
        }
        backing
    }

    /// The current payment: the newest whose money is not gone. If the current period's first payment is gone and no
    /// other payment lasts longer, also the time at which it went.
    fn current(&self) -> Option<(&PlanPayment, Option<DateTime<Utc>>)> {
        let last = self.payments.last()?;
        let base = self.payments.iter().rfind(|payment| !payment.is_change).or(self.payments.first())?;
        let newest = self.backing_payments().last().map(|backing| backing.payment);
        if !base.is_wholly_gone() {
            return Some((newest.unwrap_or(last), None));
        }
        let goes_on = |payment: &&PlanPayment| base.gone.at.is_none_or(|at| payment.paid_until > at);
        match newest.filter(goes_on) {
            Some(payment) => Some((payment, None)),
            None => Some((last, base.gone.at)),
        }
    }

    /// The plan that a payment's refill follows at a given time. If the subscription was downgraded after the payment,
    /// it is the lower plan. An upgrade counts only once it is paid for (rule 5).
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

    /// The credits that the refill of a month gives for this subscription, and the chain of the payment that backs
    /// them.
    fn refill(&self, month: Period) -> Option<(u64, usize)> {
        let start = month.start();
        if self.ended_at.is_some_and(|ended_at| ended_at <= start) {
            return None;
        }
        let backing = self.backing_payments();
        let last = backing.iter().rfind(|backing| backing.payment.paid_at < start)?;
        let gives = self.terms(last.payment, start).allowance;
        (last.payment.paid_until > start).then_some((gives, last.chain))
    }

    /// Whether the month's turn gave a refill for it, according to the record's state at that time.
    pub(crate) fn is_refilled(&self, month: Period) -> bool {
        self.before(month).refill(month).is_some()
    }

    /// Playground credits of a month that the payments back.
    ///
    /// Each payment adds the difference between its plan and the highest one before it, less the share of its money
    /// that went in that month. A payment of the refill's chain counts with the refill's credits at most; a payment of
    /// the month, with its whole plan.
    pub(crate) fn backed(&self, month: Period) -> u64 {
        let start = month.start();
        let refill = self.refill(month);
        let (mut level, mut backed) = (0_u64, 0_u64);
        for BackingPayment { payment, chain } in self.backing_payments() {
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

    /// The summary for the account's entries of a month; `None` if the subscription has no payments.
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

    /// The record when a month began: only the payments, outflows and items of the time before.
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
