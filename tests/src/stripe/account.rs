//! Everything one account holds, and the making of ids and events.
//!
//! Invariant: `now` is the only time, `rng` the only source of ids, `emit` the only maker of events.

use super::{
    api::Desk,
    event::Event,
    generation::Generation,
    plan,
    records::{Dispute, Invoice, Payment, Refund, Session, Subscription},
    shapes,
};
use chrono::{DateTime, Utc};
use fastrand::Rng;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct Account {
    pub generation: Generation,
    pub now: DateTime<Utc>,
    rng: Rng,
    /// The customer of each of the product's accounts.
    customers: BTreeMap<String, String>,
    pub sessions: Vec<Session>,
    pub payments: Vec<Payment>,
    pub invoices: Vec<Invoice>,
    pub subscriptions: Vec<Subscription>,
    pub refunds: Vec<Refund>,
    pub disputes: Vec<Dispute>,
    pub refunds_pend: bool,
    pub outbox: Vec<Event>,
    /// The request that causes the events now made, and its idempotency key.
    pub request: (Option<String>, Option<String>),
    pub desk: Desk,
}

impl Account {
    pub fn new(seed: &str, generation: Generation, now: DateTime<Utc>) -> Self {
        Self {
            generation,
            now,
            rng: plan::rng(seed),
            customers: BTreeMap::new(),
            sessions: Vec::new(),
            payments: Vec::new(),
            invoices: Vec::new(),
            subscriptions: Vec::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            refunds_pend: false,
            outbox: Vec::new(),
            request: (None, None),
            desk: Desk::default(),
        }
    }

    pub fn id(&mut self, prefix: &str, length: usize) -> String {
        plan::id(&mut self.rng, prefix, length)
    }

    pub fn customer(&mut self, account: &str) -> String {
        if let Some(known) = self.customers.get(account) {
            return known.clone();
        }
        let id = self.id("cus_", 14);
        self.customers.insert(account.to_owned(), id.clone());
        id
    }

    /// Makes an event about an object. With what it was before, the event says which members differ.
    pub fn emit(&mut self, kind: &str, object: Value, before: Option<&Value>) {
        let previous = before.map(|before| differing(before, &object));
        let mut data = Map::from_iter([("object".to_owned(), object)]);
        data.extend(previous.map(|previous| ("previous_attributes".to_owned(), previous)));
        let (request, key) = self.request.clone();
        let event = json!({
            "id": self.id("evt_1", 23), "object": "event",
            "api_version": self.generation.api_version(), "created": self.now.timestamp(), "data": data,
            "livemode": false, "pending_webhooks": 1,
            "request": { "id": request, "idempotency_key": key }, "type": kind,
        });
        self.outbox.push(Event::from_json(event));
    }

    /// Where the payment is that has this id, or whose charge or invoice has it.
    pub fn payment_of(&self, id: &str) -> Option<usize> {
        let is_it = |payment: &Payment| {
            payment.intent == id || payment.charge == id || payment.invoice.as_deref() == Some(id)
        };
        self.payments.iter().position(is_it)
    }

    pub fn invoice_of(&self, id: &str) -> Option<usize> {
        self.invoices.iter().position(|invoice| invoice.id == id)
    }

    pub fn subscription_of(&self, id: &str) -> Option<usize> {
        self.subscriptions.iter().position(|subscription| subscription.id == id)
    }

    pub fn charge(&self, at: usize) -> Value {
        shapes::payment::charge(&self.payments[at], self.generation)
    }

    pub fn intent(&self, at: usize) -> Value {
        shapes::payment::intent(&self.payments[at], self.generation)
    }

    pub fn invoice(&self, at: usize) -> Value {
        let invoice = &self.invoices[at];
        let payment = invoice.intent.as_deref().and_then(|intent| self.payment_of(intent));
        shapes::invoice::invoice(invoice, payment.map(|at| &self.payments[at]), self.generation)
    }

    pub fn subscription(&self, at: usize) -> Value {
        shapes::subscription::subscription(&self.subscriptions[at], self.generation)
    }

    /// Changes a subscription and says so.
    pub fn change(&mut self, at: usize, kind: &str, change: impl FnOnce(&mut Subscription)) {
        let before = self.subscription(at);
        change(&mut self.subscriptions[at]);
        let before = (kind == "customer.subscription.updated").then_some(before);
        self.emit(kind, self.subscription(at), before.as_ref());
    }
}

/// The members of `before` that are otherwise now.
fn differing(before: &Value, now: &Value) -> Value {
    let members = before.as_object().into_iter().flatten();
    let differing = members.filter(|(name, was)| now.get(name.as_str()) != Some(was));
    Value::Object(differing.map(|(name, was)| (name.clone(), was.clone())).collect::<Map<_, _>>())
}
