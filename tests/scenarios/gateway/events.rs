//! What event the gateway makes of a request.

use super::bench::{Bench, assert_refused, json_of};
use reqwest::Method;
use scrip_local::clock;
use serde_json::{Value, json};

#[tokio::test]
async fn an_event_is_what_api_gateway_sends() {
    let bench = Bench::start(Ok).await;
    let event = json_of(
        bench
            .request(Method::POST, "/things/a%20b/parts/p%C3%A9?x=1&y=a+b&x=%2F2&empty")
            .bearer_auth(bench.token(&["things:write", "other"]))
            .header("Local-Time", "2026-11-30T23:59:59.250+00:00")
            .header("X-Twice", "one")
            .header("X-Twice", "two")
            .header("Cookie", "a=1; b=2")
            .header("User-Agent", "tests/1.0")
            .header("Content-Type", "application/json; charset=utf-8")
            .body(r#"{"n":1}"#),
    )
    .await;
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "POST /things/{id}/parts/{part}");
    assert_eq!(event["rawPath"], "/things/a b/parts/pé", "the path is decoded");
    assert_eq!(event["rawQueryString"], "x=1&y=a+b&x=%2F2&empty");
    assert_eq!(event["queryStringParameters"], json!({ "x": "1,/2", "y": "a b", "empty": "" }));
    assert_eq!(event["pathParameters"], json!({ "id": "a b", "part": "pé" }));
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["body"], r#"{"n":1}"#);
    assert_eq!(event["isBase64Encoded"], false);
    let headers = event["headers"].as_object().unwrap();
    assert_eq!(headers["x-twice"], "one,two");
    assert_eq!(headers["x-forwarded-proto"], "https");
    for absent in ["local-time", "cookie"] {
        assert!(!headers.contains_key(absent), "{absent}");
    }

    let context = &event["requestContext"];
    assert_eq!(context["time"], "30/Nov/2026:23:59:59 +0000");
    assert_eq!(context["timeEpoch"], 1_796_083_199_250_i64);
    assert_eq!(context["stage"], "$default");
    assert_eq!(context["routeKey"], event["routeKey"]);
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["path"], "/things/a b/parts/pé");
    assert_eq!(context["http"]["protocol"], "HTTP/1.1");
    assert_eq!(context["http"]["userAgent"], "tests/1.0");
    let jwt = &context["authorizer"]["jwt"];
    assert_eq!(jwt["scopes"], json!(["things:write", "other"]));
    assert_eq!(jwt["claims"]["sub"], "someone");
    assert_eq!(jwt["claims"]["scope"], "things:write other");
    assert!(jwt["claims"]["exp"].is_string(), "every claim is a string");
}

#[tokio::test]
async fn a_path_is_decoded_once() {
    let bench = Bench::start(Ok).await;
    for (sent, decoded) in [
        ("auth0|5f7c", "auth0|5f7c"),
        ("auth0%7C5f7c", "auth0|5f7c"),
        ("auth0%7c5f7c", "auth0|5f7c"),
        ("auth0%257C5f7c", "auth0%7C5f7c"),
        ("auth0%25257C5f7c", "auth0%257C5f7c"),
        ("user%40example.com", "user@example.com"),
        ("a+b%2Bc", "a+b+c"),
        // Malformed escapes stay as they are.
        ("a%zz", "a%zz"),
        ("a%7", "a%7"),
    ] {
        let event = json_of(bench.request(Method::GET, &format!("/open/{sent}"))).await;
        assert_eq!(event["pathParameters"], json!({ "id": decoded }), "{sent}");
        assert_eq!(event["rawPath"], format!("/open/{decoded}"), "{sent}");
        assert_eq!(event["requestContext"]["http"]["path"], event["rawPath"], "{sent}");
    }
}

#[tokio::test]
async fn an_event_leaves_out_what_a_request_lacks() {
    let bench = Bench::start(Ok).await;
    let before = clock::now().timestamp_millis();
    let event = json_of(bench.request(Method::POST, "/open").bearer_auth("whatever")).await;
    for absent in ["queryStringParameters", "pathParameters", "cookies", "body"] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    assert_eq!(event["rawQueryString"], "");
    let context = &event["requestContext"];
    assert!(context.get("authorizer").is_none(), "a public route has none, whatever the caller sends");
    let epoch = context["timeEpoch"].as_i64().unwrap();
    assert!((before..=clock::now().timestamp_millis()).contains(&epoch));

    let token = bench.tokens.sign(&json!({
        "iss": "https://issuer.example/", "aud": ["there", "here"], "exp": 9_999_999_999_i64, "admin": true,
    }));
    let event = json_of(bench.request(Method::GET, "/any").bearer_auth(token)).await;
    let jwt = &event["requestContext"]["authorizer"]["jwt"];
    let claims = json!({
        "iss": "https://issuer.example/", "aud": "[there here]", "exp": "9999999999", "admin": "true",
    });
    assert_eq!(jwt["claims"], claims);
    assert_eq!(jwt["scopes"], Value::Null, "the route asks for none");
}

#[tokio::test]
async fn bodies_are_text_or_base64() {
    let bench = Bench::start(Ok).await;
    let utf8 = "é".as_bytes();
    for (content_type, bytes, body, encoded) in [
        (Some("application/json"), utf8, "é", false),
        (Some("APPLICATION/JSON;charset=utf-8"), utf8, "é", false),
        (Some("application/problem+json"), utf8, "é", false),
        (Some("application/atom+xml"), utf8, "é", false),
        (Some("application/xml"), utf8, "é", false),
        (Some("application/javascript"), utf8, "é", false),
        (Some("text/csv"), utf8, "é", false),
        (Some("application/json"), &[0xff, 0x00][..], "/wA=", true),
        (Some("application/octet-stream"), utf8, "w6k=", true),
        (Some("application/x-www-form-urlencoded"), b"a=b", "YT1i", true),
        (Some("image/png"), &[0x89][..], "iQ==", true),
        (None, b"{}", "e30=", true),
    ] {
        let mut request = bench.request(Method::POST, "/open").body(bytes.to_vec());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let event = json_of(request).await;
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!(body), &json!(encoded)),
            "{content_type:?}"
        );
    }
}

#[tokio::test]
async fn the_most_specific_route_answers() {
    let bench = Bench::start(Ok).await;
    for (path, route) in [
        ("/open/fixed", "GET /open/fixed"),
        ("/open/1", "GET /open/{id}"),
        ("/open/%66ixed", "GET /open/fixed"),
    ] {
        assert_eq!(json_of(bench.request(Method::GET, path)).await["routeKey"], route);
    }
    for path in ["/", "/open", "/open/", "/open/1/", "/open/1/2", "/open/1%2F2", "//open/1", "/OPEN/1"] {
        assert_refused(bench.get(path).await, 404, "Not Found").await;
    }
    for method in [Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
        let status = bench.request(method.clone(), "/open/1").send().await.unwrap().status();
        assert_eq!(status, 404, "{method}");
    }
}
