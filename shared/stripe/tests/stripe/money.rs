//! Facts of money that went back.

use scrip_accounts::{OutflowKind, PurchaseId};
use scrip_stripe::{
    facts,
    objects::{Dispute, Refund},
};
use serde_json::json;

/// Cases 13 to 17: the statuses in which a refund or a dispute holds money.
#[test]
fn refunds_and_disputes_hold_money_by_their_status() {
    let refund = |status: &str| -> Refund {
        serde_json::from_value(json!({"id": "re_1", "object": "refund", "amount": 500, "status": status,
            "created": 1_793_750_400, "payment_intent": "pi_1", "charge": "ch_1", "metadata": {"scrip_attempt": "2"},
            "failure_reason": null}))
        .unwrap()
    };
    let dispute = |status: &str| -> Dispute {
        serde_json::from_value(json!({"id": "du_1", "object": "dispute", "amount": 250, "status": status,
            "created": 1_793_750_400, "payment_intent": "pi_1", "charge": "ch_1"}))
        .unwrap()
    };
    let id = PurchaseId::parse("pi_1").unwrap();
    for (status, holds_money) in [
        ("succeeded", true),
        ("pending", true),
        ("requires_action", true),
        ("failed", false),
        ("canceled", false),
        ("", false),
    ] {
        let money = facts::money(&id, &[refund(status)], &[]);
        let outflows: Vec<_> = money.outflows.iter().map(|outflow| (outflow.kind, outflow.amount)).collect();
        assert_eq!(outflows, if holds_money { vec![(OutflowKind::Refund, 500)] } else { vec![] }, "{status}");
        assert_eq!(money.failed.is_empty(), holds_money, "{status}");
        let attempts: Vec<_> = money.attempts.values().copied().collect();
        assert_eq!(attempts, [2], "{status}");
    }
    for (status, holds_money) in [
        ("needs_response", true),
        ("under_review", true),
        ("lost", true),
        ("won", false),
        ("prevented", false),
        ("warning_needs_response", false),
        ("warning_under_review", false),
        ("warning_closed", false),
    ] {
        let money = facts::money(&id, &[], &[dispute(status)]);
        assert_eq!(money.outflows.len(), usize::from(holds_money), "{status}");
    }
}
