//! One Stripe API for the shared stack, behind which each test has a Stripe account of its own.
//!
//! A call is answered by the account that knows what it names: the ids of different accounts differ, so at most one does.
//! The others answer that it is missing, or with an empty list.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::Response,
};
use scrip_local::stack::API_KEY;
use scrip_stripe_model::{
    Stripe,
    server::{self, Server},
};
use serde_json::Value;

/// The largest request and answer.
const BYTES_MAX: usize = 4 << 20;

/// The accounts that the API shows.
#[derive(Debug, Clone, Default)]
pub struct Providers(Arc<Mutex<Vec<Stripe>>>);

impl Providers {
    /// Shows an account.
    pub fn add(&self, stripe: &Stripe) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(stripe.clone());
    }

    /// Answers on a port of its own.
    pub async fn serve(&self) -> Server {
        let providers = self.clone();
        let answer = move |request| {
            let providers = providers.clone();
            async move { providers.answer(request).await }
        };
        let listener = server::loopback(0).await.expect("a port");
        Server::start(listener, Router::new().fallback(answer)).expect("an address")
    }

    async fn answer(&self, request: Request) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, BYTES_MAX).await.unwrap_or_default();
        let accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let missing = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
        let mut is_listed = false;
        let mut last = Response::builder().status(404).body(missing.into()).expect("a response");
        for stripe in accounts.iter().rev() {
            let request = Request::from_parts(head.clone(), Body::from(body.clone()));
            let response = stripe.answer(request, &format!("Bearer {API_KEY}")).await;
            let (head, body) = response.into_parts();
            let body = to_bytes(body, BYTES_MAX).await.unwrap_or_default();
            let answer = serde_json::from_slice(&body).unwrap_or_default();
            // An empty list says more than that something is missing.
            if !is_listed {
                is_listed = is_list(&answer);
                last = Response::from_parts(head, Body::from(body));
            } else if knows(&answer) {
                last = Response::from_parts(head, Body::from(body));
            }
            if knows(&answer) {
                break;
            }
        }
        last
    }
}

fn is_list(answer: &Value) -> bool {
    answer["object"] == "list"
}

/// Whether an answer is about something that the account has.
fn knows(answer: &Value) -> bool {
    let is_missing = answer["error"]["code"] == "resource_missing";
    let is_empty = is_list(answer) && answer["data"].as_array().is_some_and(Vec::is_empty);
    !is_missing && !is_empty
}
