//! Facts: what the payment provider's API shows of one subject, as the rules need it.
//!
//! They are read after the records that they are decided over, and are written only over these (see
//! [`reconcile`](crate::reconcile)). So what is written last was read last, whatever order events come in.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{CustomerId, Line, Outflow, PaymentId, PurchaseId, RefundId, SubscriptionId, Terms};

/// What was read of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The subscription, if the subject is one.
    pub subscription: Option<SubscriptionFacts>,
    /// What was paid, oldest first.
    pub paid: Vec<PaidFacts>,
    /// What became of the money of purchases, recorded ones or those in `paid`.
    pub money: Vec<MoneyFacts>,
    /// The customer who paid, if no account is known yet that they bought for first.
    pub new_customer: Option<CustomerId>,
}

/// A subscription as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionFacts {
    /// The provider's id.
    pub id: SubscriptionId,
    /// Whether a payment failed.
    pub past_due: bool,
    /// When it ended, if it did.
    pub ended_at: Option<DateTime<Utc>>,
    /// What its current items give: the best plan among them, quantity counted in.
    pub item: Option<Terms>,
    /// Paid invoices that have nothing to record or were parked, and need not be looked at again.
    pub settled: Vec<PurchaseId>,
}

/// Something that was paid: an invoice, a checkout session or a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidFacts {
    /// What the purchase is known by.
    pub purchase_id: PurchaseId,
    /// How much was paid, in the currency's minor unit.
    pub amount: u64,
    /// The currency's ISO code, in lower case.
    pub currency: String,
    /// When it was paid.
    pub paid_at: DateTime<Utc>,
    /// When it was asked for.
    pub invoiced_at: DateTime<Utc>,
    /// Who paid.
    pub customer_id: Option<CustomerId>,
    /// What moved the money.
    pub payment_ids: Vec<PaymentId>,
    /// The lines of packs that can be granted.
    pub packs: Vec<Line>,
    /// The plan that it paid for.
    pub plan: Option<PlanFacts>,
}

/// The plan that an invoice paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFacts {
    /// The line, as purchases list it.
    pub line: Line,
    /// The plan, and what it gives a month.
    pub terms: Terms,
    /// The end of the period that was paid.
    pub paid_until: DateTime<Utc>,
    /// Whether it changed a period that an earlier invoice paid for.
    pub is_change: bool,
}

/// What became of a purchase's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneyFacts {
    /// Which purchase.
    pub purchase_id: PurchaseId,
    /// All refunds and disputes that hold money now, of all its payments.
    pub outflows: Vec<Outflow>,
    /// Refunds that failed or were canceled.
    pub failed: Vec<RefundId>,
    /// Which attempt of our own a refund was, counted from zero, whether it stands or not. Somebody else asked for those
    /// that aren't named.
    pub attempts: BTreeMap<RefundId, u32>,
}
