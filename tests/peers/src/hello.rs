//! The least that a function behind an HTTP API can do.

use lambda_http::{Body, Error, Request, RequestExt, Response, http::header};

/// Greets.
///
/// # Errors
/// Never: the response is a plain one.
pub fn handle(request: &Request) -> Result<Response<Body>, Error> {
    let parameters = request.query_string_parameters_ref();
    let name = parameters.and_then(|query| query.first("name")).unwrap_or("world");
    let greeting = format!(r#"{{"message":"Hello {name}, this is an AWS Lambda HTTP request"}}"#);
    Ok(Response::builder().header(header::CONTENT_TYPE, "application/json").body(greeting.into())?)
}
