//! Refunds and disputes. Both generations have the same.
//!
//! Invariant: amounts are what moves, never the sum over several refunds; that stands on the charge.

use super::seconds;
use crate::stripe::{
    plan::CURRENCY,
    records::{Dispute, Refund, RefundStatus},
};
use serde_json::{Value, json};

/// How long evidence against a dispute is taken.
const EVIDENCE_SECONDS: i64 = 9 * 24 * 60 * 60;

pub fn refund(refund: &Refund) -> Value {
    let status = match refund.status {
        RefundStatus::Pending => "pending",
        RefundStatus::Succeeded => "succeeded",
        RefundStatus::Failed => "failed",
    };
    let mut object = json!({
        "id": refund.id, "object": "refund", "amount": refund.amount,
        "balance_transaction": refund.transaction, "charge": refund.charge,
        "created": seconds(Some(refund.created)), "currency": CURRENCY,
        "destination_details": {
            "card": {
                "reference": "7215478321354769", "reference_status": "available",
                "reference_type": "acquirer_reference_number", "type": "refund",
            },
            "type": "card",
        },
        "metadata": refund.metadata, "payment_intent": refund.intent, "reason": refund.reason,
        "receipt_number": null, "source_transfer_reversal": null, "status": status,
        "transfer_reversal": null,
    });
    if let Some(transaction) = &refund.failure_transaction {
        object["failure_balance_transaction"] = json!(transaction);
        object["failure_reason"] = json!("expired_or_canceled_card");
    }
    object
}

pub fn dispute(dispute: &Dispute) -> Value {
    let transaction = |(id, amount, at): &(String, i64, crate::stripe::records::Time)| {
        json!({
            "id": id, "object": "balance_transaction", "amount": amount, "available_on": at.timestamp(),
            "created": at.timestamp(), "currency": CURRENCY, "fee": 0, "fee_details": [], "net": amount,
            "source": dispute.id, "status": "available", "type": "adjustment",
            "reporting_category": if *amount < 0 { "dispute" } else { "dispute_reversal" },
        })
    };
    let transactions: Vec<_> = dispute.transactions.iter().map(transaction).collect();
    let created = dispute.created.timestamp();
    json!({
        "id": dispute.id, "object": "dispute", "amount": dispute.amount,
        "balance_transactions": transactions, "charge": dispute.charge, "created": created,
        "currency": CURRENCY, "enhanced_eligibility_types": [], "evidence": { "enhanced_evidence": {} },
        "evidence_details": {
            "due_by": created + EVIDENCE_SECONDS, "enhanced_eligibility": {}, "has_evidence": false,
            "past_due": false, "submission_count": 0,
        },
        "is_charge_refundable": false, "livemode": false, "metadata": {},
        "payment_intent": dispute.intent,
        "payment_method_details": {
            "card": { "brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4" },
            "type": "card",
        },
        "reason": "fraudulent", "status": dispute.status,
    })
}
