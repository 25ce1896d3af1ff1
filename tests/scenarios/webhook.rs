//! The payment provider's events, through real HTTP and the real binary: signed, twice, late, in every
//! order. What is paid becomes credits once, and what can't be is kept in sight.

use std::{fs, path::Path};

use chrono::{DateTime, TimeDelta, Utc};
use credits::EventId;
use scrip_tests::{
    Options, Stack, seed,
    stack::{WEBHOOK_SECRET, WEBHOOK_SECRET_PARAMETER},
    stripe::{Checkout, Coupon, Event, Generation, Interval, Stripe, delivery::Endpoint, signature},
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

pub fn stripe(api: &Api, generation: Generation, now: &str) -> Stripe {
    Stripe::new(&format!("{}-{generation:?}", api.account), generation, time(now))
}

pub fn endpoint(stack: &Stack) -> Endpoint {
    Endpoint::new(&format!("{}/v1/webhooks/stripe", stack.base_url()), &[WEBHOOK_SECRET])
}

/// Sends an event at a time, and says what became of it: the outcome, or the problem's code.
pub async fn say(event: &Event, at: DateTime<Utc>) -> String {
    let attempt = endpoint(support::stack()).send(event, at).await;
    let said = attempt.answer["outcome"].as_str().or(attempt.answer["code"].as_str());
    said.unwrap_or_else(|| panic!("{attempt:?}")).to_owned()
}

/// Sends events in order until each is taken: one that must wait or is parked is sent again, as Stripe or
/// support would.
pub async fn settle(events: &[Event], at: DateTime<Utc>) {
    let mut waiting = events.to_vec();
    for _ in 0..8 {
        let mut still = Vec::new();
        for event in waiting {
            if ["not_yet", "parked"].contains(&say(&event, at).await.as_str()) {
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
                outcomes.push(say(event, time("2026-11-03T10:00:00Z")).await);
            }
            assert_eq!(outcomes.iter().filter(|outcome| *outcome == "applied").count(), 1, "{outcomes:?}");
            assert!(outcomes.contains(&"duplicate".to_owned()), "{outcomes:?}");
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
        assert_eq!(say(event, time("2026-11-03T09:00:01Z")).await, "ignored", "{}", event.kind());
    }
    assert_eq!(api.balance().await, credits(0, 0, 0));
    stripe.set_now(time("2026-11-04T09:00:00Z"));
    settle(&stripe.payment_arrives(&receipt.session.unwrap()), time("2026-11-04T09:00:01Z")).await;
    assert_eq!(api.balance().await, credits(0, 0, 104));
}

#[tokio::test]
async fn paid_money_that_cannot_be_granted_is_parked_whole_and_replayed() {
    let stack = support::stack();
    let now = time("2026-11-03T09:00:01Z");
    let unknown = |api: &Api| Checkout::new(&api.account, "jumbo_pack", 900);
    let plan_once = |api: &Api| Checkout::new(&api.account, "basic_monthly", 1900);
    let nobody = |api: &Api| {
        let mut checkout = Checkout::new(&api.account, "tune_pack", 900);
        checkout.client_reference_id = None;
        checkout.guest = true;
        for metadata in [&mut checkout.metadata, &mut checkout.payment_metadata] {
            metadata.remove("account_id");
        }
        checkout
    };
    for name in ["unknown SKU", "a plan once", "no account"] {
        let api = Api::new().at("2026-11-03T09:00:01Z");
        let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
        let receipt = stripe.buy_pack(&match name {
            "unknown SKU" => unknown(&api),
            "a plan once" => plan_once(&api),
            _ => nobody(&api),
        });
        let session = find(&receipt.events, "checkout.session.completed");
        assert_eq!(say(&session, now).await, "parked", "{name}");
        assert!(api.statement().await.is_empty(), "{name}");
        let id = EventId::parse(session.id()).unwrap();
        let parked = seed::ledger(stack).parked(&id).await.unwrap().unwrap();
        assert_eq!((parked.body, parked.event_type.as_str()), (session.body(), session.kind()), "{name}");
        // Nothing was mended: it stays parked.
        assert_eq!(replay(stack, session.id()).await["outcome"], "parked", "{name}");
    }
    // An event that waited too long for its customer is parked, and replayed once the customer is known.
    let api = Api::new().at("2026-11-03T12:00:00Z");
    let stripe = stripe(&api, Generation::Basil, "2026-11-03T09:00:00Z");
    let mut checkout = Checkout::new(&api.account, "basic_monthly", 1900);
    checkout.payment_metadata.remove("account_id");
    let receipt = stripe.subscribe(&checkout, Interval::Month);
    let paid = find(&receipt.events, "invoice.paid");
    assert_eq!(say(&paid, time("2026-11-03T09:59:59Z")).await, "not_yet");
    assert_eq!(say(&paid, time("2026-11-03T10:00:00Z")).await, "parked");
    let session = find(&receipt.events, "checkout.session.completed");
    assert_eq!(say(&session, time("2026-11-03T11:00:00Z")).await, "applied");
    assert_eq!(replay(stack, paid.id()).await["outcome"], "applied");
    assert_eq!(api.balance().await, credits(1000, 0, 0));
    let id = EventId::parse(paid.id()).unwrap();
    assert_eq!(seed::ledger(stack).parked(&id).await.unwrap(), None);
    // What isn't parked can't be replayed; and nobody gets there through the gateway.
    assert_eq!(replay(stack, paid.id()).await["code"], "not_found");
}

/// Invokes the function as support would: past the gateway, with the sample that the README names.
pub async fn replay(stack: &Stack, event_id: &str) -> Value {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/replay.json");
    let mut event: Value = serde_json::from_slice(&fs::read(sample).unwrap()).unwrap();
    event["body"] = json!({"event_id": event_id}).to_string().into();
    let answer = stack.invoke("purchase-webhook", event).await.unwrap();
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_known_customers_payment_for_something_unknown_is_parked() {
    for generation in GENERATIONS {
        an_unmapped_price(generation).await;
    }
}

async fn an_unmapped_price(generation: Generation) {
    let api = Api::new().at("2026-11-03T09:00:01Z");
    let stripe = stripe(&api, generation, "2026-11-03T09:00:00Z");
    // Named by the session alone; the invoice's price is one that nobody mapped.
    let mut checkout = Checkout::new(&api.account, "basic_annual_2027", 1900);
    checkout.payment_metadata.clear();
    let receipt = stripe.subscribe(&checkout, Interval::Year);
    let paid = find(&receipt.events, "invoice.paid");
    assert_eq!(say(&paid, stripe.now()).await, "ignored");
    let session = find(&receipt.events, "checkout.session.completed");
    assert_eq!(say(&session, stripe.now()).await, "applied");
    assert_eq!(say(&paid, stripe.now()).await, "parked");
}

#[tokio::test]
async fn one_payment_is_granted_to_one_account() {
    let (first, second) = (Api::new().at("2026-11-03T09:00:01Z"), Api::new().at("2026-11-03T09:00:01Z"));
    let stripe = stripe(&first, Generation::Basil, "2026-11-03T09:00:00Z");
    let receipt = stripe.buy_pack(&Checkout::new(&first.account, "tune_pack", 900));
    let session = find(&receipt.events, "checkout.session.completed");
    assert_eq!(say(&session, stripe.now()).await, "applied");
    let mut other = find(&receipt.events, "payment_intent.succeeded").json().clone();
    other["data"]["object"]["metadata"]["account_id"] = second.account.clone().into();
    assert_eq!(say(&Event::from_json(other.clone()), stripe.now()).await, "parked");
    other["data"]["object"]["metadata"]["account_id"] = "not an id".into();
    assert_eq!(say(&Event::from_json(other), stripe.now()).await, "parked");
    assert_eq!(first.balance().await, credits(0, 1, 64));
    assert!(second.statement().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_payment_named_for_two_accounts_at_once_is_granted_to_one() {
    for round in 0..10 {
        let accounts = [(); 2].map(|()| Api::new().at("2026-11-03T09:00:01Z"));
        let stripe = stripe(&accounts[0], Generation::Basil, "2026-11-03T09:00:00Z");
        let receipt = stripe.buy_pack(&Checkout::new(&accounts[0].account, "tune_pack", 900));
        let told = accounts.each_ref().map(|api| {
            let mut event = find(&receipt.events, "payment_intent.succeeded").json().clone();
            event["data"]["object"]["metadata"]["account_id"] = api.account.clone().into();
            Event::from_json(event)
        });
        let (first, second) = tokio::join!(say(&told[0], stripe.now()), say(&told[1], stripe.now()));
        let mut outcomes = [first, second];
        outcomes.sort();
        assert_eq!(outcomes, ["applied", "parked"], "round {round}");
        let granted = [accounts[0].statement().await.len(), accounts[1].statement().await.len()];
        assert_eq!(granted.iter().sum::<usize>(), 1, "round {round}: {granted:?}");
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
        let session = find(&receipt.events, "checkout.session.completed");
        let payment = find(&receipt.events, "payment_intent.succeeded");
        if !payment_first {
            // Nothing says so far what was bought.
            assert_eq!(say(&session, stripe.now()).await, "parked");
        }
        assert_eq!(say(&payment, stripe.now()).await, "applied");
        assert_eq!(say(&session, stripe.now()).await, "duplicate");
        assert_eq!(api.balance().await, credits(0, 1, 64));
    }
}

#[tokio::test]
async fn a_packs_own_invoice_grants_nothing_more_and_one_without_a_session_is_parked() {
    for generation in GENERATIONS {
        for session_first in [true, false] {
            let api = Api::new().at("2026-11-20T00:00:00Z");
            let stripe = stripe(&api, generation, "2026-11-03T09:00:00Z");
            let receipt = stripe.buy_pack(&Checkout::new(&api.account, "tune_pack", 900));
            // A checkout of a one-off payment can make an invoice too (`invoice_creation`).
            let invoice_id = format!("in_{}", api.account.replace('-', ""));
            let mut session = find(&receipt.events, "checkout.session.completed").json().clone();
            session["data"]["object"]["invoice"] = invoice_id.clone().into();
            let price = match generation {
                Generation::Acacia => json!({"price": {"id": "price_x", "lookup_key": "tune_pack"}}),
                Generation::Basil => {
                    let price = scrip_tests::stripe::price_id("tune_pack");
                    json!({"pricing": {"price_details": {"price": price}}})
                }
            };
            let mut line =
                json!({"amount": 900, "metadata": {}, "period": {"end": stripe.now().timestamp()}});
            line.as_object_mut().unwrap().extend(price.as_object().unwrap().clone());
            let mut invoice = session.clone();
            invoice["id"] = format!("evt_{invoice_id}").into();
            invoice["type"] = "invoice.paid".into();
            invoice["data"]["object"] = json!({
                "id": invoice_id, "object": "invoice", "billing_reason": "manual", "amount_paid": 900,
                "currency": "usd", "customer": null, "metadata": {}, "lines": {"data": [line]},
            });
            let (session, invoice) = (Event::from_json(session), Event::from_json(invoice));
            if session_first {
                assert_eq!(say(&session, stripe.now()).await, "applied", "{generation:?}");
                assert_eq!(say(&invoice, stripe.now()).await, "duplicate", "{generation:?}");
            } else {
                let (minute, hour) = (TimeDelta::minutes(1), TimeDelta::hours(1));
                assert_eq!(say(&invoice, stripe.now() + minute).await, "not_yet", "{generation:?}");
                // Paid by itself, as one that support sent: nobody granted it.
                assert_eq!(say(&invoice, stripe.now() + hour).await, "parked", "{generation:?}");
                assert_eq!(say(&session, stripe.now()).await, "applied", "{generation:?}");
                assert_eq!(replay(support::stack(), invoice.id()).await["outcome"], "duplicate");
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
    for event in &receipt.events {
        assert_eq!(say(event, stripe.now()).await, "ignored", "{}", event.kind());
    }
    let refunded = stripe.refund_in_dashboard(&receipt.payment_intent.unwrap(), None).unwrap().1;
    let refunded = find(&refunded, "charge.refunded");
    assert_eq!(say(&refunded, stripe.now() + TimeDelta::minutes(59)).await, "not_yet");
    assert_eq!(say(&refunded, stripe.now() + TimeDelta::minutes(60)).await, "ignored");
    let unheard_of = Event::from_json(json!({
        "id": "evt_unheard", "object": "event", "type": "tax.settings.updated", "created": stripe.now().timestamp(),
        "data": {"object": {}},
    }));
    assert_eq!(say(&unheard_of, stripe.now()).await, "ignored");
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
    let garbage = "{}";
    let header = signature::sign(&[WEBHOOK_SECRET], now, garbage);
    post(stack, Some(&header), garbage, now).await.is_problem(400, "invalid_request");
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
