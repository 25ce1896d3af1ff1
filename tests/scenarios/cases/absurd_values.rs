//! Answers of Stripe's that can't be: absurd times, amounts, quantities and lists.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::Response,
};
use scrip_local::{Stack, stack::API_KEY};
use scrip_stripe_model::{
    Event, Generation, Stripe,
    server::{self, Server},
};
use serde_json::{Value, json};

use super::{Buyer, Shop, add_prices, options};
use crate::{
    api::credits,
    webhook::{find, time},
};

const NOW: &str = "2026-11-03T09:00:00Z";

/// A field's name, and its value in every answer of Stripe's.
type Alteration = Arc<Mutex<Option<(&'static str, Value)>>>;

/// Serves Stripe's API, whose answers have a field altered.
async fn serve(stripe: &Stripe, alteration: &Alteration) -> Server {
    let (stripe, alteration) = (stripe.clone(), Arc::clone(alteration));
    let answer = move |request: Request| {
        let (stripe, alteration) = (stripe.clone(), Arc::clone(&alteration));
        async move {
            let response = stripe.answer(request, &format!("Bearer {API_KEY}")).await;
            let (head, body) = response.into_parts();
            let mut json = serde_json::from_slice(&to_bytes(body, 4 << 20).await.unwrap()).unwrap();
            if let Some((name, value)) = &*alteration.lock().unwrap() {
                alter(&mut json, name, value);
            }
            Response::from_parts(head, Body::from(json.to_string()))
        }
    };
    let listener = server::loopback(0).await.unwrap();
    Server::start(listener, Router::new().fallback(answer)).unwrap()
}

/// Sets every field of a name.
fn alter(json: &mut Value, name: &str, value: &Value) {
    match json {
        Value::Object(fields) => {
            for (known, field) in fields {
                if known == name {
                    field.clone_from(value);
                } else {
                    alter(field, name, value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| alter(item, name, value)),
        _ => {}
    }
}

/// An altered field: its name, its value, whether a plan is bought or a pack, and whether the event must be refused.
type AbsurdField = (&'static str, Value, bool, bool);

fn absurd_time() -> Value {
    json!(8_210_266_876_799_i64)
}

fn absurd_fields() -> [AbsurdField; 25] {
    [
        ("paid_at", absurd_time(), true, true),
        ("paid_at", json!(i64::MAX), true, true),
        ("paid_at", json!(i64::MIN), true, true),
        ("paid_at", json!(1.5), true, true),
        ("created", absurd_time(), true, true),
        ("created", absurd_time(), false, true),
        ("end", absurd_time(), true, true),
        ("current_period_end", absurd_time(), true, false),
        ("amount_paid", json!(1e300), true, true),
        ("amount_paid", json!(i64::MAX), true, false),
        ("amount_paid", json!(i64::MIN), true, false),
        ("amount", json!(1e300), true, true),
        ("amount", json!(i64::MAX), true, false),
        ("amount_total", json!(1e300), false, true),
        ("amount_total", json!(i64::MAX), false, false),
        ("amount_total", json!(-900), false, false),
        ("quantity", json!(u64::MAX), false, false),
        ("quantity", json!(i64::MAX), false, false),
        ("quantity", json!(i64::MAX), true, false),
        ("quantity", json!(-3), false, true),
        ("quantity", json!(-3), true, true),
        ("quantity", json!(1e30), false, true),
        ("quantity", json!("many"), true, true),
        ("line_items", json!({"data": {}}), false, true),
        ("lines", json!([]), true, true),
    ]
}

/// An absurd value is an error, is parked or is read as it stands, but never ends the function, and the right value
/// counts afterwards.
#[tokio::test]
async fn absurd_times_and_amounts_are_errors_and_no_panic() {
    let alteration = Alteration::default();
    let stripe = Stripe::new("absurd", Generation::Dahlia, time(NOW));
    add_prices(&stripe);
    let provider = serve(&stripe, &alteration).await;
    let stack = Stack::start(options(&provider)).await.unwrap();
    let shop = Shop { stack, stripe, provider };
    let pids = shop.stack.instance_pids();
    for (row, field) in absurd_fields().into_iter().enumerate() {
        pays_with(&shop.buyer(&format!("absurd-{row}")), &alteration, field).await;
    }
    assert_eq!(shop.stack.instance_pids(), pids);
    let logs = shop.stack.logs().of("purchase-webhook");
    assert!(!logs.iter().any(|line| line.contains("panicked")), "{logs:?}");
    shop.close().await;
}

/// Buys while a field is altered, and delivers the event again when it isn't.
async fn pays_with(buyer: &Buyer<'_>, alteration: &Alteration, field: AbsurdField) {
    let (name, value, is_plan, is_error) = field;
    let what = format!("{name}: {value} (plan: {is_plan})");
    let (cart, kind, granted) = if is_plan {
        (buyer.plan(&[("basic_monthly", 1)]), "invoice.paid", credits(1000, 0, 0))
    } else {
        (buyer.once(&[("tune_pack", 1)]), "checkout.session.completed", credits(0, 1, 64))
    };
    let event = find(&buyer.stripe.checkout(&cart).events, kind);
    *alteration.lock().unwrap() = Some((name, value));
    let attempt = buyer.send(&event).await;
    let is_refused = attempt.status.is_some_and(|status| status >= 400) && attempt.answer["code"].is_string();
    assert!(is_refused || (!is_error && attempt.status == Some(200)), "{what}: {attempt:?}");
    if is_refused {
        assert!(buyer.entries().await.is_empty(), "{what}");
    }
    *alteration.lock().unwrap() = None;
    let again = buyer.outcome_of(&event).await;
    assert!(["applied", "unchanged"].contains(&&*again), "{what}: {again}");
    if is_error {
        assert_eq!(buyer.balance(NOW).await, granted, "{what}");
    }
    buyer.purchases(NOW).await;
    // The event itself may be absurd, too.
    let mut json = event.json().clone();
    json["created"] = absurd_time();
    let attempt = buyer.send(&Event::from_json(json)).await;
    assert_eq!((attempt.status, &attempt.answer["code"]), (Some(400), &json!("invalid_request")), "{what}");
}
