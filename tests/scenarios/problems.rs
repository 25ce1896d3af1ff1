//! Every code of a problem (docs/api.md, Errors), and bad input of every kind, through real HTTP and real binaries:
//! the documented problem comes back and nothing is left behind.

use std::time::{Duration, Instant};

use axum::{Router, http::StatusCode};
use chrono::TimeDelta;
use reqwest::Method;
use scrip_local::{Options, Stack};
use serde_json::{Value, json};

use crate::api::{Api, Reply, credits, enhance, send};

/// Bodies that are no debit, and what they get.
const BAD_BODIES: [(&str, u16, &str); 41] = [
    ("", 400, "invalid_request"),
    ("{", 400, "invalid_request"),
    ("null", 400, "invalid_request"),
    ("[]", 400, "invalid_request"),
    ("\"download\"", 400, "invalid_request"),
    ("[\"download\"]", 400, "invalid_request"),
    ("{}", 400, "invalid_request"),
    (r#"{"operation":null}"#, 400, "invalid_request"),
    (r#"{"operation":4}"#, 400, "invalid_request"),
    (r#"{"operation":"video"}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance"} x"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","images":"1"}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","images":null}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","images":[1]}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","images":1.5}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","images":NaN}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","images":1e999}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","images":1,"images":2}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","colour":"red"}"#, 400, "invalid_request"),
    (r#"{"operation":"download","images":1}"#, 400, "invalid_request"),
    (r#"{"operation":"upscale"}"#, 400, "invalid_request"),
    (r#"{"operation":"text_to_image","width":512}"#, 400, "invalid_request"),
    (r#"{"operation":"train_tune","if_short":1}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","expected_credits":{"playground":1}}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","expected_credits":1}"#, 400, "invalid_request"),
    (r#"{"operation":"face_enhance","expected_credits":null}"#, 400, "invalid_request"),
    (
        r#"{"operation":"face_enhance","expected_credits":{"playground":-1,"tune":0,"tune_image":0}}"#,
        400,
        "invalid_request",
    ),
    (r#"{"operation":"face_enhance","images":0}"#, 422, "unsupported_operation"),
    (r#"{"operation":"face_enhance","images":-1}"#, 422, "unsupported_operation"),
    (r#"{"operation":"face_enhance","images":101}"#, 422, "unsupported_operation"),
    (r#"{"operation":"face_enhance","images":9223372036854775808}"#, 422, "unsupported_operation"),
    (r#"{"operation":"face_enhance","images":99999999999999999999999999}"#, 422, "unsupported_operation"),
    (r#"{"operation":"face_enhance","images":-1e300}"#, 422, "unsupported_operation"),
    (r#"{"operation":"upscale","factor":3}"#, 422, "unsupported_operation"),
    (r#"{"operation":"train_tune","prompts":9}"#, 422, "unsupported_operation"),
    (r#"{"operation":"train_tune","if_short":"later"}"#, 422, "unsupported_operation"),
    (r#"{"operation":"tune_images","prompts":0}"#, 422, "unsupported_operation"),
    (r#"{"operation":"text_to_image","width":0,"height":512}"#, 422, "unsupported_operation"),
    (r#"{"operation":"text_to_image","width":1025,"height":512}"#, 422, "unsupported_operation"),
    (r#"{"operation":"text_to_image","width":512,"height":512,"steps":0}"#, 422, "unsupported_operation"),
    (r#"{"operation":"text_to_image","width":512,"height":512,"steps":151}"#, 422, "unsupported_operation"),
];

#[tokio::test]
async fn bad_bodies_are_refused_and_leave_nothing_behind() {
    let api = Api::with_playground(500).await;
    let before = api.statement().await;
    for (body, status, code) in BAD_BODIES {
        for route in ["/debits", "/holds", "/quotes"] {
            let reply = raw(&api, route, "application/json", body.as_bytes().to_vec()).await;
            // A quote refuses expected_credits as any other unknown field.
            reply.is_problem(status, code);
        }
    }
    for depth in [127, 100_000 / 2] {
        let nested = format!("{{\"operation\":{}{}", "[".repeat(depth), "]".repeat(depth / 10));
        raw(&api, "/debits", "application/json", nested.into_bytes())
            .await
            .is_problem(400, "invalid_request");
    }
    for bytes in [&b"{\"operation\":\"\xff\xfe\"}"[..], b"\xef\xbb\xbf{\"operation\":\"download\"}", b"\0"] {
        raw(&api, "/debits", "application/json", bytes.to_vec()).await.is_problem(400, "invalid_request");
    }
    assert_eq!(api.statement().await, before);
}

#[tokio::test]
async fn a_body_is_json_by_its_type_and_at_most_64_kib() {
    let api = Api::with_playground(500).await;
    let before = api.statement().await.len();
    let padded = |length: usize| {
        let mut body = enhance(1).to_string();
        body.push_str(&" ".repeat(length - body.len()));
        body.into_bytes()
    };
    for (content_type, length, status, code) in [
        ("application/json", 65_536, 201, ""),
        ("application/json; charset=utf-8", 100, 201, ""),
        ("Application/JSON", 100, 201, ""),
        ("application/json", 65_537, 413, "payload_too_large"),
        ("application/json", 1_000_000, 413, "payload_too_large"),
        ("text/plain", 100, 415, "unsupported_media_type"),
        ("application/octet-stream", 100, 415, "unsupported_media_type"),
        ("application/jsonp", 100, 415, "unsupported_media_type"),
        ("", 100, 415, "unsupported_media_type"),
    ] {
        let reply = raw(&api, "/debits", content_type, padded(length)).await;
        if status == 201 {
            reply.is(201);
        } else {
            reply.is_problem(status, code);
        }
    }
    // The three that were taken had the same key.
    assert_eq!(api.statement().await.len(), before + 1);
}

async fn raw(api: &Api, route: &str, content_type: &str, body: Vec<u8>) -> Reply {
    let mut request = api.request(Method::POST, &api.path(route)).header("idempotency-key", "bad").body(body);
    if !content_type.is_empty() {
        request = request.header("content-type", content_type);
    }
    send(request).await
}

#[tokio::test]
async fn a_base64_body_is_the_same_body() {
    let api = Api::with_playground(10).await;
    let event = |body: &str| {
        json!({
            "version": "2.0", "routeKey": "POST /v1/accounts/{account_id}/debits",
            "rawPath": api.path("/debits"), "rawQueryString": "",
            "headers": {"content-type": "application/json", "idempotency-key": "b64"},
            "pathParameters": {"account_id": api.account},
            "requestContext": {
                "routeKey": "POST /v1/accounts/{account_id}/debits", "stage": "$default",
                "requestId": "r", "timeEpoch": 1_795_000_000_000_i64,
                "http": {"method": "POST", "path": api.path("/debits"), "protocol": "HTTP/1.1"},
                "authorizer": {"jwt": {"claims": {"sub": api.account, "scope": "credits:debit"}, "scopes": null}},
            },
            "body": body, "isBase64Encoded": true,
        })
    };
    // {"operation":"face_enhance"}
    let answer = api.stack.invoke("debit", event("eyJvcGVyYXRpb24iOiJmYWNlX2VuaGFuY2UifQ==")).await.unwrap();
    assert_eq!(answer["statusCode"], 201, "{answer}");
    // A body that is no base64 is no event of a gateway: the function fails, and goes on to serve.
    assert!(api.stack.invoke("debit", event("%%%")).await.is_err());
    api.debit("b64", &json!({"operation": "face_enhance"})).await.is(201);
    assert_eq!(api.balance().await, credits(9, 0, 0));
}

#[tokio::test]
async fn keys_are_required_and_are_ids() {
    let api = Api::with_playground(10).await;
    let before = api.statement().await.len();
    let debits = api.path("/debits");
    api.post(&debits, None, &enhance(1)).await.is_problem(400, "idempotency_key_required");
    let too_long = "k".repeat(129);
    for key in ["", " ", "a b", "a,b", "\"quoted", "a#b", "a/b", "ü", &too_long] {
        api.post(&debits, Some(key), &enhance(1)).await.is_problem(400, "invalid_idempotency_key");
    }
    let twice = api.request(Method::POST, &debits).json(&enhance(1));
    let twice = send(twice.header("idempotency-key", "a").header("idempotency-key", "b")).await;
    twice.is_problem(400, "invalid_idempotency_key");
    assert_eq!(api.statement().await.len(), before);
    api.post(&debits, Some(&"k".repeat(128)), &enhance(1)).await.is(201);
    let reversals = format!("{debits}/{}/reversals", "k".repeat(128));
    api.post(&reversals, None, &json!({})).await.is_problem(400, "idempotency_key_required");
    api.post(&reversals, Some("a b"), &json!({})).await.is_problem(400, "invalid_idempotency_key");
    let holds = api.path("/holds");
    api.post(&holds, None, &enhance(1)).await.is_problem(400, "idempotency_key_required");
    api.post(&holds, Some("a b"), &enhance(1)).await.is_problem(400, "invalid_idempotency_key");
}

#[tokio::test]
async fn bad_reversals_are_refused() {
    let api = Api::with_playground(10).await;
    api.debit("d", &enhance(10)).await.is(201);
    let before = api.statement().await.len();
    for body in [
        json!({"credits": credits(0, 0, 0)}),
        json!({"credits": credits(-1, 0, 0)}),
        json!({"credits": {"playground": 1}}),
        json!({"credits": null}),
        json!({"reason": "x".repeat(201)}),
        json!({"amount": 1}),
        json!([]),
    ] {
        api.reverse("d", "r", &body).await.is_problem(400, "invalid_request");
    }
    api.reverse("not%20an%20id", "r", &json!({})).await.is_problem(400, "invalid_request");
    assert_eq!(api.statement().await.len(), before);
}

/// Bodies that end no hold, each of a route, and the hold's unit is images.
const BAD_SETTLEMENTS: [(&str, &str); 19] = [
    ("capture", ""),
    ("capture", "null"),
    ("capture", "[]"),
    ("capture", "{"),
    ("capture", r#"{"images":0}"#),
    ("capture", r#"{"images":-1}"#),
    ("capture", r#"{"images":1.5}"#),
    ("capture", r#"{"images":"1"}"#),
    ("capture", r#"{"images":null}"#),
    ("capture", r#"{"images":-9223372036854775809}"#),
    ("capture", r#"{"images":1,"images":1}"#),
    ("capture", r#"{"images":1,"prompts":1}"#),
    ("capture", r#"{"prompts":0}"#),
    ("capture", r#"{"credits":{"playground":1,"tune":0,"tune_image":0}}"#),
    ("release", ""),
    ("release", "null"),
    ("release", "[]"),
    ("release", r#"{"images":1}"#),
    ("release", r#"{"reason":"it failed"}"#),
];

#[tokio::test]
async fn bad_captures_and_releases_are_refused_and_the_hold_stays_open() {
    let api = Api::with_playground(10).await;
    api.hold("h", &enhance(4)).await.is(201);
    let before = api.statement().await;
    for (settle, body) in BAD_SETTLEMENTS {
        let reply =
            raw(&api, &format!("/holds/h/{settle}"), "application/json", body.as_bytes().to_vec()).await;
        reply.is_problem(400, "invalid_request");
    }
    for settle in ["capture", "release"] {
        let route = format!("/holds/h/{settle}");
        raw(&api, &route, "text/plain", b"{}".to_vec()).await.is_problem(415, "unsupported_media_type");
        let long = vec![b' '; 65_537];
        raw(&api, &route, "application/json", long).await.is_problem(413, "payload_too_large");
        let odd = api.path(&format!("/holds/not%20an%20id/{settle}"));
        api.post(&odd, None, &json!({})).await.is_problem(400, "invalid_request");
    }
    api.held_work("not%20an%20id").await.is_problem(400, "invalid_request");
    assert_eq!(api.statement().await, before);
    assert_eq!(api.held_work("h").await.is(200).json["status"], "held");
}

#[tokio::test]
async fn a_route_that_is_not_a_functions_is_not_found() {
    let api = Api::new();
    for function in ["quote", "debit", "refund"] {
        let event = json!({
            "version": "2.0", "routeKey": "GET /v2/other", "rawPath": "/v2/other", "rawQueryString": "",
            "headers": {},
            "requestContext": {
                "routeKey": "GET /v2/other", "stage": "$default", "requestId": "r", "timeEpoch": 1,
                "http": {"method": "GET", "path": "/v2/other", "protocol": "HTTP/1.1"},
            },
            "isBase64Encoded": false,
        });
        let answer = api.stack.invoke(function, event).await.unwrap();
        assert_eq!(answer["statusCode"], 404, "{answer}");
    }
    // The gateway's own.
    assert_eq!(api.get("/v2/other").await.is(404).json, json!({"message": "Not Found"}));
}

/// A stack on another database than the embedded one.
async fn stack_on(database: Router) -> Stack {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let database_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, database).into_future());
    let options = Options { instances: 1, database_url: Some(database_url), ..Options::default() };
    Stack::start(options).await.unwrap()
}

async fn post(stack: &Stack, path: &str, body: Value) -> Reply {
    let token = stack.tokens().issue(
        "busy",
        &["credits:read", "credits:debit", "credits:settle"],
        TimeDelta::hours(1),
    );
    let request = reqwest::Client::new().post(format!("{}/v1/accounts/busy{path}", stack.base_url()));
    send(request.bearer_auth(token).header("idempotency-key", "k").json(&body)).await
}

/// A database that refuses every request like this.
fn refusing(error: &str, message: &str) -> Router {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{error}"), "message": message});
    let answer =
        (StatusCode::BAD_REQUEST, [("content-type", "application/x-amz-json-1.0")], body.to_string());
    Router::new().fallback(|| async { answer })
}

/// A database that is throttled for longer than anyone retries.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_table_says_try_again() {
    let stack = stack_on(refusing("ThrottlingException", "slow down")).await;
    for (path, body) in [
        ("/debits", enhance(1)),
        ("/debits/d/reversals", json!({})),
        ("/holds", enhance(1)),
        ("/holds/h/capture", json!({})),
        ("/holds/h/release", json!({})),
        ("/quotes", enhance(1)),
    ] {
        let reply = post(&stack, path, body).await;
        reply.is_problem(503, "try_again");
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    // Requests that need no database are answered still.
    let quote = reqwest::Client::new().post(format!("{}/v1/quotes", stack.base_url())).json(&enhance(1));
    send(quote).await.is(200);
    stack.stop().await;
}

/// A database that takes requests and never answers: the function gives up before it is given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_hangs_says_try_again_in_time() {
    let stack = stack_on(Router::new().fallback(std::future::pending::<()>)).await;
    let started = Instant::now();
    post(&stack, "/debits", enhance(1)).await.is_problem(503, "try_again");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_error_is_explained_in_the_log_only() {
    let denied = refusing("AccessDeniedException", "User: arn:aws:iam::1:role/x may not");
    let stack = stack_on(denied).await;
    let reply = post(&stack, "/debits", enhance(1)).await;
    reply.is_problem(500, "internal");
    assert!(!reply.text.contains("arn:") && !reply.text.contains("AccessDenied"), "{}", reply.text);
    let lines = stack.logs().of("debit");
    let parsed = lines.iter().rev().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let line = parsed.into_iter().find(|line| line["level"].is_string()).expect("a line");
    let logged = (&line["level"], &line["outcome"], &line["status"]);
    assert_eq!(logged, (&json!("ERROR"), &json!("internal"), &json!(500)), "{line}");
    assert!(line["cause"].as_str().unwrap().contains("AccessDenied"), "{line}");
    assert!(!lines.concat().contains("Bearer"), "{lines:?}");
    stack.stop().await;
}
