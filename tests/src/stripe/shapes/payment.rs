//! Payment intents and charges.
//!
//! Invariant: only the older generation leads from them to an invoice; refunds are not in a charge, only
//! their sum.

use super::{add, add_nulls};
use crate::stripe::{
    generation::Generation,
    plan::CURRENCY,
    records::{Payment, PaymentStatus},
};
use serde_json::{Value, json};

/// What is null in every payment intent here.
const INTENT_NULL: [&str; 17] = [
    "application",
    "application_fee_amount",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "next_action",
    "on_behalf_of",
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
];

/// What is null in every charge here.
const CHARGE_NULL: [&str; 14] = [
    "application",
    "application_fee",
    "application_fee_amount",
    "failure_balance_transaction",
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

pub fn intent(payment: &Payment, generation: Generation) -> Value {
    let (status, received) = match payment.status {
        PaymentStatus::Processing => ("processing", 0),
        PaymentStatus::Succeeded => ("succeeded", payment.amount),
        PaymentStatus::Declined => ("requires_payment_method", 0),
    };
    let declined = payment.status == PaymentStatus::Declined;
    let error = json!({
        "charge": payment.charge, "code": "card_declined", "decline_code": "generic_decline",
        "message": "Your card was declined.", "type": "card_error",
    });
    let mut intent = json!({
        "id": payment.intent, "object": "payment_intent", "amount": payment.amount,
        "amount_capturable": 0, "amount_details": { "tip": {} }, "amount_received": received,
        "capture_method": "automatic",
        "client_secret": format!("{}_secret_local", payment.intent), "confirmation_method": "automatic",
        "created": payment.created.timestamp(), "currency": CURRENCY, "customer": payment.customer,
        "description": payment.description,
        "last_payment_error": if declined { error } else { Value::Null },
        "latest_charge": payment.charge, "livemode": false, "metadata": payment.metadata,
        "payment_method": if declined { Value::Null } else { method(payment).into() },
        "payment_method_configuration_details": null, "payment_method_options": {},
        "payment_method_types": ["card"], "status": status,
    });
    add_nulls(&mut intent, &INTENT_NULL);
    add(&mut intent, generation, json!({ "invoice": payment.invoice }), json!({}));
    intent
}

pub fn charge(payment: &Payment, generation: Generation) -> Value {
    let (status, network) = match payment.status {
        PaymentStatus::Processing => ("pending", "approved_by_network"),
        PaymentStatus::Succeeded => ("succeeded", "approved_by_network"),
        PaymentStatus::Declined => ("failed", "declined_by_network"),
    };
    let paid = payment.status == PaymentStatus::Succeeded;
    let declined = payment.status == PaymentStatus::Declined;
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
        "created": payment.created.timestamp(), "currency": CURRENCY, "customer": payment.customer,
        "description": payment.description, "disputed": payment.disputed,
        "failure_code": if declined { Some("card_declined") } else { None },
        "failure_message": if declined { Some("Your card was declined.") } else { None },
        "fraud_details": {}, "livemode": false, "metadata": payment.metadata, "on_behalf_of": null,
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
        "receipt_url": format!("https://pay.stripe.com/receipts/payment/{}", payment.charge),
        "refunded": payment.refunded == payment.amount, "status": status,
    });
    add_nulls(&mut charge, &CHARGE_NULL);
    add(&mut charge, generation, json!({ "invoice": payment.invoice }), json!({}));
    charge
}
