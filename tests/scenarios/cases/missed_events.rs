//! Events that never came, and events that are about something else.

use chrono::TimeDelta;
use reqwest::Method;
use scrip_local::{delivery::Endpoint, seed, stack::WEBHOOK_SECRET};
use scrip_stripe_model::{CartSpec, Generation};
use serde_json::{Value, json};

use super::{Buyer, Shop};
use crate::{api::credits, webhook::time};

/// Case 25: of another merchant, and of an object that Stripe doesn't show this key.
#[tokio::test]
async fn events_of_others_are_ignored() {
    for generation in Generation::EVERY {
        let buyer = Buyer::new(generation, "2026-11-03T09:00:00Z");
        // Another Stripe account, which the stack doesn't see: the live account's test mode, say.
        let unseen = scrip_stripe_model::Stripe::new(
            &format!("unseen {generation:?}"),
            generation,
            buyer.stripe.now(),
        );
        super::add_prices(&unseen);
        for (stripe, is_connected) in [(&buyer.stripe, true), (&unseen, false)] {
            let mut events = Vec::new();
            for cart in [buyer.once(&[("tune_pack", 3)]), buyer.plan(&[("basic_monthly", 1)])] {
                let receipt = stripe.checkout(&cart);
                events.extend(receipt.events);
                let paid = receipt.invoice.or(receipt.payment_intent).unwrap();
                events.extend(stripe.refund_in_dashboard(&paid, Some(100)).unwrap().1);
                events.extend(stripe.dispute(&paid).1);
                events
                    .extend(receipt.subscription.iter().flat_map(|subscription| stripe.cancel(subscription)));
            }
            for event in events {
                let event = if is_connected { stripe.as_connected(&event, "acct_merchant") } else { event };
                assert_eq!(buyer.outcome_of(&event).await, "ignored", "{generation:?} {}", event.kind());
            }
        }
        assert!(buyer.entries().await.is_empty());
        assert!(buyer.purchases("2026-11-03T09:00:00Z").await.is_empty());
    }
}

/// How many accounts buy while the webhook gets nothing: those with an even number a plan, the others packs.
const BUYERS: usize = 10;

/// Case 30.
#[tokio::test]
async fn the_daily_run_makes_up_for_four_days_without_a_webhook() {
    for generation in [Generation::Acacia, Generation::Dahlia] {
        let shop = Shop::open(&format!("outage {generation:?}"), generation, "2026-11-03T09:00:00Z").await;
        buy_before_and_during_an_outage(&shop).await;
        shows_outage(&shop, false).await;
        let trial = run_daily(&shop, "2026-11-07T12:00:00Z", true).await;
        let changes = |body: &Value| body["changes"].as_array().unwrap().len();
        assert!(changes(&trial) >= 12, "{trial}");
        shows_outage(&shop, false).await;
        let made_up = run_daily(&shop, "2026-11-07T12:00:00Z", false).await;
        assert_eq!((&made_up["applied"], changes(&made_up)), (&json!(12), 12), "{made_up}");
        shows_outage(&shop, true).await;
        // Stripe lists its failed deliveries for ever: the next runs change nothing.
        for at in ["2026-11-07T12:00:01Z", "2026-11-08T12:00:00Z"] {
            let again = run_daily(&shop, at, false).await;
            assert_eq!((&again["applied"], changes(&again)), (&json!(0), 0), "{again}");
            shows_outage(&shop, true).await;
        }
        let events = seed::ledger(&shop.stack).list_parked(None).await.unwrap();
        assert!(events.0.is_empty());
        shop.close().await;
    }
}

/// Delivers the purchases of two accounts; then others buy, and those two end the plan and refund the pack, and no event
/// of that is delivered.
async fn buy_before_and_during_an_outage(shop: &Shop) {
    let url = format!("{}/v1/webhooks/stripe", shop.stack.base_url());
    let endpoint = Endpoint::new(&url, &[WEBHOOK_SECRET]).of(&shop.stripe);
    let plan = shop.stripe.checkout(&shop.buyer("planned").plan(&[("basic_monthly", 1)]));
    let pack = shop.stripe.checkout(&shop.buyer("packed").once(&[("tune_pack", 1)]));
    for event in plan.events.iter().chain(&pack.events) {
        assert!(endpoint.send(event, shop.stripe.now()).await.is_delivered(), "{}", event.kind());
    }
    for number in 0..BUYERS {
        shop.stripe.advance(TimeDelta::hours(9));
        let buyer = shop.buyer(&format!("buyer-{number}"));
        let cart: CartSpec = if number.is_multiple_of(2) {
            buyer.plan(&[("standard_monthly", 1)])
        } else {
            buyer.once(&[("tune_pack", 2)])
        };
        let _ = shop.stripe.checkout(&cart);
    }
    let _ = shop.stripe.cancel(&plan.subscription.unwrap());
    let _ = shop.stripe.refund_in_dashboard(&pack.payment_intent.unwrap(), None).unwrap();
}

/// Asserts what the accounts have before or after the outage is made up for.
async fn shows_outage(shop: &Shop, is_made_up: bool) {
    let at = "2026-11-08T00:00:00Z";
    for number in 0..BUYERS {
        let buyer = shop.buyer(&format!("buyer-{number}"));
        let granted = if number.is_multiple_of(2) { credits(2500, 0, 0) } else { credits(0, 2, 128) };
        let (granted, kinds) =
            if is_made_up { (granted, vec!["purchase"]) } else { (credits(0, 0, 0), vec![]) };
        assert_eq!(
            (buyer.balance(at).await, buyer.kinds().await),
            (granted, kinds.into_iter().map(str::to_owned).collect())
        );
    }
    let status = if is_made_up { "canceled" } else { "active" };
    let planned = shop.buyer("planned");
    planned.shows(at, &json!({"plan_status": status, "balance": credits(1000, 0, 0)})).await;
    let left = if is_made_up { credits(0, 0, 0) } else { credits(0, 1, 64) };
    assert_eq!(shop.buyer("packed").balance(at).await, left);
}

/// Runs the daily recovery at a time; nothing may fail, be parked or remain.
async fn run_daily(shop: &Shop, at: &str, is_dry_run: bool) -> Value {
    shop.stripe.set_now(time(at));
    let command = json!({"undelivered": true, "dry_run": is_dry_run});
    let body = shop.stack.recover(&command, time(at)).await.unwrap();
    let left = ["failed", "parked", "remaining"].map(|name| body[name].clone());
    assert_eq!(left, [json!(0), json!(0), json!(0)], "{body}");
    body
}

/// A subscription of eight years of which no event arrived is granted whole by one command, however many looks that takes,
/// and another finds nothing to do.
#[tokio::test]
async fn a_subscription_of_many_years_is_recovered_at_once() {
    let shop = Shop::open("many years", Generation::Dahlia, "2018-11-03T09:00:00Z").await;
    let buyer = shop.buyer("old");
    let subscription = shop.stripe.checkout(&buyer.plan(&[("basic_monthly", 1)])).subscription.unwrap();
    for _ in 0..8 * 12 {
        let _ = shop.stripe.renew(&subscription);
    }
    let now = shop.stripe.now();
    let command = json!({"object_id": subscription});
    for applied in [1, 0] {
        let body = shop.stack.recover(&command, now).await.unwrap();
        assert_eq!((&body["failed"], &body["applied"]), (&json!(0), &json!(applied)), "{body}");
    }
    let at = now.to_rfc3339();
    let bought = buyer.get("/purchases?limit=100", &at).await;
    assert_eq!(bought["purchases"].as_array().unwrap().len(), 1 + 8 * 12);
    assert_eq!(buyer.balance(&at).await, credits(1000, 0, 0));
    shop.close().await;
}

/// An invoice that was paid without a payment of Stripe's, in cash here, is found by the customer alone.
#[tokio::test]
async fn an_invoice_without_a_payment_is_recovered_by_its_customer() {
    let shop = Shop::open("cash", Generation::Dahlia, "2026-11-03T09:00:00Z").await;
    let buyer = shop.buyer("cash");
    let mut cart = buyer.once(&[("tune_pack", 2)]);
    cart.invoice_metadata = cart.metadata.clone();
    let invoice = shop.stripe.send_invoice(&cart).invoice.unwrap();
    let paid = shop.stripe.pay_out_of_band(&invoice);
    let customer = paid[0].object()["customer"].as_str().unwrap().to_owned();
    let now = shop.stripe.now();
    for applied in [1, 0] {
        let body = shop.stack.recover(&json!({"object_id": customer}), now).await.unwrap();
        assert_eq!((&body["failed"], &body["applied"]), (&json!(0), &json!(applied)), "{body}");
    }
    assert_eq!(buyer.balance(&now.to_rfc3339()).await, credits(0, 2, 128));
    shop.close().await;
}

/// As docs/moving.md says: what was paid comes from Stripe, and the rest is adjusted once, however often the script runs.
#[tokio::test]
async fn balances_of_an_old_service_are_brought_over() {
    let shop = Shop::open("moving", Generation::Dahlia, "2026-11-03T09:00:00Z").await;
    let buyer = shop.buyer("mover");
    let paid = shop.stripe.checkout(&buyer.plan(&[("basic_monthly", 1)]));
    let customer =
        paid.events.iter().find_map(|event| event.object()["customer"].as_str()).unwrap().to_owned();
    shop.stripe.advance(TimeDelta::days(5));
    let now = shop.stripe.now();
    let at = now.to_rfc3339();
    // The balances of the old service.
    let old = credits(660, 1, 0);
    let mut answers = Vec::new();
    // The script breaks off after its first run, and is run again with what it wrote down.
    for applied in [1, 0] {
        let body = shop.stack.recover(&json!({"object_id": customer}), now).await.unwrap();
        assert_eq!((&body["failed"], &body["applied"]), (&json!(0), &json!(applied)), "{body}");
        if applied == 1 {
            assert_eq!(buyer.balance(&at).await, credits(1000, 0, 0));
        }
        let body = json!({"credits": credits(-340, 1, 0), "reason": "moved over from the old service"});
        let moved = buyer
            .call(Method::POST, "/adjustments", &at, |request| {
                request.header("idempotency-key", "moved-over").json(&body)
            })
            .await;
        moved.is(201);
        answers.push(moved.text.clone());
        assert_eq!(buyer.balance(&at).await, old);
    }
    assert_eq!(answers[0], answers[1]);
    // The events come late, and find it all granted.
    let url = format!("{}/v1/webhooks/stripe", shop.stack.base_url());
    let endpoint = Endpoint::new(&url, &[WEBHOOK_SECRET]).of(&shop.stripe);
    for event in &paid.events {
        assert!(endpoint.send(event, now).await.is_delivered(), "{}", event.kind());
    }
    assert_eq!(buyer.balance(&at).await, old);
    assert_eq!(buyer.kinds().await, ["purchase", "adjustment"]);
    shop.close().await;
}
