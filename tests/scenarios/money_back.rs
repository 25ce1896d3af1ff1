//! The money-back guarantee, through real HTTP, the real binaries and a provider: revoke, ask, confirm, and every way in
//! which that can stop half-way.

mod shop;

use std::sync::Arc;

use chrono::TimeDelta;
use scrip_stripe_model::{ApiError, Checkout, Coupon, Fault, Generation, Interval, Plan};
use serde_json::json;

use crate::api::{credits, send};
use shop::{NOW, REFUND, Shop, time};

#[tokio::test]
async fn a_pack_is_refunded_once() {
    let shop = Shop::open("refund-pack", Generation::Basil).await;
    let purchase = shop.pack("buyer").await;
    let first = shop.refund("buyer", &purchase, NOW).await;
    let refund_id = first.is(200).json["provider_refund_id"].as_str().unwrap().to_owned();
    assert!(refund_id.starts_with("re_"), "{refund_id}");
    assert_eq!(
        first.json,
        json!({
            "purchase_id": purchase, "status": "refunded", "credits_revoked": credits(0, 1, 64),
            "credits_spent": credits(0, 0, 0), "amount": 900, "currency": "usd",
            "provider_refund_id": refund_id,
        })
    );
    // Asked again, also after the guarantee, it is the same answer; the provider isn't asked again.
    for at in [NOW, "2027-06-01T00:00:00Z"] {
        assert_eq!(shop.refund("buyer", &purchase, at).await.text, first.text);
    }
    assert_eq!(shop.asked(), 1);
    // The provider's own events change nothing more.
    shop.deliver(&shop.stripe.take_events(), time(NOW)).await;
    assert_eq!(shop.refund("buyer", &purchase, NOW).await.text, first.text);
    assert_eq!(shop.kinds("buyer").await, ["purchase", "refund"]);
    shop.close().await;
}

#[tokio::test]
async fn a_plan_is_refunded_with_what_is_left_and_ends() {
    for generation in Generation::ALL {
        let shop = Shop::open(&format!("refund-plan-{generation:?}"), generation).await;
        let checkout = Checkout::new("buyer", "standard_monthly", 2900);
        let receipt = shop.stripe.subscribe(&checkout, Interval::Month);
        let purchase = shop.buy(&receipt).await;
        let token = shop.stack.tokens().issue("buyer", &["credits:debit"], TimeDelta::hours(1));
        let debit = reqwest::Client::new()
            .post(format!("{}/v1/accounts/buyer/debits", shop.stack.base_url()))
            .bearer_auth(token)
            .header("local-time", "2026-11-04T09:00:00Z")
            .header("idempotency-key", "d")
            .json(&crate::api::enhance(100));
        send(debit).await.is(201);
        let reply = shop.refund("buyer", &purchase, NOW).await;
        assert_eq!(reply.is(200).json["credits_revoked"], credits(2400, 0, 0));
        assert_eq!(reply.json["credits_spent"], credits(100, 0, 0));
        let shown = shop.get("buyer", "", NOW).await;
        assert_eq!((&shown["balance"], &shown["plan_status"]), (&credits(0, 0, 0), &json!("canceled")));
        assert_eq!(shop.get("buyer", "", "2026-12-01T00:00:00Z").await["balance"], credits(0, 0, 0));
        // The subscription was ended at the provider too; its events say so and change nothing.
        let events = shop.stripe.take_events();
        assert!(events.iter().any(|event| event.kind() == "customer.subscription.deleted"), "{generation:?}");
        shop.deliver(&events, time(NOW)).await;
        let after = shop.get("buyer", "", NOW).await;
        assert_eq!((&after["balance"], &after["plan_status"]), (&shown["balance"], &shown["plan_status"]));
        shop.close().await;
    }
}

#[tokio::test]
async fn the_guarantee_ends_after_thirty_days_to_the_second() {
    let shop = Shop::open("refund-window", Generation::Acacia).await;
    for (account, at, status) in [
        ("early", "2026-12-03T08:59:59Z", 200),
        ("just", "2026-12-03T09:00:00Z", 200),
        ("late", "2026-12-03T09:00:01Z", 409),
    ] {
        shop.stripe.set_now(time("2026-11-03T09:00:00Z"));
        let purchase = shop.pack(account).await;
        let reply = shop.refund(account, &purchase, at).await;
        assert_eq!(reply.status, status, "{account} {}", reply.text);
        if status == 409 {
            reply.is_problem(409, "refund_window_closed");
            assert_eq!(reply.json["window_closed_at"], "2026-12-03T09:00:00Z");
            assert_eq!(shop.kinds(account).await, ["purchase"]);
        }
    }
    shop.refund("just", "in_unknown", NOW).await.is_problem(404, "purchase_not_found");
    shop.refund("just", "not%20an%20id", NOW).await.is_problem(400, "invalid_request");
    shop.close().await;
}

#[tokio::test]
async fn nothing_paid_is_nothing_to_ask_for() {
    let shop = Shop::open("refund-coupon", Generation::Basil).await;
    let receipt = shop.stripe.buy_pack(&Checkout::new("buyer", "tune_pack", 900).coupon(Coupon::Free));
    let purchase = shop.buy(&receipt).await;
    shop.refund("buyer", &purchase, NOW).await.is_problem(409, "nothing_to_refund");
    assert_eq!(shop.get("buyer", "", NOW).await["balance"], credits(0, 1, 64));
    assert_eq!((shop.kinds("buyer").await, shop.asked()), (vec!["purchase".to_owned()], 0));
    shop.close().await;
}

#[tokio::test]
async fn a_refusal_puts_the_credits_back() {
    let shop = Shop::open("refund-refused", Generation::Basil).await;
    let purchase = shop.pack("buyer").await;
    shop.stripe.fault(REFUND, Fault::Answer(ApiError::refused("insufficient_funds", "no")));
    shop.refund("buyer", &purchase, NOW).await.is_problem(502, "provider_refused");
    assert_eq!(shop.get("buyer", "", NOW).await["balance"], credits(0, 1, 64));
    assert_eq!(shop.kinds("buyer").await, ["purchase", "refund", "refund_failed"]);
    shop.close().await;
}

#[tokio::test]
async fn an_unknown_outcome_is_pending_and_healed_by_calling_again_or_by_the_event() {
    for (name, fault, by_event) in [
        ("lost-answer", Fault::LoseAnswer, false),
        ("lost-request", Fault::LoseRequest, false),
        ("rate-limit", Fault::Answer(ApiError::rate_limited()), false),
        ("lost-answer-event", Fault::LoseAnswer, true),
    ] {
        let shop = Shop::open(&format!("refund-{name}"), Generation::Basil).await;
        let purchase = shop.pack("buyer").await;
        shop.stripe.fault(REFUND, fault);
        let pending = shop.refund("buyer", &purchase, NOW).await;
        assert_eq!(pending.is(202).json["status"], "refund_pending", "{name}");
        assert_eq!(pending.json["credits_revoked"], credits(0, 1, 64), "{name}");
        assert_eq!(shop.get("buyer", "", NOW).await["balance"], credits(0, 0, 0), "{name}");
        if by_event {
            shop.deliver(&shop.stripe.take_events(), time(NOW)).await;
        }
        let healed = shop.refund("buyer", &purchase, NOW).await;
        assert_eq!(healed.is(200).json["status"], "refunded", "{name}");
        assert_eq!(shop.asked(), if by_event { 1 } else { 2 }, "{name}");
        let events = shop.stripe.take_events();
        assert!(events.iter().filter(|event| event.kind() == "charge.refunded").count() <= 1, "{name}");
        shop.deliver(&events, time(NOW)).await;
        assert_eq!(shop.kinds("buyer").await, ["purchase", "refund"], "{name}");
        shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_killed_while_it_asks_is_healed_by_calling_again() {
    let shop = Arc::new(Shop::open("refund-killed", Generation::Basil).await);
    let purchase = shop.pack("buyer").await;
    shop.stripe.fault(REFUND, Fault::Hang);
    let asking = {
        let (shop, purchase) = (Arc::clone(&shop), purchase.clone());
        tokio::spawn(async move { shop.refund("buyer", &purchase, NOW).await.status })
    };
    while shop.asked() == 0 {
        tokio::task::yield_now().await;
    }
    for instance in shop.stack.instances().into_iter().filter(|instance| instance.function == "refund") {
        shop.stack.kill(instance.pid).await;
    }
    assert_eq!(asking.await.unwrap(), 500);
    assert_eq!(shop.get("buyer", "", NOW).await["balance"], credits(0, 0, 0));
    let mut reply = shop.refund("buyer", &purchase, NOW).await;
    for _ in 0..5 {
        if reply.status == 200 {
            break;
        }
        reply = shop.refund("buyer", &purchase, NOW).await;
    }
    assert_eq!(reply.is(200).json["status"], "refunded");
    assert_eq!(shop.kinds("buyer").await, ["purchase", "refund"]);
    Arc::into_inner(shop).unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_at_once_are_one_refund() {
    let shop = Arc::new(Shop::open("refund-at-once", Generation::Basil).await);
    let purchase = shop.pack("buyer").await;
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let (shop, purchase) = (Arc::clone(&shop), purchase.clone());
            tokio::spawn(async move { shop.refund("buyer", &purchase, NOW).await.status })
        })
        .collect();
    for call in calls {
        let status = call.await.unwrap();
        assert!([200, 202].contains(&status), "{status}");
    }
    let events = shop.stripe.take_events();
    assert_eq!(events.iter().filter(|event| event.kind() == "charge.refunded").count(), 1);
    assert_eq!(shop.refund("buyer", &purchase, NOW).await.is(200).json["status"], "refunded");
    assert_eq!(shop.kinds("buyer").await, ["purchase", "refund"]);
    Arc::into_inner(shop).unwrap().close().await;
}

#[tokio::test]
async fn a_plan_whose_end_was_not_confirmed_is_ended_by_calling_again_also_after_the_event() {
    let shop = Shop::open("refund-not-ended", Generation::Basil).await;
    let checkout = Checkout::new("buyer", "basic_monthly", 1900);
    let purchase = shop.buy(&shop.stripe.subscribe(&checkout, Interval::Month)).await;
    shop.stripe.fault("DELETE /v1/subscriptions", Fault::LoseRequest);
    assert_eq!(shop.refund("buyer", &purchase, NOW).await.is(202).json["status"], "refund_pending");
    // After the event of the refund the subscription is still to be ended.
    shop.deliver(&shop.stripe.take_events(), time(NOW)).await;
    assert_eq!(shop.refund("buyer", &purchase, NOW).await.is(200).json["status"], "refunded");
    let events = shop.stripe.take_events();
    assert!(events.iter().any(|event| event.kind() == "customer.subscription.deleted"), "{events:?}");
    assert_eq!(shop.kinds("buyer").await, ["purchase", "refund"]);
    shop.close().await;
}

#[tokio::test]
async fn a_refund_of_the_money_under_an_upgrade_ends_the_subscription() {
    let shop = Shop::open("refund-earlier", Generation::Acacia).await;
    let checkout = Checkout::new("buyer", "basic_monthly", 1900);
    let receipt = shop.stripe.subscribe(&checkout, Interval::Month);
    let purchase = shop.buy(&receipt).await;
    let subscription = receipt.subscription.unwrap();
    shop.stripe.set_now(time("2026-11-05T09:00:00Z"));
    let upgrade = shop.stripe.upgrade(&subscription, &Plan::monthly("standard_monthly", 2900));
    shop.deliver(&upgrade.events, shop.stripe.now()).await;
    let reply = shop.refund("buyer", &purchase, NOW).await;
    assert_eq!(reply.is(200).json["credits_revoked"], credits(2500, 0, 0));
    let shown = shop.get("buyer", "", NOW).await;
    assert_eq!((&shown["balance"], &shown["plan_status"]), (&credits(0, 0, 0), &json!("canceled")));
    assert!(shop.stripe.calls().iter().any(|call| call.operation().starts_with("DELETE")));
    shop.close().await;
}

/// The renewal is paid, and its event still on its way.
#[tokio::test]
async fn a_plan_whose_renewal_was_just_paid_goes_on() {
    for generation in Generation::ALL {
        let shop = Shop::open(&format!("refund-renewed-{generation:?}"), generation).await;
        let bought = shop.stripe.subscribe(&Checkout::new("buyer", "basic_monthly", 1900), Interval::Month);
        shop.buy(&bought).await;
        let subscription = bought.subscription.unwrap();
        shop.stripe.set_now(time("2026-11-20T09:00:00Z"));
        let plan = Plan::monthly("standard_monthly", 2900);
        let purchase = shop.buy(&shop.stripe.upgrade(&subscription, &plan)).await;
        let renewed = shop.stripe.renew(&subscription);
        assert_eq!(shop.stripe.now(), time("2026-12-03T10:00:00Z"));
        let refund = shop.refund("buyer", &purchase, "2026-12-03T10:00:30Z").await;
        assert_eq!(refund.is(200).json["status"], "refunded");
        assert!(!shop.stripe.calls().iter().any(|call| call.operation().starts_with("DELETE")));
        shop.deliver(&renewed.events, shop.stripe.now()).await;
        let account = shop.get("buyer", "", "2026-12-03T12:00:00Z").await;
        assert_eq!((&account["plan_status"], &account["plan"]), (&json!("active"), &json!("standard")));
        assert_eq!(account["balance"]["playground"], 2500);
        shop.close().await;
    }
}

#[tokio::test]
async fn a_refund_that_failed_is_asked_for_with_a_key_of_its_own() {
    let shop = Shop::open("refund-failed", Generation::Basil).await;
    let purchase = shop.pack("buyer").await;
    let first = shop.refund("buyer", &purchase, NOW).await;
    let first = first.is(200).json["provider_refund_id"].as_str().unwrap().to_owned();
    shop.deliver(&shop.stripe.take_events(), time(NOW)).await;
    shop.deliver(&shop.stripe.fail_refund(&first), time(NOW)).await;
    assert_eq!(shop.get("buyer", "", NOW).await["balance"], credits(0, 1, 64));
    let second = shop.refund("buyer", &purchase, NOW).await;
    let second = second.is(200).json["provider_refund_id"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(shop.kinds("buyer").await, ["purchase", "refund", "refund_failed", "refund"]);
    shop.close().await;
}

#[tokio::test]
async fn a_refund_of_the_dashboards_that_failed_leaves_the_money_back_refund_alone() {
    for (ours_first, name) in [(true, "refund-both"), (false, "refund-both-late")] {
        let shop = Shop::open(name, Generation::Basil).await;
        let purchase = shop.pack("buyer").await;
        // A part goes back in the dashboard, the rest by the guarantee; then the part fails.
        let (theirs, events) = shop.stripe.refund_in_dashboard(&purchase, Some(100)).unwrap();
        if ours_first {
            shop.deliver(&events, time(NOW)).await;
        }
        let first = shop.refund("buyer", &purchase, NOW).await;
        first.is(200);
        let mut events = shop.stripe.take_events();
        events.extend(shop.stripe.fail_refund(&theirs));
        if !ours_first {
            events.reverse();
        }
        shop.deliver(&events, time(NOW)).await;
        assert_eq!(shop.refund("buyer", &purchase, NOW).await.text, first.text);
        // 800 of 900 are gone.
        assert_eq!(shop.get("buyer", "", NOW).await["balance"], credits(0, 1, 8));
        assert_eq!(shop.asked(), 1);
        shop.close().await;
    }
}

#[tokio::test]
async fn a_money_back_refund_that_failed_before_it_was_known_is_asked_for_again() {
    let shop = Shop::open("refund-failed-unknown", Generation::Basil).await;
    let purchase = shop.pack("buyer").await;
    // The answer is lost, and the refund fails: its events come the wrong way round.
    shop.stripe.fault(REFUND, Fault::LoseAnswer);
    shop.refund("buyer", &purchase, NOW).await.is(202);
    let mut events = shop.stripe.take_events();
    let refund = events.iter().find(|event| event.kind() == "refund.created").unwrap();
    let id = refund.object()["id"].as_str().unwrap().to_owned();
    events.extend(shop.stripe.fail_refund(&id));
    events.reverse();
    shop.deliver(&events, time(NOW)).await;
    assert_eq!(shop.get("buyer", "", NOW).await["balance"], credits(0, 1, 64));
    let second = shop.refund("buyer", &purchase, NOW).await;
    assert_ne!(second.is(200).json["provider_refund_id"].as_str().unwrap(), id);
    assert_eq!(shop.kinds("buyer").await, ["purchase", "refund", "refund_failed", "refund"]);
    shop.close().await;
}

/// Runs the schedule's sweep at a time; returns how many refunds it asked for, and how many are stuck.
async fn sweep(shop: &Shop, at: &str) -> (u64, u64) {
    let event = json!({"command": "complete_pending_refunds", "time": time(at)});
    let body = shop.stack.invoke("refund", event).await.unwrap();
    let count = |name: &str| body[name].as_u64().unwrap();
    let gauge = format!("\"PendingRefunds\":{}", count("stuck"));
    let lines = shop.stack.logs().of("refund");
    assert!(lines.iter().any(|line| line.contains(&gauge)), "{gauge} in {lines:?}");
    (count("asked"), count("stuck"))
}

#[tokio::test]
async fn a_pending_refund_is_asked_for_again_by_the_hour() {
    let shop = Shop::open("refund-sweep", Generation::Basil).await;
    let pack = shop.pack("pack-buyer").await;
    let checkout = Checkout::new("plan-buyer", "basic_monthly", 1900);
    let plan = shop.buy(&shop.stripe.subscribe(&checkout, Interval::Month)).await;
    for (account, purchase) in [("pack-buyer", &pack), ("plan-buyer", &plan)] {
        shop.stripe.fault(REFUND, Fault::LoseRequest);
        shop.refund(account, purchase, "2026-11-10T09:00:00Z").await.is(202);
    }
    // A call that began just now may still be running.
    assert_eq!(sweep(&shop, "2026-11-10T09:09:59Z").await, (0, 0));
    // One has no answer again, and is stuck after an hour.
    shop.stripe.fault(REFUND, Fault::LoseRequest);
    assert_eq!(sweep(&shop, "2026-11-10T10:00:00Z").await, (2, 1));
    assert_eq!(sweep(&shop, "2026-11-10T11:00:00Z").await, (1, 0));
    assert_eq!(sweep(&shop, "2026-11-10T12:00:00Z").await, (0, 0));
    for (account, purchase) in [("pack-buyer", &pack), ("plan-buyer", &plan)] {
        assert_eq!(shop.refund(account, purchase, NOW).await.is(200).json["status"], "refunded");
        assert_eq!(shop.kinds(account).await, ["purchase", "refund"]);
    }
    let refunded = shop.stripe.take_events();
    assert_eq!(refunded.iter().filter(|event| event.kind() == "charge.refunded").count(), 2);
    shop.close().await;
}

#[tokio::test]
async fn a_pending_refund_that_the_provider_refuses_gives_the_credits_back_by_itself() {
    let shop = Shop::open("refund-sweep-refused", Generation::Basil).await;
    let purchase = shop.pack("buyer").await;
    shop.stripe.fault(REFUND, Fault::LoseRequest);
    shop.refund("buyer", &purchase, NOW).await.is(202);
    shop.stripe.fault(REFUND, Fault::Answer(ApiError::refused("insufficient_funds", "no")));
    assert_eq!(sweep(&shop, "2026-11-10T10:00:00Z").await, (1, 0));
    assert_eq!(shop.get("buyer", "", NOW).await["balance"], credits(0, 1, 64));
    shop.close().await;
}
