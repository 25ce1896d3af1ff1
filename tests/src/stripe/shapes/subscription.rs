//! Subscriptions.
//!
//! Invariant: the price is whole on the subscription's item in both generations.

use super::{add, add_nulls, seconds};
use crate::stripe::{
    generation::Generation,
    plan::CURRENCY,
    records::{Subscription, SubscriptionStatus},
};
use serde_json::{Value, json};

/// What is null in every subscription here.
const NULL: [&str; 18] = [
    "application",
    "application_fee_percent",
    "billing_cycle_anchor_config",
    "days_until_due",
    "default_payment_method",
    "default_source",
    "description",
    "next_pending_invoice_item_invoice",
    "on_behalf_of",
    "pause_collection",
    "pending_invoice_item_interval",
    "pending_setup_intent",
    "pending_update",
    "schedule",
    "test_clock",
    "transfer_data",
    "trial_end",
    "trial_start",
];

pub fn subscription(subscription: &Subscription, generation: Generation) -> Value {
    let (start, end) = subscription.period();
    let period = json!({ "current_period_start": start.timestamp(), "current_period_end": end.timestamp() });
    let canceled = subscription.status == SubscriptionStatus::Canceled;
    let ends_with_period = subscription.cancel_at_period_end && !canceled;
    let mut item = json!({
        "id": subscription.item, "object": "subscription_item", "billing_thresholds": null,
        "created": subscription.created.timestamp(), "discounts": [], "metadata": {},
        "plan": subscription.plan.legacy(), "price": subscription.plan.price(), "quantity": 1,
        "subscription": subscription.id, "tax_rates": [],
    });
    add(&mut item, generation, json!({}), period.clone());
    let mut object = json!({
        "id": subscription.id, "object": "subscription",
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_cycle_anchor": subscription.anchor.timestamp(),
        "cancel_at": if ends_with_period { Some(end.timestamp()) } else { None },
        "cancel_at_period_end": ends_with_period, "canceled_at": seconds(subscription.canceled_at),
        "cancellation_details": { "comment": null, "feedback": null, "reason": subscription.end_reason },
        "collection_method": "charge_automatically", "created": subscription.created.timestamp(),
        "currency": CURRENCY, "customer": subscription.customer,
        "default_tax_rates": [],
        "discounts": [], "ended_at": seconds(subscription.ended_at),
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "items": {
            "object": "list", "data": [item], "has_more": false, "total_count": 1,
            "url": format!("/v1/subscription_items?subscription={}", subscription.id),
        },
        "latest_invoice": subscription.latest_invoice, "livemode": false,
        "metadata": subscription.metadata,
        "payment_settings": {
            "payment_method_options": null, "payment_method_types": null,
            "save_default_payment_method": "off",
        },
        "plan": subscription.plan.legacy(), "quantity": 1,
        "start_date": subscription.created.timestamp(), "status": subscription.status.name(),
        "trial_settings": { "end_behavior": { "missing_payment_method": "create_invoice" } },
    });
    add_nulls(&mut object, &NULL);
    let basil = json!({ "billing_mode": { "flexible": null, "type": "classic" } });
    add(&mut object, generation, json!({ "billing_thresholds": null, "discount": null }), basil);
    add(&mut object, generation, period, json!({}));
    object
}
