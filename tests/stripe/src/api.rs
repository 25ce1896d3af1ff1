//! The HTTP API on the loopback interface, and the faults it meets by a script.
//!
//! Invariant: every call is recorded, whatever becomes of it, and a call without a fault of its own is
//! answered as Stripe would. What a call changes makes events, which wait for [`Stripe::take_events`].

pub mod error;
mod idempotency;
mod reads;
mod routes;

use super::{Stripe, account::Account, generation::Generation};
use crate::server::Server;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, Response, StatusCode, header},
};
use error::ApiError;
use idempotency::Stored;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    future, io, panic,
};
use tokio::net::TcpListener;

/// Far above any request made here.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A request to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `POST`, say.
    pub method: String,
    /// `/v1/refunds`, say.
    pub path: String,
    /// The parameters in order, of the body or the query.
    pub parameters: Vec<(String, String)>,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The header `Stripe-Version`.
    pub version: Option<String>,
}

impl Call {
    /// What is called, whichever object it is about: `POST /v1/refunds`, `DELETE /v1/subscriptions`.
    #[must_use]
    pub fn operation(&self) -> String {
        let resource: Vec<_> = self.path.split('/').take(3).collect();
        format!("{} {}", self.method, resource.join("/"))
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What happens to one call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Nothing: it is carried out and answered.
    None,
    /// It isn't carried out; this is the answer, which an idempotency key keeps as Stripe would: not what
    /// was refused before the call began (401, 409, 429).
    Answer(ApiError),
    /// The connection is closed before it is carried out.
    LoseRequest,
    /// It is carried out, and the connection is closed instead of an answer.
    LoseAnswer,
    /// It isn't carried out and never answered.
    Hang,
}

/// Who takes the calls: the script, the calls so far, the answers kept for their idempotency keys.
#[derive(Debug, Default)]
pub struct Desk {
    faults: BTreeMap<String, VecDeque<Fault>>,
    calls: Vec<Call>,
    stored: BTreeMap<String, Stored>,
}

/// An answer.
#[derive(Debug, Clone)]
struct Reply {
    status: u16,
    body: Value,
    /// The id of the request that was answered first, where this is its answer again.
    replayed_from: Option<String>,
}

impl Stripe {
    /// Serves the API to who has the secret key, until the server is stopped or dropped.
    ///
    /// # Errors
    /// When the listener has no local address any more.
    pub fn serve(&self, listener: TcpListener, secret_key: &str) -> io::Result<Server> {
        let (stripe, expected) = (self.clone(), format!("Bearer {secret_key}"));
        let answer = move |request| {
            let (stripe, expected) = (stripe.clone(), expected.clone());
            async move { stripe.answer(request, &expected).await }
        };
        Server::start(listener, Router::new().fallback(answer))
    }

    /// Adds a fault for the next call of an operation ([`Call::operation`]) that has none yet.
    pub fn fault(&self, operation: &str, fault: Fault) {
        self.with(|account| {
            account.desk.faults.entry(operation.to_owned()).or_default().push_back(fault);
        });
    }

    /// The calls since this was asked last, in order.
    #[allow(clippy::must_use_candidate, reason = "also called to forget them")]
    pub fn calls(&self) -> Vec<Call> {
        self.with(|account| std::mem::take(&mut account.desk.calls))
    }

    /// Answers one call of who is expected to send this `Authorization`. Only a scripted [`Fault::Hang`] waits.
    ///
    /// # Panics
    /// Where the script closes the connection.
    pub async fn answer(&self, request: Request, expected: &str) -> Response<Body> {
        let (head, body) = request.into_parts();
        let header = |name: &str| head.headers.get(name)?.to_str().ok().map(str::to_owned);
        let body = to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
        let mut parameters = pairs(head.uri.query().unwrap_or_default().as_bytes());
        parameters.extend(pairs(&body));
        let call = Call {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            parameters,
            idempotency_key: header("idempotency-key"),
            version: header("stripe-version"),
        };
        let operation = call.operation();
        let (request_id, fault) = self.with(|account| {
            account.desk.calls.push(call.clone());
            let faults = account.desk.faults.get_mut(&operation);
            let fault = faults.and_then(VecDeque::pop_front).unwrap_or(Fault::None);
            (account.id("req_", 14), fault)
        });
        let refusal = refusal(&head.method, &head.headers, expected, !body.is_empty());
        let carry_out = |answer: Option<ApiError>| {
            self.with(|account| account.reply(&call, &request_id, refusal.or(answer)))
        };
        let reply = match fault {
            Fault::None => carry_out(None),
            Fault::Answer(answer) => carry_out(Some(answer)),
            Fault::LoseRequest => close(),
            Fault::LoseAnswer => {
                carry_out(None);
                close()
            }
            Fault::Hang => future::pending().await,
        };
        let version =
            call.version.unwrap_or_else(|| self.with(|account| account.generation.api_version().to_owned()));
        response(&reply, &request_id, &version, call.idempotency_key.as_deref())
    }
}

/// Ends the connection without a byte of an answer, by ending its task without a word.
fn close() -> ! {
    panic::resume_unwind(Box::new("the connection was lost, by script"))
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

/// What Stripe refuses before it looks at a call.
fn refusal(method: &Method, headers: &HeaderMap, expected: &str, has_body: bool) -> Option<ApiError> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = header(header::AUTHORIZATION);
    if given.is_empty() {
        return Some(ApiError::unauthenticated("You did not provide an API key."));
    }
    if given != expected {
        return Some(ApiError::unauthenticated("Invalid API Key provided."));
    }
    let is_form = header(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded");
    (method == Method::POST && has_body && !is_form).then(|| {
        ApiError::invalid(
            None,
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
        )
    })
}

fn response(reply: &Reply, request_id: &str, version: &str, key: Option<&str>) -> Response<Body> {
    let mut response = Response::builder()
        .status(StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header(header::CONTENT_TYPE, "application/json")
        .header("request-id", request_id)
        .header("stripe-version", version);
    if let Some(key) = key {
        response = response.header("idempotency-key", key);
    }
    if let Some(original) = &reply.replayed_from {
        response = response.header("idempotent-replayed", "true").header("original-request", original);
    }
    response.body(Body::from(format!("{:#}", reply.body))).unwrap_or_default()
}

impl Account {
    fn reply(&mut self, call: &Call, request_id: &str, scripted: Option<ApiError>) -> Reply {
        // Only what creates something is kept under a key; Stripe ignores the others' keys.
        let key = call.idempotency_key.as_deref().filter(|_| call.method == "POST");
        let outcome = match (scripted, key.and_then(|key| self.replay(key, call))) {
            (Some(error), _) | (None, Some(Err(error))) => Err(error),
            (None, Some(Ok(reply))) => return reply,
            (None, None) => self.route(call, request_id),
        };
        let began = outcome.as_ref().err().is_none_or(|error| error.began);
        let (status, body) = match outcome {
            Ok(body) => (200, body),
            Err(error) => (error.status, json!({ "error": error.body(request_id) })),
        };
        if let Some(key) = key.filter(|_| began) {
            self.keep(key, call, request_id, status, &body);
        }
        Reply { status, body, replayed_from: None }
    }

    /// Carries a call out in the generation that it asks for.
    fn route(&mut self, call: &Call, request_id: &str) -> Result<Value, ApiError> {
        let shapes = match &call.version {
            Some(version) => Generation::of_version(version)
                .ok_or_else(|| ApiError::invalid(None, &format!("Invalid Stripe API version: {version}")))?,
            None => self.generation,
        };
        self.request = (Some(request_id.to_owned()), call.idempotency_key.clone());
        let outcome = self.carry_out(call, shapes);
        self.request = (None, None);
        outcome
    }
}
