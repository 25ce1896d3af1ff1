//! Checkout sessions.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Expandable, List, Metadata, PaymentIntent, Price, Reference, impl_has_id, nullable, time};

/// A checkout session: one visit of a customer to a payment page, also from a payment link or a pricing table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Session {
    /// `cs_…`
    pub id: String,
    /// `payment`, `setup` or `subscription`.
    pub mode: String,
    /// `open`, `complete` or `expired`.
    pub status: Option<String>,
    /// `paid`, `unpaid` or `no_payment_required`.
    pub payment_status: String,
    /// The customer; `None` for a guest.
    pub customer: Option<Reference>,
    /// The merchant's own name for the customer.
    pub client_reference_id: Option<String>,
    /// Its metadata.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// The payment, in mode `payment` unless nothing was due. Expandable.
    pub payment_intent: Option<Expandable<PaymentIntent>>,
    /// The invoice, if one was made.
    pub invoice: Option<Reference>,
    /// The subscription, in mode `subscription`.
    pub subscription: Option<Reference>,
    /// The sum to pay, in the currency's minor unit.
    pub amount_total: Option<i64>,
    /// The currency's ISO code, in lower case.
    pub currency: Option<String>,
    /// When it was opened.
    #[serde(deserialize_with = "time::required")]
    pub created: DateTime<Utc>,
    /// The lines; only in answers to calls that expand it, never in events or lists.
    pub line_items: Option<List<SessionLine>>,
    /// The payment link that opened it.
    pub payment_link: Option<Reference>,
}

/// A line of a session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionLine {
    /// `li_…`
    pub id: String,
    /// How many.
    pub quantity: Option<u64>,
    /// Its sum, discounts and taxes counted in.
    pub amount_total: i64,
    /// Its price. Stripe always shows the whole object.
    pub price: Option<Expandable<Price>>,
}

impl_has_id!(Session, SessionLine);
