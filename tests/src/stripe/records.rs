//! What the account keeps of each object; `shapes` makes Stripe's objects of them.
//!
//! Invariant: records point to each other by id, as Stripe's objects do.

use super::plan::{Metadata, Plan};
use chrono::{DateTime, Utc};

pub type Time = DateTime<Utc>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    Processing,
    Succeeded,
    Declined,
}

/// A payment intent with its latest charge.
#[derive(Debug, Clone)]
pub struct Payment {
    pub intent: String,
    pub charge: String,
    pub transaction: String,
    pub customer: Option<String>,
    pub amount: i64,
    pub metadata: Metadata,
    pub description: Option<&'static str>,
    pub invoice: Option<String>,
    pub status: PaymentStatus,
    pub refunded: i64,
    pub disputed: bool,
    pub created: Time,
}

#[derive(Debug, Clone)]
pub struct Session {
    pub id: String,
    pub mode: &'static str,
    pub payment_status: &'static str,
    pub customer: Option<String>,
    pub client_reference_id: Option<String>,
    pub metadata: Metadata,
    pub subtotal: i64,
    pub total: i64,
    pub intent: Option<String>,
    pub invoice: Option<String>,
    pub subscription: Option<String>,
    pub created: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionStatus {
    Incomplete,
    Active,
    PastDue,
    Canceled,
}

impl SubscriptionStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Canceled => "canceled",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: String,
    pub item: String,
    pub customer: String,
    pub plan: Plan,
    pub metadata: Metadata,
    pub status: SubscriptionStatus,
    pub anchor: Time,
    /// How many periods ended since the anchor.
    pub turns: u32,
    pub cancel_at_period_end: bool,
    pub canceled_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub end_reason: Option<&'static str>,
    pub latest_invoice: String,
    /// The invoice and line that charged the current plan.
    pub charged_by: (String, String),
    /// Whether the next payment is declined.
    pub declines_next: bool,
    pub free: bool,
    pub created: Time,
}

impl Subscription {
    pub fn period(&self) -> (Time, Time) {
        self.plan.period(self.anchor, self.turns)
    }

    pub fn is_live(&self) -> bool {
        self.status != SubscriptionStatus::Canceled
    }
}

#[derive(Debug, Clone)]
pub struct Line {
    pub id: String,
    pub amount: i64,
    pub discount: i64,
    pub description: String,
    pub plan: Plan,
    pub period: (Time, Time),
    pub proration: Option<Proration>,
}

/// What a line that corrects a period in the middle comes from.
#[derive(Debug, Clone)]
pub struct Proration {
    pub invoice_item: String,
    /// The invoice and line that a credit gives back from.
    pub credited: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceStatus {
    Draft,
    Open,
    Paid,
}

#[derive(Debug, Clone)]
pub struct Invoice {
    pub id: String,
    pub payment_record: String,
    pub number: usize,
    pub customer: String,
    pub subscription: String,
    pub item: String,
    /// The subscription's metadata when the invoice was made.
    pub metadata: Metadata,
    pub reason: &'static str,
    pub lines: Vec<Line>,
    /// The time over which invoice items were gathered; not what is paid for, which is the lines'.
    pub period: (Time, Time),
    pub status: InvoiceStatus,
    pub intent: Option<String>,
    pub created: Time,
    pub finalized_at: Option<Time>,
    pub paid_at: Option<Time>,
}

impl Invoice {
    pub fn subtotal(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    pub fn discount(&self) -> i64 {
        self.lines.iter().map(|line| line.discount).sum()
    }

    pub fn total(&self) -> i64 {
        self.subtotal() - self.discount()
    }

    pub fn due(&self) -> i64 {
        self.total().max(0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

#[derive(Debug, Clone)]
pub struct Refund {
    pub id: String,
    pub transaction: String,
    pub intent: String,
    pub charge: String,
    pub amount: i64,
    pub reason: Option<String>,
    pub metadata: Metadata,
    pub status: RefundStatus,
    pub failure_transaction: Option<String>,
    pub created: Time,
}

#[derive(Debug, Clone)]
pub struct Dispute {
    pub id: String,
    pub intent: String,
    pub charge: String,
    pub amount: i64,
    pub status: &'static str,
    /// The withdrawal, then the reinstatement: id, signed amount, time.
    pub transactions: Vec<(String, i64, Time)>,
    pub created: Time,
}
