//! What identity providers call users and scopes, and what callers call their work (docs/identity.md):
//! subjects as accounts in paths, scopes in each of their forms, prefixes, claims of one's own, keys in quotes.

mod recipes;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method};
use scrip_local::{
    Options, Stack, clock,
    stack::StartError,
    tokens::{AUDIENCE, ISSUER},
};
use serde_json::{Value, json};

use crate::api::{Api, Reply, credits, enhance, send};

/// What common providers name their users, and whose name differs from each by one character.
const SUBJECTS: [(&str, &str); 6] = [
    ("auth0|5f7c8ec7c33c6c004bbafe82", "auth0:5f7c8ec7c33c6c004bbafe82"),
    ("google-oauth2|104234567890123456789", "google-oauth2|104234567890123456780"),
    ("user@example.com", "User@example.com"),
    ("f:1b2c:ann", "f:1b2c:anna"),
    ("first.last+tag~1=x", "first.last-tag~1=x"),
    ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f932"),
];

/// Every character that can be percent-encoded is.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn subjects_are_accounts_as_they_are_and_encoded() {
    for (subject, other) in SUBJECTS {
        let mut api = Api::new().with_token(subject, &["credits:read", "credits:debit", "credits:settle"]);
        api.account = subject.to_owned();
        api.buy("basic_monthly").await;
        assert_eq!(api.debit("job:42|a.b", &enhance(4)).await.is(201).json["account_id"], subject);
        let paths = [subject.to_owned(), encoded(subject), encoded(subject).to_lowercase()];
        for account in &paths {
            let path = |rest: &str| format!("/v1/accounts/{account}{rest}");
            assert_eq!(api.get(&path("")).await.is(200).json["balance"], credits(996, 0, 0), "{account}");
            assert_eq!(
                api.get(&path("/entries")).await.is(200).json["entries"][0]["reference"],
                "job:42|a.b"
            );
            api.post(&path("/quotes"), None, &enhance(1)).await.is(200);
            // The same account, so the same debit.
            let again = api.post(&path("/debits"), Some("job:42|a.b"), &enhance(4)).await;
            assert_eq!(again.is(201).header("idempotent-replayed"), Some("true"), "{account}");
        }
        for account in [other.to_owned(), encoded(other)] {
            api.get(&format!("/v1/accounts/{account}")).await.is_problem(403, "forbidden");
            let debits = format!("/v1/accounts/{account}/debits");
            api.post(&debits, Some("k"), &enhance(1)).await.is_problem(403, "forbidden");
        }
        // Encoded twice it is another text, and no id; nor is what isn't well encoded.
        let twice = encoded(&encoded(subject));
        for account in [twice, format!("{subject}%"), format!("{subject}%7"), format!("%zz{subject}")] {
            api.get(&format!("/v1/accounts/{account}")).await.is_problem(400, "invalid_request");
        }
        assert_eq!(api.statement().await.len(), 2, "{subject}");
    }
}

#[tokio::test]
async fn a_location_leads_back_to_its_debit_or_hold() {
    for (account, key, location) in [
        ("loc-auth0|1", "job:42", "/v1/accounts/loc-auth0%7C1/debits/job:42"),
        ("loc-user@example.com", "a|b", "/v1/accounts/loc-user@example.com/debits/a%7Cb"),
        ("loc-a+b=c", "x.y~z", "/v1/accounts/loc-a+b=c/debits/x.y~z"),
    ] {
        let mut api = Api::new().with_token(account, &["credits:read", "credits:debit", "credits:settle"]);
        api.account = account.to_owned();
        api.buy("basic_monthly").await;
        let debit = api.debit(key, &enhance(2)).await;
        assert_eq!(debit.is(201).header("location"), Some(location));
        assert_eq!(debit.json["debit_id"], key);
        let reversal = api.post(&format!("{location}/reversals"), Some("r"), &json!({})).await;
        assert_eq!(reversal.is(201).json["debit_id"], key);
        // A hold's leads back to it, and below it are its capture and release. Its key may be in quotes.
        let key = format!("{key}.hold");
        let hold = api.hold(&format!("\"{key}\""), &enhance(2)).await;
        let location = location.replace("/debits/", "/holds/") + ".hold";
        assert_eq!(hold.is(201).header("location"), Some(&*location));
        assert_eq!(api.hold(&key, &enhance(2)).await.text, hold.text);
        assert_eq!(api.get(&location).await.is(200).json["hold_id"], key);
        let capture = api.post(&format!("{location}/capture"), None, &json!({"images": 1})).await;
        assert_eq!(capture.is(200).json["hold_id"], key);
        let release = api.post(&format!("{location}/release"), None, &json!({})).await;
        release.is_problem(409, "hold_settled");
        // The id of a debit or hold is decoded once too.
        for twice in ["/debits/a%257Cb/reversals", "/holds/a%257Cb/capture", "/holds/a%257Cb/release"] {
            api.post(&api.path(twice), Some("s"), &json!({})).await.is_problem(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn an_account_id_has_up_to_128_characters_and_a_purchases_up_to_255() {
    let api = Api::new();
    let own = |length: usize| "|".repeat(length);
    for (length, status) in [(1, 200), (128, 200), (129, 400)] {
        // A token for any account: whose id is too long has none.
        let backend = Api::new().with_token("backend", &["credits:read", "credits:any-account"]);
        assert_eq!(backend.get(&format!("/v1/accounts/{}", own(length))).await.status, status, "{length}");
    }
    let support = api.with_token("support", &["credits:refund"]);
    for (purchase, code) in [
        ("p".repeat(255), (404, "purchase_not_found")),
        ("p".repeat(256), (400, "invalid_request")),
        ("p.1".to_owned(), (400, "invalid_request")),
    ] {
        let path = support.path(&format!("/purchases/{purchase}/refund"));
        support.post(&path, None, &json!({"reason": "asked"})).await.is_problem(code.0, code.1);
    }
}

/// A token with those claims beside what the gateway asks for.
fn token(stack: &Stack, claims: &Value) -> String {
    let now = clock::now();
    let expires = now + TimeDelta::hours(1);
    let mut all = json!({
        "iss": ISSUER, "aud": AUDIENCE, "iat": now.timestamp(), "exp": expires.timestamp(),
    });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    stack.tokens().sign(&all)
}

async fn get(stack: &Stack, account: &str, claims: &Value) -> Reply {
    let url = format!("{}/v1/accounts/{account}", stack.base_url());
    send(Client::new().request(Method::GET, url).bearer_auth(token(stack, claims))).await
}

#[tokio::test]
async fn scopes_come_in_scope_or_scp_as_a_string_or_a_list() {
    let api = Api::new();
    let sub = &api.account;
    for (claims, status) in [
        (json!({"sub": sub, "scope": "openid credits:read"}), 200),
        (json!({"sub": sub, "scope": ["openid", "credits:read"]}), 200),
        (json!({"sub": sub, "scp": "openid credits:read"}), 200),
        (json!({"sub": sub, "scp": ["openid", "credits:read"]}), 200),
        (json!({"sub": sub, "scp": ["credits:read"]}), 200),
        (json!({"sub": sub, "scope": "openid", "scp": ["credits:read"]}), 200),
        (json!({"sub": "backend", "scp": ["credits:read", "credits:any-account"]}), 200),
        (json!({"sub": sub, "scp": ["credits:debit"]}), 403),
        (json!({"sub": sub, "scp": []}), 403),
        (json!({"sub": sub, "scp": ["credits:reads", "xcredits:read"]}), 403),
        (json!({"sub": sub, "scp": {"credits:read": true}}), 403),
        (json!({"sub": sub, "scope": ["[credits:read]"]}), 403),
        (json!({"sub": sub, "roles": ["credits:read"]}), 403),
        (json!({"sub": "other", "scp": ["credits:read"]}), 403),
    ] {
        let reply = get(api.stack, sub, &claims).await;
        assert_eq!(reply.status, status, "{claims}: {}", reply.text);
    }
}

/// The function's own check of claims, past the gateway.
async fn function_status(stack: &Stack, account: &str, claims: &Value) -> Value {
    let route = "GET /v1/accounts/{account_id}";
    let event = json!({
        "version": "2.0", "routeKey": route, "rawPath": format!("/v1/accounts/{account}"), "rawQueryString": "",
        "headers": {}, "pathParameters": {"account_id": account}, "isBase64Encoded": false,
        "requestContext": {
            "routeKey": route, "stage": "$default", "requestId": "r", "timeEpoch": 1,
            "http": {"method": "GET", "path": format!("/v1/accounts/{account}"), "protocol": "HTTP/1.1"},
            "authorizer": {"jwt": {"claims": claims, "scopes": null}},
        },
    });
    stack.invoke("quote", event).await.unwrap()["statusCode"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_may_prefix_scopes_and_name_the_accounts_claim() {
    let parameters =
        BTreeMap::from([("AccountClaim", "username".to_owned()), ("ScopePrefix", "scrip/".to_owned())]);
    let stack = Stack::start(Options { instances: 1, parameters, ..Options::default() }).await.unwrap();
    let ann = "user@example.com";
    for (claims, status) in [
        (json!({"username": ann, "sub": "f2a1", "scope": "scrip/credits:read"}), 200),
        (json!({"username": ann, "scope": "openid scrip/credits:read"}), 200),
        (json!({"username": ann, "scp": "[scrip/credits:debit scrip/credits:read]"}), 200),
        (json!({"username": "bob", "scope": "scrip/credits:read scrip/credits:any-account"}), 200),
        (json!({"username": ann, "scope": "credits:read"}), 403),
        (json!({"username": ann, "scope": "scrip/credits:debit credits:read"}), 403),
        (json!({"username": ann, "scope": "other/credits:read"}), 403),
        (json!({"username": "bob", "scope": "scrip/credits:read credits:any-account"}), 403),
        (json!({"username": "bob", "sub": ann, "scope": "scrip/credits:read"}), 403),
        (json!({"sub": ann, "scope": "scrip/credits:read"}), 403),
        (json!({"username": "", "scope": "scrip/credits:read"}), 403),
    ] {
        assert_eq!(function_status(&stack, ann, &claims).await, status, "{claims}");
        // The gateway asks for the same names. It makes a list's text itself.
        if claims.get("scp").is_none() {
            assert_eq!(get(&stack, ann, &claims).await.status, status, "{claims}");
        }
    }
    let list = json!({"username": ann, "scp": ["scrip/credits:debit", "scrip/credits:read"]});
    get(&stack, ann, &list).await.is(200);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_cannot_tell_its_callers_apart_does_not_start() {
    for (name, value) in [("AccountClaim", ""), ("AccountClaim", "a b"), ("ScopePrefix", "[scrip")] {
        let parameters = BTreeMap::from([(name, value.to_owned())]);
        let started = Stack::start(Options { instances: 1, parameters, ..Options::default() }).await;
        assert!(matches!(started, Err(StartError::Function(_))), "{name}={value}: {started:?}");
    }
}

#[tokio::test]
async fn keys_are_the_same_in_quotes_and_bare() {
    let api = Api::with_playground(10).await;
    let before = api.statement().await.len();
    for (index, key) in ["8e03978e-40d5-43e8-bc93-6894a57f9324", "job:42", "x.y", "k|1", &"k".repeat(128)]
        .into_iter()
        .enumerate()
    {
        let quoted = format!("\"{key}\"");
        // Either may come first.
        let (first, second) = if index % 2 == 0 { (key, &*quoted) } else { (&*quoted, key) };
        let taken = api.debit(first, &enhance(1)).await;
        assert_eq!(
            (taken.is(201).header("idempotent-replayed"), &taken.json["debit_id"]),
            (None, &json!(key))
        );
        let again = api.debit(second, &enhance(1)).await;
        assert_eq!(again.is(201).header("idempotent-replayed"), Some("true"), "{key}");
        assert_eq!(again.text, taken.text);
        api.debit(second, &enhance(2)).await.is_problem(422, "idempotency_key_reused");
        let back = api.reverse(&encoded(key), first, &json!({})).await;
        assert_eq!((&back.is(201).json["debit_id"], &back.json["reversal_id"]), (&json!(key), &json!(key)));
        let again = api.reverse(&encoded(key), second, &json!({})).await;
        assert_eq!(again.is(201).header("idempotent-replayed"), Some("true"), "{key}");
    }
    for key in [
        "\"\"",
        "\"",
        "\"a",
        "a\"",
        "\"a\\\"b\"",
        "\"a\\\\b\"",
        "\"a\";b=1",
        "\"a\", \"b\"",
        "'a'",
        "\"a b\"",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([format!("\"{}\"", "k".repeat(129)), "%61".to_owned()])
    {
        api.debit(&key, &enhance(1)).await.is_problem(400, "invalid_idempotency_key");
    }
    assert_eq!(api.statement().await.len(), before + 10);
    assert_eq!(api.balance().await, credits(10, 0, 0));
}
