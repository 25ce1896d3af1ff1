//! Bad input: Stripe doesn't answer or answers late, or the key may not read.

use std::time::{Duration, Instant};

use scrip_local::{Options, Stack, stack::API_KEY_PARAMETER};
use scrip_stripe_model::{ApiError, Event, Fault, Generation, PermissionWording, PriceSpec};
use serde_json::{Value, json};

use super::{Buyer, Shop};
use crate::{api::credits, webhook::find};

const NOW: &str = "2026-11-03T09:00:00Z";

/// One event of each kind of subject.
fn events(buyer: &Buyer<'_>) -> Vec<Event> {
    let pack = buyer.stripe.checkout(&buyer.once(&[("tune_pack", 1)]));
    let plan = buyer.stripe.checkout(&buyer.plan(&[("basic_monthly", 1)]));
    let refunded = buyer.stripe.checkout(&buyer.once(&[("avatar_pack", 1)])).payment_intent.unwrap();
    let (_, refund) = buyer.stripe.refund_in_dashboard(&refunded, None).unwrap();
    let mut events = vec![
        find(&pack.events, "checkout.session.completed"),
        find(&pack.events, "payment_intent.succeeded"),
        find(&plan.events, "invoice.paid"),
        find(&plan.events, "customer.subscription.created"),
    ];
    events.extend(refund);
    events
}

#[tokio::test]
async fn stripe_that_cannot_be_reached_is_503_within_ten_seconds() {
    let shop = Shop::open("unreachable", Generation::Dahlia, NOW).await;
    let buyer = shop.buyer("waiting");
    let all = events(&buyer);
    let faults = shop.stripe.faults();
    for fault in [
        Fault::LoseRequest,
        Fault::LoseAnswer,
        Fault::Answer(ApiError::rate_limited()),
        Fault::Answer(ApiError::broken()),
    ] {
        faults.until_cleared(fault.clone());
        for event in &all {
            let attempt = buyer.send(event).await;
            assert_eq!(
                (attempt.status, &attempt.answer["code"]),
                (Some(503), &json!("try_again")),
                "{fault:?}"
            );
        }
        faults.clear();
    }
    // One that never answers.
    faults.until_cleared(Fault::Hang);
    let begun = Instant::now();
    let attempt = buyer.send(&all[0]).await;
    assert_eq!(attempt.status, Some(503), "{attempt:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    faults.clear();
    assert!(buyer.entries().await.is_empty());
    // A stack whose Stripe isn't there at all.
    let alone = Stack::start(Options { instances: 1, ..Options::default() }).await.unwrap();
    let cut_off = Buyer { stack: &alone, stripe: shop.stripe.clone(), account: "waiting".to_owned() };
    let begun = Instant::now();
    for event in &all {
        assert_eq!(cut_off.send(event).await.status, Some(503));
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    alone.stop().await;
    // Sent again, each is taken.
    buyer.settle(&all).await;
    assert_eq!(buyer.balance(NOW).await, credits(1000, 1, 64));
    shop.close().await;
}

/// A call that is only late is waited for, for as long as Stripe waits itself.
#[tokio::test]
async fn an_event_whose_looks_are_too_slow_is_503_in_time() {
    let shop = Shop::open("slow looks", Generation::Dahlia, NOW).await;
    let buyer = shop.buyer("waiting");
    let plan = shop.stripe.checkout(&buyer.plan(&[("basic_monthly", 1)]));
    shop.stripe.faults().until_cleared(Fault::Slow(Duration::from_secs(7)));
    let begun = Instant::now();
    let attempt = buyer.send(&find(&plan.events, "invoice.paid")).await;
    assert!(matches!(attempt.status, Some(200 | 503)), "{attempt:?}");
    assert!(begun.elapsed() < Duration::from_secs(22), "{:?}", begun.elapsed());
    shop.stripe.faults().clear();
    buyer.settle(&plan.events).await;
    assert_eq!(buyer.balance(NOW).await, credits(1000, 0, 0));
    shop.close().await;
}

/// All permissions of the restricted key (docs/stripe.md).
const PERMISSIONS: [&str; 9] = [
    "charge_write",
    "checkout_session_read",
    "dispute_read",
    "event_read",
    "invoice_read",
    "payment_intent_read",
    "plan_read",
    "product_read",
    "subscription_write",
];

#[tokio::test]
async fn a_key_that_lacks_a_permission_is_503_and_the_log_names_it_but_never_the_key() {
    let shop = Shop::open("restricted", Generation::Dahlia, NOW).await;
    let key = "rk_test_5HkQqBSecretOfTheRestrictedKey";
    shop.stack.parameters().set(API_KEY_PARAMETER, key);
    let buyer = shop.buyer("restricted");
    let all = events(&buyer);
    // An invoice that shows its price by its id alone.
    let lookup_key = Some("avatar_pack".to_owned());
    let unmapped = buyer.stripe.add_price(&PriceSpec { lookup_key, ..PriceSpec::once(1000) });
    let mut cart = buyer.once(&[(&unmapped, 1)]);
    cart.invoice_metadata.insert("account_id".to_owned(), buyer.account.clone());
    let invoice = buyer.stripe.send_invoice(&cart).invoice.unwrap();
    let paid = find(&buyer.stripe.pay_invoice(&invoice).events, "invoice.paid");
    let all: Vec<_> = all.into_iter().chain([paid]).collect();
    for wording in [PermissionWording::Having, PermissionWording::Enabling] {
        shop.stripe.word_permissions(wording);
        for lacking in PERMISSIONS {
            let rest: Vec<_> = PERMISSIONS.into_iter().filter(|permission| *permission != lacking).collect();
            shop.stripe.restrict_key(key, &rest);
            let before = shop.stack.logs().of("purchase-webhook").len();
            let mut refused = 0;
            for event in &all {
                let attempt = buyer.send(event).await;
                if attempt.status == Some(503) {
                    refused += 1;
                    assert_eq!(attempt.answer["code"], "try_again");
                    assert!(!attempt.answer.to_string().contains("rk_"), "{}", attempt.answer);
                }
            }
            // Events are listed by the recovery alone.
            assert_eq!(refused > 0, lacking != "event_read", "{lacking}");
            let lines = shop.stack.logs().of("purchase-webhook").split_off(before);
            let resource = lacking.trim_end_matches("_read").trim_end_matches("_write");
            let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            let names = |line: &&Value| {
                line["permission"].as_str().is_some_and(|named| named.contains(&format!("{resource}_")))
            };
            assert_eq!(lines.iter().filter(names).count(), refused, "{lacking}: {lines:?}");
            let counted = lines.iter().filter(|line| line["StripeKeyRefused"] == 1);
            assert_eq!(counted.count(), refused, "{lacking}: {lines:?}");
        }
    }
    shop.stripe.restrict_key(key, &PERMISSIONS);
    buyer.settle(&all).await;
    let logs = ["purchase-webhook", "refund"].map(|function| shop.stack.logs().of(function)).concat();
    assert!(!logs.iter().any(|line| line.contains("SecretOf") || line.contains("edKey")), "{logs:?}");
    shop.close().await;
}

#[tokio::test]
async fn a_money_back_refund_at_a_slow_stripe_is_pending_within_twenty_seconds() {
    let shop = Shop::open("slow refund", Generation::Dahlia, NOW).await;
    let (plan, pack) = (shop.buyer("slow-plan"), shop.buyer("slow-pack"));
    let invoice = plan.buy(&plan.plan(&[("basic_monthly", 1)])).await.invoice.unwrap();
    let payment = pack.buy(&pack.once(&[("tune_pack", 1)])).await.payment_intent.unwrap();
    let later = "2026-11-10T09:00:00Z";
    shop.stripe.faults().until_cleared(Fault::Slow(Duration::from_secs(6)));
    let timed = async |buyer: &Buyer<'_>, purchase: &str| {
        let begun = Instant::now();
        let reply = buyer.money_back(purchase, later).await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?} {}", begun.elapsed(), reply.text);
        assert_eq!(buyer.balance(later).await, credits(0, 0, 0));
        reply
    };
    // A function has one process here, so one after the other.
    let pending = timed(&plan, &invoice).await;
    assert_eq!(pending.is(202).json["status"], "refund_pending");
    assert_eq!(pending.json["credits_revoked"], credits(1000, 0, 0));
    let reply = timed(&pack, &payment).await;
    assert!([200, 202].contains(&reply.status), "{}", reply.text);
    shop.stripe.faults().clear();
    for (buyer, purchase, amount) in [(&plan, &invoice, 1900), (&pack, &payment, 900)] {
        let healed = buyer.money_back(purchase, later).await;
        assert_eq!(
            (&healed.is(200).json["status"], &healed.json["amount"]),
            (&json!("refunded"), &json!(amount))
        );
        assert_eq!(buyer.kinds().await, ["purchase", "refund"]);
    }
    let refunded: Vec<_> = shop.stripe.books().purchases.iter().map(|purchase| purchase.refunded).collect();
    assert_eq!(refunded, [1900, 900]);
    shop.close().await;
}

/// A customer that was deleted has no charges to show; the end of the subscription counts.
#[tokio::test]
async fn the_subscription_of_a_deleted_customer_ends() {
    let buyer = Buyer::new(Generation::Dahlia, NOW);
    let subscription = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
    let ended = buyer.stripe.cancel(&subscription);
    let missing = ApiError::refused("resource_missing", "No such customer");
    buyer.stripe.fault("GET /v1/charges", Fault::Answer(missing));
    assert_eq!(buyer.outcome_of(&find(&ended, "customer.subscription.deleted")).await, "applied");
    buyer.shows(NOW, &json!({"plan_status": "canceled"})).await;
}
