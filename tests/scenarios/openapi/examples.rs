//! The examples in the document are real: they fit its schemas, and what is answered to those of requests is
//! what the examples of answers of the same names show.

use std::collections::BTreeSet;

use chrono::{DateTime, Months, TimeDelta, Utc};
use reqwest::{Client, Method, RequestBuilder};
use scrip_local::{clock, docs, gateway, seed, stack::WEBHOOK_SECRET};
use scrip_stripe_model::signature::sign;
use serde_json::{Value, json};

use super::{Operation, assert_valid, at, members, operations, resolved, schema};
use crate::api::{Api, Reply, send};

/// The largest body that the service takes (docs/rules.md, Keys and ids); the gateway takes more.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The same of the webhook.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

#[test]
fn examples_fit_their_schemas() {
    let mut seen = 0;
    let mut check = |media: &Value, what: &str| {
        let schema = &media["schema"];
        for (name, example) in members(&media["examples"]) {
            assert_valid(schema, at(example, &["value"]), &format!("{what}, {name}"));
            seen += 1;
        }
        if let Some(example) = media.get("example") {
            assert_valid(schema, example, what);
            seen += 1;
        }
    };
    for operation in operations() {
        for parameter in &operation.parameters {
            assert!(parameter.get("example").is_some(), "{}: {}", operation.route, parameter["name"]);
            check(parameter, &operation.route);
        }
        for (_, media) in members(at(operation.body, &["requestBody", "content"])) {
            check(media, &operation.route);
        }
        for (status, response) in operation.responses() {
            for (_, media) in members(&response["content"]) {
                check(media, &format!("{} {status}", operation.route));
            }
            for (name, header) in members(&response["headers"]) {
                check(resolved(header), &format!("{} {status} {name}", operation.route));
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

/// An answer of the document: its status and its body.
fn answer(operation: &Operation, name: &str) -> (u16, Value) {
    let mut answers = Vec::new();
    for (status, response) in operation.responses() {
        for (_, media) in members(&response["content"]) {
            let named = media["examples"].get(name).map(|example| at(example, &["value"]).clone());
            answers.extend(named.map(|body| (status, body)));
        }
    }
    assert_eq!(answers.len(), 1, "{}: {name} is the example of one answer", operation.route);
    answers.remove(0)
}

/// An account as in the examples: on the standard plan, with a tune pack whose images are spent.
async fn account() -> Api {
    let api = Api::new();
    let now = clock::now();
    let next_year = now.checked_add_months(Months::new(12)).unwrap();
    for (purchase, sku) in [("seed-plan", "standard_monthly"), ("seed-tune-pack", "tune_pack")] {
        seed::buy(&api.ledger(), (&api.account, purchase), sku, next_year, now).await.unwrap();
    }
    api.debit("setup", &json!({"operation": "tune_images", "prompts": 8})).await.is(201);
    api
}

/// The debit that the example of a path names.
async fn take(api: &Api) {
    let work = json!({"operation": "text_to_image", "width": 768, "height": 512, "steps": 80, "images": 2});
    api.debit("job-1", &work).await.is(201);
}

/// The hold that the example of a path names.
async fn hold(api: &Api) {
    api.hold("job-2", &json!({"operation": "upscale", "factor": 4, "images": 4})).await.is(201);
}

/// A call as the examples of the parameters make it, but for one header, on that account and by a token of that
/// route's scopes.
fn call(operation: &Operation, api: &Api, instead: Option<&(&str, String)>) -> RequestBuilder {
    let scopes = operation.scopes();
    let request = unauthorized(operation, api, instead);
    if scopes.is_empty() { request } else { request.bearer_auth(token(api, &api.account, &scopes)) }
}

fn token(api: &Api, subject: &str, scopes: &[&str]) -> String {
    api.stack.tokens().issue(subject, scopes, TimeDelta::hours(1))
}

/// The same without a token.
fn unauthorized(operation: &Operation, api: &Api, instead: Option<&(&str, String)>) -> RequestBuilder {
    let mut path = operation.path.to_owned();
    let (mut query, mut headers) = (form_urlencoded::Serializer::new(String::new()), Vec::new());
    for parameter in &operation.parameters {
        let name = parameter["name"].as_str().unwrap();
        let example = &parameter["example"];
        let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        match parameter["in"].as_str().unwrap() {
            "path" if name == "account_id" => path = path.replace("{account_id}", &api.account),
            "path" => {
                let example = example.replace("demo-standard", &api.account);
                path = path.replace(&format!("{{{name}}}"), &example);
            }
            "query" => {
                query.append_pair(name, &example);
            }
            _ => match instead {
                Some((header, value)) if *header == name => headers.push((name, value.clone())),
                _ => headers.push((name, example)),
            },
        }
    }
    let method = Method::from_bytes(operation.method.to_uppercase().as_bytes()).unwrap();
    let url = format!("{}{path}?{}", api.stack.base_url(), query.finish());
    let mut request = Client::new().request(method, url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request
}

/// Holds an answer to what the document says of its status: the type, the schema and the headers.
#[track_caller]
fn assert_documented(operation: &Operation, reply: &Reply) {
    let what = format!("{}: {}", operation.route, reply.text);
    let (_, response) = operation.responses().find(|(status, _)| *status == reply.status).expect(&what);
    let content_type = reply.header("content-type").expect(&what);
    assert_valid(&response["content"].get(content_type).expect(&what)["schema"], &reply.json, &what);
    for (name, header) in members(&response["headers"]).map(|(name, header)| (name, resolved(header))) {
        match reply.header(name) {
            Some(value) => assert_valid(&header["schema"], &json!(value), name),
            None => assert_ne!(header["required"], true, "{what}: {name} is missing"),
        }
    }
}

/// How long a hold lasts; none if it isn't the answer to one.
fn seconds_held(answer: &Value) -> Option<i64> {
    let time = |field: &str| answer[field].as_str()?.parse::<DateTime<Utc>>().ok();
    Some((time("expires_at")? - time("created_at")?).num_seconds())
}

#[tokio::test]
async fn requests_are_answered_as_the_examples_show() {
    for operation in operations().iter().filter(|operation| operation.request_examples().next().is_some()) {
        for (name, example) in operation.request_examples() {
            let (status, expected) = answer(operation, name);
            let api = account().await;
            if operation.path.contains("{debit_id}") {
                take(&api).await;
            }
            if operation.path.contains("{hold_id}") {
                hold(&api).await;
            }
            let body = example.to_string().replace("demo-standard", &api.account);
            let instead = if operation.path.contains("/webhooks/") {
                Some(("Stripe-Signature", sign(&[WEBHOOK_SECRET], clock::now(), &body)))
            } else {
                // A reversal has a key of its own.
                expected["reversal_id"].as_str().map(|key| ("Idempotency-Key", key.to_owned()))
            };
            let request = call(operation, &api, instead.as_ref()).header("content-type", "application/json");
            let reply = send(request.body(body)).await;
            assert_eq!(reply.status, status, "{}, {name}: {}", operation.route, reply.text);
            assert_documented(operation, &reply);
            let text = reply.text.replace(&api.account, "demo-standard");
            let mut answered: Value = serde_json::from_str(&text).unwrap();
            // The times aren't the same each time; what lies between them is.
            assert_eq!(seconds_held(&answered), seconds_held(&expected), "{}, {name}", operation.route);
            for field in ["created_at", "expires_at"] {
                if let Some(time) = answered.get_mut(field) {
                    *time = expected[field].clone();
                }
            }
            assert_eq!(answered, expected, "{}, {name}", operation.route);
        }
    }
}

#[tokio::test]
async fn what_is_read_is_as_documented() {
    let api = account().await;
    take(&api).await;
    hold(&api).await;
    for operation in operations().iter().filter(|operation| operation.method == "get") {
        let reply = send(call(operation, &api, None)).await;
        reply.is(200);
        assert_documented(operation, &reply);
    }
}

/// Holds an answer to what is documented, and to one of the examples there.
#[track_caller]
fn assert_shown(operation: &Operation, reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}: {}", operation.route, reply.text);
    assert_documented(operation, reply);
    let (_, response) = operation.responses().find(|(documented, _)| *documented == status).unwrap();
    let media = &response["content"][reply.header("content-type").unwrap()];
    let is_shown = members(&media["examples"]).any(|(_, example)| at(example, &["value"]) == &reply.json);
    assert!(is_shown, "{}: no example is {}", operation.route, reply.text);
}

#[tokio::test]
async fn refusals_are_as_the_examples_show() {
    let api = account().await;
    for operation in operations() {
        let scopes = operation.scopes();
        let call = |held: Option<(&str, &[&str])>| {
            let request = unauthorized(&operation, &api, None).json(&json!({}));
            match held {
                Some((subject, scopes)) => request.bearer_auth(token(&api, subject, scopes)),
                None => request,
            }
        };
        if !scopes.is_empty() {
            assert_shown(&operation, &send(call(None)).await, 401);
            assert_shown(&operation, &send(call(Some((&api.account, &[])))).await, 403);
            // Support refunds and adjusts on any account.
            if scopes != ["credits:refund"] && scopes != ["credits:adjust"] {
                assert_shown(&operation, &send(call(Some(("another", &scopes)))).await, 403);
            }
        }
        if operation.method == "post" {
            let call = || call(Some((&api.account, &scopes)));
            let is_webhook = operation.path.contains("/webhooks/");
            let bytes_max = if is_webhook { EVENT_BYTES_MAX } else { BODY_BYTES_MAX };
            for bytes in [bytes_max + 1, gateway::BODY_BYTES_MAX + 1] {
                assert_shown(&operation, &send(call().body("x".repeat(bytes))).await, 413);
            }
            if !is_webhook {
                let typed = unauthorized(&operation, &api, None).header("content-type", "text/plain");
                let typed = typed.bearer_auth(token(&api, &api.account, &scopes)).body("{}");
                assert_shown(&operation, &send(typed).await, 415);
            }
        }
        // The gateway knows no 405.
        let reply = send(Client::new().delete(format!("{}{}", api.stack.base_url(), operation.path))).await;
        assert_eq!(reply.is(404).json, json!({"message": "Not Found"}));
    }
}

#[test]
fn every_operation_has_an_example() {
    for (path, of) in [
        ("/v1/quotes", "QuoteRequest"),
        ("/v1/accounts/{account_id}/quotes", "QuoteRequest"),
        ("/v1/accounts/{account_id}/debits", "DebitRequest"),
        ("/v1/accounts/{account_id}/holds", "HoldRequest"),
    ] {
        let mapping = &schema(of)["discriminator"]["mapping"];
        let all: BTreeSet<_> = members(mapping).map(|(name, _)| name).collect();
        let body =
            at(&docs::document()["paths"][path]["post"], &["requestBody", "content", "application/json"]);
        let examples = members(&body["examples"]).map(|(_, example)| at(example, &["value"]));
        let shown: BTreeSet<_> = examples.filter_map(|example| example["operation"].as_str()).collect();
        assert_eq!(shown, all, "{path}");
    }
}
