use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
};

use aws_config::{BehaviorVersion, SdkConfig};
use lambda_http::http::StatusCode;
use scrip_ledger::Ledger;
use serde_json::{Value, json};

use super::*;
use crate::{ApiRequest, ApiResponse};

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn events_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn sample(name: &str) -> Value {
    read_json(&events_folder().join(name))
}

/// The sample events of requests, and more of what is well-formed.
fn well_formed() -> Vec<Value> {
    let paths = fs::read_dir(events_folder()).unwrap().map(|entry| entry.unwrap().path());
    let samples = paths.filter(|path| path.is_file()).map(|path| read_json(&path));
    let mut events: Vec<_> = samples.filter(|event| event["requestContext"].is_object()).collect();
    assert!(events.len() > 10, "{}", events.len());
    let mut vary = |vary: &dyn Fn(&mut Value)| {
        let mut event = sample("entries.json");
        vary(&mut event);
        events.push(event);
    };
    for query in
        ["", "a", "a=", "=a", "&&", "a=1&a=2&b=3", "a=b+c%20d%2Be", "a=%zz&b=%", "a=%C3%BC%FF", "a=[b]{c}|d"]
    {
        vary(&|event| event["rawQueryString"] = json!(query));
    }
    for path in ["/", "", "//a/../b", "/a b/ü/%7C/%", "/a?b#c", "/\\[", "/:80@b"] {
        vary(&|event| event["rawPath"] = json!(path));
        vary(&|event| event["pathParameters"]["account_id"] = json!(path));
    }
    vary(&|event| event["pathParameters"] = json!(null));
    vary(&|event| event["headers"] = json!({}));
    vary(&|event| event["headers"]["x-odd"] = json!("\t ü"));
    vary(&|event| event["headers"]["host"] = json!("[::1]:3000"));
    vary(&|event| event["requestContext"]["http"]["method"] = json!("PATCH"));
    for (body, is_base64_encoded) in [
        (json!(null), false),
        (json!(null), true),
        (json!(""), false),
        (json!(""), true),
        (json!("/wD+"), true),
    ] {
        vary(&|event| {
            event["body"] = body.clone();
            event["isBase64Encoded"] = json!(is_base64_encoded);
        });
    }
    events
}

fn read(event: &Value) -> Request {
    request(serde_json::from_value(event.clone()).unwrap(), Context::default()).unwrap()
}

/// A query's names and values, by name; those of one name in their order.
fn pairs(query: &QueryMap) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    pairs.sort_by(|(left, _), (right, _)| left.cmp(right));
    pairs
}

#[test]
fn a_well_formed_request_is_what_lambda_http_makes_of_it() {
    for event in well_formed() {
        let expected = lambda_http::request::from_str(&event.to_string()).unwrap();
        let read = read(&event);
        assert!(check_host(read.headers()).is_ok(), "{event}");
        assert_eq!(read.method(), expected.method(), "{event}");
        assert_eq!(read.headers(), expected.headers(), "{event}");
        assert_eq!(read.body(), expected.body(), "{event}");
        assert_eq!(
            pairs(&read.query_string_parameters()),
            pairs(&expected.query_string_parameters()),
            "{event}"
        );
        assert_eq!(pairs(&read.path_parameters()), pairs(&expected.path_parameters()), "{event}");
        let context = |request: &Request| serde_json::to_value(request.request_context()).unwrap();
        assert_eq!(context(&read), context(&expected), "{event}");
    }
}

#[test]
fn a_request_has_the_context_of_its_invocation() {
    let mut context = Context::default();
    context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned());
    let event = serde_json::from_value(sample("quote.json")).unwrap();
    let request = request(event, context.clone()).unwrap();
    assert_eq!(request.lambda_context_ref().unwrap().xray_trace_id, context.xray_trace_id);
}

/// A ledger that nothing asks.
fn ledger() -> Ledger {
    Ledger::new(&SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build(), "nothing")
}

/// The status and the detail that a request gets, of which the route would answer 200.
async fn answer(ledger: &Ledger, event: &Value) -> (u16, String) {
    let request = ApiRequest::new(read(event));
    let is_routed = Cell::new(false);
    let route = async {
        is_routed.set(true);
        Ok(ApiResponse::empty(StatusCode::OK))
    };
    let response = request.answer(ledger, route).await;
    let status = response.status().as_u16();
    assert_eq!(is_routed.get(), status == 200, "{event}");
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    assert!(status == 200 || body["code"] == "invalid_request", "{event}: {body}");
    (status, body["detail"].as_str().unwrap_or_default().to_owned())
}

/// The event with a header set, or without it.
fn with_header(event: &Value, name: &str, value: Option<&str>) -> Value {
    let mut event = event.clone();
    match value {
        Some(value) => event["headers"][name] = json!(value),
        None => drop(event["headers"].as_object_mut().unwrap().remove(name)),
    }
    event
}

/// What decides no answer, though `lambda_http` makes a URL of it, and panics on some.
fn indifferent() -> Vec<Value> {
    let event = sample("entries.json");
    let mut events = vec![event.clone()];
    for scheme in [None, Some("a b"), Some("javascript"), Some("")] {
        events.push(with_header(&event, "x-forwarded-proto", scheme));
    }
    let mut vary = |vary: &dyn Fn(&mut Value)| {
        let mut event = event.clone();
        vary(&mut event);
        events.push(event);
    };
    for domain in [json!(null), json!(""), json!("a b"), json!("[::1"), json!("a:65536")] {
        vary(&|event| event["requestContext"]["domainName"] = domain.clone());
    }
    for path in
        [json!(null), json!(""), json!("@:/"), json!(":65536"), json!("/\u{0}\n"), json!("/a b?c#d/ü%")]
    {
        vary(&|event| event["rawPath"] = path.clone());
    }
    for query in [json!(null), json!("a b"), json!("\u{0}\n"), json!("#?[ü]\"<>"), json!("%")] {
        vary(&|event| event["rawQueryString"] = query.clone());
    }
    vary(&|event| event["queryStringParameters"] = json!({"limit": []}));
    events
}

#[tokio::test]
async fn a_host_is_well_formed_or_the_request_is_invalid() {
    let long = "a".repeat(300);
    let hosts = [
        (None, 200),
        (Some("abcdefghij.execute-api.us-east-1.amazonaws.com"), 200),
        (Some("localhost"), 200),
        (Some("a_b"), 200),
        (Some("A-1."), 200),
        (Some("127.0.0.1:3000"), 200),
        (Some("1.2.3.256"), 200),
        (Some("xn--a"), 200),
        (Some("[::1]"), 200),
        (Some("[::1]:80"), 200),
        (Some("a:"), 200),
        (Some("a:0"), 200),
        (Some("a:65535"), 200),
        (Some("a:00080"), 200),
        (Some(&*long), 200),
        (Some(""), 400),
        (Some(" "), 400),
        (Some("a b"), 400),
        (Some(" a"), 400),
        (Some("a\tb"), 400),
        (Some("[::1"), 400),
        (Some("::1]"), 400),
        (Some("::1"), 400),
        (Some("[::1]80"), 400),
        (Some("[::1]:65536"), 400),
        (Some("a:65536"), 400),
        (Some("a:99999999999999999999"), 400),
        (Some("a:+80"), 400),
        (Some("a:-1"), 400),
        (Some("a:b"), 400),
        (Some("a:80:80"), 400),
        (Some(":80"), 400),
        (Some(":"), 400),
        (Some("a/b"), 400),
        (Some("a?b"), 400),
        (Some("a#b"), 400),
        (Some("a\\b"), 400),
        (Some("a%b"), 400),
        (Some("é"), 400),
        (Some("user@host"), 400),
        (Some("host@host:80"), 400),
        (Some("user:password@host:80"), 400),
        (Some("@host"), 400),
        (Some("host@"), 400),
        (Some("https://host"), 400),
    ];
    let ledger = ledger();
    for event in indifferent() {
        for (host, expected) in hosts {
            let (status, detail) = answer(&ledger, &with_header(&event, "host", host)).await;
            assert_eq!(status, expected, "{host:?}: {event}");
            assert_eq!(
                detail.starts_with("The Host header is malformed. "),
                expected == 400,
                "{host:?}: {detail}"
            );
        }
    }
    // One that is sent twice is malformed if either is.
    for (sent, expected) in [(["a", "b"], 200), (["a", "a b"], 400), (["a b", "a"], 400)] {
        let mut event = sample("entries.json");
        event["headers"]["host"] = json!(sent);
        assert_eq!(answer(&ledger, &event).await.0, expected, "{sent:?}");
    }
}

#[test]
fn a_body_that_cannot_be_decoded_is_the_gateways_mistake() {
    for (body, decoded) in [
        ("e30=", Some("{}")),
        ("", Some("")),
        ("e30", None),
        ("{}", None),
        ("%%%", None),
        ("e3\n0=", None),
        ("é", None),
    ] {
        let mut event = sample("quote.json");
        (event["body"], event["isBase64Encoded"]) = (json!(body), json!(true));
        let request = request(serde_json::from_value(event).unwrap(), Context::default());
        match (request, decoded) {
            (Ok(request), Some(decoded)) => assert_eq!(**request.body(), *decoded.as_bytes(), "{body}"),
            (Err(error), None) => {
                let error = error.to_string();
                assert!(error.starts_with("the event's body isn't in Base64"), "{error}");
            }
            (request, _) => panic!("{body}: {request:?}"),
        }
    }
}

#[test]
fn a_query_is_read_however_odd_it_is() {
    for (query, expected) in [
        ("limit=20", &[("limit", "20")][..]),
        ("a b=c d", &[("a b", "c d")]),
        ("a=ü#?&a=\u{0}", &[("a", "ü#?"), ("a", "\u{0}")]),
        ("a=%", &[("a", "%")]),
    ] {
        let mut event = sample("entries.json");
        event["rawQueryString"] = json!(query);
        let expected: Vec<_> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(pairs(&read(&event).query_string_parameters()), expected, "{query}");
    }
}
