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
        self.rendered(kind, version, |known| known == id).into_iter().next()
    }

    /// Every object of a kind, newest first; items as their subscription has them.
    pub(super) fn all(&self, kind: Kind, version: Generation) -> Vec<Value> {
        self.rendered(kind, version, |_| true)
    }

    /// The objects of a kind whose id is wanted, newest first. No others are rendered: that is most of the work, and
    /// an expansion looks for one object at a time.
    fn rendered(&self, kind: Kind, version: Generation, is_wanted: impl Fn(&str) -> bool) -> Vec<Value> {
        let render = |snapshot: crate::snapshot::Snapshot| snapshot.render(version);
        let mut wanted: Vec<Value> = match kind {
            Kind::Session => places(&self.sessions, |session| is_wanted(&session.id))
                .map(|at| render(self.session_now(at)))
                .collect(),
            Kind::Subscription => places(&self.subscriptions, |subscription| is_wanted(&subscription.id))
                .map(|at| render(self.subscription_now(at)))
                .collect(),
            Kind::SubscriptionItem => return self.items(version, is_wanted),
            Kind::Invoice => places(&self.invoices, |invoice| is_wanted(&invoice.id))
                .map(|at| render(self.invoice_now(at)))
                .collect(),
            Kind::InvoicePayment => self
                .invoice_payments()
                .filter(|payment| is_wanted(&payment.id))
                .map(shapes::invoice::payment_of_invoice)
                .collect(),
            Kind::PaymentIntent => places(&self.payments, |payment| is_wanted(&payment.intent))
                .map(|at| render(self.intent_now(at)))
                .collect(),
            Kind::Charge => places(&self.payments, |payment| is_wanted(&payment.charge))
                .map(|at| render(self.charge_now(at)))
                .collect(),
            Kind::Refund => places(&self.refunds, |refund| is_wanted(&refund.id))
                .map(|at| render(self.refund_now(at)))
                .collect(),
            Kind::Dispute => places(&self.disputes, |dispute| is_wanted(&dispute.id))
                .map(|at| render(self.dispute_now(at)))
                .collect(),
            Kind::Price => {
                let prices = self.prices.iter().filter(|price| is_wanted(&price.id));
                prices.map(|price| shapes::price::price(price, version)).collect()
            }
            Kind::Product => {
                let products = self.products.iter().filter(|product| is_wanted(&product.id));
                products.map(shapes::price::product).collect()
            }
            Kind::Customer => {
                let customers = self.customers.iter().filter(|customer| is_wanted(&customer.id));
                customers.map(|customer| shapes::price::customer(customer, version)).collect()
            }
            Kind::Event => {
                let events = self.kept_events().filter(|kept| is_wanted(kept.event.id()));
                events.map(|kept| kept.event.json().clone()).collect()
            }
        };
        wanted.reverse();
        wanted
    }

    fn items(&self, version: Generation, is_wanted: impl Fn(&str) -> bool) -> Vec<Value> {
        let items = self.subscriptions.iter().flat_map(|subscription| {
            subscription.items.iter().map(move |item| (item, subscription.id.as_str()))
        });
        let wanted = items.filter(|(item, _)| is_wanted(&item.id));
        wanted.map(|(item, of)| shapes::subscription::item(item, of, version)).collect()
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

/// Where the wanted ones are.
fn places<T>(records: &[T], is_wanted: impl Fn(&T) -> bool) -> impl Iterator<Item = usize> {
    (0..records.len()).filter(move |at| is_wanted(&records[*at]))
}
