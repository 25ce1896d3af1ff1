//! Refunds and disputes.
//!
//! Invariant: amounts are what moves, never the sum over several refunds; that stands on the charge.

use super::seconds;
use crate::{
    generation::Generation,
    plan::CURRENCY,
    records::{Dispute, Refund, RefundStatus, Time},
};
use serde_json::{Value, json};

/// How long evidence against a dispute is taken.
const EVIDENCE_SECONDS: i64 = 9 * 24 * 60 * 60;

/// How long a customer may take to say where a refund is to go.
const ACTION_SECONDS: i64 = 45 * 24 * 60 * 60;

/// A refund in the shape of a version.
pub fn refund_in(refund: &Refund, generation: Generation) -> Value {
    let arrived = refund.status == RefundStatus::Succeeded;
    let mut object = json!({
        "id": refund.id, "object": "refund", "amount": refund.amount,
        "balance_transaction": refund.transaction, "charge": refund.charge,
        "created": seconds(Some(refund.created)), "currency": CURRENCY, "metadata": refund.metadata,
        "payment_intent": refund.intent, "reason": refund.reason, "receipt_number": null,
        "source_transfer_reversal": null, "status": refund.status.name(), "transfer_reversal": null,
    });
    if generation > Generation::Old {
        object["destination_details"] = json!({
            "card": {
                "reference": "7215478321354769",
                "reference_status": if arrived { "available" } else { "pending" },
                "reference_type": "acquirer_reference_number", "type": "refund",
            },
            "type": "card",
        });
    }
    if let Some(transaction) = &refund.failure_transaction {
        object["failure_balance_transaction"] = json!(transaction);
        object["failure_reason"] = json!("expired_or_canceled_card");
    }
    match refund.status {
        RefundStatus::Pending if generation >= Generation::Basil => {
            object["pending_reason"] = json!("processing");
        }
        RefundStatus::RequiresAction => {
            let sent_at = refund.created.timestamp();
            let details = json!({
                "email_sent": { "email_sent_at": sent_at, "email_sent_to": "buyer@example.com" },
                "expires_at": sent_at + ACTION_SECONDS,
            });
            object["next_action"] = json!({ "display_details": details, "type": "display_details" });
        }
        _ => {}
    }
    object
}

pub fn dispute_in(dispute: &Dispute, generation: Generation) -> Value {
    let transaction = |(id, amount, at): &(String, i64, Time)| {
        json!({
            "id": id, "object": "balance_transaction", "amount": amount, "available_on": at.timestamp(),
            "created": at.timestamp(), "currency": CURRENCY, "description": null, "exchange_rate": null,
            "fee": 0, "fee_details": [], "net": amount, "source": dispute.id, "status": "available",
            "type": "adjustment",
            "reporting_category": if *amount < 0 { "dispute" } else { "dispute_reversal" },
        })
    };
    let transactions: Vec<_> = dispute.transactions.iter().map(transaction).collect();
    let created = dispute.created.timestamp();
    let case = if dispute.is_inquiry() { "inquiry" } else { "chargeback" };
    let mut object = json!({
        "id": dispute.id, "object": "dispute", "amount": dispute.amount,
        "balance_transactions": transactions, "charge": dispute.charge, "created": created,
        "currency": CURRENCY, "evidence": {},
        "evidence_details": {
            "due_by": created + EVIDENCE_SECONDS, "has_evidence": false, "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": dispute.is_inquiry(), "livemode": false, "metadata": {},
        "payment_intent": dispute.intent, "reason": "fraudulent", "status": dispute.status,
    });
    if generation > Generation::Old {
        object["enhanced_eligibility_types"] = json!([]);
        object["evidence"] = json!({ "enhanced_evidence": {} });
        object["evidence_details"]["enhanced_eligibility"] = json!({});
        object["payment_method_details"] = json!({
            "card": { "brand": "visa", "case_type": case, "network_reason_code": "10.4" }, "type": "card",
        });
    }
    object
}
