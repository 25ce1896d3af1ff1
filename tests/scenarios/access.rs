//! Access to routes and accounts (docs/api.md, Routes): tokens, scopes and accounts, at the gateway and behind it.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, credits, enhance, send};

/// The routes of an account, each with the scope it needs.
fn account_routes(account: &str) -> Vec<(Method, String, Value, &'static str)> {
    let path = |rest: &str| format!("/v1/accounts/{account}{rest}");
    vec![
        (Method::GET, path(""), Value::Null, "credits:read"),
        (Method::GET, path("/entries"), Value::Null, "credits:read"),
        (Method::GET, path("/usage"), Value::Null, "credits:read"),
        (Method::POST, path("/quotes"), enhance(1), "credits:read"),
        (Method::POST, path("/debits"), enhance(1), "credits:debit"),
        (Method::POST, path("/holds"), enhance(1), "credits:debit"),
        (Method::GET, path("/holds/h"), Value::Null, "credits:read"),
        (Method::POST, path("/holds/h/capture"), json!({}), "credits:settle"),
        (Method::POST, path("/holds/h/release"), json!({}), "credits:settle"),
        (Method::POST, path("/debits/d/reversals"), json!({}), "credits:settle"),
    ]
}

#[tokio::test]
async fn every_account_route_wants_the_scope_and_the_account() {
    let api = Api::with_playground(10).await;
    let before = api.statement().await.len();
    let account = api.account.clone();
    let stranger = Api::new();
    for (method, path, body, scope) in account_routes(&account) {
        let call = |token: Option<String>| {
            let mut request = reqwest::Client::new()
                .request(method.clone(), format!("{}{path}", api.stack.base_url()))
                .header("idempotency-key", "not-mine");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            send(if body.is_null() { request } else { request.json(&body) })
        };
        let issue = |subject: &str, scopes: &[&str], hours: i64| {
            Some(api.stack.tokens().issue(subject, scopes, TimeDelta::hours(hours)))
        };
        let other_scope = if scope == "credits:read" { "credits:debit" } else { "credits:read" };
        // A refusal of the gateway has the gateway's form.
        call(None).await.is(401);
        call(Some("not.a.token".to_owned())).await.is(401);
        call(issue(&account, &[scope], -1)).await.is(401);
        call(issue(&account, &[], 1)).await.is(403);
        call(issue(&account, &[other_scope], 1)).await.is(403);
        call(issue(&account, &["credits:any-account"], 1)).await.is(403);
        call(issue("backend", &["credits:any-account", other_scope], 1)).await.is(403);
        // A refusal of the function: another's account, whether or not it exists.
        call(issue(&stranger.account, &[scope], 1)).await.is_problem(403, "forbidden");
        call(issue("", &[scope], 1)).await.is_problem(403, "forbidden");
    }
    for (_, path, body, scope) in account_routes("never-seen-account") {
        let mine = Api::new().with_token(&account, &[scope]);
        let reply = match path.as_str() {
            path if body.is_null() => mine.get(path).await,
            path => mine.post(path, Some("k"), &body).await,
        };
        reply.is_problem(403, "forbidden");
    }
    assert_eq!(api.statement().await.len(), before);
}

#[tokio::test]
async fn a_backend_may_use_any_account() {
    let api = Api::with_playground(10)
        .await
        .with_token("backend", &["credits:read", "credits:debit", "credits:settle", "credits:any-account"]);
    api.debit("d", &enhance(4)).await.is(201);
    api.reverse("d", "r", &json!({})).await.is(201);
    assert_eq!(api.balance().await, credits(10, 0, 0));
    api.quote(&enhance(1)).await.is(200);
    // A malformed id is refused as such, if the caller may name any account.
    for id in ["a%20b", "a,b", "%C3%BC", "a%zz", "a%7", "a%257Cb", &"x".repeat(129)] {
        api.get(&format!("/v1/accounts/{id}")).await.is_problem(400, "invalid_request");
    }
}

/// Behind the gateway the functions check again: no claims, no service.
#[tokio::test]
async fn an_event_without_claims_gets_nothing() {
    let api = Api::with_playground(10).await;
    let before = api.statement().await.len();
    for (function, route, rest) in [
        ("quote", "GET /v1/accounts/{account_id}", ""),
        ("quote", "GET /v1/accounts/{account_id}/entries", "/entries"),
        ("quote", "GET /v1/accounts/{account_id}/usage", "/usage"),
        ("quote", "POST /v1/accounts/{account_id}/quotes", "/quotes"),
        ("debit", "POST /v1/accounts/{account_id}/debits", "/debits"),
        ("debit", "POST /v1/accounts/{account_id}/holds", "/holds"),
        ("quote", "GET /v1/accounts/{account_id}/holds/{hold_id}", "/holds/h"),
        ("debit", "POST /v1/accounts/{account_id}/holds/{hold_id}/capture", "/holds/h/capture"),
        ("debit", "POST /v1/accounts/{account_id}/holds/{hold_id}/release", "/holds/h/release"),
        ("refund", "POST /v1/accounts/{account_id}/debits/{debit_id}/reversals", "/debits/d/reversals"),
    ] {
        for (authorizer, status) in [
            (Value::Null, 401),
            (json!({}), 401),
            (json!({"jwt": {"claims": {}, "scopes": null}}), 403),
            (json!({"jwt": {"claims": {"sub": api.account}, "scopes": null}}), 403),
        ] {
            let mut event = json!({
                "version": "2.0", "routeKey": route, "rawPath": api.path(rest), "rawQueryString": "",
                "headers": {"content-type": "application/json", "idempotency-key": "k"},
                "pathParameters": {"account_id": api.account, "debit_id": "d", "hold_id": "h"},
                "requestContext": {
                    "routeKey": route, "stage": "$default", "requestId": "r", "timeEpoch": 1_795_000_000_000_i64,
                    "http": {"method": route.split(' ').next(), "path": api.path(rest), "protocol": "HTTP/1.1"},
                },
                "body": enhance(1).to_string(), "isBase64Encoded": false,
            });
            if !authorizer.is_null() {
                event["requestContext"]["authorizer"] = authorizer;
            }
            let answer = api.stack.invoke(function, event).await.unwrap();
            assert_eq!(answer["statusCode"], status, "{route}: {answer}");
            let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            let code = if status == 401 { "unauthenticated" } else { "forbidden" };
            assert_eq!(body["code"], code, "{route}");
        }
    }
    assert_eq!(api.statement().await.len(), before);
}

#[tokio::test]
async fn the_scope_of_the_action_is_enough() {
    let api = Api::with_playground(10).await;
    api.debit("d", &enhance(1)).await.is(201);
    let own = api.account.clone();
    let api = api.with_token(&own, &["credits:read"]);
    api.get(&api.path("")).await.is(200);
    api.get(&api.path("/entries")).await.is(200);
    api.get(&api.path("/usage")).await.is(200);
    api.quote(&enhance(1)).await.is(200);
    let api = api.with_token(&own, &["credits:debit"]);
    api.debit("e", &enhance(1)).await.is(201);
    for hold in ["h", "i"] {
        api.hold(hold, &enhance(1)).await.is(201);
    }
    // An end user's token could make work free.
    api.reverse("d", "r", &json!({})).await.is(403);
    api.capture("h", &json!({})).await.is(403);
    api.release("h").await.is(403);
    let api = api.with_token(&own, &["credits:settle"]);
    api.reverse("d", "r", &json!({})).await.is(201);
    api.capture("h", &json!({})).await.is(200);
    api.release("i").await.is(200);
    api.debit("f", &enhance(1)).await.is(403);
    api.hold("j", &enhance(1)).await.is(403);
}

/// A caller without access learns nothing else: 403 comes before any other fault of the request.
#[tokio::test]
async fn a_stranger_is_refused_before_the_request_is_looked_at() {
    let api = Api::new();
    api.get("/v1/accounts/a%20b").await.is_problem(403, "forbidden");
    api.get("/v1/accounts/another/entries?limit=0").await.is_problem(403, "forbidden");
    api.get("/v1/accounts/another/usage?from=never").await.is_problem(403, "forbidden");
    api.get("/v1/accounts/another/holds/a%20b").await.is_problem(403, "forbidden");
    for path in [
        "/quotes",
        "/debits",
        "/debits/a%20b/reversals",
        "/holds",
        "/holds/a%20b/capture",
        "/holds/h/release",
    ] {
        let reply = api.post(&format!("/v1/accounts/another{path}"), None, &json!([])).await;
        reply.is_problem(403, "forbidden");
    }
}

/// An event of an account's route, as the gateway hands it on.
fn account_event(api: &Api, epoch_ms: i64, authorizer: &Value) -> Value {
    let route = "GET /v1/accounts/{account_id}";
    json!({
        "version": "2.0", "routeKey": route, "rawPath": api.path(""), "rawQueryString": "", "headers": {},
        "pathParameters": {"account_id": api.account},
        "requestContext": {
            "routeKey": route, "stage": "$default", "requestId": "r", "timeEpoch": epoch_ms,
            "http": {"method": "GET", "path": api.path(""), "protocol": "HTTP/1.1"}, "authorizer": authorizer,
        },
        "isBase64Encoded": false,
    })
}

#[tokio::test]
async fn a_401_says_how_to_authenticate() {
    let api = Api::new();
    let answer = api.stack.invoke("quote", account_event(&api, 1, &json!({}))).await.unwrap();
    assert_eq!(answer["statusCode"], 401, "{answer}");
    assert_eq!(answer["headers"]["www-authenticate"], "Bearer", "{answer}");
    assert_eq!(answer["headers"]["cache-control"], "no-store", "{answer}");
}

#[tokio::test]
async fn an_event_without_a_time_is_of_now() {
    let api = Api::new();
    let own = json!({"jwt": {"claims": {"sub": api.account, "scope": "credits:read"}, "scopes": null}});
    for (epoch_ms, is_then) in [(0, false), (-1, false), (1, true)] {
        let event = account_event(&api, epoch_ms, &own);
        let answer = api.stack.invoke("quote", event).await.unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["period"] == "1970-01", is_then, "{epoch_ms}: {body}");
    }
}
