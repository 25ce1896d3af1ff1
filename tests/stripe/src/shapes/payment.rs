//! Payment intents and charges.
//!
//! Invariant: the intent shows the amount, and the charge shows how much of it was refunded or disputed.

use super::{add_customer_account, add_nulls, embedded, returned, seconds};
use crate::{
    generation::Generation,
    plan::CURRENCY,
    records::{Payment, PaymentStatus, Refund},
};
use serde_json::{Value, json};

/// What is null in every payment intent here.
const INTENT_NULL: [&str; 17] = [
    "application",
    "application_fee_amount",
    "automatic_payment_methods",
    "next_action",
    "on_behalf_of",
    "payment_method_configuration_details",
    "processing",
    "receipt_email",
    "review",
    "setup_future_usage",
    "shipping",
    "source",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
    "excluded_payment_method_types",
];

/// What is null in every charge here.
const CHARGE_NULL: [&str; 17] = [
    "application",
    "application_fee",
    "application_fee_amount",
    "destination",
    "failure_balance_transaction",
    "on_behalf_of",
    "order",
    "receipt_email",
    "receipt_number",
    "review",
    "shipping",
    "source",
    "source_transfer",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

fn method(payment: &Payment) -> String {
    // One card for each customer is enough here.
    format!("pm_1{}", payment.customer.as_deref().map_or("Guest", |customer| &customer["cus_".len()..]))
}

/// An intent; the oldest version shows its charges, and in each of them its refunds.
pub fn intent_with(payment: &Payment, refunds: &[&Refund], generation: Generation) -> Value {
    let (status, received) = match payment.status {
        PaymentStatus::Processing => ("processing", 0),
        PaymentStatus::Succeeded => ("succeeded", payment.amount),
        PaymentStatus::Declined => ("requires_payment_method", 0),
        PaymentStatus::Canceled => ("canceled", 0),
    };
    let declined = payment.status == PaymentStatus::Declined;
    let canceled = payment.status == PaymentStatus::Canceled;
    let error = json!({
        "charge": payment.charge, "code": "card_declined", "decline_code": "generic_decline",
        "message": "Your card was declined.", "type": "card_error",
    });
    let mut intent = json!({
        "id": payment.intent, "object": "payment_intent", "amount": payment.amount,
        "amount_capturable": 0, "amount_details": { "tip": {} }, "amount_received": received,
        "canceled_at": seconds(payment.canceled_at),
        "cancellation_reason": if canceled { Some("void_invoice") } else { None },
        "capture_method": "automatic",
        "client_secret": format!("{}_secret_local", payment.intent), "confirmation_method": "automatic",
        "created": payment.created.timestamp(), "currency": CURRENCY, "customer": payment.customer,
        "description": payment.description,
        "last_payment_error": if declined { error } else { Value::Null },
        "latest_charge": payment.charge, "livemode": false, "metadata": payment.metadata,
        "payment_method": if declined || canceled { Value::Null } else { method(payment).into() },
        "payment_method_options": {}, "payment_method_types": ["card"], "status": status,
    });
    add_nulls(&mut intent, &INTENT_NULL);
    if generation < Generation::Basil {
        intent["invoice"] = json!(payment.invoice);
    }
    if generation == Generation::Old {
        let mut charges = vec![charge_with(payment, refunds, generation)];
        let declined = payment.declined.iter().rev().map(|(id, _)| declined_charge(payment, id, generation));
        charges.extend(declined.flatten());
        intent["charges"] = embedded(charges, &format!("/v1/charges?payment_intent={}", payment.intent));
    }
    add_customer_account(&mut intent, generation);
    intent
}

/// An earlier charge of a payment, which was declined.
fn declined_charge(payment: &Payment, charge: &str, generation: Generation) -> Option<Value> {
    let (id, at) = payment.declined.iter().find(|(id, _)| id == charge)?;
    let earlier = Payment {
        charge: id.clone(),
        charged_at: *at,
        status: PaymentStatus::Declined,
        refunded: 0,
        disputed: false,
        dispute: None,
        ..payment.clone()
    };
    Some(charge_with(&earlier, &[], generation))
}

/// The latest charge of a payment; the oldest version shows its refunds, newest first.
pub fn charge_with(payment: &Payment, refunds: &[&Refund], generation: Generation) -> Value {
    let (status, network) = match payment.status {
        PaymentStatus::Processing => ("pending", "approved_by_network"),
        PaymentStatus::Succeeded => ("succeeded", "approved_by_network"),
        PaymentStatus::Declined | PaymentStatus::Canceled => ("failed", "declined_by_network"),
    };
    let paid = payment.status == PaymentStatus::Succeeded;
    let declined = status == "failed";
    let mut charge = json!({
        "id": payment.charge, "object": "charge", "amount": payment.amount,
        "amount_captured": if paid { payment.amount } else { 0 }, "amount_refunded": payment.refunded,
        "balance_transaction": if paid { Some(&payment.transaction) } else { None },
        "billing_details": {
            "address": {
                "city": null, "country": "US", "line1": null, "line2": null, "postal_code": "94107",
                "state": null,
            },
            "email": "buyer@example.com", "name": "A Buyer", "phone": null, "tax_id": null,
        },
        "calculated_statement_descriptor": "SCRIP", "captured": paid,
        "created": payment.charged_at.timestamp(), "currency": CURRENCY, "customer": payment.customer,
        "description": payment.description, "dispute": payment.dispute, "disputed": payment.disputed,
        "failure_code": if declined { Some("card_declined") } else { None },
        "failure_message": if declined { Some("Your card was declined.") } else { None },
        "fraud_details": {}, "livemode": false, "metadata": payment.metadata,
        "outcome": {
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": network, "reason": null, "risk_level": "normal", "risk_score": 12,
            "seller_message": if paid { "Payment complete." } else { "" },
            "type": if declined { "issuer_declined" } else { "authorized" },
        },
        "paid": paid, "payment_intent": payment.intent, "payment_method": method(payment),
        "payment_method_details": {
            "card": {
                "brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "funding": "credit",
                "last4": "4242", "network": "visa",
            },
            "type": "card",
        },
        "radar_options": {},
        "receipt_url": format!("https://pay.stripe.com/receipts/payment/{}", payment.charge),
        "refunded": payment.refunded == payment.amount, "status": status,
    });
    add_nulls(&mut charge, &CHARGE_NULL);
    if generation < Generation::Basil {
        charge["invoice"] = json!(payment.invoice);
    }
    if generation == Generation::Old {
        let refunds: Vec<_> =
            refunds.iter().rev().map(|refund| returned::refund_in(refund, generation)).collect();
        charge["refunds"] = embedded(refunds, &format!("/v1/charges/{}/refunds", payment.charge));
    }
    charge
}
