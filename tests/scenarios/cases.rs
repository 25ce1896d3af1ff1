//! The situations of money that people who run Stripe report, each through HTTP with the real binaries.
//!
//! A test's documentation names the situation's number in docs/cases.md. Elsewhere are subjects, scopes and keys (31
//! and 32: `identities`), parallel debits and odd quantities (34: `debits`, `quotes`), and runs of the refill at once
//! (34: `refill`).

mod absurd_values;
mod bad_input;
mod calls;
mod carts;
mod changes;
mod clawbacks;
mod missed_events;
mod money_while_held;
mod overtaken;
mod refunds;
mod several_subscriptions;
mod unmapped_prices;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use chrono::TimeDelta;
use reqwest::{Client, Method, RequestBuilder};
use scrip_local::{Options, Stack, delivery::Attempt, gateway::LOCAL_TIME, stack::API_KEY, statement};
use scrip_stripe_model::{
    CartSpec, Event, Generation, Interval, ItemChange, PriceSpec, Receipt, Stripe, price_id,
    server::{self, Server},
};
use serde_json::{Value, json};

use crate::{
    api::{Reply, send},
    support,
    webhook::{endpoint, time},
};

/// The price of a SKU here, and its interval.
const PRICES: [(&str, i64, Option<Interval>); 7] = [
    ("basic_monthly", 1900, Some(Interval::Month)),
    ("standard_monthly", 2900, Some(Interval::Month)),
    ("business_monthly", 3900, Some(Interval::Month)),
    ("basic_annual", 19372, Some(Interval::Year)),
    ("standard_annual", 29400, Some(Interval::Year)),
    ("tune_pack", 900, None),
    ("avatar_pack", 1000, None),
];

static BUYERS: AtomicU32 = AtomicU32::new(0);

/// An account of ours whose customer buys at a Stripe account.
struct Buyer<'a> {
    stack: &'a Stack,
    stripe: Stripe,
    account: String,
}

impl Buyer<'static> {
    /// A new account of the shared stack, at a Stripe account of its own.
    fn new(generation: Generation, now: &str) -> Self {
        let account = format!("buyer-{}", BUYERS.fetch_add(1, Ordering::Relaxed));
        let stripe = Stripe::new(&format!("case of {account}"), generation, time(now));
        support::show(&stripe);
        add_prices(&stripe);
        Self { stack: support::stack(), stripe, account }
    }
}

impl Buyer<'_> {
    /// Another account at the same Stripe account.
    fn another(&self) -> Self {
        let account = format!("buyer-{}", BUYERS.fetch_add(1, Ordering::Relaxed));
        Self { stack: self.stack, stripe: self.stripe.clone(), account }
    }

    /// Sets Stripe's clock.
    fn at(&self, at: &str) {
        self.stripe.set_now(time(at));
    }

    /// A cart that is paid once and names the account.
    fn once(&self, items: &[(&str, i64)]) -> CartSpec {
        CartSpec { items: priced(items), ..CartSpec::payment(&self.account, &[]).naming(&self.account) }
    }

    /// A cart with a plan that names the account.
    fn plan(&self, items: &[(&str, i64)]) -> CartSpec {
        CartSpec { items: priced(items), ..CartSpec::subscription(&self.account, &[]).naming(&self.account) }
    }

    /// Buys a cart and delivers its events.
    async fn buy(&self, cart: &CartSpec) -> Receipt {
        let receipt = self.stripe.checkout(cart);
        self.settle(&receipt.events).await;
        receipt
    }

    /// The change of the first item of a subscription to another SKU.
    fn to(&self, subscription: &str, sku: &str) -> Vec<ItemChange> {
        let (item, _, quantity) = self.stripe.items(subscription)[0].clone();
        vec![ItemChange::Set { item, price: price_id(sku), quantity }]
    }

    /// Sends one event at Stripe's time.
    async fn send(&self, event: &Event) -> Attempt {
        endpoint(self.stack).send(event, self.stripe.now()).await
    }

    /// Sends one event; returns the outcome, or the problem's code.
    async fn outcome_of(&self, event: &Event) -> String {
        let attempt = self.send(event).await;
        let answer = attempt.answer["outcome"].as_str().or(attempt.answer["code"].as_str());
        answer.unwrap_or_else(|| panic!("{attempt:?}")).to_owned()
    }

    /// Sends events in their order; each is taken at once.
    async fn settle(&self, events: &[Event]) {
        for event in events {
            let outcome = self.outcome_of(event).await;
            assert!(["applied", "unchanged", "ignored"].contains(&&*outcome), "{}: {outcome}", event.kind());
        }
    }

    async fn call(
        &self,
        method: Method,
        rest: &str,
        at: &str,
        refine: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Reply {
        let scopes = [
            "credits:read",
            "credits:debit",
            "credits:settle",
            "credits:refund",
            "credits:adjust",
            "credits:any-account",
        ];
        let token = self.stack.tokens().issue("support", &scopes, TimeDelta::hours(1));
        let url = format!("{}/v1/accounts/{}{rest}", self.stack.base_url(), self.account);
        let request = Client::new().request(method, url).bearer_auth(token).header(LOCAL_TIME, at);
        send(refine(request)).await
    }

    async fn get(&self, rest: &str, at: &str) -> Value {
        self.call(Method::GET, rest, at, |request| request).await.is(200).json.clone()
    }

    async fn balance(&self, at: &str) -> Value {
        self.get("", at).await["balance"].clone()
    }

    /// Asserts these fields of the account at a time.
    async fn shows(&self, at: &str, fields: &Value) {
        let shown = self.get("", at).await;
        let seen: serde_json::Map<_, _> =
            fields.as_object().unwrap().keys().map(|name| (name.clone(), shown[name].clone())).collect();
        assert_eq!(Value::Object(seen), *fields, "{} at {at}", self.account);
    }

    /// The purchases, newest first.
    async fn purchases(&self, at: &str) -> Vec<Value> {
        self.get("/purchases", at).await["purchases"].as_array().unwrap().clone()
    }

    /// The entries that were written, oldest first. They add up.
    async fn entries(&self) -> Vec<Value> {
        let page = self.get("/entries?limit=100", "2026-11-03T00:00:00Z").await;
        let entries = statement::oldest_first(&page).unwrap();
        if let Some(last) = entries.last() {
            statement::check(&entries, &last["balance"]).unwrap();
        }
        entries.into_iter().cloned().collect()
    }

    /// Their kinds.
    async fn kinds(&self) -> Vec<String> {
        self.entries().await.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// Takes a debit, whose key is its time.
    async fn spend(&self, operation: &Value, at: &str) {
        let debit = |request: RequestBuilder| request.header("idempotency-key", at).json(operation);
        self.call(Method::POST, "/debits", at, debit).await.is(201);
    }

    /// Reverses the debit of a time; what comes back.
    async fn reverse(&self, debit: &str, at: &str) -> Value {
        let reversal = |request: RequestBuilder| request.header("idempotency-key", at).json(&json!({}));
        let reply = self.call(Method::POST, &format!("/debits/{debit}/reversals"), at, reversal).await;
        reply.is(201).json.clone()
    }

    /// Asks for the money of a purchase back.
    async fn money_back(&self, purchase: &str, at: &str) -> Reply {
        self.stripe.set_now(self.stripe.now().max(time(at)));
        let body = json!({"reason": "asked"});
        self.call(Method::POST, &format!("/purchases/{purchase}/refund"), at, |request| request.json(&body))
            .await
    }
}

/// A stack with a Stripe account that nothing else calls.
struct Shop {
    stack: Stack,
    stripe: Stripe,
    provider: Server,
}

impl Shop {
    async fn open(seed: &str, generation: Generation, now: &str) -> Self {
        let stripe = Stripe::new(seed, generation, time(now));
        add_prices(&stripe);
        let provider = stripe.serve(server::loopback(0).await.unwrap(), API_KEY).unwrap();
        let stack = Stack::start(options(&provider)).await.unwrap();
        Self { stack, stripe, provider }
    }

    fn buyer(&self, account: &str) -> Buyer<'_> {
        Buyer { stack: &self.stack, stripe: self.stripe.clone(), account: account.to_owned() }
    }

    async fn close(self) {
        self.stack.stop().await;
        self.provider.stop().await;
    }
}

/// A stack that calls that provider.
fn options(provider: &Server) -> Options {
    let stripe_api_base = Some(format!("http://{}", provider.address()));
    Options { instances: 1, stripe_api_base, ..Options::default() }
}

/// The stack's mapping of prices with some more.
fn prices_with(more: &[(&str, Value)]) -> BTreeMap<&'static str, String> {
    let mut prices: Value = serde_json::from_str(&scrip_local::stack::prices()).unwrap();
    for (price, sku) in more {
        prices[*price] = sku.clone();
    }
    BTreeMap::from([("StripePrices", prices.to_string())])
}

/// Adds the prices, which nothing but the configuration gives a SKU.
fn add_prices(stripe: &Stripe) {
    for (sku, cents, interval) in PRICES {
        stripe.add_price(&PriceSpec { lookup_key: None, ..PriceSpec::of_sku(sku, cents, interval) });
    }
}

/// Items whose SKUs of [`PRICES`] are named by their prices' ids; any other text is a price's id already.
fn priced(items: &[(&str, i64)]) -> Vec<(String, i64)> {
    let id = |sku: &str| {
        if PRICES.iter().any(|(known, ..)| *known == sku) { price_id(sku) } else { sku.to_owned() }
    };
    items.iter().map(|(sku, quantity)| (id(sku), *quantity)).collect()
}
