//! The API of the model: what it shows, what it changes, what it refuses, and what a test lets go wrong with it.

mod faults;
mod keys;
mod parameters;
mod reads;
mod writes;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, Response, request::Builder},
};
use chrono::{DateTime, Utc};
use scrip_stripe_model::{Generation, Stripe};
use serde_json::Value;

const KEY: &str = "rk_test_local";

fn start() -> DateTime<Utc> {
    "2026-11-03T09:00:00Z".parse().unwrap()
}

/// An answer: status, headers, body.
type Answer = (u16, HeaderMap, Value);

/// The answer to a request of that key; none if the connection was closed.
async fn exchange(stripe: &Stripe, request: Builder, key: &str, form: String) -> Option<Answer> {
    let request = request
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = stripe.exchange(request.body(Body::from(form)).unwrap(), &format!("Bearer {KEY}")).await?;
    Some(read(answer).await)
}

async fn read(answer: Response<Body>) -> Answer {
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, headers, serde_json::from_slice(&body).unwrap())
}

async fn get(stripe: &Stripe, version: &str, path: &str) -> (u16, Value) {
    let request = Request::get(path).header("stripe-version", version);
    let (status, _, body) = exchange(stripe, request, KEY, String::new()).await.unwrap();
    (status, body)
}

async fn dahlia(stripe: &Stripe, path: &str) -> (u16, Value) {
    get(stripe, Generation::Dahlia.api_version(), path).await
}

/// Posts a form, with an idempotency key if one is given.
async fn post(stripe: &Stripe, path: &str, idempotency_key: Option<&str>, form: &str) -> Answer {
    let mut request = Request::post(path).header("stripe-version", Generation::Dahlia.api_version());
    if let Some(key) = idempotency_key {
        request = request.header("idempotency-key", key);
    }
    exchange(stripe, request, KEY, form.to_owned()).await.unwrap()
}

async fn delete(stripe: &Stripe, path: &str) -> (u16, Value) {
    let request = Request::delete(path).header("stripe-version", Generation::Dahlia.api_version());
    let (status, _, body) = exchange(stripe, request, KEY, String::new()).await.unwrap();
    (status, body)
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|object| object["id"].as_str().unwrap()).collect()
}

fn code(body: &Value) -> Option<&str> {
    body["error"]["code"].as_str()
}
