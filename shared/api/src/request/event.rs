//! The request in an event of an API Gateway HTTP API (payload format 2.0), and the check of its host.
//!
//! `lambda_http` would also make the request, but with a URL of the headers `Host` and `X-Forwarded-Proto` and the path, and
//! it panics if that URL is invalid. A caller's mistake would then be an error of the function, and raise an alarm. No
//! handler reads a URL, so none is made here, and no input of a caller makes this fail.

use aws_smithy_types::base64;
use lambda_http::{
    Body, Context, Error, Request, RequestExt,
    aws_lambda_events::{apigw::ApiGatewayV2httpRequest, query_map::QueryMap},
    http::{HeaderMap, HeaderValue, header, uri::Authority},
    request::RequestContext,
};

use crate::Problem;

/// Makes the request with all parts that handlers read: method, headers, body, path parameters, query and the gateway's
/// context. Its URL is `/`, and cookies are left out.
///
/// # Errors
/// If the body can't be decoded. That is never the caller's mistake, because the gateway encodes it.
pub(crate) fn request(event: ApiGatewayV2httpRequest, context: Context) -> Result<Request, Error> {
    let body = match event.body {
        Some(text) if event.is_base64_encoded => base64::decode(text).map(Body::Binary).map_err(|error| {
            format!("the event's body isn't in Base64, though isBase64Encoded is true: {error}")
        })?,
        Some(text) => Body::Text(text),
        None => Body::Empty,
    };
    // Not `queryStringParameters`, which joins the values of a repeated parameter with commas.
    let query: QueryMap = event.raw_query_string.unwrap_or_default().parse().unwrap_or_default();
    let mut request = Request::new(body)
        .with_path_parameters(event.path_parameters)
        .with_query_string_parameters(query)
        .with_lambda_context(context);
    *request.method_mut() = event.request_context.http.method.clone();
    *request.headers_mut() = event.headers;
    Ok(request.with_request_context(RequestContext::ApiGatewayV2(event.request_context)))
}

/// Checks that the `Host` header, if there is one, is well-formed. A server has to answer a malformed one with 400 (RFC
/// 9112, section 3.2), though no handler needs it.
///
/// # Errors
/// `invalid_request`.
pub(super) fn check_host(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get_all(header::HOST).iter().all(is_host) {
        return Ok(());
    }
    Err(Problem::invalid(
        "The Host header is malformed. Send the API's host name once, with a colon and the port if it needs one.",
    ))
}

/// Whether a header is `uri-host [ ":" port ]` (RFC 9110, section 7.2) with a port of at most 65535.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(value.as_bytes()) else { return false };
    // An authority may also begin with a user's name, and `http` doesn't check the port.
    let host = authority.host();
    !host.is_empty()
        && match authority.as_str().strip_prefix(host) {
            Some("" | ":") => true,
            Some(rest) => rest.strip_prefix(':').is_some_and(is_port),
            None => false,
        }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests;
