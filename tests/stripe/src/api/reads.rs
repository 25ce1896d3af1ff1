//! What the API shows: single objects, and lists of them.
//!
//! Invariant: lists are newest first, and an object has the shape of the version that the request asks for; an event
//! that of the account when it was made.

use super::{kind::Kind, pages, parameters::known};
use crate::{
    account::Account,
    call::Call,
    error::ApiError,
    generation::Generation,
    records::{InvoicePayment, Session},
    shapes,
};
use serde_json::Value;

impl Account {
    /// Answers a `GET`.
    pub(super) fn read(&self, call: &Call, path: &[&str], version: Generation) -> Result<Value, ApiError> {
        let unknown = || ApiError::unknown_url(&call.method, &call.path);
        // Invoice payments came with basil.
        if path.first() == Some(&"invoice_payments") && version < Generation::Basil {
            return Err(unknown());
        }
        match path {
            ["checkout", "sessions", id, "line_items"] => self.line_items(call, id, version),
            ["invoices", id, "lines"] => self.lines(call, id, version),
            path => match (Kind::of(path), path.split_last()) {
                (Some(kind), _) => self.list(call, kind, version),
                (None, Some((id, of))) => {
                    let kind = Kind::of(of).ok_or_else(unknown)?;
                    known(call, &[])?;
                    self.find(kind, id, version).ok_or_else(|| ApiError::missing(kind.name(), id, "id"))
                }
                (None, None) => Err(unknown()),
            },
        }
    }

    pub(super) fn find(&self, kind: Kind, id: &str, version: Generation) -> Option<Value> {
        self.all(kind, version).into_iter().find(|object| object["id"] == id)
    }

    /// Every object of a kind, newest first; items as their subscription has them.
    pub(super) fn all(&self, kind: Kind, version: Generation) -> Vec<Value> {
        let render = |snapshot: crate::snapshot::Snapshot| snapshot.render(version);
        let mut all: Vec<Value> = match kind {
            Kind::Session => (0..self.sessions.len()).map(|at| render(self.session_now(at))).collect(),
            Kind::Subscription => {
                (0..self.subscriptions.len()).map(|at| render(self.subscription_now(at))).collect()
            }
            Kind::SubscriptionItem => return self.items(version),
            Kind::Invoice => (0..self.invoices.len()).map(|at| render(self.invoice_now(at))).collect(),
            Kind::InvoicePayment => {
                self.invoice_payments().map(shapes::invoice::payment_of_invoice).collect()
            }
            Kind::PaymentIntent => (0..self.payments.len()).map(|at| render(self.intent_now(at))).collect(),
            Kind::Charge => (0..self.payments.len()).map(|at| render(self.charge_now(at))).collect(),
            Kind::Refund => (0..self.refunds.len()).map(|at| render(self.refund_now(at))).collect(),
            Kind::Dispute => (0..self.disputes.len()).map(|at| render(self.dispute_now(at))).collect(),
            Kind::Price => self.prices.iter().map(|price| shapes::price::price(price, version)).collect(),
            Kind::Product => self.products.iter().map(shapes::price::product).collect(),
            Kind::Customer => {
                self.customers.iter().map(|customer| shapes::price::customer(customer, version)).collect()
            }
            Kind::Event => self.kept_events().map(|kept| kept.event.json().clone()).collect(),
        };
        all.reverse();
        all
    }

    fn items(&self, version: Generation) -> Vec<Value> {
        let of = |subscription: &crate::records::Subscription| {
            let id = subscription.id.clone();
            let items = subscription.items.clone().into_iter();
            items.map(move |item| shapes::subscription::item(&item, &id, version))
        };
        self.subscriptions.iter().flat_map(of).collect()
    }

    fn invoice_payments(&self) -> impl Iterator<Item = &InvoicePayment> {
        self.invoices.iter().flat_map(|invoice| &invoice.payments)
    }

    pub(super) fn session(&self, id: &str) -> Result<&Session, ApiError> {
        let session = self.sessions.iter().find(|session| session.id == id);
        session.ok_or_else(|| ApiError::missing("checkout.session", id, "id"))
    }

    fn line_items(&self, call: &Call, id: &str, version: Generation) -> Result<Value, ApiError> {
        known(call, &pages::PAGING)?;
        let lines = &self.session(id)?.lines;
        let lines = lines.iter().map(|line| shapes::session::line_item(line, version));
        pages::page(call, "item", lines.collect())
    }

    /// The lines of an invoice, in the order in which it shows its first ten.
    fn lines(&self, call: &Call, id: &str, version: Generation) -> Result<Value, ApiError> {
        known(call, &pages::PAGING)?;
        let at = self.invoice_of(id).ok_or_else(|| ApiError::missing("invoice", id, "id"))?;
        let invoice = &self.invoices[at];
        let lines = invoice.lines.iter().map(|line| shapes::line::line(invoice, line, version));
        pages::page(call, "line_item", lines.collect())
    }
}
