use scrip_accounts::DebitId;
use serde_json::json;

use super::*;

/// A call as the gateway hands it on, of a caller who may read any account.
fn call(account_id: &str, headers: &serde_json::Value, body: &str) -> ApiRequest {
    let event = json!({
        "version": "2.0", "routeKey": "POST /", "rawPath": "/", "rawQueryString": "", "headers": headers,
        "pathParameters": {"account_id": account_id},
        "requestContext": {
            "stage": "$default", "timeEpoch": 1, "http": {"method": "POST", "path": "/", "protocol": "HTTP/1.1"},
            "authorizer": {"jwt": {"claims": {"sub": "auth0|5f7c", "scope": "credits:read"}, "scopes": null}},
        },
        "body": body, "isBase64Encoded": false,
    });
    ApiRequest::new(
        event::request(serde_json::from_value(event).unwrap(), lambda_http::Context::default()).unwrap(),
    )
}

#[test]
fn a_key_is_the_same_with_quotes_and_without() {
    let longest = "k".repeat(128);
    let quoted = |key: &str| format!("\"{key}\"");
    for (sent, key) in [
        ("a", Some("a")),
        ("\"a\"", Some("a")),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", Some("8e03978e-40d5-43e8-bc93-6894a57f9324")),
        ("\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", Some("8e03978e-40d5-43e8-bc93-6894a57f9324")),
        ("job:42", Some("job:42")),
        ("x.y", Some("x.y")),
        (&longest, Some(&longest)),
        (&quoted(&longest), Some(&longest)),
        (&quoted(&"k".repeat(129)), None),
        ("", None),
        ("\"\"", None),
        ("\"", None),
        ("\"a", None),
        ("a\"", None),
        ("\"a\"b\"", None),
        (r#""a\"b""#, None),
        (r#""a\\b""#, None),
        ("\"a\";x=1", None),
        ("\"a\",\"b\"", None),
        ("'a'", None),
        ("\" a\"", None),
        ("%61", None),
    ] {
        let read = call("a", &json!({"idempotency-key": sent}), "").idempotency_key::<DebitId>();
        match (read, key) {
            (Ok(read), Some(key)) => assert_eq!(read.as_str(), key, "{sent}"),
            (Err(problem), None) => assert_eq!(problem.code(), Code::InvalidIdempotencyKey, "{sent}"),
            (read, _) => panic!("{sent}: {read:?}"),
        }
    }
    let missing = call("a", &json!({}), "").idempotency_key::<DebitId>().unwrap_err();
    assert_eq!(missing.code(), Code::IdempotencyKeyRequired);
}

#[test]
fn an_account_is_compared_as_the_gateway_decoded_it() {
    for (account_id, code) in [
        ("auth0|5f7c", None),
        ("auth0|5f7d", Some(Code::Forbidden)),
        ("a b", Some(Code::Forbidden)),
        // What the caller encoded twice, and what is malformed.
        ("auth0%7C5f7c", Some(Code::InvalidRequest)),
        ("auth0%7", Some(Code::InvalidRequest)),
        ("auth0%zz5f7c", Some(Code::InvalidRequest)),
    ] {
        let read = call(account_id, &json!({}), "").authorized_account(Scope::Read);
        assert_eq!(read.map_err(|problem| problem.code()).err(), code, "{account_id}");
    }
    // The scope comes first.
    let problem = call("auth0%7", &json!({}), "").authorized_account(Scope::Debit).unwrap_err();
    assert_eq!(problem.code(), Code::Forbidden);
}

#[test]
fn a_body_has_the_limit_of_its_route() {
    let of = |bytes: usize| call("a", &json!({}), &"x".repeat(bytes));
    assert_eq!(of(64 * 1024).body().unwrap().len(), 64 * 1024);
    assert_eq!(of(1024 * 1024).body_up_to(1024 * 1024).unwrap().len(), 1024 * 1024);
    for (problem, detail) in [
        (of(64 * 1024 + 1).body().unwrap_err(), "Send at most 64 KiB (65536 bytes)."),
        (of(1024 * 1024 + 1).body_up_to(1024 * 1024).unwrap_err(), "Send at most 1024 KiB (1048576 bytes)."),
    ] {
        assert_eq!((problem.code(), &problem.body()["detail"]), (Code::PayloadTooLarge, &json!(detail)));
    }
}
