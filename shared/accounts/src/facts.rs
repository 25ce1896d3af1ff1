//! Facts: the state of one subject (a subscription, a payment or a customer's purchases) in the payment provider's API,
//! in the form that the rules need.
//!
//! Facts are read after the records, and a write fails if the records have changed since (see
//! [`reconcile`](crate::reconcile)). So the facts that are written last were also read last, in whatever order events
//! come.

use std::collections::BTreeMap;

use crate::{
    Currency, CustomerId, Line, Outflow, PaymentId, ProviderTime, PurchaseId, RefundId, SubscriptionId, Terms,
};

/// The facts that were read about one subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The subscription, if the subject is one.
    pub subscription: Option<SubscriptionFacts>,
    /// The payments of plans and packs, oldest first.
    pub paid: Vec<PaidFacts>,
    /// The refunds and disputes of purchases: of recorded ones and of those in `paid`.
    pub money: Vec<MoneyFacts>,
    /// The customer who paid, if it is not yet recorded which account they first bought for.
    pub new_customer: Option<CustomerId>,
}

/// A subscription as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionFacts {
    /// The provider's id.
    pub id: SubscriptionId,
    /// Whether a payment failed.
    pub past_due: bool,
    /// The time at which it ended, if it did.
    pub ended_at: Option<ProviderTime>,
    /// The best plan among its current items, with its quantity counted in.
    pub item: Option<Terms>,
    /// Paid invoices that have nothing to record or were parked. They need not be read again.
    pub settled: Vec<PurchaseId>,
}

/// A paid invoice, checkout session or payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidFacts {
    /// The id of the purchase.
    pub purchase_id: PurchaseId,
    /// The amount that was paid, in the currency's minor unit.
    pub amount: u64,
    /// The currency's ISO code, in lower case.
    pub currency: Currency,
    /// The time of the payment.
    pub paid_at: ProviderTime,
    /// The time at which the invoice was made, or the payment requested.
    pub invoiced_at: ProviderTime,
    /// The customer who paid.
    pub customer_id: Option<CustomerId>,
    /// The payments that moved the money.
    pub payment_ids: Vec<PaymentId>,
    /// The lines of packs that can be granted.
    pub packs: Vec<Line>,
    /// The plan that was paid for.
    pub plan: Option<PlanFacts>,
}

/// The plan that an invoice paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFacts {
    /// The line in the purchase's record.
    pub line: Line,
    /// The plan and its monthly allowance.
    pub terms: Terms,
    /// The end of the period that was paid.
    pub paid_until: ProviderTime,
    /// Whether the invoice changed a period that an earlier invoice paid for, as an upgrade does.
    pub is_change: bool,
}

/// The refunds and disputes of a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneyFacts {
    /// The purchase.
    pub purchase_id: PurchaseId,
    /// All refunds and disputes of all its payments that hold money now.
    pub outflows: Vec<Outflow>,
    /// Refunds that failed or were canceled.
    pub failed: Vec<RefundId>,
    /// The number of the attempt, from zero, for each refund that Scrip requested, whether it succeeded or not. A
    /// refund that isn't in the map was requested by someone else.
    pub attempts: BTreeMap<RefundId, u32>,
}
