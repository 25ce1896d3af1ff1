//! An account with a provider of its own, and the functions that are called for it.

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
    event::GatewayRequest,
    seed,
    stack::{API_KEY, API_KEY_PARAMETER, WEBHOOK_SECRET, WEBHOOK_SECRET_PARAMETER},
};
use scrip_monthly_refill::RefillFunction;
use scrip_purchase_webhook::WebhookFunction;
use scrip_refund::{Provider, RefundFunction};
use scrip_stripe::{Client, ConfiguredPrices};
use scrip_stripe_model::{
    Checkout, Event, Generation, Interval, Stripe,
    server::{self, Server},
    signature,
};
use serde_json::{Value, json};

use crate::{
    api::{Api, credits, enhance},
    support,
};

const BOUGHT: &str = "2026-11-03T09:00:00Z";
pub const NOW: &str = "2026-11-10T09:00:00Z";
const MONEY_BACK: &str = "POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund";

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An account of its own on the shared database, and a provider of its own.
pub struct World {
    pub api: Api,
    pub stripe: Stripe,
    pub provider: Server,
    /// Functions that are never stopped.
    pub functions: Functions,
    /// The purchase that the account begins with.
    pub purchase: String,
    /// The subscription, if the purchase is a plan.
    pub subscription: Option<String>,
    /// The events of the change under test, which every run delivers again.
    pub pending_events: OnceLock<Vec<Event>>,
    /// The events that the provider's API caused so far.
    pub seen_events: Mutex<Vec<Event>>,
}

/// The functions as new processes have them.
pub struct Functions {
    debit: DebitFunction,
    refill: RefillFunction,
    refund: RefundFunction,
    webhook: WebhookFunction,
}

impl Functions {
    pub fn new(database_url: &str, provider_url: &str) -> Self {
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
    pub async fn new(sku: &str) -> Self {
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
        let functions =
            Functions::new(support::stack().database_url(), &format!("http://{}", provider.address()));
        let subscription = receipt.subscription.clone();
        let (pending_events, seen_events) = (OnceLock::new(), Mutex::default());
        let world =
            Self { api, stripe, provider, functions, purchase, subscription, pending_events, seen_events };
        for event in &receipt.events {
            assert_eq!(world.deliver(&world.functions, event, BOUGHT).await, 200);
        }
        world
    }

    fn account(&self) -> (&'static str, String) {
        ("account_id", self.api.account.clone())
    }

    pub async fn money_back(&self, functions: &Functions) -> (u16, Value) {
        let path = [self.account(), ("purchase_id", self.purchase.clone())];
        let request = request(MONEY_BACK, path, "credits:refund", &[], &json!({"reason": "asked"}));
        answer(&functions.refund.answer(request).await)
    }

    pub async fn debit(&self, functions: &Functions) -> u16 {
        let route = "POST /v1/accounts/{account_id}/debits";
        let scope = "credits:debit credits:any-account";
        let key = [("idempotency-key", "d")];
        let request = request(route, [self.account()], scope, &key, &enhance(3));
        answer(&functions.debit.handle(request).await).0
    }

    pub async fn reverse(&self, functions: &Functions) -> u16 {
        let route = "POST /v1/accounts/{account_id}/debits/{debit_id}/reversals";
        let scope = "credits:settle credits:any-account";
        let key = [("idempotency-key", "r")];
        let path = [self.account(), ("debit_id", "d".to_owned())];
        let request = request(route, path, scope, &key, &json!({}));
        answer(&functions.refund.answer(request).await).0
    }

    /// Calls a route of the debit function's.
    async fn call<const N: usize>(
        &self,
        functions: &Functions,
        route: &str,
        path: [(&'static str, String); N],
        body: &Value,
    ) -> u16 {
        let scope = "credits:debit credits:settle credits:any-account";
        let request = request(route, path, scope, &[("idempotency-key", "h")], body);
        answer(&functions.debit.handle(request).await).0
    }

    pub async fn hold(&self, functions: &Functions) -> u16 {
        self.call(functions, "POST /v1/accounts/{account_id}/holds", [self.account()], &enhance(3)).await
    }

    pub async fn capture(&self, functions: &Functions) -> u16 {
        let path = [self.account(), ("hold_id", "h".to_owned())];
        let route = "POST /v1/accounts/{account_id}/holds/{hold_id}/capture";
        self.call(functions, route, path, &json!({"images": 2})).await
    }

    pub async fn release(&self, functions: &Functions) -> u16 {
        let path = [self.account(), ("hold_id", "h".to_owned())];
        let route = "POST /v1/accounts/{account_id}/holds/{hold_id}/release";
        self.call(functions, route, path, &json!({})).await
    }

    pub async fn adjust(&self, functions: &Functions) -> u16 {
        let route = "POST /v1/accounts/{account_id}/adjustments";
        let key = [("idempotency-key", "a")];
        let body = json!({"credits": credits(5, 0, 0), "reason": "goodwill"});
        let request = request(route, [self.account()], "credits:adjust", &key, &body);
        answer(&functions.refund.answer(request).await).0
    }

    pub async fn refill(&self, functions: &Functions) -> u16 {
        let body = json!({"period": "2026-12", "account_id": self.api.account}).to_string();
        let event = json!({"Records": [{"messageId": "m", "body": body}]});
        let now = time("2026-12-01T00:00:00Z");
        let plenty = Duration::from_mins(10);
        let answer = functions.refill.answer(event, now, plenty).await.unwrap();
        if answer == json!({"batchItemFailures": []}) { 200 } else { 500 }
    }

    /// Delivers an event of the provider's.
    pub async fn deliver(&self, functions: &Functions, event: &Event, at: &str) -> u16 {
        let (body, at) = (event.body(), time(at));
        let signature = signature::sign(&[WEBHOOK_SECRET], at, &body);
        let headers = [("stripe-signature", signature.as_str())];
        let request = request_at("POST /v1/webhooks/stripe", [], None, &headers, &body, at);
        answer(&functions.webhook.answer(request).await).0
    }

    /// Takes the events that the provider's API caused since the last call.
    pub fn events(&self) -> Vec<Event> {
        let events = self.stripe.take_events();
        self.seen_events.lock().unwrap().extend(events.clone());
        events
    }

    pub async fn kinds(&self) -> Vec<String> {
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
    request_at(route, path, Some(scope), headers, &body.to_string(), time(NOW))
}

/// A request as the gateway hands it to a function.
fn request_at<const N: usize>(
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
    let claims = scope.map(|scope| json!({"sub": "caller", "scope": scope}));
    let request = GatewayRequest {
        route_key,
        path: "/",
        path_parameters: BTreeMap::from(path.map(|(name, value)| (name.to_owned(), value))),
        claims: claims.as_ref().and_then(Value::as_object),
        scoped: scope.is_some(),
        request_id: "request",
        received_at,
    };
    request.request(&head.body(()).unwrap().into_parts().0, body.as_bytes())
}

fn answer(response: &lambda_http::Response<lambda_http::Body>) -> (u16, Value) {
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}
