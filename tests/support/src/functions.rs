//! The functions in this process, and the check that each of their answers is valid.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use crate::faults::http_client;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use lambda_http::{Body, Context, LambdaEvent, Request, RequestExt, Response, request::RequestContext};
use scrip_api::{Code, Invocation, InvocationAnswer, Parameter};
use scrip_debit::DebitFunction;
use scrip_ledger::Ledger;
use scrip_local::{
    seed,
    stack::{API_KEY_PARAMETER, WEBHOOK_SECRET, WEBHOOK_SECRET_PARAMETER},
};
use scrip_purchase_webhook::WebhookFunction;
use scrip_quote::QuoteFunction;
use scrip_refund::{Provider, RefundFunction};
use scrip_stripe::{Client, ConfiguredPrices, Exchange};
use scrip_stripe_model::{Stripe, signature};
use serde_json::{Value, json, value::RawValue};

/// The largest answer of Stripe, in bytes.
const BYTES_MAX: usize = 4 << 20;

/// An address at which nothing listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// The routes that need a token, and the scope that each needs.
const PROTECTED: [(&str, &str); 14] = [
    ("POST /v1/accounts/{account_id}/quotes", "credits:read"),
    ("GET /v1/accounts/{account_id}", "credits:read"),
    ("GET /v1/accounts/{account_id}/entries", "credits:read"),
    ("GET /v1/accounts/{account_id}/usage", "credits:read"),
    ("GET /v1/accounts/{account_id}/purchases", "credits:read"),
    ("GET /v1/accounts/{account_id}/debits/{debit_id}", "credits:read"),
    ("GET /v1/accounts/{account_id}/holds/{hold_id}", "credits:read"),
    ("POST /v1/accounts/{account_id}/debits", "credits:debit"),
    ("POST /v1/accounts/{account_id}/holds", "credits:debit"),
    ("POST /v1/accounts/{account_id}/holds/{hold_id}/capture", "credits:settle"),
    ("POST /v1/accounts/{account_id}/holds/{hold_id}/release", "credits:settle"),
    ("POST /v1/accounts/{account_id}/debits/{debit_id}/reversals", "credits:settle"),
    ("POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund", "credits:refund"),
    ("POST /v1/accounts/{account_id}/adjustments", "credits:adjust"),
];

/// The result of invoking a function with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvocationResult {
    /// The event is neither a request nor a command, and the function isn't called.
    Unread,
    /// The function returns an error: a command failed, or can't be parsed.
    Failed,
    /// The function answers with this status.
    Answer(u16),
}

impl fmt::Display for InvocationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status) => status.fmt(f),
            other => write!(f, "{other:?}"),
        }
    }
}

/// The four functions that serve requests.
pub struct Functions {
    runtime: tokio::runtime::Runtime,
    quote: QuoteFunction,
    debit: DebitFunction,
    refund: RefundFunction,
    webhook: WebhookFunction,
    services: Services,
}

impl Functions {
    /// Makes the functions with a payment provider that can't be reached.
    pub fn new() -> Self {
        Self::with(|| Client::new(NOWHERE))
    }

    /// Makes the functions with the model of Stripe in this process.
    pub fn of(stripe: &Stripe) -> Self {
        Self::with(|| {
            let stripe = stripe.clone();
            let exchange = Box::new(move |request: lambda_http::http::Request<_>| {
                let (stripe, request) = (stripe.clone(), request.map(axum::body::Body::new));
                let answer = async move {
                    let response = stripe.exchange(request, &format!("Bearer {WEBHOOK_SECRET}")).await?;
                    let (head, body) = response.into_parts();
                    Some((head.status, axum::body::to_bytes(body, BYTES_MAX).await.ok()?))
                };
                Box::pin(answer) as Exchange
            });
            Client::over(exchange, NOWHERE)
        })
    }

    fn with(client: impl Fn() -> Client) -> Self {
        let services = Services::default();
        let config = services.aws_config();
        let ledger = Ledger::new(&config, "nothing");
        let parameter = |name: &str| Parameter::new(&config, name.to_owned());
        let webhook = WebhookFunction {
            ledger: ledger.clone(),
            stripe: client(),
            api_key: parameter(API_KEY_PARAMETER),
            secrets: parameter(WEBHOOK_SECRET_PARAMETER),
            prices: ConfiguredPrices::default(),
        };
        let refund =
            RefundFunction::new(ledger.clone(), Provider::new(client(), parameter(API_KEY_PARAMETER)));
        let (quote, debit) = (QuoteFunction::new(ledger.clone()), DebitFunction::new(ledger));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, quote, debit, refund, webhook, services }
    }

    /// The writes since the last call.
    pub fn take_written(&self) -> Vec<Value> {
        std::mem::take(&mut self.services.written.lock().unwrap())
    }

    /// Invokes a function with any event, and checks that it gets a valid answer, and nothing that its token doesn't allow. A
    /// command may do everything.
    pub fn answer(&self, function: &str, event: &str) -> InvocationResult {
        if let Some(seen) = self.carry_out(function, event).or_else(|| self.make_events(function, event)) {
            return seen;
        }
        let Some(request) = request(event) else { return InvocationResult::Unread };
        let is_allowed = is_allowed(&request);
        let response = self.runtime.block_on(async {
            match function {
                "quote" => self.quote.answer(request).await,
                "debit" => self.debit.handle(request).await,
                "refund" => self.refund.answer(request).await,
                _ => self.webhook.answer(request).await,
            }
        });
        let status = response.status().as_u16();
        if response.status().is_success() {
            assert!(is_allowed, "done without a right");
        } else if status != 304 {
            assert_problem(&response);
        }
        InvocationResult::Answer(status)
    }

    /// Invokes a function with an event that is a command; `None` if it isn't one.
    fn carry_out(&self, function: &str, event: &str) -> Option<InvocationResult> {
        let has_commands = matches!(function, "refund" | "purchase-webhook");
        let value: Value = serde_json::from_str(event).ok().filter(|_| has_commands)?;
        let has = |key: &str| value.get(key).is_some_and(|value| !value.is_null());
        if !has("command") || has("requestContext") {
            return None;
        }
        let payload = RawValue::from_string(event.to_owned()).expect("JSON");
        let event = LambdaEvent::new(payload, Context::default());
        let answer = self.runtime.block_on(async {
            match function {
                "refund" => self.refund.handle(event).await,
                _ => self.webhook.handle(event).await,
            }
        });
        let Ok(answer) = answer else { return Some(InvocationResult::Failed) };
        let InvocationAnswer::Command(body) = answer else { panic!("a command is answered as one") };
        Some(InvocationResult::Answer(
            body["status"].as_u64().map_or(200, |status| u16::try_from(status).expect("a status")),
        ))
    }

    /// Invokes the quote function with a batch of the outbox's pipe; `None` if the event isn't one. The answer has an event for
    /// each record, or is a failure.
    fn make_events(&self, function: &str, event: &str) -> Option<InvocationResult> {
        let payload = RawValue::from_string(event.to_owned()).ok()?;
        if function != "quote" || !payload.get().starts_with('[') {
            return None;
        }
        let answer = self.runtime.block_on(self.quote.handle(LambdaEvent::new(payload, Context::default())));
        let Ok(answer) = answer else { return Some(InvocationResult::Failed) };
        let InvocationAnswer::Events(events) = answer else { panic!("a batch is answered as one") };
        let records: Vec<&RawValue> = serde_json::from_str(event).expect("it was read before");
        assert_eq!(events.len(), records.len(), "each record is an event");
        Some(InvocationResult::Answer(200))
    }
}

/// The request in an event; none if it is a command or neither.
fn request(event: &str) -> Option<Request> {
    let payload = RawValue::from_string(event.to_owned()).ok()?;
    match Invocation::<Value>::parse(LambdaEvent::new(payload, Context::default())) {
        Ok(Invocation::Http(request)) => Some(*request),
        Ok(Invocation::Command(_)) | Err(_) => None,
    }
}

/// Checks that a response is a problem of the table, and not `internal`.
fn assert_problem(response: &Response<Body>) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = serde_json::from_slice(response.body()).expect("a problem is JSON");
    let code = Code::ALL.into_iter().find(|code| body["code"] == code.as_str());
    let code = code.unwrap_or_else(|| panic!("no code of ours: {body}"));
    assert_eq!((code.status(), &body["status"]), (status, &json!(status)), "{body}");
    assert!(
        code != Code::Internal && body["detail"].as_str().is_some_and(|detail| detail.len() > 15),
        "{body}"
    );
}

/// Whether the claims of an event, or its signature, allow what its route does.
fn is_allowed(request: &Request) -> bool {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else { return false };
    let route = context.route_key.as_deref().unwrap_or_default();
    if route == "POST /v1/webhooks/stripe" {
        return is_signed(request).unwrap_or_default();
    }
    let Some((_, scope)) = PROTECTED.iter().find(|(protected, _)| *protected == route) else { return true };
    let jwt = context.authorizer.as_ref().and_then(|authorizer| authorizer.jwt.as_ref());
    let claim = |name: &str| jwt.and_then(|jwt| jwt.claims.get(name).map(String::as_str));
    let has = |wanted: &str| {
        let claims = [claim("scope"), claim("scp")].into_iter().flatten();
        claims.flat_map(|text| text.trim_matches(['[', ']']).split(' ')).any(|scope| scope == wanted)
    };
    let parameters = request.path_parameters();
    let is_own = claim("sub").is_some() && claim("sub") == parameters.first("account_id");
    let is_supports = ["credits:refund", "credits:adjust"].contains(scope);
    has(scope) && (is_own || is_supports || has("credits:any-account"))
}

fn is_signed(request: &Request) -> Option<bool> {
    let header = request.headers().get("stripe-signature")?.to_str().ok()?;
    let time = header.split(',').filter_map(|part| part.trim().strip_prefix("t=")).next_back()?;
    let at = chrono::DateTime::from_timestamp(time.parse().ok()?, 0)?;
    let signed = signature::sign(&[WEBHOOK_SECRET], at, std::str::from_utf8(request.body()).ok()?);
    Some(header.contains(signed.split(',').find(|part| part.starts_with("v1="))?))
}

/// The services of AWS that functions need: a database that accepts every write and stays empty, and the webhook's secret.
#[derive(Debug, Clone, Default)]
struct Services {
    written: Arc<Mutex<Vec<Value>>>,
}

impl Services {
    fn aws_config(&self) -> SdkConfig {
        seed::aws_config_over(NOWHERE, http_client(self.clone()))
    }
}

impl HttpConnector for Services {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
        let body = body.expect("the SDK sends JSON");
        let answer = match target.rsplit('.').next() {
            Some("GetParameter") => json!({"Parameter": {"Name": "secret", "Value": WEBHOOK_SECRET}}),
            Some("GetItem" | "Query") => json!({}),
            Some("TransactGetItems") => {
                let nothing = vec![json!({}); body["TransactItems"].as_array().map_or(0, Vec::len)];
                json!({"Responses": nothing})
            }
            Some("PutItem" | "TransactWriteItems") => {
                self.written.lock().unwrap().push(body);
                json!({})
            }
            other => panic!("{other:?} is asked of the database"),
        };
        let body = SdkBody::from(answer.to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), body)))
    }
}
