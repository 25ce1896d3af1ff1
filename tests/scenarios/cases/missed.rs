//! Events that never came, and events that are about something else.

use chrono::TimeDelta;
use reqwest::Method;
use scrip_local::{delivery::Endpoint, seed, stack::WEBHOOK_SECRET};
use scrip_stripe_model::{CartSpec, Event, Generation};
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
                assert_eq!(buyer.say(&event).await, "ignored", "{generation:?} {}", event.kind());
            }
        }
        assert!(buyer.entries().await.is_empty());
        assert!(buyer.purchases("2026-11-03T09:00:00Z").await.is_empty());
    }
}

/// Case 30.
#[tokio::test]
async fn the_daily_run_makes_up_for_four_days_without_a_webhook() {
    for generation in [Generation::Acacia, Generation::Dahlia] {
        let shop = Shop::open(&format!("outage {generation:?}"), generation, "2026-11-03T09:00:00Z").await;
        let url = format!("{}/v1/webhooks/stripe", shop.stack.base_url());
        let endpoint = Endpoint::new(&url, &[WEBHOOK_SECRET]).of(&shop.stripe);
        let deliver = async |events: &[Event]| {
            for event in events {
                assert!(endpoint.send(event, shop.stripe.now()).await.is_delivered(), "{}", event.kind());
            }
        };
        let (planned, packed) = (shop.buyer("planned"), shop.buyer("packed"));
        let plan = shop.stripe.checkout(&planned.plan(&[("basic_monthly", 1)]));
        let pack = shop.stripe.checkout(&packed.once(&[("tune_pack", 1)]));
        deliver(&plan.events).await;
        deliver(&pack.events).await;

        // Nothing of what happens from here on is delivered.
        let buyers: Vec<_> = (0..10).map(|number| format!("buyer-{number}")).collect();
        let is_plan = |number: usize| number.is_multiple_of(2);
        for (number, account) in buyers.iter().enumerate() {
            shop.stripe.advance(TimeDelta::hours(9));
            let buyer = shop.buyer(account);
            let cart: CartSpec = if is_plan(number) {
                buyer.plan(&[("standard_monthly", 1)])
            } else {
                buyer.once(&[("tune_pack", 2)])
            };
            let _ = shop.stripe.checkout(&cart);
        }
        let _ = shop.stripe.cancel(&plan.subscription.unwrap());
        let _ = shop.stripe.refund_in_dashboard(&pack.payment_intent.unwrap(), None).unwrap();

        let expect = async |is_made_up: bool| {
            let at = "2026-11-08T00:00:00Z";
            for (number, account) in buyers.iter().enumerate() {
                let buyer = shop.buyer(account);
                let granted = if is_plan(number) { credits(2500, 0, 0) } else { credits(0, 2, 128) };
                let (granted, kinds) =
                    if is_made_up { (granted, vec!["purchase"]) } else { (credits(0, 0, 0), vec![]) };
                assert_eq!(
                    (buyer.balance(at).await, buyer.kinds().await),
                    (granted, kinds.into_iter().map(str::to_owned).collect())
                );
            }
            let status = if is_made_up { "canceled" } else { "active" };
            planned.shows(at, &json!({"plan_status": status, "balance": credits(1000, 0, 0)})).await;
            let left = if is_made_up { credits(0, 0, 0) } else { credits(0, 1, 64) };
            assert_eq!(packed.balance(at).await, left);
        };
        let run = async |at: &str, is_dry_run: bool| {
            shop.stripe.set_now(time(at));
            let command = json!({"undelivered": true, "dry_run": is_dry_run});
            let body = shop.stack.recover(&command, time(at)).await.unwrap();
            let left = ["failed", "parked", "remaining"].map(|name| body[name].clone());
            assert_eq!(left, [json!(0), json!(0), json!(0)], "{body}");
            body
        };
        expect(false).await;
        let trial = run("2026-11-07T12:00:00Z", true).await;
        let told = |body: &Value| body["changes"].as_array().unwrap().len();
        assert!(told(&trial) >= 12, "{trial}");
        expect(false).await;
        let made_up = run("2026-11-07T12:00:00Z", false).await;
        assert_eq!((&made_up["applied"], told(&made_up)), (&json!(12), 12), "{made_up}");
        expect(true).await;
        // What Stripe could not deliver stays so: the next runs change nothing.
        for at in ["2026-11-07T12:00:01Z", "2026-11-08T12:00:00Z"] {
            let again = run(at, false).await;
            assert_eq!((&again["applied"], told(&again)), (&json!(0), 0), "{again}");
            expect(true).await;
        }
        let events = seed::ledger(&shop.stack).list_parked(None).await.unwrap();
        assert!(events.0.is_empty());
        shop.close().await;
    }
}

/// A subscription of eight years that nobody heard of is granted whole by one command, however many looks that takes, and
/// another finds nothing to do.
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

/// What was paid without a payment of Stripe's, in cash here, is found by the customer alone.
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
    // What the old service says.
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
