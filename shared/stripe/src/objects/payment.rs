//! Payments, refunds and disputes.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Expandable, Metadata, Reference, impl_has_id, nullable, time};

/// A payment intent: a payment with all attempts at it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PaymentIntent {
    /// `pi_…`
    pub id: String,
    /// `succeeded`, `processing`, `requires_payment_method`, …
    pub status: String,
    /// The sum to pay, in the currency's minor unit.
    pub amount: i64,
    /// The sum paid.
    pub amount_received: i64,
    /// The currency's ISO code, in lower case.
    pub currency: String,
    /// The customer.
    pub customer: Option<Reference>,
    /// Its metadata.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// When it was begun.
    #[serde(deserialize_with = "time::required")]
    pub created: DateTime<Utc>,
    /// The newest attempt. Expandable.
    pub latest_charge: Option<Expandable<Charge>>,
}

/// One attempt at a payment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Charge {
    /// `ch_…` or `py_…`
    pub id: String,
    /// Its payment intent; `None` if the charge is older than payment intents.
    pub payment_intent: Option<Reference>,
    /// How much, in the currency's minor unit.
    pub amount: i64,
    /// How much of it was refunded.
    pub amount_refunded: i64,
    /// Whether all of it was refunded.
    pub refunded: bool,
    /// Whether it is or was disputed.
    pub disputed: bool,
    /// When it was made.
    #[serde(deserialize_with = "time::required")]
    pub created: DateTime<Utc>,
}

/// A refund: money that the merchant gives back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refund {
    /// `re_…`, or `pyr_…`
    pub id: String,
    /// How much, in the currency's minor unit.
    pub amount: i64,
    /// `pending`, `requires_action`, `succeeded`, `failed` or `canceled`; empty if Stripe sets none.
    #[serde(default, deserialize_with = "nullable")]
    pub status: String,
    /// When it was asked for.
    #[serde(deserialize_with = "time::required")]
    pub created: DateTime<Utc>,
    /// The payment.
    pub payment_intent: Option<Reference>,
    /// The charge.
    pub charge: Option<Reference>,
    /// Its metadata.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// Why it failed.
    pub failure_reason: Option<String>,
}

/// A dispute: money that the customer's bank takes back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Dispute {
    /// `dp_…` or `du_…`
    pub id: String,
    /// How much, in the currency's minor unit; it may be less than the charge.
    pub amount: i64,
    /// `needs_response`, `under_review`, `won`, `lost`, `prevented`, or an inquiry's `warning_…`.
    pub status: String,
    /// When it was opened.
    #[serde(deserialize_with = "time::required")]
    pub created: DateTime<Utc>,
    /// The payment.
    pub payment_intent: Option<Reference>,
    /// The charge.
    pub charge: Option<Reference>,
}

impl PaymentIntent {
    /// The newest attempt, if it was expanded.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::PaymentIntent;
    ///
    /// let payment: PaymentIntent = serde_json::from_str(
    ///     r#"{"id": "pi_1", "status": "succeeded", "amount": 900, "amount_received": 900, "currency": "usd",
    ///         "created": 1793696400, "latest_charge": {"id": "ch_1", "amount": 900, "amount_refunded": 0,
    ///             "refunded": false, "disputed": false, "created": 1793696400}}"#,
    /// )?;
    /// assert_eq!(payment.charge().unwrap().id, "ch_1");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn charge(&self) -> Option<&Charge> {
        self.latest_charge.as_ref()?.object()
    }
}

impl Charge {
    /// The id of its payment.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::Charge;
    ///
    /// let charge: Charge = serde_json::from_str(
    ///     r#"{"id": "ch_1", "payment_intent": "pi_1", "amount": 900, "amount_refunded": 0,
    ///         "refunded": false, "disputed": false, "created": 1793696400}"#,
    /// )?;
    /// assert_eq!(charge.payment_intent(), Some("pi_1"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn payment_intent(&self) -> Option<&str> {
        self.payment_intent.as_ref().map(Reference::id)
    }
}

impl_has_id!(PaymentIntent, Charge, Refund, Dispute);
