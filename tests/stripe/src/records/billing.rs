//! Records of billing: subscriptions with their items, invoices with their lines and payments.

use super::{Price, Time};
use crate::plan::Metadata;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionStatus {
    Incomplete,
    IncompleteExpired,
    Trialing,
    Active,
    PastDue,
    Unpaid,
    Canceled,
}

impl SubscriptionStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Canceled => "canceled",
        }
    }
}

/// A redeemed coupon.
#[derive(Debug, Clone, PartialEq)]
pub struct Discount {
    pub id: String,
    pub coupon: String,
    pub percent_off: i64,
    /// Whether it counts for the first invoice only.
    pub once: bool,
    pub promotion_code: Option<String>,
    pub start: Time,
}

impl Discount {
    /// What is taken off an amount, rounded to the nearest cent.
    pub fn of(&self, amount: i64) -> i64 {
        (amount * self.percent_off + 50).div_euclid(100)
    }
}

/// The line that charged for an item's current period.
#[derive(Debug, Clone, PartialEq)]
pub struct PeriodCharge {
    pub invoice: Option<String>,
    pub line: String,
    /// What was charged, less discounts.
    pub amount: i64,
    pub period: (Time, Time),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub id: String,
    pub price: Price,
    pub quantity: i64,
    pub metadata: Metadata,
    /// How many periods ended since the anchor.
    pub turns: u32,
    pub period: (Time, Time),
    pub charged: Option<PeriodCharge>,
    pub created: Time,
}

impl Item {
    /// What a period costs, before discounts.
    pub fn amount(&self) -> i64 {
        self.price.unit_amount * self.quantity
    }
}

/// How invoices of a paused subscription end: `void`, `keep_as_draft`, `mark_uncollectible`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    pub behavior: &'static str,
    pub resumes_at: Option<Time>,
}

/// A change that waits for its payment.
#[derive(Debug, Clone)]
pub struct PendingUpdate {
    pub items: Vec<Item>,
    pub anchor: Time,
    /// The anchor, if the change would move it.
    pub new_anchor: Option<Time>,
    pub invoice: String,
    pub expires_at: Time,
}

#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: String,
    /// At least one, in the order in which they were added.
    pub items: Vec<Item>,
    pub customer: String,
    pub metadata: Metadata,
    pub status: SubscriptionStatus,
    pub anchor: Time,
    /// Whether credits come from what was really charged, as `billing_mode` `flexible` has it.
    pub flexible: bool,
    pub trial: Option<(Time, Time)>,
    pub cancel_at_period_end: bool,
    pub canceled_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub end_reason: Option<&'static str>,
    pub latest_invoice: String,
    /// Lines of changes that wait for the next invoice, oldest first.
    pub pending: Vec<Line>,
    pub pending_update: Option<PendingUpdate>,
    pub discount: Option<Discount>,
    pub pause: Option<Pause>,
    /// Whether the next payment is declined.
    pub declines_next: bool,
    pub created: Time,
}

impl Subscription {
    /// The period of the first item, which is every item's unless their intervals differ.
    pub fn period(&self) -> (Time, Time) {
        self.items.first().map_or((self.anchor, self.anchor), |item| item.period)
    }

    /// When the first of the items' periods ends.
    pub fn next_end(&self) -> Time {
        self.items.iter().map(|item| item.period.1).min().unwrap_or(self.anchor)
    }

    /// When the last of the items' periods ends.
    pub fn last_end(&self) -> Time {
        self.items.iter().map(|item| item.period.1).max().unwrap_or(self.anchor)
    }

    pub fn is_live(&self) -> bool {
        !matches!(self.status, SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub id: String,
    /// Before discounts; below zero for what is given back.
    pub amount: i64,
    pub discount: i64,
    pub description: String,
    pub price: Price,
    pub quantity: i64,
    pub period: (Time, Time),
    pub subscription: Option<String>,
    /// The subscription's item; none for what is paid once.
    pub item: Option<String>,
    /// `ii_…`, where the line came from an invoice item.
    pub invoice_item: Option<String>,
    pub proration: Option<Proration>,
    /// Whether the subscription has the flexible billing mode, whose prorations are lines of its items.
    pub flexible: bool,
    pub metadata: Metadata,
}

/// What a line that corrects a period in the middle comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Proration {
    /// The invoice and line that a credit gives back from.
    pub credited: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Void,
    Uncollectible,
}

impl InvoiceStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Void => "void",
            Self::Uncollectible => "uncollectible",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoicePaymentStatus {
    Open,
    Paid,
    Canceled,
}

impl InvoicePaymentStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Canceled => "canceled",
        }
    }
}

/// The link from an invoice to one of its payments.
#[derive(Debug, Clone)]
pub struct InvoicePayment {
    pub id: String,
    pub invoice: String,
    pub intent: String,
    pub amount_requested: i64,
    pub amount_paid: Option<i64>,
    pub status: InvoicePaymentStatus,
    /// Whether Stripe made it by itself when the invoice was finalized.
    pub is_default: bool,
    pub created: Time,
    pub paid_at: Option<Time>,
    pub canceled_at: Option<Time>,
}

#[derive(Debug, Clone)]
pub struct Invoice {
    pub id: String,
    pub number: usize,
    pub customer: String,
    pub subscription: Option<String>,
    pub metadata: Metadata,
    /// The subscription's metadata when the invoice was made.
    pub subscription_metadata: Metadata,
    pub reason: &'static str,
    pub lines: Vec<Line>,
    pub discount: Option<Discount>,
    /// The time over which invoice items were gathered; not what is paid for, which is the lines'.
    pub period: (Time, Time),
    pub status: InvoiceStatus,
    /// Oldest first.
    pub payments: Vec<InvoicePayment>,
    /// The default payment's.
    pub intent: Option<String>,
    pub out_of_band: bool,
    /// What the customer's balance was before and after, once it is finalized.
    pub starting_balance: i64,
    pub ending_balance: Option<i64>,
    pub attempts: u32,
    /// Whether Stripe collects it by itself.
    pub auto_advance: bool,
    /// Whether it is sent to be paid by hand.
    pub is_sent: bool,
    pub created: Time,
    pub finalized_at: Option<Time>,
    pub paid_at: Option<Time>,
    pub voided_at: Option<Time>,
    pub uncollectible_at: Option<Time>,
}

impl Invoice {
    pub fn subtotal(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    pub fn discounted(&self) -> i64 {
        self.lines.iter().map(|line| line.discount).sum()
    }

    pub fn total(&self) -> i64 {
        self.subtotal() - self.discounted()
    }

    /// What the customer's balance adds to the total to make what is due; below zero for credit that is used.
    pub fn balance_used(&self) -> i64 {
        self.ending_balance.map_or(0, |ending| self.starting_balance - ending)
    }

    /// What is to be paid in money.
    pub fn due(&self) -> i64 {
        (self.total() + self.balance_used()).max(0)
    }

    /// What was paid in money that went through Stripe.
    pub fn paid(&self) -> i64 {
        self.payments.iter().filter_map(|payment| payment.amount_paid).sum()
    }
}
