//! A purchase: what was paid and granted, and what became of its money.

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;
use serde::{Deserialize, Serialize};

use crate::{
    CustomerId, Gone, OutflowId, PaymentId, Period, PurchaseId, Reason, RefundId, SubscriptionId, gone::share,
};

/// The money-back guarantee: so long after the payment, to the second (contract, section 3).
const GUARANTEE_HOURS: i64 = 30 * 24;

/// What is kept of a purchase. Its revision is raised by each write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Counts the writes: a write fails unless the record is at the revision before.
    pub revision: u64,
    /// What it is known by: the invoice of a plan; the payment, or else the session or invoice, of a pack.
    pub id: PurchaseId,
    /// What was granted, line by line.
    pub lines: Vec<Line>,
    /// How much was paid, in the currency's minor unit.
    pub amount: u64,
    /// The currency's ISO code, in lower case.
    pub currency: String,
    /// When it was paid, by the provider's time.
    pub paid_at: DateTime<Utc>,
    /// The subscription that it pays for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<SubscriptionId>,
    /// What moved the money; none if nothing had to be paid, or not through the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payment_ids: Vec<PaymentId>,
    /// Who paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The refunds and disputes that hold money of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outflows: Vec<Outflow>,
    /// What was taken back from the account's balance for it, and not given again.
    pub revoked: Credits,
    /// What could not be taken back, because it was spent.
    pub spent: Credits,
    /// Where a money-back refund stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money_back: Option<MoneyBack>,
    /// How many money-back refunds were refused or failed: each further one is asked for with a key of its
    /// own, because the provider answers an old key with the old answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunds_failed: u32,
}

/// One thing that was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The provider's id of the line: a line is granted once.
    pub id: String,
    /// What was bought.
    pub sku: String,
    /// How many.
    pub quantity: u64,
    /// What all of them give: once for a pack, a month for a plan.
    pub credits: Credits,
}

/// Money of a purchase that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outflow {
    /// The provider's refund or dispute.
    pub id: OutflowId,
    /// Which of both.
    pub kind: OutflowKind,
    /// How much, in the currency's minor unit.
    pub amount: u64,
    /// When it went.
    pub at: DateTime<Utc>,
}

/// How money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutflowKind {
    /// The merchant gave it back.
    Refund,
    /// The customer's bank took it back.
    Dispute,
}

/// A money-back refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyBack {
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// Why, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// How much it sends back, in the currency's minor unit.
    pub amount: u64,
    /// What was taken back of the purchase in all when it was asked for: the answer, however often it is asked for.
    pub revoked: Credits,
    /// What could not be taken back then, because it was spent.
    pub spent: Credits,
    /// Whether the provider did it.
    pub status: MoneyBackStatus,
    /// The provider's refunds, if they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund_ids: Vec<RefundId>,
}

/// Whether a money-back refund was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoneyBackStatus {
    /// The credits are revoked; the provider is asked, or is yet to be.
    Pending,
    /// The provider sent the money back.
    Refunded,
}

/// Where a purchase's money is (`status` of the contract's purchases).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseStatus {
    /// All of it is here.
    Paid,
    /// Some of it was refunded.
    PartlyRefunded,
    /// A money-back refund is under way.
    RefundPending,
    /// All of it was refunded.
    Refunded,
    /// A dispute holds some of it.
    Disputed,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Purchase {
    /// Until when its money is given back on demand, inclusive.
    #[must_use]
    pub fn refundable_until(&self) -> DateTime<Utc> {
        self.paid_at.checked_add_signed(chrono::Duration::hours(GUARANTEE_HOURS)).unwrap_or(self.paid_at)
    }

    /// Whether a plan was granted for it.
    #[must_use]
    pub fn has_plan(&self) -> bool {
        self.lines.iter().any(|line| line.credits.playground() > 0)
    }

    /// Whether a money-back refund waits for the provider.
    #[must_use]
    pub fn is_refund_pending(&self) -> bool {
        self.money_back.as_ref().is_some_and(|refund| refund.status == MoneyBackStatus::Pending)
    }

    /// How much of the money outflows of that kind hold, in the currency's minor unit.
    #[must_use]
    pub fn outflow(&self, kind: OutflowKind) -> u64 {
        let amounts =
            self.outflows.iter().filter(|outflow| outflow.kind == kind).map(|outflow| outflow.amount);
        amounts.fold(0, u64::saturating_add)
    }

    /// Where its money is.
    #[must_use]
    pub fn status(&self) -> PurchaseStatus {
        let refunded = self.outflow(OutflowKind::Refund);
        if self.is_refund_pending() {
            PurchaseStatus::RefundPending
        } else if self.outflow(OutflowKind::Dispute) > 0 {
            PurchaseStatus::Disputed
        } else if refunded == 0 {
            PurchaseStatus::Paid
        } else if refunded < self.amount {
            PurchaseStatus::PartlyRefunded
        } else {
            PurchaseStatus::Refunded
        }
    }

    /// How much of the money is gone in all. A money-back refund counts as gone from when it is asked for.
    pub(crate) fn gone(&self) -> Gone {
        self.gone_before(DateTime::<Utc>::MAX_UTC)
    }

    /// How much of the money went before a moment: what goes after a plan's period takes nothing of the plan (rule 8).
    pub(crate) fn gone_before(&self, end: DateTime<Utc>) -> Gone {
        let outflows = self.outflows.iter().map(|outflow| (outflow.at, outflow.amount));
        let pending = self.money_back.as_ref().filter(|_| self.is_refund_pending());
        let pending = pending.map(|refund| (refund.requested_at, self.amount));
        let mut flows: Vec<_> = outflows.chain(pending).filter(|(at, _)| *at < end).collect();
        flows.sort_unstable();
        let mut gone = Gone::default();
        for (at, amount) in flows {
            let counts = amount.min(self.amount.saturating_sub(gone.amount));
            if counts > 0 {
                let is_same_month = gone.at.map(Period::of) == Some(Period::of(at));
                let in_month = if is_same_month { gone.in_month } else { 0 };
                gone = Gone {
                    amount: gone.amount.saturating_add(counts),
                    at: Some(at),
                    in_month: in_month.saturating_add(counts),
                };
            }
        }
        gone
    }

    /// What of its packs belongs to money that is gone: in proportion, rounded down (rule 8).
    pub(crate) fn packs_gone(&self) -> Credits {
        let gone = self.gone().amount;
        let packs = self.lines.iter().map(|line| line.credits.with_playground(0));
        let packs = packs.fold(Credits::ZERO, |sum, credits| sum.checked_add(credits).unwrap_or(sum));
        let part = |credits| share(credits, gone, self.amount);
        Credits::new(0, part(packs.tune()), part(packs.tune_image()))
    }
}
