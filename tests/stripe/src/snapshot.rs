//! An object as it was at a moment, which can be rendered in any version later.
//!
//! Invariant: a snapshot holds copies of records, so that what happens afterwards doesn't change it.

use super::{
    generation::Generation,
    records::{Dispute, Invoice, InvoicePayment, Payment, Refund, Session, Subscription},
    shapes,
};
use serde_json::Value;

/// What an event is about.
#[derive(Debug, Clone)]
pub enum Snapshot {
    Session(Box<Session>),
    /// A payment as its intent; with its refunds, which old versions show.
    Intent(Box<Payment>, Vec<Refund>),
    /// A payment as its latest charge.
    Charge(Box<Payment>, Vec<Refund>),
    /// An invoice with its default payment.
    Invoice(Box<Invoice>, Option<Box<Payment>>),
    InvoicePayment(InvoicePayment),
    Subscription(Box<Subscription>),
    Refund(Refund),
    Dispute(Dispute),
}

impl Snapshot {
    /// The object in the shape of a version.
    pub fn render(&self, generation: Generation) -> Value {
        match self {
            Self::Session(session) => shapes::session::session(session, generation),
            Self::Intent(payment, refunds) => {
                shapes::payment::intent_with(payment, &refunds.iter().collect::<Vec<_>>(), generation)
            }
            Self::Charge(payment, refunds) => {
                shapes::payment::charge_with(payment, &refunds.iter().collect::<Vec<_>>(), generation)
            }
            Self::Invoice(invoice, payment) => {
                shapes::invoice::invoice(invoice, payment.as_deref(), generation)
            }
            Self::InvoicePayment(payment) => shapes::invoice::payment_of_invoice(payment),
            Self::Subscription(subscription) => shapes::subscription::subscription(subscription, generation),
            Self::Refund(refund) => shapes::returned::refund_in(refund, generation),
            Self::Dispute(dispute) => shapes::returned::dispute_in(dispute, generation),
        }
    }
}
