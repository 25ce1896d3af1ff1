//! A purchase: its payment, the credits that it granted, and its refunds and disputes.

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;
use serde::{Deserialize, Serialize};

use crate::{
    Currency, CustomerId, OutflowId, OutflowTotal, PaymentId, Period, PurchaseId, Reason, RefundId, Sku,
    SubscriptionId, proportion::share,
};

/// The time from the payment to the end of the money-back guarantee, to the second (docs/rules.md).
const GUARANTEE_HOURS: i64 = 30 * 24;

/// The record of a purchase. Each write raises its revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The number of writes. A write fails unless the stored record is at the revision before.
    pub revision: u64,
    /// Its id: for a plan the invoice's; for a pack the payment's, or else the session's or the invoice's.
    pub id: PurchaseId,
    /// The lines that were granted.
    pub lines: Vec<Line>,
    /// The amount that was paid, in the currency's minor unit.
    pub amount: u64,
    /// The currency's ISO code, in lower case.
    pub currency: Currency,
    /// The time of the payment at Stripe.
    pub paid_at: DateTime<Utc>,
    /// The subscription that it pays for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<SubscriptionId>,
    /// The payments that moved the money; empty if nothing had to be paid, or it was not paid through Stripe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payment_ids: Vec<PaymentId>,
    /// The customer who paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The refunds and disputes that hold a part of the money.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outflows: Vec<Outflow>,
    /// Its credits that were taken back from the balance, and not given again.
    pub revoked: Credits,
    /// Its credits that could not be taken back, because they were spent.
    pub spent: Credits,
    /// The money-back refund, if one was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money_back: Option<MoneyBack>,
    /// The number of money-back refunds that were refused or failed. The next attempt uses it in its idempotency key,
    /// because Stripe answers an old key with the old answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunds_failed: u32,
}

/// One line of a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Stripe's id of the line. A line is granted once.
    pub id: String,
    /// The SKU that was bought.
    pub sku: Sku,
    /// The quantity.
    pub quantity: u64,
    /// The credits for the whole quantity: once for a pack, per month for a plan.
    pub credits: Credits,
}

/// A refund or dispute that holds money of a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outflow {
    /// Stripe's id of the refund or dispute.
    pub id: OutflowId,
    /// Whether it is a refund or a dispute.
    pub kind: OutflowKind,
    /// The amount, in the currency's minor unit.
    pub amount: u64,
    /// The time at which the money went.
    pub at: DateTime<Utc>,
}

/// The kind of an outflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutflowKind {
    /// The merchant gave it back.
    Refund,
    /// The customer's bank took it back.
    Dispute,
}

/// A money-back refund that was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyBack {
    /// The time of the request.
    pub requested_at: DateTime<Utc>,
    /// The reason, as the caller wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The amount that it sends back, in the currency's minor unit.
    pub amount: u64,
    /// All credits of the purchase that had been taken back at the time of the request. Each repeated request gets this
    /// answer.
    pub revoked: Credits,
    /// Credits that could not be taken back at that time, because they were spent.
    pub spent: Credits,
    /// Whether Stripe has carried it out.
    pub status: MoneyBackStatus,
    /// Stripe's refunds, if they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund_ids: Vec<RefundId>,
}

/// Whether a money-back refund was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoneyBackStatus {
    /// The credits are revoked. Stripe's answer is not yet recorded.
    Pending,
    /// Stripe sent the money back.
    Refunded,
}

/// The status of a purchase (`status` of the API's purchases).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseStatus {
    /// No money was refunded or is disputed.
    Paid,
    /// A part of the money was refunded.
    PartlyRefunded,
    /// A money-back refund waits for Stripe.
    RefundPending,
    /// All the money was refunded.
    Refunded,
    /// A dispute holds a part of the money.
    Disputed,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Purchase {
    /// The last moment at which a money-back refund may be requested.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Purchase;
    ///
    /// let purchase: Purchase = serde_json::from_str(
    ///     r#"{"revision":1,"id":"pi_1","lines":[],"amount":900,"currency":"usd","paid_at":"2026-11-20T10:00:00Z",
    ///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0}}"#,
    /// )?;
    /// assert_eq!(purchase.refundable_until().to_rfc3339(), "2026-12-20T10:00:00+00:00");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn refundable_until(&self) -> DateTime<Utc> {
        self.paid_at.checked_add_signed(chrono::Duration::hours(GUARANTEE_HOURS)).unwrap_or(self.paid_at)
    }

    /// Whether it granted a plan.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Purchase;
    ///
    /// let purchase: Purchase = serde_json::from_str(
    ///     r#"{"revision":1,"id":"pi_1","amount":900,"currency":"usd","paid_at":"2026-11-20T10:00:00Z",
    ///     "lines":[{"id":"il_1","sku":"basic_monthly","quantity":1,
    ///     "credits":{"playground":1000,"tune":0,"tune_image":0}}],
    ///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0}}"#,
    /// )?;
    /// assert!(purchase.has_plan());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn has_plan(&self) -> bool {
        self.lines.iter().any(|line| line.credits.playground() > 0)
    }

    /// Whether a money-back refund waits for Stripe.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Purchase;
    ///
    /// let purchase: Purchase = serde_json::from_str(
    ///     r#"{"revision":1,"id":"pi_1","lines":[],"amount":900,"currency":"usd","paid_at":"2026-11-20T10:00:00Z",
    ///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0},
    ///     "money_back":{"requested_at":"2026-11-21T10:00:00Z","amount":900,"status":"pending",
    ///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0}}}"#,
    /// )?;
    /// assert!(purchase.is_refund_pending());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_refund_pending(&self) -> bool {
        self.money_back.as_ref().is_some_and(|refund| refund.status == MoneyBackStatus::Pending)
    }

    /// The sum of its outflows of one kind, in the currency's minor unit.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{OutflowKind, Purchase};
    ///
    /// let purchase: Purchase = serde_json::from_str(
    ///     r#"{"revision":1,"id":"pi_1","lines":[],"amount":900,"currency":"usd","paid_at":"2026-11-20T10:00:00Z",
    ///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0},
    ///     "outflows":[{"id":"re_1","kind":"refund","amount":300,"at":"2026-11-21T10:00:00Z"}]}"#,
    /// )?;
    /// assert_eq!(purchase.outflow(OutflowKind::Refund), 300);
    /// assert_eq!(purchase.outflow(OutflowKind::Dispute), 0);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn outflow(&self, kind: OutflowKind) -> u64 {
        let amounts =
            self.outflows.iter().filter(|outflow| outflow.kind == kind).map(|outflow| outflow.amount);
        amounts.fold(0, u64::saturating_add)
    }

    /// Its status.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Purchase, PurchaseStatus};
    ///
    /// let purchase: Purchase = serde_json::from_str(
    ///     r#"{"revision":1,"id":"pi_1","lines":[],"amount":900,"currency":"usd","paid_at":"2026-11-20T10:00:00Z",
    ///     "revoked":{"playground":0,"tune":0,"tune_image":0},"spent":{"playground":0,"tune":0,"tune_image":0},
    ///     "outflows":[{"id":"re_1","kind":"refund","amount":300,"at":"2026-11-21T10:00:00Z"}]}"#,
    /// )?;
    /// assert_eq!(purchase.status(), PurchaseStatus::PartlyRefunded);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
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

    /// The sum of all outflows. A money-back refund counts from the time of its request.
    pub(crate) fn gone(&self) -> OutflowTotal {
        self.gone_before(DateTime::<Utc>::MAX_UTC)
    }

    /// The sum of the outflows before a time. Money that goes after a plan's period takes nothing of the plan (rule 8).
    pub(crate) fn gone_before(&self, end: DateTime<Utc>) -> OutflowTotal {
        let outflows = self.outflows.iter().map(|outflow| (outflow.at, outflow.amount));
        let pending = self.money_back.as_ref().filter(|_| self.is_refund_pending());
        let pending = pending.map(|refund| (refund.requested_at, self.amount));
        let mut flows: Vec<_> = outflows.chain(pending).filter(|(at, _)| *at < end).collect();
        flows.sort_unstable();
        let mut gone = OutflowTotal::default();
        for (at, amount) in flows {
            let counts = amount.min(self.amount.saturating_sub(gone.amount));
            if counts > 0 {
                let is_same_month = gone.at.map(Period::of) == Some(Period::of(at));
                let in_month = if is_same_month { gone.in_month } else { 0 };
                gone = OutflowTotal {
                    amount: gone.amount.saturating_add(counts),
                    at: Some(at),
                    in_month: in_month.saturating_add(counts),
                };
            }
        }
        gone
    }

    /// The part of its packs' credits that belongs to money that is gone: in proportion, rounded down (rule 8).
    pub(crate) fn packs_gone(&self) -> Credits {
        let gone = self.gone().amount;
        let packs = self.lines.iter().map(|line| line.credits.with_playground(0));
        let packs = packs.fold(Credits::ZERO, |sum, credits| sum.checked_add(credits).unwrap_or(sum));
        let part = |credits| share(credits, gone, self.amount);
        Credits::new(0, part(packs.tune()), part(packs.tune_image()))
    }
}
