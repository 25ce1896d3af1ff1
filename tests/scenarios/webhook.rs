//! The payment provider's events, through real HTTP and the real binary: signed, twice, late, in every
//! order. What is paid becomes credits once, and what can't be is kept in sight.

use chrono::{DateTime, TimeDelta, Utc};
use scrip_local::{
    Options, Stack,
    delivery::Endpoint,
    seed,
    stack::{WEBHOOK_SECRET, WEBHOOK_SECRET_PARAMETER},
};
use scrip_stripe_model::{
    CartSpec, Checkout, Coupon, Event, Generation, Interval, PriceSpec, Stripe, signature,
};
use serde_json::{Value, json};

use crate::{
    api::{Api, Reply, credits, send},
    support,
};

pub const GENERATIONS: [Generation; 2] = [Generation::Acacia, Generation::Basil];

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A Stripe account of the test's own, which the shared stack's functions see.
pub fn stripe(api: &Api, generation: Generation, now: &str) -> Stripe {
    let stripe = Stripe::new(&format!("{}-{generation:?}", api.account), generation, time(now));
    support::show(&stripe);
    stripe
}

pub fn endpoint(stack: &Stack) -> Endpoint {
    Endpoint::new(&format!("{}/v1/webhooks/stripe", stack.base_url()), &[WEBHOOK_SECRET])
}

/// Sends an event at a time; returns the outcome, or the problem's code.
pub async fn outcome_of(event: &Event, at: DateTime<Utc>) -> String {
    let attempt = endpoint(support::stack()).send(event, at).await;
    let outcome = attempt.answer["outcome"].as_str().or(attempt.answer["code"].as_str());
    outcome.unwrap_or_else(|| panic!("{attempt:?}")).to_owned()
}

/// Sends events in order until each is taken: one that must wait or is parked is sent again, as Stripe or
/// support would.
pub async fn settle(events: &[Event], at: DateTime<Utc>) {
    let mut waiting = events.to_vec();
    for _ in 0..8 {
        let mut still = Vec::new();
        for event in waiting {
            if ["not_yet", "parked"].contains(&outcome_of(&event, at).await.as_str()) {
                still.push(event);
            }
        }
        if still.is_empty() {
            return;
        }
        waiting = still;
    }
    panic!("never taken: {waiting:?}");
}

pub fn find(events: &[Event], kind: &str) -> Event {
    events
        .iter()
        .find(|event| event.kind() == kind)
        .unwrap_or_else(|| panic!("no {kind} in {events:?}"))
        .clone()
}

pub async fn kinds(api: &Api) -> Vec<String> {
    let entries = api.statement().await;
    entries.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_pack_is_granted_once_however_many_events_speak_of_it() {
    for generation in GENERATIONS {
        for coupon in [Coupon::None, Coupon::Free] {
            let api = Api::new().at("2026-11-03T10:00:00Z");
            let stripe = stripe(&api, generation, "2026-11-03T09:00:00Z");
            let checkout = Checkout::new(&api.account, "tune_pack", 900).coupon(coupon);
            let receipt = stripe.buy_pack(&checkout);
            let mut outcomes = Vec::new();
            for event in receipt.events.iter().chain(&receipt.events) {
                outcomes.push(outcome_of(event, time("2026-11-03T10:00:00Z")).await);
            }
            assert_eq!(outcomes.iter().filter(|outcome| *outcome == "applied").count(), 1, "{outcomes:?}");
            let is_known =
                |outcome: &&String| ["applied", "unchanged", "ignored"].contains(&outcome.as_str());
            assert!(outcomes.iter().all(|outcome| is_known(&outcome)), "{outcomes:?}");
            assert_eq!(api.balance().await, credits(0, 1, 64));
            assert_eq!(kinds(&api).await, ["purchase"]);
        }
    }
}

#[tokio::test]
async fn a_payment_that_comes_later_grants_when_it_comes() {
    let api = Api::new().at("2026-11-04T10:00:00Z");
    let stripe = stripe(&api, Generation::Acacia, "2026-11-03T09:00:00Z");
    let receipt = stripe.buy_pack_async(&Checkout::new(&api.account, "avatar_pack", 900).silent_payment());
    for event in &receipt.events {
        let outcome = outcome_of(event, time("2026-11-03T09:00:01Z")).await;
        assert!(["ignored", "unchanged"].contains(&outcome.as_str()), "{}: {outcome}", event.kind());
    }
    assert_eq!(api.balance().await, credits(0, 0, 0));
    stripe.set_now(time("2026-11-04T09:00:00Z"));
    settle(&stripe.payment_arrives(&receipt.session.unwrap()), time("2026-11-04T09:00:01Z")).await;
    assert_eq!(api.balance().await, credits(0, 0, 104));
}

/// Runs the recovery as support would: past the gateway, with the sample that the README names.
pub async fn recover(command: &Value, at: &str) -> Value {
    let body = support::stack().recover(command, time(at)).await.unwrap();
    assert!(body["looked_at"].is_number(), "{body}");
    body
}

#[tokio::test]
async fn paid_money_that_cannot_be_granted_is_parked_and_named() {
    let stack = support::stack();
    let unknown = |api: &Api| Checkout::new(&api.account, "jumbo_pack", 900);
    let plan_once = |api: &Api| Checkout::new(&api.account, "basic_monthly", 1900);
    let unnamed = |api: &Api| {
        let mut checkout = Checkout::new(&api.account, "tune_pack", 900);
        checkout.client_reference_id = None;
        checkout.guest = true;
        for metadata in [&mut checkout.metadata, &mut checkout.payment_metadata] {
            metadata.remove("account_id");
        }
        checkout
    };
    let malformed = |api: &Api| {
        let mut checkout = Checkout::new(&api.account, "tune_pack", 900);
        for metadata in [&mut checkout.metadata, &mut checkout.payment_metadata] {
            metadata.insert("account_id".into(), "not an id".into());
        }
        checkout
    };
    for (name, at, part) in [
        ("unknown SKU", "2026-11-03T09:00:01Z", "no SKU is known for the price"),
        ("a plan once", "2026-11-03T09:00:01Z", "basic_monthly"),
        ("no account", "2026-11-03T10:00:00Z", "no account is known"),
        ("malformed account", "2026-11-03T09:00:01Z", "no account id"),
    ] {
        let api = Api::new().at(at);
        let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
        let receipt = stripe.buy_pack(&match name {
            "unknown SKU" => unknown(&api),
            "a plan once" => plan_once(&api),
            "no account" => unnamed(&api),
            _ => malformed(&api),
        });
        let session = find(&receipt.events, "checkout.session.completed");
        if name == "no account" {
            assert_eq!(outcome_of(&session, time("2026-11-03T09:59:59Z")).await, "not_yet");
        }
        assert_eq!(outcome_of(&session, time(at)).await, "parked", "{name}");
        assert!(api.statement().await.is_empty(), "{name}");
        let payment = receipt.payment_intent.unwrap();
        let parked = seed::ledger(stack).parked(&payment).await.unwrap().unwrap();
        assert!(parked.reason.contains(part), "{name}: {}", parked.reason);
        // Nothing was mended: it stays parked, and the command says why.
        let body = recover(&json!({"object_id": payment}), at).await;
        assert_eq!(
            (&body["parked"], &body["changes"][0]["outcome"]),
            (&json!(1), &json!("parked")),
            "{name}"
        );
        assert!(body["changes"][0]["reasons"][0].as_str().unwrap().contains(part), "{name}: {body}");
    }
}

/// An account that only the session names is read there, whichever event comes first.
#[tokio::test]
async fn an_invoice_before_its_session_finds_whose_it_is() {
    for generation in GENERATIONS {
        let api = Api::new().at("2026-11-03T12:00:00Z");
        let stripe = stripe(&api, generation, "2026-11-03T09:00:00Z");
        let mut checkout = Checkout::new(&api.account, "basic_monthly", 1900);
        checkout.payment_metadata.remove("account_id");
        let receipt = stripe.subscribe(&checkout, Interval::Month);
        assert_eq!(outcome_of(&find(&receipt.events, "invoice.paid"), stripe.now()).await, "applied");
        let session = find(&receipt.events, "checkout.session.completed");
        assert_eq!(outcome_of(&session, stripe.now()).await, "unchanged");
        assert_eq!(api.balance().await, credits(1000, 0, 0));
    }
}

/// Case 21.
#[tokio::test]
async fn a_payment_for_something_unknown_is_parked_and_granted_once_its_price_is_known() {
    for generation in GENERATIONS {
        let api = Api::new().at("2026-11-03T09:00:01Z");
        let stripe = stripe(&api, generation, "2026-11-03T09:00:00Z");
        // Named by the session alone; the invoice's price is not mapped.
        let mut checkout = Checkout::new(&api.account, "basic_annual_2027", 1900);
        checkout.payment_metadata.clear();
        let receipt = stripe.subscribe(&checkout, Interval::Year);
        let paid = find(&receipt.events, "invoice.paid");
        assert_eq!(outcome_of(&paid, stripe.now()).await, "parked", "{generation:?}");
        let session = find(&receipt.events, "checkout.session.completed");
        assert_eq!(outcome_of(&session, stripe.now()).await, "parked", "{generation:?}");
        assert_eq!(api.balance().await, credits(0, 0, 0));
        let parked = seed::ledger(support::stack()).parked(&receipt.invoice.unwrap()).await.unwrap();
        assert_eq!(parked.unwrap().account_id.map(|id| id.to_string()), Some(api.account.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_one_payment_at_once_grant_once() {
    for _ in 0..10 {
        let api = Api::new().at("2026-11-03T09:00:01Z");
        let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
        let receipt = stripe.buy_pack(&Checkout::new(&api.account, "tune_pack", 900));
        let session = find(&receipt.events, "checkout.session.completed");
        let payment = find(&receipt.events, "payment_intent.succeeded");
        let (first, second) =
            tokio::join!(outcome_of(&session, stripe.now()), outcome_of(&payment, stripe.now()));
        let mut outcomes = [first, second];
        outcomes.sort();
        assert_eq!(outcomes, ["applied", "unchanged"]);
        assert_eq!(api.balance().await, credits(0, 1, 64));
        assert_eq!(kinds(&api).await, ["purchase"]);
    }
}

#[tokio::test]
async fn a_session_may_leave_the_sku_to_its_payment() {
    for payment_first in [true, false] {
        let api = Api::new().at("2026-11-20T00:00:00Z");
        let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
        let mut checkout = Checkout::new(&api.account, "tune_pack", 900);
        checkout.metadata.remove("sku");
        let receipt = stripe.buy_pack(&checkout);
        let mut events = ["checkout.session.completed", "payment_intent.succeeded"]
            .map(|kind| find(&receipt.events, kind));
        if payment_first {
            events.reverse();
        }
        for (event, outcome) in events.iter().zip(["applied", "unchanged"]) {
            assert_eq!(outcome_of(event, stripe.now()).await, outcome, "{}", event.kind());
        }
        assert_eq!(api.balance().await, credits(0, 1, 64));
    }
}

/// A checkout of a one-off payment can make an invoice too (`invoice_creation`).
#[tokio::test]
async fn a_packs_own_invoice_grants_nothing_more() {
    for generation in GENERATIONS {
        for session_first in [true, false] {
            let api = Api::new().at("2026-11-20T00:00:00Z");
            let stripe = stripe(&api, generation, "2026-11-03T09:00:00Z");
            let price = stripe.add_price(&PriceSpec::of_sku("tune_pack", 900, None));
            let cart = CartSpec::payment(&api.account, &[(price.as_str(), 1)]).naming(&api.account);
            let receipt = stripe.checkout(&CartSpec { invoice_creation: true, ..cart });
            let mut events =
                ["checkout.session.completed", "invoice.paid"].map(|kind| find(&receipt.events, kind));
            if !session_first {
                events.reverse();
            }
            for (event, outcome) in events.iter().zip(["applied", "unchanged"]) {
                assert_eq!(outcome_of(event, stripe.now()).await, outcome, "{generation:?} {}", event.kind());
            }
            assert_eq!(api.balance().await, credits(0, 1, 64));
        }
    }
}

#[tokio::test]
async fn what_is_not_ours_is_ignored() {
    let api = Api::new();
    let stripe = stripe(&api, Generation::Acacia, "2026-11-03T09:00:00Z");
    let mut checkout = Checkout::new("someone-elses-product", "their_sku", 900);
    checkout.client_reference_id = None;
    checkout.metadata.clear();
    checkout.payment_metadata.clear();
    let receipt = stripe.buy_pack(&checkout);
    let mut events = receipt.events.clone();
    events.extend(stripe.refund_in_dashboard(&receipt.payment_intent.unwrap(), None).unwrap().1);
    for event in &events {
        assert_eq!(outcome_of(event, stripe.now()).await, "ignored", "{}", event.kind());
    }
    let event = |kind: &str, object: Value| {
        Event::from_json(json!({
            "id": "evt_unheard", "object": "event", "type": kind, "created": stripe.now().timestamp(),
            "data": {"object": object},
        }))
    };
    for (kind, object) in [
        ("tax.settings.updated", json!({})),
        // Of a test-mode object that a live key isn't shown (case 25).
        ("invoice.paid", json!({"id": "in_unseen", "object": "invoice"})),
        ("customer.subscription.updated", json!({"id": "sub_unseen", "object": "subscription"})),
        ("charge.refunded", json!({"id": "ch_unseen", "object": "charge", "payment_intent": "pi_unseen"})),
    ] {
        assert_eq!(outcome_of(&event(kind, object), stripe.now()).await, "ignored", "{kind}");
    }
    // Of a connected merchant's (case 25): not even looked at.
    let receipt = stripe.buy_pack(&Checkout::new(&api.account, "tune_pack", 900));
    for event in &receipt.events {
        assert_eq!(outcome_of(&stripe.as_connected(event, "acct_other"), stripe.now()).await, "ignored");
    }
    assert!(api.statement().await.is_empty());
}

async fn post(stack: &Stack, header: Option<&str>, body: &str, at: DateTime<Utc>) -> Reply {
    let mut request = reqwest::Client::new()
        .post(format!("{}/v1/webhooks/stripe", stack.base_url()))
        .header("local-time", at.to_rfc3339())
        .header("content-type", "application/json")
        .body(body.to_owned());
    if let Some(header) = header {
        request = request.header("stripe-signature", header);
    }
    send(request).await
}

#[tokio::test]
async fn a_forged_stale_future_or_altered_event_is_refused_and_leaves_nothing() {
    let stack = support::stack();
    let api = Api::new();
    let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
    let receipt = stripe.buy_pack(&Checkout::new(&api.account, "tune_pack", 900));
    let event = find(&receipt.events, "checkout.session.completed");
    let (body, now) = (event.body(), stripe.now());
    let signed = |at| signature::sign(&[WEBHOOK_SECRET], at, &body);
    let longer = format!("{body} ");
    for (header, body, at) in [
        (None, &body, now),
        (Some(String::new()), &body, now),
        (Some("t=1,v1=00".to_owned()), &body, now),
        (Some(signature::sign(&["whsec_other"], now, &body)), &body, now),
        (Some(signed(now)), &longer, now),
        (Some(signed(now)), &body, now + TimeDelta::seconds(301)),
        (Some(signed(now)), &body, now - TimeDelta::seconds(301)),
    ] {
        post(stack, header.as_deref(), body, at).await.is_problem(400, "invalid_signature");
    }
    assert!(api.statement().await.is_empty());
    let padded = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    let too_large = padded(1024 * 1024 + 1);
    let header = signature::sign(&[WEBHOOK_SECRET], now, &too_large);
    post(stack, Some(&header), &too_large, now).await.is_problem(413, "payload_too_large");
    assert!(api.statement().await.is_empty());
    let largest = padded(1024 * 1024);
    let header = signature::sign(&[WEBHOOK_SECRET], now, &largest);
    post(stack, Some(&header), &largest, now).await.is(200);
    let without_object =
        json!({"id": "evt_1", "object": "event", "type": "invoice.paid", "created": 1, "data": {}})
            .to_string();
    for garbage in ["{}", "[]", "not JSON", without_object.as_str()] {
        let header = signature::sign(&[WEBHOOK_SECRET], now, garbage);
        post(stack, Some(&header), garbage, now).await.is_problem(400, "invalid_request");
    }
    for late in [-300, 300] {
        let header = signed(now);
        post(stack, Some(&header), &body, now + TimeDelta::seconds(late)).await.is(200);
    }
    assert_eq!(api.at("2026-11-03T09:00:00Z").balance().await, credits(0, 1, 64));
}

#[tokio::test]
async fn a_secret_is_rotated_without_a_deploy() {
    let stack = Stack::start(Options { instances: 1, ..Options::default() }).await.unwrap();
    stack.parameters().set(WEBHOOK_SECRET_PARAMETER, "whsec_old,whsec_new");
    let stripe = Stripe::new("rotation", Generation::Basil, time("2026-11-03T09:00:00Z"));
    let event = stripe.buy_pack(&Checkout::new("rotating", "tune_pack", 900)).events[0].clone();
    let status = async |secret: &str| {
        let header = signature::sign(&[secret], stripe.now(), &event.body());
        post(&stack, Some(&header), &event.body(), stripe.now()).await.status
    };
    // Two are valid at a time.
    assert_eq!((status("whsec_old").await, status("whsec_new").await), (200, 200));
    // Rotated while the function runs: the old one is dropped, and the new one holds at once.
    stack.parameters().set(WEBHOOK_SECRET_PARAMETER, "whsec_new,whsec_next");
    assert_eq!((status("whsec_next").await, status("whsec_old").await), (200, 400));
    stack.stop().await;
}
