//! `Host` headers that are none, through real HTTP to each function behind the gateway: the caller's mistake, not the
//! function's. The local gateway hands on whatever an HTTP server reads; API Gateway may refuse some before.

use chrono::TimeDelta;
use reqwest::{
    Client, Method,
    header::{HOST, HeaderValue},
};
use scrip_local::{Options, Stack};
use serde_json::{Value, json};

use crate::api::{Reply, enhance, send};

const MALFORMED: [&[u8]; 9] =
    [b"a b", b"[::1", b"a:65536", b"a:80:80", b"", b"a/b", b"\xc3\xa9", b"\xe9", b"user@host"];
const WELL_FORMED: [&[u8]; 3] = [b"example.com", b"[::1]:3000", b"1.2.3.256"];

/// A route of each function, with the status of its answer if nothing is wrong with the host.
fn routes() -> [(&'static str, Method, &'static str, Value, u16); 4] {
    [
        ("quote", Method::POST, "/v1/quotes", enhance(1), 200),
        ("debit", Method::POST, "/v1/accounts/stranger/debits", enhance(1), 402),
        ("refund", Method::POST, "/v1/accounts/stranger/debits/d/reversals", json!({}), 404),
        ("purchase-webhook", Method::POST, "/v1/webhooks/stripe", json!({}), 400),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_host_is_an_invalid_request_and_no_failure() {
    let stack = Stack::start(Options { instances: 1, ..Options::default() }).await.unwrap();
    let token = stack.tokens().issue("stranger", &["credits:debit", "credits:settle"], TimeDelta::hours(1));
    let call = async |method: &Method, path: &str, body: &Value, host: &[u8]| -> Reply {
        let request = Client::new().request(method.clone(), format!("{}{path}", stack.base_url())).json(body);
        let request = request.bearer_auth(&token).header("idempotency-key", "k");
        send(request.header(HOST, HeaderValue::from_bytes(host).unwrap())).await
    };
    for (function, method, path, body, status) in routes() {
        let before = stack.logs().of(function).len();
        for host in MALFORMED {
            let reply = call(&method, path, &body, host).await;
            let detail = reply.is_problem(400, "invalid_request").json["detail"].as_str().unwrap();
            assert!(detail.starts_with("The Host header is malformed. "), "{detail}");
        }
        // A line and a refusal for each, and neither a panic nor a failure, which alarms.
        let lines = stack.logs().of(function);
        let lines: Vec<Value> =
            lines[before..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of_requests = lines.iter().filter(|line| {
            line["outcome"] == "invalid_request" && line["status"] == 400 && line["level"] == "INFO"
        });
        assert_eq!(of_requests.count(), MALFORMED.len(), "{function}: {lines:?}");
        let refusals = lines.iter().filter(|line| line["Code"] == "invalid_request" && line["Refusals"] == 1);
        assert_eq!(refusals.count(), MALFORMED.len(), "{function}: {lines:?}");
        assert_eq!(lines.len(), 2 * MALFORMED.len(), "{function}: {lines:?}");
        for host in WELL_FORMED {
            let reply = call(&method, path, &body, host).await;
            reply.is(status);
            assert_ne!(reply.json["code"], "invalid_request", "{function}: {}", reply.text);
        }
    }
    stack.stop().await;
}
