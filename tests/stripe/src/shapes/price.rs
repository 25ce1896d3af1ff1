//! Prices, in their present and their oldest form, products, and customers.

use super::{add_customer_account, add_nulls};
use crate::{
    generation::Generation,
    plan::CURRENCY,
    records::{Customer, Price, Product},
};
use serde_json::{Value, json};

/// 14 November 2023, 22:13:20 UTC.
const SINCE: i64 = 1_700_000_000;

/// The price object.
pub fn price(price: &Price, generation: Generation) -> Value {
    let recurring = price.recurring.map(|interval| {
        let mut recurring = json!({
            "interval": interval.name(), "interval_count": 1, "meter": null, "trial_period_days": null,
            "usage_type": "licensed",
        });
        add_aggregate_usage(&mut recurring, generation);
        recurring
    });
    json!({
        "id": price.id, "object": "price", "active": true, "billing_scheme": "per_unit", "created": SINCE,
        "currency": CURRENCY, "custom_unit_amount": null, "livemode": false,
        "lookup_key": price.lookup_key, "metadata": price.metadata, "nickname": null,
        "product": price.product, "recurring": recurring, "tax_behavior": "unspecified", "tiers_mode": null,
        "transform_quantity": null, "type": if price.recurring.is_some() { "recurring" } else { "one_time" },
        "unit_amount": price.unit_amount, "unit_amount_decimal": price.unit_amount.to_string(),
    })
}

/// A recurring price in its oldest form, which still stands beside the price; null for one that is paid once.
pub fn legacy(price: &Price, generation: Generation) -> Value {
    let Some(interval) = price.recurring else { return Value::Null };
    let mut plan = json!({
        "id": price.id, "object": "plan", "active": true, "amount": price.unit_amount,
        "amount_decimal": price.unit_amount.to_string(), "billing_scheme": "per_unit", "created": SINCE,
        "currency": CURRENCY, "interval": interval.name(), "interval_count": 1, "livemode": false,
        "metadata": price.metadata, "meter": null, "nickname": null, "product": price.product,
        "tiers_mode": null, "transform_usage": null, "trial_period_days": null, "usage_type": "licensed",
    });
    add_aggregate_usage(&mut plan, generation);
    plan
}

/// Adds what metered prices had before basil.
fn add_aggregate_usage(object: &mut Value, generation: Generation) {
    if generation < Generation::Basil {
        object["aggregate_usage"] = Value::Null;
    }
}

/// The product object.
pub fn product(product: &Product) -> Value {
    let mut object = json!({
        "id": product.id, "object": "product", "active": true, "created": SINCE, "images": [],
        "livemode": false, "marketing_features": [], "metadata": product.metadata, "name": product.name,
        "type": "service", "updated": SINCE,
    });
    let nulls = [
        "default_price",
        "description",
        "package_dimensions",
        "shippable",
        "statement_descriptor",
        "tax_code",
        "unit_label",
        "url",
    ];
    add_nulls(&mut object, &nulls);
    object
}

/// The customer object.
pub fn customer(customer: &Customer, generation: Generation) -> Value {
    let mut object = json!({
        "id": customer.id, "object": "customer", "balance": customer.balance,
        "created": customer.created.timestamp(), "currency": CURRENCY, "delinquent": false,
        "email": "buyer@example.com", "invoice_prefix": "SCRIP",
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null,
        },
        "livemode": false, "metadata": {}, "name": "A Buyer", "next_invoice_sequence": 1,
        "preferred_locales": [], "tax_exempt": "none",
    });
    let nulls = ["address", "default_source", "description", "discount", "phone", "shipping", "test_clock"];
    add_nulls(&mut object, &nulls);
    add_customer_account(&mut object, generation);
    object
}
