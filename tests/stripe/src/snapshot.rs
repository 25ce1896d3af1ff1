//! An object as it was at a moment, which can be rendered in any version later.
//!
//! Invariant: a snapshot holds copies of records, so that what happens afterwards doesn't change it.

use super::{
    account::Account,
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
    pub(super) fn default_payment(&self, invoice: &Invoice) -> Option<&Payment> {
        let intent = invoice.intent.as_deref()?;
        self.payments.iter().find(|payment| payment.intent == intent)
    }
}
