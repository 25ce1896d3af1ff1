//! The functions' logs: they answer an operator's questions, and contain nothing secret.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, http::HeaderMap};
use chrono::TimeDelta;
use scrip_local::{
    Options, Stack,
    stack::{API_KEY, WEBHOOK_SECRET},
};
use scrip_stripe_model::{Checkout, Generation, Stripe, server, signature};
use serde_json::{Value, json};

use crate::api::{enhance, send};

const NOW: &str = "2026-11-10T09:00:00Z";

/// The logs of functions that were called in every way that involves a secret.
struct FunctionLogs {
    /// Secrets, none of which may be in any line.
    canaries: Vec<String>,
    /// The lines of each function.
    lines: BTreeMap<&'static str, Vec<String>>,
}

async fn collect() -> FunctionLogs {
    let now = NOW.parse().unwrap();
    let stripe = Stripe::new("telemetry", Generation::Basil, now);
    let provider = stripe.serve(server::loopback(0).await.unwrap(), API_KEY).unwrap();
    let stripe_api_base = Some(format!("http://{}", provider.address()));
    let stack = Stack::start(Options { instances: 1, stripe_api_base, ..Options::default() }).await.unwrap();
    let url = stack.base_url().to_owned();
    let mut canaries = vec![API_KEY.to_owned(), WEBHOOK_SECRET.to_owned(), "canary".to_owned()];
    let all = ["credits:read", "credits:debit", "credits:settle", "credits:any-account", "credits:refund"];
    let token = stack.tokens().issue("support", &all, TimeDelta::hours(1));
    canaries.push(token.rsplit('.').next().unwrap().to_owned());
    let post = |path: &str, body: &Value| {
        let request = reqwest::Client::new().post(format!("{url}{path}")).json(body);
        request.header("local-time", NOW).bearer_auth(&token)
    };

    let receipt = stripe.buy_pack(&Checkout::new("buyer", "tune_pack", 900));
    for secret in [WEBHOOK_SECRET, "whsec_canary"] {
        for event in &receipt.events {
            let header = signature::sign(&[secret], now, &event.body());
            canaries.push(header.rsplit('=').next().unwrap().to_owned());
            let request = post("/v1/webhooks/stripe", event.json()).header("stripe-signature", header);
            send(request.body(event.body())).await;
        }
    }
    // Paid money for something unknown is parked; what it names stays out of the log.
    let unknown = stripe.buy_pack(&Checkout::new("buyer", "canary_pack", 900));
    let session = unknown.events.iter().find(|event| event.kind() == "checkout.session.completed").unwrap();
    let header = signature::sign(&[WEBHOOK_SECRET], now, &session.body());
    let request = post("/v1/webhooks/stripe", session.json()).header("stripe-signature", header);
    assert_eq!(send(request.body(session.body())).await.json["outcome"], "parked");
    let train = json!({"operation": "train_tune", "prompts": 8});
    let debits = "/v1/accounts/buyer/debits";
    let debit = |key: &'static str, body: &Value| send(post(debits, body).header("idempotency-key", key));
    debit("d", &train).await.is(201);
    debit("d", &train).await.is(201);
    debit("poor", &enhance(1)).await.is(402);
    debit("odd", &json!({"operation": "canary"})).await.is(400);
    send(post("/v1/accounts/buyer/quotes", &enhance(3))).await.is(200);
    send(post("/v1/quotes", &enhance(3))).await.is(200);
    // A path that the caller may not name isn't logged as an account's id: it may be a secret.
    let own = stack.tokens().issue("buyer", &["credits:read"], TimeDelta::hours(1));
    let misplaced = reqwest::Client::new().get(format!("{url}/v1/accounts/canary"));
    send(misplaced.header("local-time", NOW).bearer_auth(own)).await.is(403);
    let reason = json!({"reason": "canary"});
    send(post(&format!("{debits}/d/reversals"), &reason).header("idempotency-key", "r")).await.is(201);
    // The returned credits are held for two jobs, of which one is done in part.
    let holds = "/v1/accounts/buyer/holds";
    for (key, prompts) in [("h", 3), ("i", 1)] {
        let work = json!({"operation": "tune_images", "prompts": prompts});
        send(post(holds, &work).header("idempotency-key", key)).await.is(201);
    }
    for _ in ["first", "again"] {
        send(post(&format!("{holds}/h/capture"), &json!({"prompts": 2}))).await.is(200);
    }
    send(post(&format!("{holds}/i/release"), &json!({}))).await.is(200);
    let purchase = receipt.payment_intent.unwrap();
    send(post(&format!("/v1/accounts/buyer/purchases/{purchase}/refund"), &reason)).await.is(200);
    stack.invoke("monthly-refill", json!({"time": "2026-11-01T00:00:00Z"})).await.unwrap();

    let functions = ["quote", "debit", "purchase-webhook", "refund", "monthly-refill"];
    let lines = functions.map(|function| (function, stack.logs().of(function)));
    stack.stop().await;
    provider.stop().await;
    FunctionLogs { canaries, lines: BTreeMap::from(lines) }
}

#[tokio::test]
async fn the_logs_say_what_happened_and_what_it_took_and_nothing_secret() {
    let FunctionLogs { canaries, lines } = collect().await;
    for (function, lines) in &lines {
        assert!(!lines.is_empty(), "{function} logs nothing");
        for line in lines {
            for canary in &canaries {
                assert!(!line.contains(canary.as_str()), "{function}: {canary} in {line}");
            }
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{function}: {line}"));
            assert!(line["level"].is_string() || line["_aws"].is_object(), "{function}: {line}");
        }
    }
    let calls = |function: &str| {
        let lines = lines[function].iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["route"].is_string()).collect::<Vec<_>>()
    };
    let applied = calls("purchase-webhook").into_iter().find(|call| call["outcome"] == "applied").unwrap();
    assert_eq!((&applied["account_id"], &applied["attempts"]), (&json!("buyer"), &json!(1)));
    assert!(applied["event_id"].as_str().is_some_and(|id| id.starts_with("evt_")), "{applied}");
    let sweeps = lines["monthly-refill"].iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let sweep = sweeps.into_iter().find(|line| line["outcome"] == "done").unwrap();
    assert!(sweep["request_id"].is_string() && sweep["trace_id"].is_null(), "{sweep}");
    assert!(sweep["requests"].as_u64() > Some(100), "{sweep}");
    for call in ["quote", "debit", "purchase-webhook", "refund"].into_iter().flat_map(calls) {
        assert!(call["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{call}");
        // Nothing is traced here, so there is no trace to name.
        assert!(call["trace_id"].is_null(), "{call}");
        assert!(call["elapsed_us"].as_u64().is_some_and(|elapsed| elapsed > 0), "{call}");
    }
    // The requests and units that each command takes of the database.
    let took = |call: &Value| {
        let number = |name: &str| call[name].as_f64().unwrap();
        (
            call["outcome"].as_str().unwrap().to_owned(),
            number("requests"),
            number("read_units"),
            number("write_units"),
        )
    };
    let expect =
        |outcome: &str, requests: f64, read: f64, written: f64| (outcome.to_owned(), requests, read, written);
    let debits: Vec<_> = calls("debit").iter().map(took).collect();
    assert_eq!(debits[0], expect("debited", 3.0, 1.0, 2.0));
    assert_eq!(debits[2], expect("insufficient_credits", 2.0, 5.0, 0.0));
    assert_eq!(debits[3], expect("invalid_request", 0.0, 0.0, 0.0));
    assert_eq!(debits[1].0, "replayed");
    for (position, outcome) in [(4, "held"), (5, "held"), (6, "captured"), (8, "released")] {
        assert_eq!(debits[position], expect(outcome, 3.0, 1.0, 2.0));
    }
    assert_eq!((debits.len(), debits[7].0.as_str()), (9, "replayed"));
    let quotes: Vec<_> = calls("quote").iter().map(took).collect();
    let expected = [
        expect("answered", 1.0, 1.0, 0.0),
        expect("answered", 0.0, 0.0, 0.0),
        expect("forbidden", 0.0, 0.0, 0.0),
    ];
    assert_eq!(quotes, expected);
    assert_eq!(calls("debit")[0]["operation"], "train_tune");
}

#[tokio::test]
async fn what_is_spent_and_refused_is_counted() {
    let FunctionLogs { lines, .. } = collect().await;
    let sum = |function: &str, metric: &str, labels: &[(&str, &str)]| -> u64 {
        let lines = lines[function].iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let lines = lines.filter(|line| labels.iter().all(|(name, value)| line[*name] == *value));
        lines.filter_map(|line| line[metric].as_u64()).sum()
    };
    for (function, metric, labels, expected) in [
        ("debit", "Debits", &[("Operation", "train_tune")][..], 1),
        ("debit", "CreditsSpent", &[("Kind", "tune")], 1),
        ("debit", "CreditsSpent", &[("Kind", "tune_image"), ("Operation", "train_tune")], 64),
        // A hold is counted once it is captured, with what that took.
        ("debit", "Debits", &[("Operation", "tune_images")], 1),
        ("debit", "CreditsSpent", &[("Kind", "tune_image"), ("Operation", "tune_images")], 16),
        ("debit", "Refusals", &[("Code", "insufficient_credits")], 1),
        ("debit", "Refusals", &[("Code", "invalid_request")], 1),
        ("debit", "Failures", &[], 0),
        // Debited, replayed and refused, held twice, captured, replayed and released: one attempt each.
        ("debit", "AppendAttempts", &[], 8),
        ("purchase-webhook", "WebhookEvents", &[("Outcome", "applied")], 1),
        ("purchase-webhook", "WebhookEvents", &[("Outcome", "parked")], 1),
        ("purchase-webhook", "ParkedEvents", &[], 1),
        ("purchase-webhook", "Refusals", &[("Code", "invalid_signature")], 3),
    ] {
        assert_eq!(sum(function, metric, labels), expected, "{function} {metric} {labels:?}");
    }
}

/// A database without accounts, which remembers the traces of its requests.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_on_to_the_database() {
    let traces = Arc::new(Mutex::new(Vec::<Option<String>>::new()));
    let remember = {
        let traces = Arc::clone(&traces);
        move |headers: HeaderMap| async move {
            let trace = headers.get("x-amzn-trace-id").and_then(|trace| trace.to_str().ok());
            traces.lock().unwrap().push(trace.map(str::to_owned));
            ([("content-type", "application/x-amz-json-1.0")], r#"{"Items":[],"Count":0,"ScannedCount":0}"#)
        }
    };
    let database =
        server::Server::start(server::loopback(0).await.unwrap(), Router::new().fallback(remember)).unwrap();
    let database_url = Some(format!("http://{}", database.address()));
    let stack = Stack::start(Options { instances: 1, database_url, ..Options::default() }).await.unwrap();
    // Each function has asked once before its first call, so that its connection is made.
    assert_eq!(std::mem::take(&mut *traces.lock().unwrap()), [const { None }; 5]);
    let token = stack.tokens().issue("stranger", &["credits:read"], TimeDelta::hours(1));
    let url = format!("{}/v1/accounts/stranger/quotes", stack.base_url());
    send(reqwest::Client::new().post(url).bearer_auth(token).json(&enhance(1))).await.is(200);
    let traces = std::mem::take(&mut *traces.lock().unwrap());
    let [Some(trace)] = traces.as_slice() else { panic!("{traces:?}") };
    assert!(trace.starts_with("Root=1-"), "{trace}");
    stack.stop().await;
    database.stop().await;
}
