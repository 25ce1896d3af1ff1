//! `low`: an entry by which a kind of credits falls to its low-balance mark, or below it, says so, and so does the answer
//! of its debit or hold. The marks are in `shared/pricing/catalog.toml`: a fifth of the plan's playground credits, no
//! tune, 8 tune images.

use chrono::{DateTime, Utc};
use scrip_stripe_model::{Checkout, Generation, Interval, Plan};
use serde_json::{Value, json};

use crate::{
    api::{Api, credits, enhance},
    webhook::{settle, stripe},
};

const NOW: &str = "2026-11-22T10:00:00Z";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An account that bought these on the 3rd of November, the plan for a year or to the end of the month.
async fn owner(skus: &[&'static str], paid_through: &str) -> Api {
    let api = Api::new().at(NOW);
    for sku in skus {
        api.buy_at(sku, time("2026-11-03T09:00:00Z"), time(paid_through)).await;
    }
    api
}

const A_YEAR: &str = "2027-11-03T09:00:00Z";

/// Work for ten times as many playground credits as images.
fn tens(images: i64) -> Value {
    json!({"operation": "text_to_image", "width": 1024, "height": 1024, "steps": 150, "images": images})
}

fn tune(prompts: i64) -> Value {
    json!({"operation": "tune_images", "prompts": prompts})
}

/// The kinds that each entry after so many names, oldest first.
async fn lows_after(api: &Api, count: usize) -> Vec<(String, Value)> {
    let entries = api.statement().await.into_iter().skip(count);
    entries.map(|entry| (entry["kind"].as_str().unwrap().to_owned(), entry["low"].clone())).collect()
}

#[tokio::test]
async fn what_falls_to_its_mark_says_so_once() {
    let train = || json!({"operation": "train_tune", "prompts": 8});
    let (playground, tune_kind, images) = (json!(["playground"]), json!(["tune"]), json!(["tune_image"]));
    let none = || Value::Null;
    // The purchase, and each piece of work with the kinds that its entry names.
    for (skus, work) in [
        // 1000 credits: the mark is 200.
        (
            &["basic_monthly"][..],
            vec![
                (tens(79), none()),
                (enhance(9), none()),
                (enhance(1), playground.clone()),
                (enhance(1), none()),
                (enhance(99), none()),
            ],
        ),
        (&["basic_monthly"], vec![(tens(80), playground.clone())]),
        (&["basic_monthly"], vec![(tens(100), playground.clone())]),
        // 2500 credits: the mark is 500.
        (&["standard_monthly"], vec![(tens(100), none()), (tens(99), none()), (tens(1), playground)]),
        // 64 images: the mark is 8.
        (&["tune_pack"], vec![(tune(6), none()), (tune(1), images.clone()), (tune(1), none())]),
        (&["tune_pack"], vec![(train(), json!(["tune", "tune_image"]))]),
        // One tune of two is left.
        (&["tune_pack", "avatar_pack"], vec![(train(), tune_kind), (tune(12), images)]),
    ] {
        let api = owner(skus, A_YEAR).await;
        for (number, (work, low)) in work.iter().enumerate() {
            let keys = [format!("d-{number}"), format!("h-{number}")];
            // A debit and, once its credits came back, a hold of the same work: both name the same kinds.
            let debit = api.debit(&keys[0], work).await;
            assert_eq!(debit.is(201).json["low"], *low, "{skus:?} {work}");
            assert_eq!(api.get(&api.path(&format!("/debits/{}", keys[0]))).await.is(200).json["low"], *low);
            assert_eq!(api.debit(&keys[0], work).await.text, debit.text);
            api.reverse(&keys[0], &keys[0], &json!({})).await.is(201);
            let hold = api.hold(&keys[1], work).await;
            assert_eq!(hold.is(201).json["low"], *low, "{skus:?} {work}");
            assert_eq!(api.held_work(&keys[1]).await.is(200).json["low"], *low);
            assert_eq!(api.hold(&keys[1], work).await.text, hold.text);
            // Captured credits had left the balance before.
            assert_eq!(api.capture(&keys[1], &json!({})).await.is(200).json.get("low"), None);
            let named =
                [("debit", low.clone()), ("reversal", none()), ("hold", low.clone()), ("capture", none())];
            let named = named.map(|(kind, low)| (kind.to_owned(), low));
            assert_eq!(lows_after(&api, skus.len() + number * 4).await, named, "{skus:?} {work}");
            // Left out, not null and not empty.
            assert_eq!(debit.json.get("low").is_some(), !low.is_null());
        }
    }
}

#[tokio::test]
async fn what_is_free_names_nothing() {
    let api = owner(&["basic_monthly"], A_YEAR).await;
    api.debit("d", &tens(100)).await.is(201);
    assert_eq!(api.debit("free", &json!({"operation": "download"})).await.is(201).json.get("low"), None);
}

/// A release or an expiry gives back what is above the mark: the next fall is named again.
#[tokio::test]
async fn a_hold_that_comes_back_arms_the_mark_again() {
    for is_released in [true, false] {
        let mut api = owner(&["basic_monthly"], A_YEAR).await;
        api.debit("d", &tens(75)).await.is(201);
        assert_eq!(api.hold("h-1", &tens(5)).await.is(201).json["low"], json!(["playground"]));
        if is_released {
            api.release("h-1").await.is(200);
        } else {
            api = api.at("2026-11-22T10:15:00Z");
        }
        assert_eq!(api.hold("h-2", &tens(5)).await.is(201).json["low"], json!(["playground"]));
        let named = |kind: &str, low: Value| (kind.to_owned(), low);
        let low = || json!(["playground"]);
        assert_eq!(
            lows_after(&api, 2).await,
            [named("hold", low()), named("release", Value::Null), named("hold", low())],
            "{is_released}"
        );
    }
}

#[tokio::test]
async fn a_refill_arms_the_mark_and_the_expiry_before_it_names_nothing() {
    // The credits that are left when the month ends.
    for spent in [0, 50, 90] {
        let mut api = owner(&["basic_monthly"], A_YEAR).await;
        if spent > 0 {
            api.debit("november", &tens(spent)).await.is(201);
        }
        let before = api.statement().await.len();
        api = api.at("2026-12-01T00:00:00Z");
        assert_eq!(api.debit("december", &tens(90)).await.is(201).json["low"], json!(["playground"]));
        let named = |kind: &str, low: Value| (kind.to_owned(), low);
        assert_eq!(
            lows_after(&api, before).await,
            [
                named("expiry", Value::Null),
                named("refill", Value::Null),
                named("debit", json!(["playground"]))
            ],
            "{spent}"
        );
    }
}

#[tokio::test]
async fn an_expiry_without_a_refill_names_what_it_takes() {
    // What is debited in November -> what the expiry names: nothing that was low before.
    let playground = || json!(["playground"]);
    for (spent, low) in [(0, playground()), (79, playground()), (80, Value::Null), (90, Value::Null)] {
        let mut api = owner(&["basic_monthly", "tune_pack"], "2026-12-01T00:00:00Z").await;
        if spent > 0 {
            api.debit("november", &tens(spent)).await.is(201);
        }
        let before = api.statement().await.len();
        api = api.at("2026-12-01T00:00:00Z");
        api.debit("december", &tune(1)).await.is(201);
        let named = [("expiry".to_owned(), low), ("debit".to_owned(), Value::Null)];
        assert_eq!(lows_after(&api, before).await, named, "{spent}");
    }
}

#[tokio::test]
async fn an_upgrade_arms_the_mark_again() {
    let mut api = Api::new().at("2026-11-03T09:00:01Z");
    let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
    let receipt = stripe.subscribe(&Checkout::new(&api.account, "basic_monthly", 1900), Interval::Month);
    settle(&receipt.events, stripe.now()).await;
    assert_eq!(api.debit("d-1", &tens(90)).await.is(201).json["low"], json!(["playground"]));
    assert_eq!(api.debit("d-2", &tens(5)).await.is(201).json.get("low"), None);
    stripe.set_now(time(NOW));
    let plan = Plan::monthly("standard_monthly", 2900);
    settle(&stripe.upgrade(&receipt.subscription.unwrap(), &plan).events, stripe.now()).await;
    api = api.at("2026-11-22T10:00:01Z");
    assert_eq!(api.balance().await, credits(1550, 0, 0));
    // A fifth of 2500 now.
    assert_eq!(api.debit("d-3", &tens(100)).await.is(201).json.get("low"), None);
    assert_eq!(api.debit("d-4", &tens(4)).await.is(201).json.get("low"), None);
    assert_eq!(api.debit("d-5", &tens(1)).await.is(201).json["low"], json!(["playground"]));
}

/// Every entry that takes credits names the kinds that get low, not only work.
#[tokio::test]
async fn an_adjustment_and_a_refund_name_what_they_take() {
    let mut api = Api::new().at("2026-11-03T09:00:01Z");
    let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
    let receipt = stripe.buy_pack(&Checkout::new(&api.account, "tune_pack", 900));
    settle(&receipt.events, stripe.now()).await;
    let mut support = Api::new().with_token("support", &["credits:adjust"]).at("2026-11-04T09:00:00Z");
    support.account.clone_from(&api.account);
    for (key, change) in [("a-1", credits(5, 0, -56)), ("a-2", credits(-5, 0, 8))] {
        let body = json!({"credits": change, "reason": "a correction"});
        support.post(&support.path("/adjustments"), Some(key), &body).await.is(201);
    }
    stripe.set_now(time(NOW));
    let (_, refunded) = stripe.refund_in_dashboard(&receipt.payment_intent.unwrap(), None).unwrap();
    settle(&refunded, stripe.now()).await;
    api = api.at(NOW);
    let named = |kind: &str, low: Value| (kind.to_owned(), low);
    assert_eq!(
        lows_after(&api, 0).await,
        [
            named("purchase", Value::Null),
            named("adjustment", json!(["tune_image"])),
            // Without a plan the mark of playground credits is zero.
            named("adjustment", json!(["playground"])),
            named("refund", json!(["tune", "tune_image"])),
        ]
    );
}
