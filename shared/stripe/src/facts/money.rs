//! Facts of money that went back: refunds and disputes.

use chrono::{DateTime, Utc};
use scrip_accounts::{Outflow, OutflowId, OutflowKind, PurchaseId, RefundId, facts::MoneyFacts};

use super::convert::positive;
use crate::objects::{Dispute, Refund};

/// The metadata field in which our own refunds carry the number of the attempt.
pub const ATTEMPT: &str = "scrip_attempt";

/// The facts about a purchase's money: the refunds and disputes of all its payments that hold money, oldest first, and the
/// refunds that failed.
///
/// # Examples
/// ```
/// use scrip_accounts::PurchaseId;
/// use scrip_stripe::{facts, objects::Refund};
///
/// let refund: Refund = serde_json::from_str(
///     r#"{"id": "re_1", "amount": 500, "status": "succeeded", "created": 1793696400}"#,
/// )?;
/// let money = facts::money(&PurchaseId::parse("pi_1").unwrap(), &[refund], &[]);
/// assert_eq!(money.outflows[0].amount, 500);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn money(purchase_id: &PurchaseId, refunds: &[Refund], disputes: &[Dispute]) -> MoneyFacts {
    let of_refund = |refund: &Refund| outflow(&refund.id, OutflowKind::Refund, refund.amount, refund.created);
    let of_dispute =
        |dispute: &Dispute| outflow(&dispute.id, OutflowKind::Dispute, dispute.amount, dispute.created);
    let of_refunds = refunds.iter().filter(|refund| refund_holds_money(&refund.status)).filter_map(of_refund);
    let of_disputes =
        disputes.iter().filter(|dispute| dispute_holds_money(&dispute.status)).filter_map(of_dispute);
    let mut outflows: Vec<_> = of_refunds.chain(of_disputes).collect();
    outflows.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    let id = |refund: &Refund| RefundId::parse(refund.id.as_str()).ok();
    let failed = refunds.iter().filter(|refund| !refund_holds_money(&refund.status)).filter_map(id).collect();
    let attempt = |refund: &Refund| Some((id(refund)?, refund.metadata.get(ATTEMPT)?.parse().ok()?));
    let attempts = refunds.iter().filter_map(attempt).collect();
    MoneyFacts { purchase_id: purchase_id.clone(), outflows, failed, attempts }
}

/// Whether a refund of that status holds money: Stripe has taken it from the merchant's balance.
fn refund_holds_money(status: &str) -> bool {
    matches!(status, "succeeded" | "pending" | "requires_action")
}

/// Whether a dispute of that status holds money. An inquiry doesn't, nor does a dispute that was won or prevented.
fn dispute_holds_money(status: &str) -> bool {
    matches!(status, "needs_response" | "under_review" | "lost")
}

fn outflow(id: &str, kind: OutflowKind, amount: i64, at: DateTime<Utc>) -> Option<Outflow> {
    let amount = positive(amount);
    (amount > 0).then_some(Outflow { id: OutflowId::parse(id).ok()?, kind, amount, at })
}
