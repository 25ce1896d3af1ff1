//! Everything one account holds, the making of ids, and where objects are.
//!
//! Invariant: `now` is the only time, `rng` the only source of ids.

use super::{
    event::Event,
    generation::Generation,
    history::{Record, StoredAnswer},
    plan,
    records::{
        Customer, Dispute, Invoice, Payment, Price, Product, Refund, RefundStatus, Session, Subscription,
    },
    snapshot::Snapshot,
};
use chrono::{DateTime, Utc};
use fastrand::Rng;
use std::{collections::BTreeMap, sync::Arc};

#[derive(Debug, Clone)]
pub struct Account {
    pub generation: Generation,
    pub now: DateTime<Utc>,
    rng: Rng,
    pub products: Vec<Product>,
    pub prices: Vec<Price>,
    pub customers: Vec<Customer>,
    /// The customer of each of the product's accounts.
    pub customer_ids: BTreeMap<String, String>,
    pub sessions: Vec<Session>,
    pub payments: Vec<Payment>,
    pub invoices: Vec<Invoice>,
    pub subscriptions: Vec<Subscription>,
    pub refunds: Vec<Refund>,
    pub disputes: Vec<Dispute>,
    /// What refunds are at first.
    pub refunds_begin: RefundStatus,
    /// What a subscription becomes whose payments keep failing.
    pub dunning_end: super::DunningEnd,
    /// The events of the last thirty days, oldest first. An [`AccountState`](crate::AccountState) shares them.
    pub events: Vec<Arc<Record>>,
    pub outbox: Vec<Event>,
    /// The request that causes the events now made, and its idempotency key.
    pub request: (Option<String>, Option<String>),
    /// The answers that are kept for idempotency keys.
    pub stored: BTreeMap<String, StoredAnswer>,
}

impl Account {
    pub fn new(seed: &str, generation: Generation, now: DateTime<Utc>) -> Self {
        Self {
            generation,
            now,
            rng: plan::rng(seed),
            products: Vec::new(),
            prices: Vec::new(),
            customers: Vec::new(),
            customer_ids: BTreeMap::new(),
            sessions: Vec::new(),
            payments: Vec::new(),
            invoices: Vec::new(),
            subscriptions: Vec::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            refunds_begin: RefundStatus::Succeeded,
            dunning_end: super::DunningEnd::Cancel,
            events: Vec::new(),
            outbox: Vec::new(),
            request: (None, None),
            stored: BTreeMap::new(),
        }
    }

    pub fn id(&mut self, prefix: &str, length: usize) -> String {
        plan::id(&mut self.rng, prefix, length)
    }

    /// Where the payment is that has this id, or whose charge or invoice has it.
    pub fn payment_of(&self, id: &str) -> Option<usize> {
        let is_it = |payment: &Payment| {
            payment.intent == id
                || payment.charge == id
                || payment.invoice.as_deref() == Some(id)
                || payment.declined.iter().any(|(charge, _)| charge == id)
        };
        self.payments.iter().position(is_it)
    }

    pub fn invoice_of(&self, id: &str) -> Option<usize> {
        self.invoices.iter().position(|invoice| invoice.id == id)
    }

    pub fn subscription_of(&self, id: &str) -> Option<usize> {
        self.subscriptions.iter().position(|subscription| subscription.id == id)
    }

    /// Where the subscription of that id is, which a test names.
    pub(super) fn known(&self, subscription: &str) -> usize {
        self.subscription_of(subscription).expect("a subscription has that id")
    }

    pub(super) fn live(&self, subscription: &str) -> usize {
        let at = self.subscription_of(subscription).filter(|at| self.subscriptions[*at].is_live());
        at.expect("a live subscription has that id")
    }

    /// Changes a subscription and makes the event of it.
    pub fn change(&mut self, at: usize, kind: &str, change: impl FnOnce(&mut Subscription)) {
        let before = self.subscription_now(at);
        change(&mut self.subscriptions[at]);
        let before = (kind == "customer.subscription.updated").then_some(before);
        self.emit(kind, self.subscription_now(at), before);
    }
}

/// Its objects as they are now.
impl Account {
    pub(super) fn session_now(&self, at: usize) -> Snapshot {
        Snapshot::Session(Box::new(self.sessions[at].clone()))
    }

    pub(super) fn intent_now(&self, at: usize) -> Snapshot {
        Snapshot::Intent(Box::new(self.payments[at].clone()), self.refunds_of(at))
    }

    pub(super) fn charge_now(&self, at: usize) -> Snapshot {
        Snapshot::Charge(Box::new(self.payments[at].clone()), self.refunds_of(at))
    }

    pub(super) fn invoice_now(&self, at: usize) -> Snapshot {
        let payment = self.default_payment(&self.invoices[at]).cloned().map(Box::new);
        Snapshot::Invoice(Box::new(self.invoices[at].clone()), payment)
    }

    pub(super) fn subscription_now(&self, at: usize) -> Snapshot {
        Snapshot::Subscription(Box::new(self.subscriptions[at].clone()))
    }

    pub(super) fn refund_now(&self, at: usize) -> Snapshot {
        Snapshot::Refund(self.refunds[at].clone())
    }

    pub(super) fn dispute_now(&self, at: usize) -> Snapshot {
        Snapshot::Dispute(self.disputes[at].clone())
    }

    /// The refunds of the payment's latest charge, oldest first.
    fn refunds_of(&self, at: usize) -> Vec<Refund> {
        let intent = &self.payments[at].intent;
        self.refunds.iter().filter(|refund| refund.intent == *intent).cloned().collect()
    }

    /// The payment that an older version names as the invoice's.
    fn default_payment(&self, invoice: &Invoice) -> Option<&Payment> {
        let intent = invoice.intent.as_deref()?;
        self.payments.iter().find(|payment| payment.intent == intent)
    }
}
