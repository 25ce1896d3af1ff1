//! Invoices, their lines and their payments.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Expandable, List, Metadata, Reference, Subscription, impl_has_id, nullable, time};

/// An invoice, of a subscription or of none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Invoice {
    /// `in_…`
    pub id: String,
    /// `draft`, `open`, `paid`, `uncollectible` or `void`.
    pub status: Option<String>,
    /// The customer.
    pub customer: Option<Reference>,
    /// Its metadata.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// `subscription_create`, `subscription_cycle`, `subscription_update`, `manual`, …
    pub billing_reason: Option<String>,
    /// The sum of its payments; 0 for one paid from the customer's balance, out of band, or with nothing due.
    pub amount_paid: i64,
    /// The sum to pay by payments.
    pub amount_due: i64,
    /// The sum of its lines, discounts and taxes counted in; negative if they are credits.
    pub total: i64,
    /// The currency's ISO code, in lower case.
    pub currency: String,
    /// When it was made.
    #[serde(deserialize_with = "time::required")]
    pub created: DateTime<Utc>,
    /// When its status changed.
    pub status_transitions: StatusTransitions,
    /// Its origin.
    pub parent: Option<InvoiceParent>,
    /// Its lines. Inside an invoice the first ten: pending items and prorations, newest first, before the rest.
    pub lines: List<InvoiceLine>,
    /// Its payments and attempts at them; only in answers to calls that expand it.
    pub payments: Option<List<InvoicePayment>>,
}

/// When an invoice's status changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StatusTransitions {
    /// When it was paid.
    #[serde(default, deserialize_with = "time::optional")]
    pub paid_at: Option<DateTime<Utc>>,
}

/// The origin of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InvoiceParent {
    /// The subscription that made it.
    pub subscription_details: Option<SubscriptionDetails>,
}

/// The subscription of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SubscriptionDetails {
    /// `sub_…`, or all of it as it is now, but for its prices' products.
    pub subscription: Option<Expandable<Subscription>>,
    /// The subscription's metadata when the invoice was finalized.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InvoiceLine {
    /// `il_…`
    pub id: String,
    /// Its sum, in the currency's minor unit; negative for a credit.
    pub amount: i64,
    /// How many; Stripe cuts off a fraction.
    pub quantity: Option<u64>,
    /// The text that the customer reads.
    pub description: Option<String>,
    /// The period that it pays for.
    pub period: Period,
    /// Its price.
    pub pricing: Option<Pricing>,
    /// Its origin.
    pub parent: Option<LineParent>,
    /// Its metadata; on a subscription's line, that of the subscription.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// The amount of each discount.
    #[serde(default, deserialize_with = "nullable")]
    pub discount_amounts: Vec<DiscountAmount>,
}

/// A period of time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Period {
    /// Its first moment.
    #[serde(deserialize_with = "time::required")]
    pub start: DateTime<Utc>,
    /// The first moment after it.
    #[serde(deserialize_with = "time::required")]
    pub end: DateTime<Utc>,
}

/// How a line is priced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pricing {
    /// The price; `None` for an amount without one.
    pub price_details: Option<PriceDetails>,
}

/// The price of a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PriceDetails {
    /// `price_…`. Expandable, but too deep in most answers, so only its id is read.
    pub price: Reference,
    /// `prod_…`
    pub product: String,
}

/// The origin of a line: `kind` names the details that are set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LineParent {
    /// `invoice_item_details` or `subscription_item_details`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The invoice item.
    pub invoice_item_details: Option<InvoiceItemDetails>,
    /// The subscription's item.
    pub subscription_item_details: Option<InvoiceItemDetails>,
}

/// The item that a line shows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InvoiceItemDetails {
    /// Whether it is a proration: a correction for a change within a period.
    #[serde(default)]
    pub proration: bool,
}

/// The amount of one discount on a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DiscountAmount {
    /// How much, in the currency's minor unit.
    pub amount: i64,
}

/// A payment of an invoice, or an attempt at one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InvoicePayment {
    /// `inpay_…`
    pub id: String,
    /// `open`, `paid` or `canceled`.
    pub status: String,
    /// The invoice.
    pub invoice: Expandable<Invoice>,
    /// How much of the invoice it paid.
    pub amount_paid: Option<i64>,
    /// Whether it is the payment that Stripe made for the invoice itself.
    #[serde(default)]
    pub is_default: bool,
    /// The object that moves the money.
    pub payment: PaymentDetails,
}

/// The details of an invoice payment: the object that moves the money.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PaymentDetails {
    /// `payment_intent`, `charge` or `payment_record` (out of band).
    #[serde(rename = "type")]
    pub kind: String,
    /// `pi_…`
    pub payment_intent: Option<Reference>,
    /// `ch_…`
    pub charge: Option<Reference>,
}

impl Invoice {
    /// The details of the subscription that made it; `None` if none did.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::Invoice;
    ///
    /// let invoice: Invoice = serde_json::from_str(
    ///     r#"{"id": "in_1", "amount_paid": 900, "amount_due": 900, "total": 900, "currency": "usd",
    ///         "created": 1793696400, "status_transitions": {}, "lines": {"data": []},
    ///         "parent": {"subscription_details": {"metadata": {"account_id": "alice"}}}}"#,
    /// )?;
    /// assert_eq!(invoice.subscription().unwrap().metadata["account_id"], "alice");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn subscription(&self) -> Option<&SubscriptionDetails> {
        self.parent.as_ref()?.subscription_details.as_ref()
    }

    /// The id of the subscription that made it.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::Invoice;
    ///
    /// let invoice: Invoice = serde_json::from_str(
    ///     r#"{"id": "in_1", "amount_paid": 900, "amount_due": 900, "total": 900, "currency": "usd",
    ///         "created": 1793696400, "status_transitions": {}, "lines": {"data": []},
    ///         "parent": {"subscription_details": {"subscription": "sub_1"}}}"#,
    /// )?;
    /// assert_eq!(invoice.subscription_id(), Some("sub_1"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn subscription_id(&self) -> Option<&str> {
        self.subscription()?.subscription.as_ref().map(Expandable::id)
    }

    /// When it was paid.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::Invoice;
    ///
    /// let invoice: Invoice = serde_json::from_str(
    ///     r#"{"id": "in_1", "amount_paid": 900, "amount_due": 900, "total": 900, "currency": "usd",
    ///         "created": 1793696400, "status_transitions": {"paid_at": 1793696400}, "lines": {"data": []}}"#,
    /// )?;
    /// assert_eq!(invoice.paid_at(), Some(invoice.created));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn paid_at(&self) -> Option<DateTime<Utc>> {
        self.status_transitions.paid_at
    }
}

impl InvoiceLine {
    /// The id of its price.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::InvoiceLine;
    ///
    /// let line: InvoiceLine = serde_json::from_str(
    ///     r#"{"id": "il_1", "amount": 900, "period": {"start": 1793696400, "end": 1793696400},
    ///         "pricing": {"price_details": {"price": "price_a", "product": "prod_1"}}}"#,
    /// )?;
    /// assert_eq!(line.price_id(), Some("price_a"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn price_id(&self) -> Option<&str> {
        Some(self.pricing.as_ref()?.price_details.as_ref()?.price.id())
    }

    /// Whether it is a proration: a correction for a change within a period.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::InvoiceLine;
    ///
    /// let line: InvoiceLine = serde_json::from_str(
    ///     r#"{"id": "il_1", "amount": 900, "period": {"start": 1793696400, "end": 1793696400},
    ///         "parent": {"type": "invoice_item_details", "invoice_item_details": {"proration": true}}}"#,
    /// )?;
    /// assert!(line.is_proration());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_proration(&self) -> bool {
        let details = self.parent.iter().flat_map(|parent| {
            [&parent.invoice_item_details, &parent.subscription_item_details].into_iter().flatten()
        });
        details.into_iter().any(|details| details.proration)
    }

    /// The sum of its discounts, at most [`i64::MAX`].
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::InvoiceLine;
    ///
    /// let line: InvoiceLine = serde_json::from_str(
    ///     r#"{"id": "il_1", "amount": 900, "period": {"start": 1793696400, "end": 1793696400},
    ///         "discount_amounts": [{"amount": 100}, {"amount": 50}]}"#,
    /// )?;
    /// assert_eq!(line.discounted(), 150);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn discounted(&self) -> i64 {
        self.discount_amounts.iter().fold(0, |sum, discount| sum.saturating_add(discount.amount))
    }
}

impl_has_id!(Invoice, InvoiceLine, InvoicePayment);
