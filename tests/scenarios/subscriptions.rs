//! Subscriptions by real signed events: paid, renewed, changed, late, ended, in the order they come or not.

use chrono::TimeDelta;
use scrip_stripe_model::{Checkout, Generation, Interval, Plan};
use serde_json::json;

use crate::{
    api::{Api, credits, enhance},
    webhook::{GENERATIONS, find, kinds, outcome_of, settle, stripe, time},
};

#[tokio::test]
async fn a_subscription_lives_from_the_31st_through_upgrades_to_its_end() {
    for generation in GENERATIONS {
        let mut api = Api::new();
        let stripe = stripe(&api, generation, "2027-12-31T09:00:00Z");
        let checkout = Checkout::new(&api.account, "basic_monthly", 1900);
        let receipt = stripe.subscribe(&checkout, Interval::Month);
        settle(&receipt.events, stripe.now()).await;
        let subscription = receipt.subscription.unwrap();
        let shown = async |api: &Api| {
            let shown = api.get(&api.path("")).await.json;
            let text = |name: &str| shown[name].as_str().unwrap_or("null").to_owned();
            let playground = shown["balance"]["playground"].as_u64().unwrap();
            (playground, text("plan"), text("plan_status"), text("paid_through"))
        };
        let expect = |playground, plan: &str, status: &str, paid_through: &str| {
            (playground, plan.to_owned(), status.to_owned(), paid_through.to_owned())
        };
        api = api.at("2027-12-31T09:00:01Z");
        assert_eq!(shown(&api).await, expect(1000, "basic", "active", "2028-01-31T09:00:00Z"));
        // Through a leap February, from the 31st to the 29th and back.
        settle(&stripe.advance_to(time("2028-03-01T00:00:00Z")), stripe.now()).await;
        api = api.at("2028-03-01T00:00:00Z");
        assert_eq!(shown(&api).await, expect(1000, "basic", "active", "2028-03-31T09:00:00Z"));
        api.debit("d", &enhance(100)).await.is(201);
        stripe.set_now(time("2028-03-10T00:00:00Z"));
        settle(&stripe.upgrade(&subscription, &Plan::monthly("standard_monthly", 2900)).events, stripe.now())
            .await;
        api = api.at("2028-03-10T00:00:01Z");
        assert_eq!(shown(&api).await, expect(2400, "standard", "active", "2028-03-31T09:00:00Z"));
        settle(&stripe.cancel(&subscription), stripe.now()).await;
        assert_eq!(shown(&api).await, expect(2400, "standard", "canceled", "2028-03-10T00:00:00Z"));
        api = api.at("2028-04-01T00:00:00Z");
        assert_eq!(shown(&api).await.0, 0);
    }
}

#[tokio::test]
async fn who_pays_late_gets_the_months_refill_when_they_pay() {
    let mut api = Api::new();
    let stripe = stripe(&api, Generation::Basil, "2026-10-31T09:00:00Z");
    let receipt = stripe.subscribe(&Checkout::new(&api.account, "basic_monthly", 1900), Interval::Month);
    settle(&receipt.events, stripe.now()).await;
    let subscription = receipt.subscription.unwrap();
    stripe.set_now(time("2026-11-30T09:00:00Z"));
    settle(&stripe.fail_renewal(&subscription).events, stripe.now()).await;
    api = api.at("2026-12-02T00:00:00Z");
    let shown = api.get(&api.path("")).await.json;
    assert_eq!((&shown["plan_status"], &shown["balance"]), (&json!("past_due"), &credits(0, 0, 0)));
    stripe.set_now(time("2026-12-03T00:00:00Z"));
    settle(&stripe.pay_late(&subscription).events, stripe.now()).await;
    api = api.at("2026-12-03T00:00:01Z");
    let shown = api.get(&api.path("")).await.json;
    assert_eq!((&shown["plan_status"], &shown["balance"]), (&json!("active"), &credits(1000, 0, 0)));
    assert!(kinds(&api).await.contains(&"refill".to_owned()));
}

#[tokio::test]
async fn a_custom_plan_gives_what_was_agreed() {
    for (agreed, outcome) in [("12000", "applied"), ("many", "parked"), ("-5", "parked"), ("0", "parked")] {
        let api = Api::new().at("2026-11-03T09:00:01Z");
        let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
        let receipt = stripe.subscribe(&Checkout::custom(&api.account, 9900, agreed), Interval::Month);
        let paid = find(&receipt.events, "invoice.paid");
        assert_eq!(outcome_of(&paid, stripe.now()).await, outcome, "{agreed}");
        let granted = if outcome == "applied" { 12000 } else { 0 };
        assert_eq!(api.balance().await, credits(granted, 0, 0));
    }
}

#[tokio::test]
async fn a_cheaper_plan_within_a_paid_year_counts_from_the_next_refill_and_can_be_undone() {
    let mut api = Api::new().at("2026-11-10T10:00:00Z");
    let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
    let receipt = stripe.subscribe(&Checkout::new(&api.account, "standard_annual", 29400), Interval::Year);
    settle(&receipt.events, stripe.now()).await;
    let subscription = receipt.subscription.unwrap();
    let change = async |at: &str, sku: &str, cents: i64| {
        stripe.set_now(time(at));
        settle(&stripe.downgrade(&subscription, &Plan::annual(sku, cents)), time(at)).await;
    };
    change("2026-11-10T09:00:00Z", "basic_annual", 19200).await;
    assert_eq!(api.balance().await, credits(2500, 0, 0));
    api = api.at("2026-12-01T00:00:00Z");
    assert_eq!(api.balance().await, credits(1000, 0, 0));
    // Undone without a payment, it is again what was paid for: from the next refill on.
    change("2026-12-05T09:00:00Z", "standard_annual", 29400).await;
    api = api.at("2026-12-05T10:00:00Z");
    assert_eq!(api.balance().await, credits(1000, 0, 0));
    api = api.at("2027-01-01T00:00:00Z");
    assert_eq!(api.balance().await, credits(2500, 0, 0));
    let shown = api.get(&api.path("")).await.json;
    assert_eq!(
        (&shown["plan"], &shown["paid_through"]),
        (&json!("standard"), &json!("2027-11-03T09:00:00Z"))
    );
    // A larger plan that isn't paid yet grants nothing more.
    change("2027-01-05T09:00:00Z", "business_annual", 39000).await;
    api = api.at("2027-02-01T00:00:00Z");
    assert_eq!(api.balance().await, credits(2500, 0, 0));
    // The next year is paid as the chosen plan.
    settle(&stripe.advance_to(time("2027-11-03T11:00:00Z")), time("2027-11-03T11:00:00Z")).await;
    api = api.at("2027-12-01T00:00:00Z");
    assert_eq!(api.balance().await, credits(6000, 0, 0));
}

/// The end comes before the payment: both are read at once.
#[tokio::test]
async fn a_newer_subscriptions_end_that_overtakes_its_payment_still_ends_it() {
    for old_one in [false, true] {
        let api = Api::new().at("2026-11-20T00:00:00Z");
        let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
        let checkout = || Checkout::new(&api.account, "basic_monthly", 1900);
        if old_one {
            let old = stripe.subscribe(&checkout(), Interval::Month);
            settle(&old.events, stripe.now()).await;
            settle(&stripe.cancel(&old.subscription.unwrap()), stripe.now()).await;
        }
        stripe.set_now(time("2026-11-10T09:00:00Z"));
        let newer = stripe.subscribe(&checkout(), Interval::Month);
        stripe.set_now(time("2026-11-12T09:00:00Z"));
        let ended = find(&stripe.cancel(&newer.subscription.unwrap()), "customer.subscription.deleted");
        assert_eq!(outcome_of(&ended, stripe.now()).await, "applied");
        assert_eq!(outcome_of(&find(&newer.events, "invoice.paid"), stripe.now()).await, "unchanged");
        let shown = api.get(&api.path("")).await.json;
        assert_eq!(shown["plan_status"], "canceled", "{old_one}");
        assert_eq!(shown["paid_through"], "2026-11-12T09:00:00Z", "{old_one}");
        assert_eq!(shown["balance"]["playground"], 1000, "{old_one}");
        assert_eq!(outcome_of(&ended, stripe.now()).await, "unchanged");
    }
}

/// Only the session names the account; it is found whichever event comes first, and after an hour too.
#[tokio::test]
async fn a_subscriptions_account_is_found_at_its_session() {
    let api = Api::new().at("2026-11-20T00:00:00Z");
    let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
    let mut checkout = Checkout::new(&api.account, "basic_monthly", 1900);
    checkout.payment_metadata.remove("account_id");
    let receipt = stripe.subscribe(&checkout, Interval::Month);
    let ended = find(&stripe.cancel(&receipt.subscription.unwrap()), "customer.subscription.deleted");
    assert_eq!(outcome_of(&ended, stripe.now() + TimeDelta::hours(1)).await, "applied");
    let session = find(&receipt.events, "checkout.session.completed");
    assert_eq!(outcome_of(&session, stripe.now()).await, "unchanged");
    assert_eq!(api.balance().await, credits(1000, 0, 0));
}
