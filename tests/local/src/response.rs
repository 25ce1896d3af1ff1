//! The HTTP response that API Gateway makes of a function's answer (payload format 2.0), and the
//! refusals of its own.

use aws_smithy_types::base64;
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use serde_json::{Value, json};

/// A response of the gateway itself: `{"message": …}`.
///
/// # Panics
/// Never: every part of it is plain text.
#[must_use]
pub fn message(status: StatusCode, text: &str) -> Response<Body> {
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    response.body(Body::from(json!({ "message": text }).to_string())).expect("plain text")
}

/// API Gateway's answer for a function that failed or whose answer it can't read.
#[must_use]
pub fn internal_server_error() -> Response<Body> {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// The response that a function's answer stands for.
#[must_use]
pub fn from_answer(answer: &Value) -> Response<Body> {
    if answer.get("statusCode").is_none() {
        // An answer in no known form is the body itself: a string as it is, anything else as JSON.
        let body = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
        return text_response(StatusCode::OK, "application/json", body);
    }
    described(answer).unwrap_or_else(internal_server_error)
}

fn text_response(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// None where the answer breaks the format.
fn described(answer: &Value) -> Option<Response<Body>> {
    let status = match &answer["statusCode"] {
        Value::String(digits) => digits.parse().ok()?,
        number => u16::try_from(number.as_u64()?).ok()?,
    };
    let body = match &answer["body"] {
        Value::Null => Vec::new(),
        Value::String(text) if answer["isBase64Encoded"] == true => base64::decode(text).ok()?,
        Value::String(text) => text.clone().into_bytes(),
        _ => return None,
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok().filter(|status| status.as_u16() >= 200)?;
    let headers = response.headers_mut();
    for (name, value) in object(&answer["headers"])? {
        headers.insert(header_name(name)?, header_value(value)?);
    }
    for (name, values) in object(&answer["multiValueHeaders"])? {
        let name = header_name(name)?;
        headers.remove(&name);
        for value in values.as_array()? {
            headers.append(&name, header_value(value)?);
        }
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(header::SET_COOKIE, header_value(cookie)?);
    }
    // The server that sends the response counts its bytes.
    headers.remove(header::CONTENT_LENGTH);
    if !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Some(response)
}

fn object(value: &Value) -> Option<impl Iterator<Item = (&String, &Value)>> {
    matches!(value, Value::Null | Value::Object(_)).then(|| value.as_object().into_iter().flatten())
}

fn header_name(name: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).ok()
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    HeaderValue::from_str(&text).ok()
}
