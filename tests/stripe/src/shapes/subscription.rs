//! Subscriptions, their items, and discounts.
//!
//! Invariant: the price is whole on the subscription's items in every version.

use super::{add_customer_account, add_nulls, embedded, merge, price, seconds};
use crate::{
    generation::Generation,
    plan::CURRENCY,
    records::{Discount, Item, PendingUpdate, Subscription, SubscriptionStatus},
};
use serde_json::{Value, json};

/// What is null in every subscription here.
const NULL: [&str; 15] = [
    "application",
    "application_fee_percent",
    "billing_cycle_anchor_config",
    "billing_thresholds",
    "days_until_due",
    "default_payment_method",
    "default_source",
    "description",
    "next_pending_invoice_item_invoice",
    "on_behalf_of",
    "pending_invoice_item_interval",
    "pending_setup_intent",
    "schedule",
    "test_clock",
    "transfer_data",
];

pub fn subscription(subscription: &Subscription, generation: Generation) -> Value {
    let (start, end) = subscription.period();
    let canceled = subscription.status == SubscriptionStatus::Canceled;
    let ends_with_period = subscription.cancel_at_period_end && !canceled;
    let cancel_at = ends_with_period.then(|| subscription.last_end().timestamp());
    let items: Vec<_> =
        subscription.items.iter().map(|each| item(each, &subscription.id, generation)).collect();
    let discount = subscription.discount.as_ref();
    let pause = subscription
        .pause
        .map(|pause| json!({ "behavior": pause.behavior, "resumes_at": seconds(pause.resumes_at) }));
    let update = subscription.pending_update.as_ref();
    let update = update.map(|update| pending_update(update, &subscription.id, generation));
    let mut object = json!({
        "id": subscription.id, "object": "subscription",
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_cycle_anchor": subscription.anchor.timestamp(), "cancel_at": cancel_at,
        "cancel_at_period_end": ends_with_period, "canceled_at": seconds(subscription.canceled_at),
        "cancellation_details": { "comment": null, "feedback": null, "reason": subscription.end_reason },
        "collection_method": "charge_automatically", "created": subscription.created.timestamp(),
        "currency": CURRENCY, "customer": subscription.customer, "default_tax_rates": [],
        "discounts": discount.iter().map(|discount| &discount.id).collect::<Vec<_>>(),
        "ended_at": seconds(subscription.ended_at),
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "latest_invoice": subscription.latest_invoice, "livemode": false,
        "metadata": subscription.metadata, "pause_collection": pause,
        "payment_settings": {
            "payment_method_options": null, "payment_method_types": null,
            "save_default_payment_method": "off",
        },
        "pending_update": update, "start_date": subscription.created.timestamp(),
        "status": subscription.status.name(), "trial_end": seconds(subscription.trial.map(|trial| trial.1)),
        "trial_settings": { "end_behavior": { "missing_payment_method": "create_invoice" } },
        "trial_start": seconds(subscription.trial.map(|trial| trial.0)),
    });
    // Within `json!` they would be copied.
    object["items"] = embedded(items, &format!("/v1/subscription_items?subscription={}", subscription.id));
    add_nulls(&mut object, &NULL);
    // The oldest form of what is subscribed to has no place for several items.
    object["plan"] = match subscription.items.as_slice() {
        [only] => price::legacy(&only.price, generation),
        _ => Value::Null,
    };
    if let [only] = subscription.items.as_slice() {
        object["quantity"] = json!(only.quantity);
    }
    if generation < Generation::Basil {
        merge(&mut object, period(start.timestamp(), end.timestamp()));
        let of = (subscription.customer.as_str(), Some(subscription.id.as_str()));
        object["discount"] = discount.map_or(Value::Null, |known| self::discount(known, of, generation));
    } else {
        object["billing_mode"] = billing_mode(subscription);
    }
    add_customer_account(&mut object, generation);
    object
}

fn period(start: i64, end: i64) -> Value {
    json!({ "current_period_start": start, "current_period_end": end })
}

fn billing_mode(subscription: &Subscription) -> Value {
    if subscription.flexible {
        let since = subscription.created.timestamp();
        json!({ "flexible": { "proration_discounts": "included" }, "type": "flexible", "updated_at": since })
    } else {
        json!({ "flexible": null, "type": "classic" })
    }
}

/// An item of a subscription, with its price whole.
pub fn item(item: &Item, subscription: &str, generation: Generation) -> Value {
    let mut object = json!({
        "id": item.id, "object": "subscription_item", "billing_thresholds": null,
        "created": item.created.timestamp(), "discounts": [], "metadata": item.metadata,
        "plan": price::legacy(&item.price, generation), "price": price::price(&item.price, generation),
        "quantity": item.quantity,
        "subscription": subscription, "tax_rates": [],
    });
    if generation >= Generation::Basil {
        merge(&mut object, period(item.period.0.timestamp(), item.period.1.timestamp()));
    }
    object
}

fn pending_update(update: &PendingUpdate, subscription: &str, generation: Generation) -> Value {
    let items: Vec<_> = update.items.iter().map(|each| item(each, subscription, generation)).collect();
    json!({
        "billing_cycle_anchor": seconds(update.new_anchor), "expires_at": update.expires_at.timestamp(),
        "subscription_items": items, "trial_end": null, "trial_from_plan": null,
    })
}

/// A coupon that a customer redeemed, and the subscription if it was for one.
pub fn discount(discount: &Discount, of: (&str, Option<&str>), generation: Generation) -> Value {
    let (customer, subscription) = of;
    let mut object = json!({
        "id": discount.id, "object": "discount", "checkout_session": null, "customer": customer,
        "end": null, "invoice": null, "invoice_item": null, "promotion_code": discount.promotion_code,
        "start": discount.start.timestamp(), "subscription": subscription, "subscription_item": null,
    });
    if generation >= Generation::Clover {
        object["source"] = json!({ "coupon": discount.coupon, "type": "coupon" });
    } else {
        object["coupon"] = coupon(discount);
    }
    add_customer_account(&mut object, generation);
    object
}

fn coupon(discount: &Discount) -> Value {
    json!({
        "id": discount.coupon, "object": "coupon", "amount_off": null,
        "created": discount.start.timestamp(), "currency": null,
        "duration": if discount.once { "once" } else { "forever" }, "duration_in_months": null,
        "livemode": false, "max_redemptions": null, "metadata": {}, "name": discount.coupon,
        "percent_off": discount.percent_off, "redeem_by": null, "times_redeemed": 1, "valid": true,
    })
}
