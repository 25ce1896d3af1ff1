//! Records of money: checkout sessions, payments, refunds, disputes.

use super::{Price, Time};
use crate::plan::Metadata;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    Processing,
    Succeeded,
    Declined,
    /// Given up: its invoice was voided, or paid by other means.
    Canceled,
}

/// A payment intent with its latest charge.
#[derive(Debug, Clone)]
pub struct Payment {
    pub intent: String,
    /// The latest charge.
    pub charge: String,
    pub transaction: String,
    pub customer: Option<String>,
    pub amount: i64,
    pub metadata: Metadata,
    pub description: Option<&'static str>,
    pub invoice: Option<String>,
    pub status: PaymentStatus,
    /// The sum of the refunds that succeeded or may yet.
    pub refunded: i64,
    /// Whether it was ever disputed.
    pub disputed: bool,
    /// The latest dispute.
    pub dispute: Option<String>,
    /// Charges before the latest, which were declined, oldest first.
    pub declined: Vec<(String, Time)>,
    pub created: Time,
    /// When the latest charge was made.
    pub charged_at: Time,
    pub canceled_at: Option<Time>,
}

/// What is bought in a checkout session.
#[derive(Debug, Clone)]
pub struct SessionLine {
    pub id: String,
    pub price: Price,
    pub quantity: i64,
    /// Before discounts.
    pub subtotal: i64,
    pub discount: i64,
}

#[derive(Debug, Clone)]
pub struct Session {
    pub id: String,
    /// `open`, `complete` or `expired`.
    pub status: &'static str,
    pub mode: &'static str,
    pub payment_status: &'static str,
    pub customer: Option<String>,
    pub client_reference_id: Option<String>,
    pub metadata: Metadata,
    pub lines: Vec<SessionLine>,
    pub subtotal: i64,
    pub total: i64,
    pub intent: Option<String>,
    pub invoice: Option<String>,
    /// Whether a payment makes an invoice.
    pub invoice_creation: bool,
    /// The invoice's metadata, where a payment makes one.
    pub invoice_metadata: Metadata,
    pub subscription: Option<String>,
    pub payment_link: Option<String>,
    /// The coupon and, if one was entered, the promotion code.
    pub coupon: Option<(String, Option<String>)>,
    pub created: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStatus {
    Pending,
    RequiresAction,
    Succeeded,
    Failed,
    Canceled,
}

impl RefundStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether the money is gone, or is still to go.
    pub fn stands(self) -> bool {
        !matches!(self, Self::Failed | Self::Canceled)
    }
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

impl Dispute {
    /// Whether it began as an inquiry, and still is one.
    pub fn is_inquiry(&self) -> bool {
        self.status.starts_with("warning_")
    }

    /// Whether it waits for an answer or a decision.
    pub fn is_open(&self) -> bool {
        matches!(
            self.status,
            "needs_response" | "under_review" | "warning_needs_response" | "warning_under_review"
        )
    }

    /// Whether the money is with the customer's bank.
    pub fn holds_funds(&self) -> bool {
        matches!(self.status, "needs_response" | "under_review" | "lost")
    }
}
