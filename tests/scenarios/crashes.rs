//! Each function is stopped before and after each of its calls to the database and to the payment provider.
//! Run again, as whoever asked would, it ends as if it had never stopped.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use scrip_api::Parameter;
use scrip_debit::DebitFunction;
use scrip_ledger::Ledger;
use scrip_local::{
    event::Passed,
    seed,
    stack::{API_KEY, API_KEY_PARAMETER, WEBHOOK_SECRET, WEBHOOK_SECRET_PARAMETER},
};
use scrip_monthly_refill::RefillFunction;
use scrip_purchase_webhook::WebhookFunction;
use scrip_refund::{Provider, RefundFunction};
use scrip_stripe::{Client, ConfiguredPrices};
use scrip_stripe_model::{
    ApiError, Checkout, Event, Fault, Generation, Interval, Stripe,
    server::{self, Server},
    signature,
};
use scrip_test_support::crash::{Crash, Side};
use serde_json::{Value, json};

use crate::{
    api::{Api, credits, enhance},
    support,
};

const BOUGHT: &str = "2026-11-03T09:00:00Z";
const NOW: &str = "2026-11-10T09:00:00Z";
const MONEY_BACK: &str = "POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An account of its own on the shared database, and a provider of its own.
struct World {
    api: Api,
    stripe: Stripe,
    provider: Server,
    /// What runs undisturbed.
    started: Started,
    /// The purchase that the account begins with.
    purchase: String,
    /// Of a plan.
    subscription: Option<String>,
    /// What the provider tells of next.
    told: OnceLock<Vec<Event>>,
    /// What it told of so far.
    heard: Mutex<Vec<Event>>,
}

/// What a function is made of, freshly started.
struct Started {
    debit: DebitFunction,
    refill: RefillFunction,
    refund: RefundFunction,
    webhook: WebhookFunction,
}

impl Started {
    fn new(database_url: &str, provider_url: &str) -> Self {
        let stack = support::stack();
        let ledger = Ledger::new(&seed::aws_config(database_url), stack.table_name());
        let webhook = WebhookFunction {
            ledger: ledger.clone(),
            stripe: Client::new(provider_url),
            api_key: parameter(API_KEY_PARAMETER),
            secrets: parameter(WEBHOOK_SECRET_PARAMETER),
            prices: ConfiguredPrices::default(),
        };
        let provider = Provider::new(Client::new(provider_url), parameter(API_KEY_PARAMETER));
        let debit = DebitFunction::new(ledger.clone());
        let refill = RefillFunction::new(ledger.clone(), None);
        let refund = RefundFunction::new(ledger, provider);
        Self { debit, refill, refund, webhook }
    }
}

fn parameter(name: &str) -> Parameter {
    Parameter::new(&seed::aws_config(&support::stack().parameters().endpoint()), name.to_owned())
}

impl World {
    async fn new(sku: &str) -> Self {
        let api = Api::new().at(NOW);
        let stripe = Stripe::new(&api.account, Generation::Basil, time(BOUGHT));
        let provider = stripe.serve(server::loopback(0).await.unwrap(), API_KEY).unwrap();
        let checkout = Checkout::new(&api.account, sku, 1900);
        let receipt = if sku.ends_with("_pack") {
            stripe.buy_pack(&checkout)
        } else {
            stripe.subscribe(&checkout, Interval::Month)
        };
        let purchase = receipt.invoice.clone().or(receipt.payment_intent.clone()).unwrap();
        let started =
            Started::new(support::stack().database_url(), &format!("http://{}", provider.address()));
        let (subscription, told) = (receipt.subscription.clone(), OnceLock::new());
        let heard = Mutex::default();
        let world = Self { api, stripe, provider, started, purchase, subscription, told, heard };
        for event in &receipt.events {
            assert_eq!(world.tell(&world.started, event, BOUGHT).await, 200);
        }
        world
    }

    fn account(&self) -> (&'static str, String) {
        ("account_id", self.api.account.clone())
    }

    async fn money_back(&self, started: &Started) -> (u16, Value) {
        let path = [self.account(), ("purchase_id", self.purchase.clone())];
        let request = request(MONEY_BACK, path, "credits:refund", &[], &json!({"reason": "asked"}));
        answer(&started.refund.answer(request).await)
    }

    async fn debit(&self, started: &Started) -> u16 {
        let route = "POST /v1/accounts/{account_id}/debits";
        let scope = "credits:debit credits:any-account";
        let key = [("idempotency-key", "d")];
        let request = request(route, [self.account()], scope, &key, &enhance(3));
        answer(&started.debit.handle(request).await).0
    }

    async fn reverse(&self, started: &Started) -> u16 {
        let route = "POST /v1/accounts/{account_id}/debits/{debit_id}/reversals";
        let scope = "credits:settle credits:any-account";
        let key = [("idempotency-key", "r")];
        let path = [self.account(), ("debit_id", "d".to_owned())];
        let request = request(route, path, scope, &key, &json!({}));
        answer(&started.refund.answer(request).await).0
    }

    /// Calls a route of the debit function's.
    async fn call<const N: usize>(
        &self,
        started: &Started,
        route: &str,
        path: [(&'static str, String); N],
        body: &Value,
    ) -> u16 {
        let scope = "credits:debit credits:settle credits:any-account";
        let request = request(route, path, scope, &[("idempotency-key", "h")], body);
        answer(&started.debit.handle(request).await).0
    }

    async fn hold(&self, started: &Started) -> u16 {
        self.call(started, "POST /v1/accounts/{account_id}/holds", [self.account()], &enhance(3)).await
    }

    async fn capture(&self, started: &Started) -> u16 {
        let path = [self.account(), ("hold_id", "h".to_owned())];
        let route = "POST /v1/accounts/{account_id}/holds/{hold_id}/capture";
        self.call(started, route, path, &json!({"images": 2})).await
    }

    async fn release(&self, started: &Started) -> u16 {
        let path = [self.account(), ("hold_id", "h".to_owned())];
        let route = "POST /v1/accounts/{account_id}/holds/{hold_id}/release";
        self.call(started, route, path, &json!({})).await
    }

    async fn adjust(&self, started: &Started) -> u16 {
        let route = "POST /v1/accounts/{account_id}/adjustments";
        let key = [("idempotency-key", "a")];
        let body = json!({"credits": credits(5, 0, 0), "reason": "goodwill"});
        let request = request(route, [self.account()], "credits:adjust", &key, &body);
        answer(&started.refund.answer(request).await).0
    }

    async fn refill(&self, started: &Started) -> u16 {
        let body = json!({"period": "2026-12", "account_id": self.api.account}).to_string();
        let event = json!({"Records": [{"messageId": "m", "body": body}]});
        let now = time("2026-12-01T00:00:00Z");
        let plenty = Duration::from_mins(10);
        let answer = started.refill.answer(event, now, plenty).await.unwrap();
        if answer == json!({"batchItemFailures": []}) { 200 } else { 500 }
    }

    /// Delivers an event of the provider's.
    async fn tell(&self, started: &Started, event: &Event, at: &str) -> u16 {
        let (body, at) = (event.body(), time(at));
        let signature = signature::sign(&[WEBHOOK_SECRET], at, &body);
        let headers = [("stripe-signature", signature.as_str())];
        let request = made("POST /v1/webhooks/stripe", [], None, &headers, &body, at);
        answer(&started.webhook.answer(request).await).0
    }

    /// The events that the provider's API caused since this was asked last.
    fn events(&self) -> Vec<Event> {
        let events = self.stripe.take_events();
        self.heard.lock().unwrap().extend(events.clone());
        events
    }

    async fn kinds(&self) -> Vec<String> {
        let entries = self.api.statement().await;
        entries.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
    }
}

fn request<const N: usize>(
    route: &str,
    path: [(&'static str, String); N],
    scope: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> lambda_http::Request {
    made(route, path, Some(scope), headers, &body.to_string(), time(NOW))
}

/// A request as the gateway hands it to a function.
fn made<const N: usize>(
    route_key: &str,
    path: [(&'static str, String); N],
    scope: Option<&str>,
    headers: &[(&str, &str)],
    body: &str,
    received_at: DateTime<Utc>,
) -> lambda_http::Request {
    let mut head = http::Request::builder().method("POST").header("content-type", "application/json");
    for (name, value) in headers {
        head = head.header(*name, *value);
    }
    let claims = scope.map(|scope| json!({"sub": "somebody", "scope": scope}));
    let passed = Passed {
        route_key,
        path: "/",
        path_parameters: BTreeMap::from(path.map(|(name, value)| (name.to_owned(), value))),
        claims: claims.as_ref().and_then(Value::as_object),
        scoped: scope.is_some(),
        request_id: "request",
        received_at,
    };
    passed.request(&head.body(()).unwrap().into_parts().0, body.as_bytes())
}

fn answer(response: &lambda_http::Response<lambda_http::Body>) -> (u16, Value) {
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

/// Runs a program to each of its ends: before and after its first call, its second, and so on, until it runs
/// through. What is left each time is handed to `check`. How many calls it made.
async fn at_every_point(
    name: &str,
    build: impl AsyncFn() -> World,
    program: impl AsyncFn(&World, &Started) -> u16,
    check: impl AsyncFn(&World, &str),
) -> usize {
    let mut calls = 0;
    for side in Side::BOTH {
        for call in 0.. {
            let world = Box::pin(build()).await;
            let crash = Crash::at(call, side);
            let database = crash.before(support::stack().database_url()).await.unwrap();
            let provider = crash.before(&format!("http://{}", world.provider.address())).await.unwrap();
            let urls = [database.address(), provider.address()].map(|address| format!("http://{address}"));
            let ended = crash.run(Box::pin(program(&world, &Started::new(&urls[0], &urls[1])))).await;
            Box::pin(check(&world, &format!("{name}, {side:?} call {call}"))).await;
            if ended.is_some() {
                calls = call;
                break;
            }
        }
    }
    calls
}

/// Asks for the money back until it is, as support would.
async fn money_back_again(world: &World, point: &str, on_the_way: &[u16]) {
    let mut first = None;
    for _ in 0..3 {
        let (status, body) = world.money_back(&world.started).await;
        match first.as_ref() {
            Some(first) => assert_eq!(&body, first, "{point}"),
            None if status == 200 => first = Some(body),
            None => assert!(on_the_way.contains(&status), "{point}: {status} {body}"),
        }
    }
    assert_eq!(first.unwrap()["status"], "refunded", "{point}");
}

/// The provider gave the money back once, and its events change nothing more.
async fn refunded_once(world: &World, point: &str, kinds: &[&str]) {
    let events = world.events();
    let is_refund = |event: &&Event| event.kind() == "charge.refunded";
    let refunds = world.heard.lock().unwrap().iter().filter(is_refund).count();
    assert_eq!(refunds, 1, "{point}");
    for event in events {
        assert_eq!(world.tell(&world.started, &event, NOW).await, 200, "{point} {}", event.kind());
    }
    assert_eq!(world.kinds().await, kinds, "{point}");
    assert_eq!(world.api.balance().await, credits(0, 0, 0), "{point}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packs_refund_is_finished_by_asking_again() {
    let calls = at_every_point(
        "pack",
        async || World::new("tune_pack").await,
        async |world, started| world.money_back(started).await.0,
        async |world, point| {
            money_back_again(world, point, &[]).await;
            refunded_once(world, point, &["purchase", "refund"]).await;
        },
    )
    .await;
    // The head, the record, the revocation, the record; the provider; the head, the record, the mark.
    assert!(calls >= 8, "{calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packs_refund_that_was_asked_for_is_finished_by_the_providers_event() {
    at_every_point(
        "pack, event",
        async || World::new("tune_pack").await,
        async |world, started| world.money_back(started).await.0,
        async |world, point| {
            let events = world.events();
            let is_asked = events.iter().any(|event| event.kind() == "charge.refunded");
            for event in events {
                assert_eq!(world.tell(&world.started, &event, NOW).await, 200, "{point}");
            }
            let id = scrip_accounts::AccountId::parse(&*world.api.account).unwrap();
            let purchase = scrip_accounts::PurchaseId::parse(&*world.purchase).unwrap();
            let record = world.api.ledger().purchase(&id, &purchase).await.unwrap().unwrap();
            let is_refunded = record.status() == scrip_accounts::PurchaseStatus::Refunded;
            assert_eq!(is_refunded, is_asked, "{point}");
            money_back_again(world, point, &[]).await;
            refunded_once(world, point, &["purchase", "refund"]).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plans_refund_is_finished_by_asking_again() {
    let calls = at_every_point(
        "plan",
        async || World::new("basic_monthly").await,
        async |world, started| world.money_back(started).await.0,
        async |world, point| {
            money_back_again(world, point, &[]).await;
            let ended = world.stripe.calls().iter().any(|call| call.operation().starts_with("DELETE"));
            assert!(ended, "{point}: the subscription goes on");
            refunded_once(world, point, &["purchase", "refund", "subscription"]).await;
        },
    )
    .await;
    assert!(calls >= 11, "{calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_refund_gives_the_credits_back_wherever_it_stops() {
    at_every_point(
        "refused",
        async || {
            let world = World::new("tune_pack").await;
            let refusal = ApiError::refused("insufficient_funds", "no");
            world.stripe.fault("POST /v1/refunds", Fault::Answer(refusal));
            world
        },
        async |world, started| world.money_back(started).await.0,
        async |world, point| {
            // The first who asks again may be told of the refusal; then the money goes back.
            money_back_again(world, point, &[502]).await;
            refunded_once(world, point, &["purchase", "refund", "refund_failed", "refund"]).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn debits_reversals_adjustments_and_refills_are_made_once_wherever_they_stop() {
    let plan = async || World::new("basic_monthly").await;
    let debits = at_every_point(
        "debit",
        plan,
        async |world, started| world.debit(started).await,
        async |world, point| {
            assert_eq!(world.debit(&world.started).await, 201, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "debit"], "{point}");
        },
    )
    .await;
    let reversals = at_every_point(
        "reversal",
        async || {
            let world = plan().await;
            world.debit(&world.started).await;
            world
        },
        async |world, started| world.reverse(started).await,
        async |world, point| {
            assert_eq!(world.reverse(&world.started).await, 201, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "debit", "reversal"], "{point}");
        },
    )
    .await;
    let adjustments = at_every_point(
        "adjustment",
        plan,
        async |world, started| world.adjust(started).await,
        async |world, point| {
            assert_eq!(world.adjust(&world.started).await, 201, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "adjustment"], "{point}");
        },
    )
    .await;
    let refills = at_every_point(
        "refill",
        async || {
            let world = plan().await;
            let renewed = world.stripe.advance_to(time("2026-12-03T10:00:01Z"));
            for event in renewed.iter().filter(|event| event.kind() == "invoice.paid") {
                world.tell(&world.started, event, NOW).await;
            }
            world
        },
        async |world, started| world.refill(started).await,
        async |world, point| {
            assert_eq!(world.refill(&world.started).await, 200, "{point}");
            let kinds = world.kinds().await;
            assert_eq!(kinds, ["purchase", "subscription", "expiry", "refill"], "{point}");
        },
    )
    .await;
    // Head, claim, entry; head, the debit's claim and entry, claim, transaction; as a debit; head, transaction.
    assert_eq!([debits, reversals, adjustments, refills], [3, 5, 3, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_captures_and_releases_are_made_once_wherever_they_stop() {
    let plan = async || World::new("basic_monthly").await;
    let held = async || {
        let world = plan().await;
        assert_eq!(world.hold(&world.started).await, 201);
        world
    };
    let holds = at_every_point(
        "hold",
        plan,
        async |world, started| world.hold(started).await,
        async |world, point| {
            assert_eq!(world.hold(&world.started).await, 201, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "hold"], "{point}");
            assert_eq!(world.api.balance().await, credits(997, 0, 0), "{point}");
        },
    )
    .await;
    let captures = at_every_point(
        "capture",
        held,
        async |world, started| world.capture(started).await,
        async |world, point| {
            assert_eq!(world.capture(&world.started).await, 200, "{point}");
            assert_eq!(world.release(&world.started).await, 409, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "hold", "capture"], "{point}");
            assert_eq!(world.api.balance().await, credits(998, 0, 0), "{point}");
        },
    )
    .await;
    let releases = at_every_point(
        "release",
        held,
        async |world, started| world.release(started).await,
        async |world, point| {
            assert_eq!(world.release(&world.started).await, 200, "{point}");
            assert_eq!(world.capture(&world.started).await, 409, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "hold", "release"], "{point}");
            assert_eq!(world.api.balance().await, credits(1000, 0, 0), "{point}");
        },
    )
    .await;
    // Newest entries, claim, entry.
    assert_eq!([holds, captures, releases], [3, 3, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_applied_once_wherever_its_webhook_stops() {
    type Told = fn(&World) -> Vec<Event>;
    let pack: Told =
        |world| world.stripe.buy_pack(&Checkout::new(&world.api.account, "avatar_pack", 900)).events;
    let renewal: Told = |world| world.stripe.advance_to(time("2026-12-03T10:00:01Z"));
    let cancelled: Told = |world| world.stripe.cancel(world.subscription.as_ref().unwrap());
    let refunded: Told = |world| world.stripe.refund_in_dashboard(&world.purchase, None).unwrap().1;
    let disputed: Told = |world| world.stripe.dispute(&world.purchase).1;
    for (name, told, kind, expected) in [
        ("pack", pack, "checkout.session.completed", &["purchase", "purchase"][..]),
        ("renewal", renewal, "invoice.paid", &["purchase", "subscription"]),
        ("cancelled", cancelled, "customer.subscription.deleted", &["purchase", "subscription"]),
        ("refunded", refunded, "charge.refunded", &["purchase", "refund"]),
        ("disputed", disputed, "charge.dispute.funds_withdrawn", &["purchase", "dispute"]),
    ] {
        let deliver = async |world: &World, started: &Started| {
            let event = world.told.get_or_init(|| told(world)).iter().find(|event| event.kind() == kind);
            world.tell(started, event.unwrap(), NOW).await
        };
        at_every_point(
            name,
            async || World::new("basic_monthly").await,
            async |world, started| deliver(world, started).await,
            async |world, point| {
                assert_eq!(deliver(world, &world.started).await, 200, "{point}");
                assert_eq!(world.kinds().await, expected, "{point}");
            },
        )
        .await;
    }
}
