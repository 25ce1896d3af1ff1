//! The HTTP API: who may call it, what becomes of a call, and what is answered.
//!
//! Invariant: every call is recorded, whatever becomes of it, and a call without a fault ([`crate::Faults`]) is
//! answered as Stripe would. What a call changes makes events, which wait for [`Stripe::take_events`].

mod calls;
mod expand;
mod idempotency;
mod keys;
mod kind;
mod lists;
mod pages;
mod parameters;
mod reads;
mod reply;
mod routes;

use super::{
    Stripe, account::Account, api_state::ApiState, call::Call, error::ApiError, faults::Fault,
    generation::Generation,
};
use crate::server::Server;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, Method, Response, StatusCode, header},
};
use reply::Reply;
use serde_json::{Value, json};
use std::{future, io, panic};
use tokio::{net::TcpListener, time::sleep};

/// Far above any request made here.
const BODY_BYTES_MAX: usize = 1 << 20;

impl Stripe {
    /// Serves the API to who has the secret key, or one of [`Stripe::restrict_key`], until the server is stopped or
    /// dropped.
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

    /// Answers one call of who is expected to send this `Authorization`. Only [`Fault::Hang`], [`Fault::Held`] and [`Fault::Slow`]
    /// wait.
    ///
    /// # Panics
    /// Where a fault closes the connection; see [`Stripe::exchange`].
    pub async fn answer(&self, request: Request, expected: &str) -> Response<Body> {
        self.exchange(request, expected).await.unwrap_or_else(|| close())
    }

    /// Answers one call as [`Stripe::answer`]; none where a fault closes the connection.
    pub async fn exchange(&self, request: Request, expected: &str) -> Option<Response<Body>> {
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
        let line = format!("{} {}", head.method, head.uri.path_and_query().map_or("", |path| path.as_str()));
        let refusal = self.with_desk(|desk| {
            desk.log.add(call.clone(), line);
            desk.refusal(&call, &head.headers, expected)
        });
        let refusal = refusal.or_else(|| no_form(&head.method, &head.headers, !body.is_empty()));
        let fault = self.faults.take(&call);
        let request_id = self.with(|account| account.id("req_", 14));
        let carry_out = |scripted| self.reply(&call, &request_id, refusal.or(scripted));
        let reply = match fault {
            Fault::None => carry_out(None),
            Fault::Answer(answer) => carry_out(Some(answer)),
            Fault::LoseRequest => return None,
            Fault::LoseAnswer => {
                carry_out(None);
                return None;
            }
            Fault::Slow(time) => {
                let reply = carry_out(None);
                sleep(time).await;
                reply
            }
            Fault::Held(hold) => {
                let reply = carry_out(None);
                hold.hold().await;
                reply
            }
            Fault::Hang => future::pending().await,
        };
        let version =
            call.version.unwrap_or_else(|| self.with(|account| account.generation.api_version().to_owned()));
        Some(response(&reply, &request_id, &version, call.idempotency_key.as_deref()))
    }

    fn reply(&self, call: &Call, request_id: &str, refused: Option<ApiError>) -> Reply {
        let reads = call.method == "GET" && refused.is_none();
        let state = if reads { self.faults.take_state() } else { None };
        match state {
            Some(state) => Account::clone(&state.0).reply(call, request_id, refused),
            None => self.with(|account| account.reply(call, request_id, refused)),
        }
    }
}

/// Ends the connection without a byte of an answer, by ending its task without a message.
fn close() -> ! {
    panic::resume_unwind(Box::new("a fault closes the connection"))
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

impl ApiState {
    /// The refusal of a key that isn't taken or may not make the call.
    fn refusal(&self, call: &Call, headers: &HeaderMap, expected: &str) -> Option<ApiError> {
        let given = text(headers, &header::AUTHORIZATION);
        if given.is_empty() {
            return Some(ApiError::unauthenticated("You did not provide an API key."));
        }
        let key = given.strip_prefix("Bearer ").unwrap_or(given);
        if given != expected && !self.keys.knows(key) {
            return Some(ApiError::unauthenticated("Invalid API Key provided."));
        }
        self.keys.refusal(key, call)
    }
}

/// The refusal of a body that isn't a form.
fn no_form(method: &Method, headers: &HeaderMap, has_body: bool) -> Option<ApiError> {
    let is_form = text(headers, &header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded");
    let message = "Invalid request (check that your POST content type is application/x-www-form-urlencoded).";
    (method == Method::POST && has_body && !is_form).then(|| ApiError::invalid(None, message))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
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
    if reply.body["error"]["code"] == "rate_limit" {
        // A lock that is held answers 429 too, but without this.
        response = response.header("stripe-rate-limited-reason", "global-rate");
    }
    if let Some(original) = &reply.replayed_from {
        response = response.header("idempotent-replayed", "true").header("original-request", original);
    }
    // Half the work of `{:#}`, which writes the same.
    let body = serde_json::to_vec_pretty(&reply.body).unwrap_or_default();
    response.body(Body::from(body)).unwrap_or_default()
}

impl Account {
    fn reply(&mut self, call: &Call, request_id: &str, refused: Option<ApiError>) -> Reply {
        // Only what creates something is kept under a key; Stripe ignores the others' keys.
        let key = call.idempotency_key.as_deref().filter(|_| call.method == "POST");
        let outcome = match (refused, key.and_then(|key| self.replay(key, call))) {
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
