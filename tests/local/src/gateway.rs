//! The API Gateway HTTP API in front of the functions.
//!
//! Invariant: what it refuses, it refuses as AWS does and before any function runs:
//!
//! | what | answer |
//! |---|---|
//! | `OPTIONS`, where the API has a CORS configuration | 204, see [`cors`](crate::cors) |
//! | no such route | 404 `{"message":"Not Found"}` |
//! | token missing, malformed, expired, of another issuer or for another audience | 401 `{"message":"Unauthorized"}`, `WWW-Authenticate: Bearer …` |
//! | none of the route's scopes in the token | 403 `{"message":"Forbidden"}` |
//! | body over 10 MB | 413 `{"message":"Request Entity Too Large"}` |
//! | function failed, or its answer is unreadable | 500 `{"message":"Internal Server Error"}` |
//! | no answer within 30 s | 503 `{"message":"Service Unavailable"}` |
//!
//! # Time
//! The functions take the time of a request from `requestContext.timeEpoch`, never from a clock. So
//! this gateway, and only this one, honours a header `Local-Time: <RFC 3339>`: it becomes the time of
//! that one event and is not handed on. A malformed one is 400. Tokens are always checked against the
//! real time. Without the header, the time is that of the stack's clock.

use crate::{
    clock::Clock,
    cors::Cors,
    event::{self, GatewayRequest},
    invocations::{self, Invocations},
    response,
    template::{Access, Route},
    tokens::{self, TokenError, Tokens},
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
};
use chrono::{DateTime, Utc};
use ring::rand::SystemRandom;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::timeout;

/// The header that sets the time of one request.
pub const LOCAL_TIME: &str = "local-time";
/// API Gateway's limit for a body.
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// How much of a body that is too large is read before the answer, so that the caller can see it.
const BODY_BYTES_READ_MAX: usize = 64 * 1024 * 1024;
/// API Gateway's limit for an answer.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// The gateway: routes, who may pass, and where to.
#[derive(Debug)]
pub struct Gateway {
    /// The routes of the template.
    pub routes: Vec<Route>,
    /// The CORS headers for pages of other origins, if the template configures any.
    pub cors: Option<Cors>,
    /// The issuer whose tokens are accepted.
    pub tokens: Arc<Tokens>,
    /// The functions' queues of invocations.
    pub invocations: Arc<Invocations>,
    /// How long a function may take: [`ANSWER_TIME_MAX`], or less in tests.
    pub answer_time_max: Duration,
    /// The time of requests that name none.
    pub clock: Arc<Clock>,
}

impl Gateway {
    /// The gateway as an HTTP service.
    pub fn router(self) -> Router {
        let random = SystemRandom::new();
        Router::new().fallback(answer).with_state((Arc::new(self), random))
    }

    /// The route of a request and what its parameters stand for. Of several that match, the one with
    /// the fewest parameters wins, as the most specific does on AWS.
    fn route(&self, method: &str, path: &str) -> Option<(&Route, BTreeMap<String, String>)> {
        let candidates = self.routes.iter().filter(|route| route.method == method);
        let matching = candidates.filter_map(|route| Some((route, path_parameters(&route.path, path)?)));
        matching.min_by_key(|(_, parameters)| parameters.len())
    }

    /// The claims of a request that may pass; none if the route is public.
    fn authorize(
        &self,
        access: &Access,
        headers: &HeaderMap,
    ) -> Result<Option<Map<String, Value>>, AccessError> {
        let Access::Token { scopes } = access else { return Ok(None) };
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let sent = sent.map(str::trim).filter(|sent| !sent.is_empty()).ok_or(AccessError::NoToken)?;
        // API Gateway takes a token with or without its scheme.
        let token = match sent.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer ") => token.trim_start(),
            _ => sent,
        };
        let claims = self.tokens.check(token).map_err(AccessError::BadToken)?;
        let held = tokens::scopes_of(&claims);
        if scopes.is_empty() || scopes.iter().any(|scope| held.contains(scope)) {
            Ok(Some(claims))
        } else {
            Err(AccessError::NoScope)
        }
    }
}

/// The reason for which a request may not pass.
enum AccessError {
    NoToken,
    BadToken(TokenError),
    NoScope,
}

impl AccessError {
    fn response(self) -> Response<Body> {
        let challenge = match self {
            Self::NoScope => return response::message(StatusCode::FORBIDDEN, "Forbidden"),
            Self::NoToken => "Bearer".to_owned(),
            Self::BadToken(TokenError(why)) => {
                format!(r#"Bearer scope="" error="invalid_token" error_description="{why}""#)
            }
        };
        let mut refusal = response::message(StatusCode::UNAUTHORIZED, "Unauthorized");
        let challenge = HeaderValue::from_str(&challenge).expect("plain text");
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        refusal
    }
}

async fn answer(
    State((gateway, random)): State<(Arc<Gateway>, SystemRandom)>,
    request: Request,
) -> Response<Body> {
    let request_id = invocations::uuid(&random);
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = match &gateway.cors {
        Some(cors) if request.method() == Method::OPTIONS => cors.answer(request.headers()),
        cors => {
            let answered = pass(&gateway, &request_id, request).await;
            let mut response = answered.unwrap_or_else(|refusal| *refusal);
            if let Some(cors) = cors {
                cors.replace(origin.as_ref(), response.headers_mut());
            }
            response
        }
    };
    let request_id = HeaderValue::from_str(&request_id).expect("plain text");
    response.headers_mut().insert("apigw-requestid", request_id);
    response
}

/// Takes a request to its function; an error is a refusal of the gateway's own.
async fn pass(
    gateway: &Gateway,
    request_id: &str,
    request: Request,
) -> Result<Response<Body>, Box<Response<Body>>> {
    let refusal = |status, text: &str| Box::new(response::message(status, text));
    let (mut head, body) = request.into_parts();
    let path = event::decoded_path(&head.uri);
    let (route, path_parameters) = gateway
        .route(head.method.as_str(), &path)
        .ok_or_else(|| refusal(StatusCode::NOT_FOUND, "Not Found"))?;
    let claims =
        gateway.authorize(&route.access, &head.headers).map_err(|refusal| Box::new(refusal.response()))?;
    let body =
        read(body).await.ok_or_else(|| refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"))?;
    let received_at = time_of(&mut head.headers, &gateway.clock).ok_or_else(|| {
        refusal(StatusCode::BAD_REQUEST, "Local-Time must be a time as in 2026-11-30T23:59:59Z")
    })?;
    let request = GatewayRequest {
        route_key: &route.key(),
        path: &path,
        path_parameters,
        claims: claims.as_ref(),
        scoped: matches!(&route.access, Access::Token { scopes } if !scopes.is_empty()),
        request_id,
        received_at,
    };
    let event = request.event(&head, &body);
    match timeout(gateway.answer_time_max, gateway.invocations.invoke(&route.function, &event)).await {
        Ok(Ok(answer)) => Ok(response::from_answer(&answer)),
        Ok(Err(why)) => {
            // On AWS this is in the function's log.
            eprintln!("{} | {}: {why}", route.function, route.key());
            Err(Box::new(response::internal_server_error()))
        }
        Err(_) => Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")),
    }
}

async fn read(body: Body) -> Option<Bytes> {
    let bytes = to_bytes(body, BODY_BYTES_READ_MAX).await.ok()?;
    (bytes.len() <= BODY_BYTES_MAX).then_some(bytes)
}

/// The time of a request: its `Local-Time`, which is removed, else now. None if it is malformed.
fn time_of(headers: &mut HeaderMap, clock: &Clock) -> Option<DateTime<Utc>> {
    match headers.remove(LOCAL_TIME) {
        Some(set) => Some(DateTime::parse_from_rfc3339(set.to_str().ok()?).ok()?.to_utc()),
        None => Some(clock.now()),
    }
}

/// What the `{parameters}` of a route's path stand for in `path`; none if it does not match.
fn path_parameters(route: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (mut expected, mut given) = (route.split('/'), path.split('/'));
    let mut parameters = BTreeMap::new();
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(expected), Some(given)) => {
                match expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                    Some(name) if !given.is_empty() => {
                        parameters.insert(name.to_owned(), given.to_owned());
                    }
                    None if expected == given => {}
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}
