//! The API as its caller meets it.

use super::{kinds, stripe};
use chrono::TimeDelta;
use reqwest::{Client, Method, Response, StatusCode};
use scrip_tests::{
    server::{Server, loopback},
    stripe::{ApiError, Checkout, Fault, Generation, Interval, Receipt, Stripe},
};
use serde_json::{Value, json};
use std::time::Duration;

const REFUNDS: &str = "POST /v1/refunds";

/// An account with its API.
struct Bench {
    stripe: Stripe,
    server: Server,
    client: Client,
}

impl Bench {
    async fn start(seed: &str, generation: Generation) -> Self {
        let stripe = stripe(seed, generation);
        let server = stripe.serve(loopback(0).await.unwrap(), "sk_test_local").unwrap();
        Self { stripe, server, client: Client::new() }
    }

    fn pack(&self) -> Receipt {
        self.stripe.buy_pack(&Checkout::new("a", "tune_pack", 1_900))
    }

    async fn send(&self, method: Method, path: &str, key: &str, body: &str) -> reqwest::Result<Response> {
        let request = self.client.request(method, format!("http://{}{path}", self.server.address()));
        let request = request
            .bearer_auth("sk_test_local")
            .header("content-type", "application/x-www-form-urlencoded")
            .timeout(Duration::from_secs(2))
            .body(body.to_owned());
        let request = if key.is_empty() { request } else { request.header("idempotency-key", key) };
        request.send().await
    }

    /// Status, whether it was replayed, and the body.
    async fn ask(&self, method: Method, path: &str, key: &str, body: &str) -> (u16, bool, Value) {
        let response = self.send(method, path, key, body).await.unwrap();
        let replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
        (response.status().as_u16(), replayed, response.json().await.unwrap())
    }

    async fn refund(&self, key: &str, body: &str) -> (u16, bool, Value) {
        self.ask(Method::POST, "/v1/refunds", key, body).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.ask(Method::GET, path, "", "").await;
        (status, body)
    }
}

#[tokio::test]
async fn a_refund_is_made_and_told() {
    let bench = Bench::start("api refund", Generation::Basil).await;
    let pack = bench.pack();
    let (intent, charge) = (pack.payment_intent.unwrap(), pack.charge.unwrap());
    let body = format!(
        "payment_intent={intent}&amount=900&reason=requested_by_customer&metadata[purchase_id]=p%201"
    );
    let (status, replayed, refund) = bench.refund("key", &body).await;
    assert_eq!((status, replayed), (200, false));
    assert_eq!((&refund["object"], &refund["amount"]), (&json!("refund"), &json!(900)));
    assert_eq!((&refund["charge"], &refund["status"]), (&json!(charge), &json!("succeeded")));
    assert_eq!(refund["metadata"], json!({ "purchase_id": "p 1" }));
    let events = bench.stripe.take_events();
    assert_eq!(kinds(&events), ["refund.created", "charge.refunded", "refund.updated"]);
    assert_eq!(events[1].json()["request"]["idempotency_key"], "key");
    assert_eq!(bench.stripe.take_events(), []);
    let calls = bench.stripe.calls();
    assert_eq!((calls.len(), calls[0].operation().as_str()), (1, REFUNDS));
    assert_eq!(calls[0].parameter("amount"), Some("900"));

    let (_, list) = bench.get(&format!("/v1/refunds?payment_intent={intent}")).await;
    assert_eq!((&list["object"], &list["has_more"]), (&json!("list"), &json!(false)));
    assert_eq!(list["data"], json!([refund]));
    let (_, seen) = bench.get(&format!("/v1/charges/{charge}")).await;
    assert_eq!((&seen["amount_refunded"], &seen["refunded"]), (&json!(900), &json!(false)));
    bench.refund("", &format!("charge={charge}")).await;
    let (_, list) = bench.get(&format!("/v1/refunds?payment_intent={intent}&limit=1")).await;
    assert_eq!((&list["data"][0]["amount"], &list["has_more"]), (&json!(1_000), &json!(true)));
}

#[tokio::test]
async fn a_key_stands_for_one_request_for_24_hours() {
    let bench = Bench::start("idempotency", Generation::Basil).await;
    let charge = bench.pack().charge.unwrap();
    let body = format!("charge={charge}&amount=500");
    let first = bench.refund("key", &body).await;
    let rows = [
        // After so long, this body: status, whether replayed, whether it is the first refund.
        (TimeDelta::zero(), body.clone(), 200, true, true),
        (TimeDelta::zero(), format!("amount=500&charge={charge}"), 200, true, true),
        (TimeDelta::zero(), format!("charge={charge}&amount=501"), 400, false, false),
        (TimeDelta::hours(24) - TimeDelta::seconds(1), body.clone(), 200, true, true),
        (TimeDelta::seconds(1), body.clone(), 200, false, false),
    ];
    for (later, body, status, replayed, same) in rows {
        bench.stripe.advance(later);
        let answer = bench.refund("key", &body).await;
        assert_eq!((answer.0, answer.1, answer.2 == first.2), (status, replayed, same), "{body}");
        if status == 400 {
            assert_eq!(answer.2["error"]["type"], "idempotency_error");
        }
    }
    let (_, charge) = bench.get(&format!("/v1/charges/{charge}")).await;
    assert_eq!(charge["amount_refunded"], 1_000);
}

#[tokio::test]
async fn errors_are_kept_for_a_key_from_when_the_call_began() {
    let bench = Bench::start("kept errors", Generation::Basil).await;
    let charge = bench.pack().charge.unwrap();
    let (whole, unknown) = (format!("charge={charge}"), format!("charge={charge}&colour=red"));
    // Key, body, fault: the status at first and with the same key again.
    let rows = [
        ("a", &whole, Fault::Answer(ApiError::broken()), (500, 500)),
        ("b", &whole, Fault::Answer(ApiError::card_declined()), (402, 402)),
        ("c", &whole, Fault::Answer(ApiError::refused("some_rule", "No.")), (400, 400)),
        ("d", &unknown, Fault::None, (400, 400)),
        ("e", &whole, Fault::Answer(ApiError::rate_limited()), (429, 200)),
        ("f", &whole, Fault::None, (400, 400)), // already refunded
    ];
    for (key, body, fault, (first, again)) in rows {
        let kept = fault != Fault::None || key == "f";
        bench.stripe.fault(REFUNDS, fault);
        assert_eq!(bench.refund(key, body).await.0, first, "{key}");
        let (status, replayed, _) = bench.refund(key, body).await;
        assert_eq!((status, replayed), (again, kept && key != "e"), "{key}");
    }
}

#[tokio::test]
async fn answers_and_requests_get_lost() {
    let bench = Bench::start("lost", Generation::Basil).await;
    let charge = bench.pack().charge.unwrap();
    let body = format!("charge={charge}");
    let refunded = async || bench.get(&format!("/v1/charges/{charge}")).await.1["refunded"] == true;
    for fault in [Fault::LoseRequest, Fault::Hang] {
        bench.stripe.fault(REFUNDS, fault.clone());
        let lost = bench.send(Method::POST, "/v1/refunds", "key", &body).await.unwrap_err();
        assert_eq!(lost.is_timeout(), fault == Fault::Hang);
        assert!(!refunded().await);
    }
    bench.stripe.fault(REFUNDS, Fault::LoseAnswer);
    bench.send(Method::POST, "/v1/refunds", "key", &body).await.unwrap_err();
    assert!(refunded().await);
    let (status, replayed, _) = bench.refund("key", &body).await;
    assert_eq!((status, replayed), (200, true));
    let (status, _, refused) = bench.refund("another", &body).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("charge_already_refunded")));
    assert_eq!(kinds(&bench.stripe.take_events()), ["refund.created", "charge.refunded", "refund.updated"]);
    let refunds = bench.stripe.calls().iter().filter(|call| call.operation() == REFUNDS).count();
    assert_eq!(refunds, 5, "lost calls are recorded, too");
}

#[tokio::test]
async fn what_stripe_refuses() {
    let bench = Bench::start("refused", Generation::Basil).await;
    let charge = bench.pack().charge.unwrap();
    let other = bench.pack().payment_intent.unwrap();
    let rows = [
        (format!("charge={charge}&amount=1901"), 400, json!(null), "amount"),
        (format!("charge={charge}&amount=0"), 400, json!("parameter_invalid_integer"), ""),
        (format!("charge={charge}&amount=1.5"), 400, json!("parameter_invalid_integer"), ""),
        (format!("charge={charge}&colour=red"), 400, json!("parameter_unknown"), ""),
        (format!("charge={charge}&reason=bored"), 400, json!(null), ""),
        ("charge=ch_none".to_owned(), 404, json!("resource_missing"), "charge"),
        (format!("charge={other}"), 404, json!("resource_missing"), "charge"),
        ("amount=1".to_owned(), 400, json!("parameter_missing"), ""),
    ];
    for (body, expected, code, parameter) in rows {
        let (status, _, answer) = bench.refund("", &body).await;
        let error = &answer["error"];
        assert_eq!((status, &error["code"]), (expected, &code), "{body}");
        assert_eq!(error["param"].as_str().unwrap_or_default(), parameter, "{body}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(error["message"].is_string());
    }
    assert_eq!(bench.stripe.take_events(), []);
    let url = format!("http://{}/v1/charges/{charge}", bench.server.address());
    let unknown = bench.client.get(&url).bearer_auth("sk_test_other").send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
    let none = bench.client.get(&url).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_subscription_is_cancelled_once() {
    let bench = Bench::start("cancel", Generation::Basil).await;
    let bought = bench.stripe.subscribe(&Checkout::new("a", "basic_monthly", 2_900), Interval::Month);
    let path = format!("/v1/subscriptions/{}", bought.subscription.unwrap());
    let (status, _, canceled) = bench.ask(Method::DELETE, &path, "key", "").await;
    assert_eq!((status, &canceled["status"]), (200, &json!("canceled")));
    assert_eq!(kinds(&bench.stripe.take_events()), ["customer.subscription.deleted"]);
    // Stripe ignores the key of a DELETE: again is not found.
    let (status, replayed, again) = bench.ask(Method::DELETE, &path, "key", "").await;
    assert_eq!((status, replayed), (404, false));
    assert_eq!(again["error"]["code"], "resource_missing");
    let (status, seen) = bench.get(&path).await;
    assert_eq!((status, &seen["status"]), (200, &json!("canceled")));
}

#[tokio::test]
async fn an_invoice_leads_to_its_payment() {
    let checkout = Checkout::new("a", "basic_monthly", 2_900);
    let basil = Bench::start("invoices", Generation::Basil).await;
    let bought = basil.stripe.subscribe(&checkout, Interval::Month);
    let (invoice, intent) = (bought.invoice.unwrap(), json!(bought.payment_intent));
    let (_, list) = basil.get(&format!("/v1/invoice_payments?invoice={invoice}")).await;
    assert_eq!(list["data"][0]["payment"]["payment_intent"], intent);
    assert_eq!(list["data"][0]["status"], "paid");
    let (_, plain) = basil.get(&format!("/v1/invoices/{invoice}")).await;
    assert_eq!(plain.get("payments"), None);
    let (_, expanded) = basil.get(&format!("/v1/invoices/{invoice}?expand[]=payments")).await;
    assert_eq!(expanded["payments"]["data"], list["data"]);

    let acacia = Bench::start("invoices", Generation::Acacia).await;
    let bought = acacia.stripe.subscribe(&checkout, Interval::Month);
    let path = format!("/v1/invoice_payments?invoice={}", bought.invoice.unwrap());
    assert_eq!(acacia.get(&path).await.0, 404, "the older generation has no such thing");

    // A request may ask for another version than the account's.
    for (version, status) in
        [("2025-03-31.basil", 200), ("2025-02-24.acacia", 404), ("2020-08-27", 404), ("soon", 400)]
    {
        let url = format!("http://{}{path}", acacia.server.address());
        let request = acacia.client.get(url).bearer_auth("sk_test_local").header("stripe-version", version);
        assert_eq!(request.send().await.unwrap().status(), status, "{version}");
    }
}
