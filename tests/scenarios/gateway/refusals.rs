//! What the gateway refuses before any function runs.

use super::bench::{Bench, assert_refused, authorizer};
use chrono::TimeDelta;
use reqwest::Method;
use scrip_local::{clock, tokens::Tokens};
use serde_json::{Value, json};

#[tokio::test]
async fn tokens_must_be_right_in_every_way() {
    let bench = Bench::start(Ok).await;
    let now = clock::now().timestamp();
    let claims = |changes: Value| {
        let mut claims = json!({ "iss": "https://issuer.example/", "aud": "here", "exp": now + 60 });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        bench.tokens.sign(&claims)
    };
    let stranger = Tokens::new(authorizer()).issue("someone", &[], TimeDelta::minutes(5));
    let good = claims(json!({}));
    let (head, rest) = good.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", rest.split_once('.').unwrap().0);

    for token in [
        good.clone(),
        claims(json!({ "aud": ["there", "here"] })),
        claims(json!({ "aud": null, "client_id": "here" })),
        claims(json!({ "nbf": now - 5, "iat": now - 5 })),
    ] {
        assert_eq!(
            bench.request(Method::GET, "/any").bearer_auth(&token).send().await.unwrap().status(),
            200
        );
        let bare = bench.request(Method::GET, "/any").header("authorization", token).send().await.unwrap();
        assert_eq!(bare.status(), 200, "the scheme may be left out");
    }
    for (token, challenge) in [
        (String::new(), "Bearer"),
        ("nonsense".to_owned(), "malformed"),
        (format!("{head}.{}", rest.replace('.', "x.")), "invalid_token"),
        (unsigned, "invalid_token"),
        (stranger, "signature is invalid"),
        (claims(json!({ "exp": now - 1 })), "the token has expired"),
        (claims(json!({ "exp": null })), "lacks exp"),
        (claims(json!({ "nbf": now + 60 })), "not valid yet"),
        (claims(json!({ "iat": now + 60 })), "issued in the future"),
        (claims(json!({ "iss": "https://other.example/" })), "another issuer"),
        (claims(json!({ "iss": null })), "lacks exp or iss"),
        (claims(json!({ "aud": "there" })), "audience"),
        (claims(json!({ "aud": "there", "client_id": "here" })), "audience"),
        (claims(json!({ "aud": null })), "audience"),
    ] {
        // The time of the event does not matter for the token.
        let request = bench.request(Method::GET, "/any").header("Local-Time", "2001-01-01T00:00:00Z");
        let response = request.bearer_auth(&token).send().await.unwrap();
        let header = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(header.starts_with("Bearer") && header.contains(challenge), "{token}: {header}");
        assert_refused(response, 401, "Unauthorized").await;
    }
    let response = bench.get("/any").await;
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    assert_refused(response, 401, "Unauthorized").await;
}

#[tokio::test]
async fn one_of_the_scopes_of_a_route_is_enough() {
    let bench = Bench::start(Ok).await;
    let with = |token: String| {
        let request = bench.request(Method::POST, "/things/1/parts/2").bearer_auth(token);
        async { request.send().await.unwrap() }
    };
    let claims = |scopes: Value| {
        let mut claims =
            json!({ "iss": "https://issuer.example/", "aud": "here", "exp": clock::now().timestamp() + 60 });
        claims.as_object_mut().unwrap().extend(scopes.as_object().unwrap().clone());
        bench.tokens.sign(&claims)
    };
    for token in [
        bench.token(&["things:write"]),
        bench.token(&["other", "things:admin"]),
        claims(json!({ "scp": "things:write" })),
        claims(json!({ "scp": ["things:write"] })),
        claims(json!({ "scope": "other", "scp": "things:write" })),
        claims(json!({ "scope": "things:write", "scp": ["other"] })),
    ] {
        assert_eq!(with(token).await.status(), 200);
    }
    for token in [
        bench.token(&[]),
        bench.token(&["things:writ", "things:write:all", "Things:Write"]),
        claims(json!({})),
        claims(json!({ "scope": "other", "scp": "things:writ" })),
        claims(json!({ "scope": true, "scp": { "things:write": true } })),
    ] {
        assert_refused(with(token).await, 403, "Forbidden").await;
    }
}

#[tokio::test]
async fn a_body_may_have_ten_megabytes() {
    let bench = Bench::start(|event| Ok(json!(event["body"].as_str().unwrap().len()))).await;
    let send = |length: usize| {
        let request = bench.request(Method::POST, "/open").header("content-type", "text/plain");
        async move { request.body("x".repeat(length)).send().await.unwrap() }
    };
    let most = 10 * 1024 * 1024;
    assert_eq!(send(most).await.text().await.unwrap(), most.to_string());
    assert_refused(send(most + 1).await, 413, "Request Entity Too Large").await;
}

#[tokio::test]
async fn a_time_must_be_one() {
    let bench = Bench::start(Ok).await;
    for time in ["", "yesterday", "2026-11-30", "2026-11-30T23:59:59", "1796083199"] {
        let response = bench.request(Method::GET, "/open/1").header("Local-Time", time).send().await.unwrap();
        assert_refused(response, 400, "Local-Time must be a time as in 2026-11-30T23:59:59Z").await;
    }
}
