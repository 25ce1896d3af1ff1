//! What a test lets go wrong, in process and over HTTP, and the count of calls.

use super::{KEY, code, dahlia, delete, exchange, get, ids, post, start};
use axum::http::Request;
use scrip_stripe_model::{ApiError, CartSpec, Fault, Generation, PriceSpec, Receipt, Stripe, server};
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

fn shop() -> (Stripe, Receipt) {
    let stripe = Stripe::new("faults", Generation::Dahlia, start());
    let pack = stripe.add_price(&PriceSpec::once(900));
    let bought = stripe.checkout(&CartSpec::payment("alice", &[(&pack, 1)]));
    (stripe, bought)
}

async fn status(stripe: &Stripe, path: &str) -> Option<u16> {
    exchange(stripe, Request::get(path), KEY, String::new()).await.map(|(status, ..)| status)
}

#[tokio::test]
async fn a_call_meets_the_fault_that_is_next() {
    let (stripe, _) = shop();
    let faults = stripe.faults();
    faults.next_of("GET /v1/charges", Fault::Answer(ApiError::broken()));
    faults.next_calls(2, &Fault::Answer(ApiError::rate_limited()));
    faults.until_cleared(Fault::LoseRequest);
    for (path, expected) in [
        ("/v1/refunds", Some(429)),
        ("/v1/charges", Some(500)),
        ("/v1/charges", Some(429)),
        ("/v1/charges", None),
        ("/v1/events", None),
    ] {
        assert_eq!(status(&stripe, path).await, expected, "{path}");
    }
    faults.clear();
    assert_eq!(status(&stripe, "/v1/charges").await, Some(200));
    assert_eq!(stripe.request_count(), 6);
}

#[tokio::test]
async fn a_rate_limit_differs_from_a_lock_timeout() {
    let (stripe, _) = shop();
    for (error, expected, reason) in [
        (ApiError::rate_limited(), "rate_limit", Some("global-rate")),
        (ApiError::lock_timeout(), "lock_timeout", None),
    ] {
        stripe.faults().next(Fault::Answer(error));
        let (status, headers, body) =
            exchange(&stripe, Request::get("/v1/charges"), KEY, String::new()).await.unwrap();
        assert_eq!((status, code(&body)), (429, Some(expected)));
        assert_eq!(body["error"]["type"], "invalid_request_error");
        let found = headers.get("stripe-rate-limited-reason").map(|reason| reason.to_str().unwrap());
        assert_eq!(found, reason);
    }
}

#[tokio::test]
async fn a_lost_answer_is_of_a_change_that_was_made() {
    for (fault, refunded) in [(Fault::LoseRequest, 0), (Fault::LoseAnswer, 900)] {
        let (stripe, bought) = shop();
        stripe.faults().next(fault);
        let form = format!("payment_intent={}", bought.payment_intent.unwrap());
        assert!(exchange(&stripe, Request::post("/v1/refunds"), KEY, form).await.is_none());
        assert_eq!(stripe.books().purchases[0].refunded, refunded);
    }
}

#[tokio::test]
async fn reads_are_stale_for_so_many_calls_and_changes_are_not() {
    let (stripe, bought) = shop();
    let charge = format!("/v1/charges/{}", bought.charge.unwrap());
    let before = stripe.state();
    let form = format!("payment_intent={}&amount=100", bought.payment_intent.unwrap());
    assert_eq!(post(&stripe, "/v1/refunds", None, &form).await.0, 200);
    stripe.faults().stale(&before, 2);
    assert_eq!(dahlia(&stripe, &charge).await.1["amount_refunded"], 0);
    // A change acts on the account as it is, and doesn't count.
    let (_, _, refund) = post(&stripe, "/v1/refunds", None, &form).await;
    let (_, listed) = dahlia(&stripe, "/v1/refunds").await;
    assert_eq!(ids(&listed), Vec::<&str>::new());
    assert_eq!(dahlia(&stripe, &charge).await.1["amount_refunded"], 200);
    assert_eq!(ids(&dahlia(&stripe, "/v1/refunds").await.1)[0], refund["id"]);
    // What the key may not do, it may not do with what is stale either.
    stripe.faults().stale(&before, 1);
    assert_eq!(exchange(&stripe, Request::get(&charge), "rk_other", String::new()).await.unwrap().0, 401);
    assert_eq!(dahlia(&stripe, &charge).await.1["amount_refunded"], 0);
    stripe.faults().stale(&before, 9);
    stripe.faults().clear();
    assert_eq!(dahlia(&stripe, &charge).await.1["amount_refunded"], 200);
}

#[tokio::test]
async fn calls_are_counted_and_recorded_with_their_query() {
    let (stripe, bought) = shop();
    stripe.faults().next(Fault::Answer(ApiError::broken()));
    let charges = format!("/v1/charges?payment_intent={}", bought.payment_intent.clone().unwrap());
    for _ in 0..2 {
        let _ = get(&stripe, "2026-03-25.dahlia", &charges).await;
    }
    let form = format!("payment_intent={}", bought.payment_intent.unwrap());
    let _ = post(&stripe, "/v1/refunds", None, &form).await;
    let _ = delete(&stripe, "/v1/subscriptions/sub_none").await;
    let charges = format!("GET {charges}");
    let (refunds, end) = ("POST /v1/refunds".to_owned(), "DELETE /v1/subscriptions/sub_none".to_owned());
    assert_eq!(stripe.requests(), [&charges, &charges, &refunds, &end].map(String::clone));
    assert_eq!(stripe.requests_by_path(), BTreeMap::from([(charges, 2), (refunds, 1), (end, 1)]));
    assert_eq!(stripe.request_count(), 4);
    stripe.reset_requests();
    assert_eq!((stripe.request_count(), stripe.requests()), (0, Vec::new()));
    assert_eq!(stripe.calls().len(), 4);
    assert_eq!(stripe.calls().len(), 0);
}

/// What a plain HTTP client reads of an answer; nothing if the connection is closed before.
fn over_http(address: std::net::SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: stripe\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn the_server_meets_the_same_faults() {
    let (stripe, bought) = shop();
    let server = stripe.serve(server::loopback(0).await.unwrap(), KEY).unwrap();
    let address = server.address();
    let path = format!("/v1/charges/{}", bought.charge.unwrap());
    let ask = |path: &str| {
        let path = path.to_owned();
        async move { tokio::task::spawn_blocking(move || over_http(address, &path)).await.unwrap() }
    };
    assert!(ask(&path).await.starts_with("HTTP/1.1 200"));
    let before = stripe.state();
    let _ = stripe.refund_in_dashboard(path.trim_start_matches("/v1/charges/"), None).unwrap();
    for (fault, expected) in [
        (Fault::Answer(ApiError::rate_limited()), "HTTP/1.1 429"),
        (Fault::Answer(ApiError::broken()), "HTTP/1.1 500"),
        (Fault::LoseRequest, ""),
        (Fault::LoseAnswer, ""),
    ] {
        stripe.faults().next(fault.clone());
        let answer = ask(&path).await;
        assert!(
            answer.starts_with(expected) && answer.is_empty() == expected.is_empty(),
            "{fault:?}: {answer}"
        );
    }
    let slow = Duration::from_millis(300);
    stripe.faults().next(Fault::Slow(slow));
    let asked = Instant::now();
    assert!(ask(&path).await.starts_with("HTTP/1.1 200"));
    assert!(asked.elapsed() >= slow);
    stripe.faults().stale(&before, 1);
    assert!(ask(&path).await.contains("\"amount_refunded\": 0,"));
    assert!(ask(&path).await.contains("\"amount_refunded\": 900,"));
    assert_eq!(stripe.request_count(), 8);
    server.stop().await;
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_says_what_was_true_when_it_was_asked() {
    let (stripe, bought) = shop();
    let path = format!("/v1/charges/{}", bought.charge.clone().unwrap());
    stripe.faults().next(Fault::Slow(Duration::from_secs(6)));
    let asked = tokio::time::Instant::now();
    let slow = dahlia(&stripe, &path);
    let refund = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stripe.refund_in_dashboard(bought.charge.as_deref().unwrap(), None).unwrap()
    };
    let ((status, shown), _) = tokio::join!(slow, refund);
    assert_eq!((status, &shown["amount_refunded"]), (200, &0.into()));
    assert_eq!(asked.elapsed(), Duration::from_secs(6));
    assert_eq!(dahlia(&stripe, &path).await.1["amount_refunded"], 900);
}
