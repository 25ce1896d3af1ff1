//! The event that API Gateway makes of a request: payload format 2.0.
//!
//! Invariant: a function can't tell the event from one of AWS, except by the ids in it. As on AWS the
//! path, and so each of its parameters, is percent-decoded once (an encoded slash separates segments, a `+` stays),
//! header names are in lower case, repeated headers and query parameters are joined with commas, and every claim is a
//! string.

use crate::{template::AWS_ACCOUNT_ID, tokens};
use aws_smithy_types::base64;
use axum::http::{HeaderMap, Uri, Version, header, request::Parts};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    str,
};

/// The id of the API in `requestContext` and in its host name.
const API_ID: &str = "local";
const SOURCE_IP: &str = "127.0.0.1";

/// A request that the gateway admitted, on its way to a function.
#[derive(Debug)]
pub struct GatewayRequest<'a> {
    /// `POST /v1/quotes`.
    pub route_key: &'a str,
    /// The path, percent-decoded.
    pub path: &'a str,
    /// The values of the route's `{parameters}`.
    pub path_parameters: BTreeMap<String, String>,
    /// The claims of the token; none on a public route.
    pub claims: Option<&'a Map<String, Value>>,
    /// Whether the route asks for scopes, so that the event lists those of the token.
    pub scoped: bool,
    /// API Gateway's id for the request.
    pub request_id: &'a str,
    /// When API Gateway received it.
    pub received_at: DateTime<Utc>,
}

impl GatewayRequest<'_> {
    /// The request that a function makes of that event.
    ///
    /// # Panics
    /// If the event can't be parsed.
    #[must_use]
    pub fn request(&self, head: &Parts, body: &[u8]) -> lambda_http::Request {
        let event = serde_json::to_string(&self.event(head, body)).expect("an event has a JSON form");
        lambda_http::request::from_str(&event).expect("an event of the gateway's")
    }

    /// The event for the request with this head and body.
    #[must_use]
    pub fn event(&self, head: &Parts, body: &[u8]) -> Value {
        let domain = format!("{API_ID}.execute-api.localhost");
        let user_agent = head.headers.get(header::USER_AGENT).map(|value| lossy(value.as_bytes()));
        let mut context = json!({
            "accountId": AWS_ACCOUNT_ID,
            "apiId": API_ID,
            "domainName": domain,
            "domainPrefix": API_ID,
            "http": {
                "method": head.method.as_str(),
                "path": self.path,
                "protocol": if head.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
                "sourceIp": SOURCE_IP,
                "userAgent": user_agent.unwrap_or_default(),
            },
            "requestId": self.request_id,
            "routeKey": self.route_key,
            "stage": "$default",
            "time": self.received_at.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": self.received_at.timestamp_millis(),
        });
        if let Some(claims) = self.claims {
            let texts: Map<_, _> =
                claims.iter().map(|(name, value)| (name.clone(), Value::String(claim_text(value)))).collect();
            let scopes = self.scoped.then(|| tokens::scopes_of(claims));
            context["authorizer"] = json!({ "jwt": { "claims": texts, "scopes": scopes } });
        }
        let (body, is_base64_encoded) = body_text(&head.headers, body);
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route_key,
            "rawPath": self.path,
            "rawQueryString": head.uri.query().unwrap_or_default(),
            "headers": headers(&head.headers, self.request_id),
            "requestContext": context,
            "isBase64Encoded": is_base64_encoded,
        });
        // API Gateway leaves out what is empty.
        let cookies = cookies(&head.headers);
        if !cookies.is_empty() {
            event["cookies"] = json!(cookies);
        }
        let query = query_parameters(&head.uri);
        if !query.is_empty() {
            event["queryStringParameters"] = json!(query);
        }
        if !self.path_parameters.is_empty() {
            event["pathParameters"] = json!(self.path_parameters);
        }
        if let Some(body) = body {
            event["body"] = Value::String(body);
        }
        event
    }
}

/// The path of a request as API Gateway sees it.
#[must_use]
pub fn decoded_path(uri: &Uri) -> String {
    percent_decode_str(uri.path()).decode_utf8_lossy().into_owned()
}

fn headers(sent: &HeaderMap, request_id: &str) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for (name, value) in sent {
        // Cookies have a place of their own.
        if name != header::COOKIE {
            join(&mut headers, name.as_str().to_owned(), lossy(value.as_bytes()));
        }
    }
    headers.insert("x-amzn-trace-id".to_owned(), format!("Root={request_id}"));
    join(&mut headers, "x-forwarded-for".to_owned(), SOURCE_IP.to_owned());
    headers.insert("x-forwarded-port".to_owned(), "443".to_owned());
    headers.insert("x-forwarded-proto".to_owned(), "https".to_owned());
    headers
}

fn cookies(sent: &HeaderMap) -> Vec<String> {
    let sent = sent.get_all(header::COOKIE).iter();
    sent.flat_map(|value| lossy(value.as_bytes()).split("; ").map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn query_parameters(uri: &Uri) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        join(&mut parameters, decoded(name), decoded(value));
    }
    parameters
}

fn join(map: &mut BTreeMap<String, String>, name: String, value: String) {
    match map.entry(name) {
        Entry::Vacant(place) => {
            place.insert(value);
        }
        Entry::Occupied(mut place) => {
            place.get_mut().push(',');
            place.get_mut().push_str(&value);
        }
    }
}

/// The body as text where its type says that it is text and its bytes are; else in base64.
fn body_text(headers: &HeaderMap, body: &[u8]) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    match str::from_utf8(body) {
        Ok(text) if is_text(headers) => (Some(text.to_owned()), false),
        _ => (Some(base64::encode(body)), true),
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.starts_with("text/")
        || matches!(&*media_type, "application/json" | "application/javascript" | "application/xml")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
}

/// A claim as API Gateway writes it: lists in Go's form, `[a b]`.
fn claim_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(claim_text).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
