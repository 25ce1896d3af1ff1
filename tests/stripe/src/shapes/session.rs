//! The checkout session and its line items.
//!
//! Invariant: line items are not in it: Stripe sends them only when asked to expand them.

use super::{add_customer_account, add_nulls, price};
use crate::{
    generation::Generation,
    plan::CURRENCY,
    records::{Session, SessionLine},
};
use serde_json::{Value, json};

/// What is null in every session here.
const NULL: [&str; 19] = [
    "after_expiration",
    "billing_address_collection",
    "client_secret",
    "collected_information",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer_email",
    "locale",
    "origin_context",
    "payment_method_configuration_details",
    "permissions",
    "recovered_from",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "submit_type",
    "wallet_options",
];

/// How long an unfinished session could have been paid.
const OPEN_SECONDS: i64 = 24 * 60 * 60;

pub fn session(session: &Session, generation: Generation) -> Value {
    let created = session.created.timestamp();
    let one_off = session.mode == "payment";
    let discounts: Vec<_> = session
        .coupon
        .iter()
        .map(|(coupon, code)| match code {
            Some(code) => json!({ "coupon": null, "promotion_code": code }),
            None => json!({ "coupon": coupon, "promotion_code": null }),
        })
        .collect();
    let url = (session.status == "open").then(|| format!("https://checkout.stripe.com/c/pay/{}", session.id));
    let mut object = json!({
        "id": session.id, "object": "checkout.session", "adaptive_pricing": { "enabled": false },
        "allow_promotion_codes": true, "amount_subtotal": session.subtotal, "amount_total": session.total,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "cancel_url": "https://scrip.example/canceled",
        "client_reference_id": session.client_reference_id, "created": created, "currency": CURRENCY,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer": session.customer,
        "customer_creation": if one_off { Some("if_required") } else { None },
        "customer_details": {
            "address": {
                "city": null, "country": "US", "line1": null, "line2": null, "postal_code": "94107",
                "state": null,
            },
            "email": "buyer@example.com", "name": "A Buyer", "phone": null, "tax_exempt": "none",
            "tax_ids": [],
        },
        "discounts": discounts, "expires_at": created + OPEN_SECONDS, "invoice": session.invoice,
        "invoice_creation": if one_off { invoice_creation(session) } else { Value::Null },
        "livemode": false, "metadata": session.metadata, "mode": session.mode,
        "payment_intent": session.intent, "payment_link": session.payment_link,
        "payment_method_collection": if session.total > 0 { "always" } else { "if_required" },
        "payment_method_options": {}, "payment_method_types": ["card"],
        "payment_status": session.payment_status, "phone_number_collection": { "enabled": false },
        "shipping_options": [], "status": session.status, "subscription": session.subscription,
        "success_url": "https://scrip.example/thanks",
        "total_details": {
            "amount_discount": session.subtotal - session.total, "amount_shipping": 0, "amount_tax": 0,
        },
        "ui_mode": if generation >= Generation::Dahlia { "hosted_page" } else { "hosted" }, "url": url,
    });
    add_nulls(&mut object, &NULL);
    if generation < Generation::Basil {
        object["shipping_details"] = Value::Null;
    }
    if generation >= Generation::Dahlia {
        object["integration_identifier"] = Value::Null;
    }
    add_customer_account(&mut object, generation);
    object
}

fn invoice_creation(session: &Session) -> Value {
    json!({
        "enabled": session.invoice_creation,
        "invoice_data": {
            "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null,
            "issuer": null, "metadata": session.invoice_metadata, "rendering_options": null,
        },
    })
}

/// A line item of a session, with its price whole.
pub fn line_item(line: &SessionLine, generation: Generation) -> Value {
    let mut object = json!({
        "id": line.id, "object": "item", "amount_discount": line.discount,
        "amount_subtotal": line.subtotal, "amount_tax": 0, "amount_total": line.subtotal - line.discount,
        "currency": CURRENCY, "description": line.price.name, "price": price::price(&line.price, generation),
        "quantity": line.quantity,
    });
    if generation >= Generation::Dahlia {
        add_nulls(&mut object, &["adjustable_quantity", "metadata"]);
    }
    object
}
