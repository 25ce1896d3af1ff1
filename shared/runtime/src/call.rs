//! A request as API Gateway hands it on, read once at the edge: every check a handler needs of it.
//!
//! The time is the gateway's (`requestContext.timeEpoch`), so a request is decided as of the moment it
//! came in, and no rule reads a clock.

use std::time::Instant;

use chrono::{DateTime, Utc};
use credits::AccountId;
use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{HeaderName, header},
    request::RequestContext,
};
use ledger::Usage;
use serde::de::DeserializeOwned;

use crate::{Answer, Code, Problem, Scope, answer, claims, clock, telemetry};

/// The largest body that is read (contract, section 1).
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A request of an API Gateway HTTP API.
#[derive(Debug)]
pub struct Call {
    request: Request,
    started: Instant,
}

impl Call {
    /// Reads nothing yet: each part is checked where a handler asks for it.
    #[must_use]
    pub fn new(request: Request) -> Self {
        Self { request, started: Instant::now() }
    }

    /// The route as the template names it, `POST /v1/quotes`; empty where the gateway names none.
    #[must_use]
    pub fn route(&self) -> &str {
        self.context(|context| context.route_key.as_deref()).unwrap_or_default()
    }

    /// When the gateway received the request. An emulator that doesn't say gets the machine's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let received = self.context(|context| DateTime::from_timestamp_millis(context.time_epoch));
        received.filter(|received| received.timestamp_millis() > 0).unwrap_or_else(clock::now)
    }

    /// The account of the path, once the caller is known to be allowed that action on it.
    ///
    /// # Errors
    /// `unauthenticated`, `forbidden`, or `invalid_request` for what is no account id.
    pub fn authorized_account(&self, action: Scope) -> Result<AccountId, Problem> {
        let parameters = self.request.path_parameters_ref();
        let account = parameters.and_then(|path| path.first("account_id")).unwrap_or_default();
        let claims = self.context(|context| Some(&context.authorizer.as_ref()?.jwt.as_ref()?.claims));
        claims::authorize(claims, action, account)?;
        AccountId::parse(account).map_err(|invalid| Problem::invalid(format!("account_id {invalid}.")))
    }

    /// A part of the path.
    #[must_use]
    pub fn path(&self, name: &str) -> &str {
        let parameters = self.request.path_parameters_ref();
        parameters.and_then(|path| path.first(name)).unwrap_or_default()
    }

    /// The query, as names and values.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.request.query_string_parameters_ref();
        parameters.into_iter().flat_map(lambda_http::aws_lambda_events::query_map::QueryMap::iter)
    }

    /// A header, where it is sent and is text.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// The idempotency key, parsed as the id it becomes.
    ///
    /// # Errors
    /// `idempotency_key_required` without the header, `invalid_idempotency_key` for what is no id.
    pub fn idempotency_key<Id: TryFrom<String>>(&self) -> Result<Id, Problem> {
        let mut values = self.request.headers().get_all("idempotency-key").iter();
        let invalid = || {
            Problem::new(
                Code::InvalidIdempotencyKey,
                "Idempotency-Key must be sent once, as 1 to 128 characters out of A-Z, a-z, 0-9, _ and -.",
            )
        };
        let Some(key) = values.next() else {
            return Err(Problem::new(
                Code::IdempotencyKeyRequired,
                "Send an Idempotency-Key header: a new one for new work, the same one for a retry.",
            ));
        };
        if values.next().is_some() {
            return Err(invalid());
        }
        let key = key.to_str().map_err(|_| invalid())?;
        Id::try_from(key.to_owned()).map_err(|_| invalid())
    }

    /// The body, parsed from JSON.
    ///
    /// # Errors
    /// `unsupported_media_type`, `payload_too_large`, or `invalid_request` with what is wrong and where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let content_type = self.header(&header::CONTENT_TYPE).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "Send the body as JSON, with Content-Type: application/json.",
            ));
        }
        let body = self.body()?;
        // serde takes an array for a struct too; no route's body is one.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::invalid("The body must be a JSON object."));
        }
        serde_json::from_slice(body)
            .map_err(|error| Problem::invalid(format!("The body is invalid: {error}.")))
    }

    /// The body as it was sent.
    ///
    /// # Errors
    /// `payload_too_large` above 64 KiB.
    pub fn body(&self) -> Result<&[u8], Problem> {
        let body: &[u8] = self.request.body();
        if body.len() > BODY_BYTES_MAX {
            return Err(Problem::new(Code::PayloadTooLarge, "Send at most 64 KiB (65536 bytes)."));
        }
        Ok(body)
    }

    /// What a route that this function doesn't serve gets.
    #[must_use]
    pub fn no_such_route(&self) -> Problem {
        Problem::new(Code::NotFound, "This function doesn't serve the route it was called for.")
    }

    /// Logs the call with what it used of the database, and puts what came of it on the wire.
    #[must_use]
    pub fn finish(&self, result: Result<Answer, Problem>, usage: Usage) -> Response<Body> {
        let trace_id = self.request.lambda_context_ref().and_then(|context| context.xray_trace_id.as_deref());
        telemetry::log(&telemetry::Line {
            request_id: self.context(|context| context.request_id.as_deref()).unwrap_or_default(),
            trace_id: trace_id.or_else(|| self.header(&HeaderName::from_static("x-amzn-trace-id"))),
            route: self.route(),
            account_id: self.path("account_id"),
            at: self.now(),
            result: &result,
            usage,
            elapsed: self.started.elapsed(),
        });
        match result {
            Ok(answer) => answer.into_response(),
            Err(problem) => answer::problem(&problem),
        }
    }

    fn context<'a, T>(&'a self, read: impl FnOnce(&'a Context) -> Option<T>) -> Option<T> {
        match self.request.request_context_ref()? {
            RequestContext::ApiGatewayV2(context) => read(context),
            // With only the HTTP API's feature there is no other; fails closed if there ever is.
            #[allow(unreachable_patterns, reason = "the enum is non-exhaustive")]
            _ => None,
        }
    }
}

type Context = lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
