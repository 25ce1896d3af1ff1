//! What the API shows: lists, filters, pages, expansions, and what it refuses.

use super::{dahlia, get, ids, start};
use chrono::TimeDelta;
use scrip_stripe_model::{CartSpec, Generation, PriceSpec, Stripe};
use serde_json::Value;

/// A shop in which one customer bought twelve packs, an hour apart.
fn shop() -> (Stripe, Vec<scrip_stripe_model::Receipt>) {
    let stripe = Stripe::new("reads", Generation::Dahlia, start());
    let pack = stripe.add_price(&PriceSpec::once(900));
    let bought = (0..12).map(|_| {
        stripe.advance(TimeDelta::hours(1));
        stripe.checkout(&CartSpec::payment("alice", &[(&pack, 2)]))
    });
    let bought = bought.collect();
    (stripe, bought)
}

#[tokio::test]
async fn lists_are_newest_first_ten_at_a_time() {
    let (stripe, bought) = shop();
    let newest: Vec<_> = bought.iter().rev().map(|bought| bought.payment_intent.clone().unwrap()).collect();
    let customer = stripe.customer_of("alice");
    let path = format!("/v1/payment_intents?customer={customer}");
    let (_, first) = dahlia(&stripe, &path).await;
    assert_eq!(
        (ids(&first), &first["has_more"]),
        (newest[..10].iter().map(String::as_str).collect(), &Value::from(true))
    );
    let (_, rest) = dahlia(&stripe, &format!("{path}&starting_after={}", newest[9])).await;
    assert_eq!(
        (ids(&rest), &rest["has_more"]),
        (newest[10..].iter().map(String::as_str).collect(), &Value::from(false))
    );
    let since = (start() + TimeDelta::hours(11)).timestamp();
    for (filter, count) in [("gt", 1), ("gte", 2), ("lt", 10), ("lte", 11)] {
        let (_, found) = dahlia(&stripe, &format!("{path}&created[{filter}]={since}&limit=100")).await;
        assert_eq!(ids(&found).len(), count, "{filter}");
    }
}

#[tokio::test]
async fn what_is_not_in_the_reference_is_refused() {
    let (stripe, bought) = shop();
    let session = bought[0].session.clone().unwrap();
    for (path, status, code) in [
        ("/v1/refunds?payment_intents=pi_1".to_owned(), 400, Some("parameter_unknown")),
        ("/v1/disputes?customer=cus_1".to_owned(), 400, Some("parameter_unknown")),
        (format!("/v1/checkout/sessions/{session}?customer=cus_1"), 400, Some("parameter_unknown")),
        (format!("/v1/checkout/sessions/{session}?expand[]=lines"), 400, None),
        (format!("/v1/checkout/sessions/{session}?expand[]=metadata"), 400, None),
        (
            format!("/v1/checkout/sessions/{session}?expand[]=line_items.data.price.product.default_price"),
            400,
            Some("property_expansion_max_depth"),
        ),
        ("/v1/subscriptions/sub_none".to_owned(), 404, Some("resource_missing")),
        ("/v1/coupons".to_owned(), 404, None),
        ("/v1/events?delivery_success=perhaps".to_owned(), 400, None),
    ] {
        let (found, body) = dahlia(&stripe, &path).await;
        assert_eq!((found, body["error"]["code"].as_str()), (status, code), "{path}: {body}");
    }
}

#[tokio::test]
async fn fields_are_expanded_down_to_four_levels() {
    let (stripe, bought) = shop();
    let session = bought[0].session.clone().unwrap();
    let path = format!(
        "/v1/checkout/sessions/{session}?expand[]=line_items.data.price.product&expand[]=payment_intent.latest_charge"
    );
    let (_, shown) = dahlia(&stripe, &path).await;
    let item = &shown["line_items"]["data"][0];
    assert_eq!(
        (&item["quantity"], &item["price"]["product"]["object"]),
        (&Value::from(2), &Value::from("product"))
    );
    assert_eq!(shown["payment_intent"]["latest_charge"]["object"], "charge");
    // Unasked, neither is there.
    let (_, plain) = dahlia(&stripe, &format!("/v1/checkout/sessions/{session}")).await;
    assert!(plain.get("line_items").is_none() && plain["payment_intent"].is_string());
}

#[tokio::test]
async fn an_answer_has_the_shape_of_the_version_asked_for() {
    let stripe = Stripe::new("versions", Generation::Acacia, start());
    let plan = stripe.add_price(&PriceSpec::monthly(1900));
    let bought = stripe.checkout(&CartSpec::subscription("alice", &[(&plan, 1)]));
    let subscription = bought.subscription.unwrap();
    let path = format!("/v1/invoices/{}", bought.invoice.unwrap());
    for (version, is_new) in Generation::EVERY.into_iter().map(|known| (known, known >= Generation::Basil)) {
        let (_, invoice) = get(&stripe, version.api_version(), &path).await;
        assert_eq!(invoice.get("subscription").is_some(), !is_new, "{version:?}");
        let parent = invoice.pointer("/parent/subscription_details/subscription").and_then(Value::as_str);
        assert_eq!(parent, is_new.then_some(subscription.as_str()), "{version:?}");
        let (_, found) =
            get(&stripe, version.api_version(), &format!("/v1/invoices?subscription={subscription}")).await;
        assert_eq!(ids(&found).len(), 1, "{version:?}");
    }
    for (version, status, is_new) in [
        ("2022-11-15", 200, false),
        ("2023-10-16", 200, false),
        ("2025-03-30", 200, false),
        ("2025-03-31.basil", 200, true),
        ("2026-06-24.dahlia", 200, true),
        ("dahlia", 400, false),
    ] {
        let (found, invoice) = get(&stripe, version, &path).await;
        assert_eq!((found, invoice.get("parent").is_some()), (status, is_new), "{version}");
    }
}
