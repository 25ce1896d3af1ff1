//! The checkout session. Both generations have the same.
//!
//! Invariant: line items are not in it: Stripe sends them only when asked to expand them.

use super::add_nulls;
use crate::stripe::{plan::CURRENCY, records::Session};
use serde_json::{Value, json};

/// What is null in every session here.
const NULL: [&str; 16] = [
    "after_expiration",
    "billing_address_collection",
    "client_secret",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer_email",
    "invoice_creation",
    "locale",
    "payment_link",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "submit_type",
    "url",
];

/// How long an unfinished session could have been paid.
const OPEN_SECONDS: i64 = 24 * 60 * 60;

pub fn session(session: &Session) -> Value {
    let created = session.created.timestamp();
    let mut object = json!({
        "id": session.id, "object": "checkout.session",
        "allow_promotion_codes": true, "amount_subtotal": session.subtotal, "amount_total": session.total,
        "automatic_tax": { "enabled": false, "liability": null, "status": null },
        "cancel_url": "https://scrip.example/canceled",
        "client_reference_id": session.client_reference_id,
        "created": created, "currency": CURRENCY,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer": session.customer,
        "customer_creation": if session.mode == "payment" { "if_required".into() } else { Value::Null },
        "customer_details": {
            "address": {
                "city": null, "country": "US", "line1": null, "line2": null, "postal_code": "94107",
                "state": null,
            },
            "email": "buyer@example.com", "name": "A Buyer", "phone": null, "tax_exempt": "none",
            "tax_ids": [],
        },
        "discounts": [], "expires_at": created + OPEN_SECONDS,
        "invoice": session.invoice, "livemode": false,
        "metadata": session.metadata, "mode": session.mode, "payment_intent": session.intent,
        "payment_method_collection": if session.total > 0 { "always" } else { "if_required" },
        "payment_method_configuration_details": null, "payment_method_options": {},
        "payment_method_types": ["card"], "payment_status": session.payment_status,
        "phone_number_collection": { "enabled": false }, "recovered_from": null,
        "shipping_options": [], "status": "complete",
        "subscription": session.subscription, "success_url": "https://scrip.example/thanks",
        "total_details": {
            "amount_discount": session.subtotal - session.total, "amount_shipping": 0, "amount_tax": 0,
        },
        "ui_mode": "hosted",
    });
    add_nulls(&mut object, &NULL);
    object
}
