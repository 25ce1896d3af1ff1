//! What response the gateway makes of a function's answer, or of none.

use super::bench::{Bench, assert_refused};
use scrip_local::invocations::FunctionError;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn answers_become_responses() {
    let bench = Bench::start(|_| {
        Ok(json!({
            "statusCode": 201,
            "headers": { "location": "/here", "x-count": 3, "content-length": "999" },
            "multiValueHeaders": { "x-many": ["a", "b"], "location": ["/there"] },
            "cookies": ["a=1; Secure", "b=2"],
            "body": "w6k=",
            "isBase64Encoded": true,
        }))
    })
    .await;
    let response = bench.get("/open/1").await;
    assert_eq!(response.status(), 201);
    let all = |name: &str| {
        response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(all("location"), ["/there"]);
    assert_eq!(all("x-count"), ["3"]);
    assert_eq!(all("x-many"), ["a", "b"]);
    assert_eq!(all("set-cookie"), ["a=1; Secure", "b=2"]);
    assert_eq!(all("content-type"), ["text/plain;charset=UTF-8"], "where the function says none");
    assert_eq!(all("apigw-requestid").len(), 1);
    assert_eq!(response.text().await.unwrap(), "é");
}

#[tokio::test]
async fn answers_in_no_form_are_bodies_and_broken_ones_are_errors() {
    for (answer, status, body) in [
        (json!({ "hello": "world" }), 200, r#"{"hello":"world"}"#),
        (json!("hello"), 200, "hello"),
        (json!([1, 2]), 200, "[1,2]"),
        (json!({ "statusCode": "204" }), 204, ""),
        (json!({ "statusCode": 200, "body": null, "headers": null }), 200, ""),
        (json!({ "statusCode": 99 }), 500, r#"{"message":"Internal Server Error"}"#),
        (json!({ "statusCode": "ok" }), 500, r#"{"message":"Internal Server Error"}"#),
        (json!({ "statusCode": 200, "body": {} }), 500, r#"{"message":"Internal Server Error"}"#),
        (json!({ "statusCode": 200, "headers": ["a"] }), 500, r#"{"message":"Internal Server Error"}"#),
        (
            json!({ "statusCode": 200, "headers": { "a b": "c" } }),
            500,
            r#"{"message":"Internal Server Error"}"#,
        ),
        (
            json!({ "statusCode": 200, "body": "?", "isBase64Encoded": true }),
            500,
            r#"{"message":"Internal Server Error"}"#,
        ),
    ] {
        let bench = Bench::start({
            let answer = answer.clone();
            move |_| Ok(answer.clone())
        })
        .await;
        let response = bench.get("/open/1").await;
        assert_eq!(response.status(), status, "{answer}");
        assert_eq!(response.text().await.unwrap(), body, "{answer}");
    }
}

#[tokio::test]
async fn a_function_that_fails_is_an_error() {
    let bench = Bench::start(|_| Err(FunctionError::Ended("signal: 9".to_owned()))).await;
    assert_refused(bench.get("/open/1").await, 500, "Internal Server Error").await;
}

#[tokio::test]
async fn a_function_that_hangs_is_not_waited_for() {
    let bench = Bench::start_with(Duration::from_millis(30), |_| None).await;
    assert_refused(bench.get("/open/1").await, 503, "Service Unavailable").await;
}
