//! What the account keeps of each object; `shapes` makes Stripe's objects of them.
//!
//! Invariant: records point to each other by id, as Stripe's objects do.

mod billing;
mod money;

pub use billing::{
    Discount, Invoice, InvoicePayment, InvoicePaymentStatus, InvoiceStatus, Item, Line, Pause, PendingUpdate,
    PeriodCharge, Proration, Subscription, SubscriptionStatus,
};
pub use money::{Dispute, Payment, PaymentStatus, Refund, RefundStatus, Session, SessionLine};

use super::plan::{Interval, Metadata};
use chrono::{DateTime, Utc};

pub type Time = DateTime<Utc>;

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    pub id: String,
    pub name: String,
    pub metadata: Metadata,
}

/// What a unit of a product costs, once or each period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub id: String,
    pub product: String,
    /// The product's name, for descriptions.
    pub name: String,
    pub lookup_key: Option<String>,
    pub metadata: Metadata,
    pub unit_amount: i64,
    /// None: it is paid once.
    pub recurring: Option<Interval>,
}

/// Who pays.
#[derive(Debug, Clone)]
pub struct Customer {
    pub id: String,
    /// Below zero: credit that the next invoices use up.
    pub balance: i64,
    pub created: Time,
}
