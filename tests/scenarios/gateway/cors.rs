//! The CORS headers that the gateway sends to pages of other origins.

use super::bench::Bench;
use reqwest::{Method, Response};
use scrip_local::cors::{Cors, Lists};
use serde_json::{Value, json};

const APP: &str = "https://app.example.com";

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

fn cors(origins: &[&str]) -> Cors {
    let lists = Lists {
        origins: list(origins),
        methods: list(&["GET", "POST"]),
        headers: list(&["authorization", "idempotency-key"]),
        exposed: list(&["location", "etag"]),
    };
    Cors::new(lists, Some(600)).unwrap()
}

/// The CORS headers of an answer, sorted.
fn cors_headers(response: &Response) -> Vec<String> {
    let headers = response.headers().iter();
    let cors = headers.filter(|(name, _)| name.as_str().starts_with("access-control-"));
    let mut cors: Vec<_> = cors.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    cors.sort();
    cors
}

/// A function that sends CORS headers of its own, which the gateway must replace.
async fn bench(origins: &[&str]) -> Bench {
    Bench::start_for_pages(cors(origins), |_| {
        Ok(json!({
            "statusCode": 200,
            "headers": {
                "Access-Control-Allow-Origin": "https://evil.example.com",
                "Access-Control-Allow-Credentials": "true",
                "ETag": "\"1\"",
            },
        }))
    })
    .await
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_gateway() {
    for (origins, origin, allowed) in [
        (&["*"][..], APP, Some("*")),
        (&["https://example.com", APP], APP, Some(APP)),
        (&["https://*"], APP, Some(APP)),
        (&["https://*"], "http://app.example.com", None),
        (&["https://*"], "httpsx://app.example.com", None),
        (&["https://example.com"], APP, None),
        (&[APP], "https://app.example.com.evil.example.com", None),
    ] {
        let bench = bench(origins).await;
        // Without a token, on a route that asks for one, on one that there isn't, and with the wrong method.
        for path in ["/any", "/open/1", "/nowhere"] {
            let preflight = bench
                .request(Method::OPTIONS, path)
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization");
            let response = preflight.send().await.unwrap();
            assert_eq!(response.status(), 204, "{path}");
            assert!(response.headers().contains_key("apigw-requestid"), "{path}");
            let expected = allowed.map(|allowed| {
                [
                    "access-control-allow-headers: authorization,idempotency-key".to_owned(),
                    "access-control-allow-methods: GET,POST".to_owned(),
                    format!("access-control-allow-origin: {allowed}"),
                    "access-control-max-age: 600".to_owned(),
                ]
            });
            assert_eq!(
                cors_headers(&response),
                expected.map(Vec::from).unwrap_or_default(),
                "{origins:?} {origin}"
            );
            assert_eq!(response.text().await.unwrap(), "");
        }
    }
}

#[tokio::test]
async fn an_options_that_is_no_preflight_learns_nothing() {
    let bench = bench(&["*"]).await;
    for (name, value) in [("Origin", APP), ("Access-Control-Request-Method", "POST")] {
        let request = bench.request(Method::OPTIONS, "/open/1").header(name, value);
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), cors_headers(&response)), (204, Vec::new()), "{name}");
    }
}

#[tokio::test]
async fn the_configuration_sets_the_cors_headers_and_not_the_function() {
    let exposed = "access-control-expose-headers: location,etag".to_owned();
    for (origins, origin, expected) in [
        (&["*"][..], Some(APP), vec!["access-control-allow-origin: *".to_owned(), exposed.clone()]),
        (&[APP], Some(APP), vec![format!("access-control-allow-origin: {APP}"), exposed]),
        (&[APP], Some("https://other.example.com"), Vec::new()),
        (&["*"], None, Vec::new()),
    ] {
        let bench = bench(origins).await;
        // An answer, and a refusal of the gateway's own: a page must be able to read why.
        for (path, status) in [("/open/1", 200), ("/any", 401), ("/nowhere", 404)] {
            let request = bench.request(Method::GET, path);
            let request =
                origin.into_iter().fold(request, |request, origin| request.header("Origin", origin));
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(cors_headers(&response), expected, "{path} {origins:?} {origin:?}");
            assert_eq!(response.headers().contains_key("etag"), status == 200);
        }
    }
}

#[tokio::test]
async fn without_a_configuration_the_function_sets_the_cors_headers() {
    let answer = json!({ "statusCode": 200, "headers": { "Access-Control-Allow-Origin": "*" } });
    let bench = Bench::start(move |_: Value| Ok(answer.clone())).await;
    let response = bench.request(Method::GET, "/open/1").header("Origin", APP).send().await.unwrap();
    assert_eq!(cors_headers(&response), ["access-control-allow-origin: *"]);
    let preflight = bench.request(Method::OPTIONS, "/open/1").header("Origin", APP);
    let preflight = preflight.header("Access-Control-Request-Method", "GET").send().await.unwrap();
    assert_eq!((preflight.status().as_u16(), cors_headers(&preflight)), (404, Vec::new()));
}
