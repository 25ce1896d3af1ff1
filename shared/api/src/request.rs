//! A request of API Gateway, with every check that handlers need.
//!
//! The time of a request is the gateway's (`requestContext.timeEpoch`), so a request is decided as of the time when it
//! came in, and no rule reads a clock.

use std::{sync::OnceLock, time::Instant};

use chrono::{DateTime, Utc};
use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{HeaderName, header},
    request::RequestContext,
};
use scrip_accounts::{AccountId, CallerId, InvalidId};
use scrip_ledger::{Ledger, Usage};
use serde::de::DeserializeOwned;
use tracing::{Instrument, Span, field::Empty, info_span};

use crate::{
    ApiResponse, Code, Problem, Scope,
    claims::{self, Caller},
    clock,
    log::{self, LogLine},
    path, response,
};

pub(crate) mod event;

/// The largest body of most routes, in bytes (docs/rules.md, Keys and ids).
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A request of an API Gateway HTTP API.
#[derive(Debug)]
pub struct ApiRequest {
    request: Request,
    started: Instant,
    span: Span,
    /// The account of the path, once the caller has been authorized for it.
    account_id: OnceLock<AccountId>,
}

impl ApiRequest {
    /// Wraps a request and begins its span. Each part is checked when a handler reads it.
    #[must_use]
    pub fn new(request: Request) -> Self {
        let context = context(&request);
        let request_id = context.and_then(|context| context.request_id.as_deref());
        let route = context.and_then(|context| context.route_key.as_deref());
        let span = info_span!("request", request_id, route, account_id = Empty, event_id = Empty);
        Self { request, started: Instant::now(), span, account_id: OnceLock::new() }
    }

    /// The span of the request's lines in the log.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// The route as the template names it, such as `POST /v1/quotes`; empty if the gateway names none.
    #[must_use]
    pub fn route(&self) -> &str {
        self.context(|context| context.route_key.as_deref()).unwrap_or_default()
    }

    /// When the gateway received the request. If an emulator sends no time, it is the machine's.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let received = self.context(|context| DateTime::from_timestamp_millis(context.time_epoch));
        received.filter(|received| received.timestamp_millis() > 0).unwrap_or_else(clock::now)
    }

    /// The account of the path, if the caller is allowed that action on it.
    ///
    /// # Errors
    /// `unauthenticated`, `forbidden`, or `invalid_request` if the path has no valid account id.
    pub fn authorized_account(&self, action: Scope) -> Result<AccountId, Problem> {
        let account = self.path("account_id");
        let caller = self.caller()?;
        caller.check_scope(action)?;
        path::check_decoded("account_id", account)?;
        caller.check_account(action, account)?;
        let account_id = AccountId::parse(account)
            .map_err(|invalid| Problem::invalid(format!("account_id {invalid}.")))?;
        self.span.record("account_id", account_id.as_str());
        Ok(self.account_id.get_or_init(|| account_id).clone())
    }

    /// The id of the caller, to be recorded.
    ///
    /// # Errors
    /// `unauthenticated`, or `forbidden` if the token names no subject.
    pub fn caller_id(&self) -> Result<CallerId, Problem> {
        self.caller()?.id()
    }

    fn caller(&self) -> Result<Caller<'_>, Problem> {
        let claims = self.context(|context| Some(&context.authorizer.as_ref()?.jwt.as_ref()?.claims));
        Caller::new(claims, claims::format())
    }

    /// A parameter of the path, which the gateway has decoded (see `path.rs`); empty if there is none of that name.
    #[must_use]
    pub fn path(&self, name: &str) -> &str {
        let parameters = self.request.path_parameters_ref();
        parameters.and_then(|path| path.first(name)).unwrap_or_default()
    }

    /// The id in a parameter of the path.
    ///
    /// # Errors
    /// `invalid_request` if it is malformed.
    pub fn path_id<Id: TryFrom<String, Error = InvalidId>>(&self, name: &str) -> Result<Id, Problem> {
        let id = Id::try_from(self.path(name).to_owned());
        id.map_err(|invalid| Problem::invalid(format!("{name} {invalid}.")))
    }

    /// The names and values of the query.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.request.query_string_parameters_ref();
        parameters.into_iter().flat_map(lambda_http::aws_lambda_events::query_map::QueryMap::iter)
    }

    /// A header; `None` if it is missing or not visible ASCII.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// The idempotency key, which is the id of the debit, hold, reversal or adjustment. Double quotes around it, as of an RFC
    /// 8941 string, are not part of the key.
    ///
    /// # Errors
    /// `idempotency_key_required` if the header is missing, `invalid_idempotency_key` if it is malformed or repeated.
    pub fn idempotency_key<Id: TryFrom<String, Error = InvalidId>>(&self) -> Result<Id, Problem> {
        let mut values = self.request.headers().get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Err(Problem::new(
                Code::IdempotencyKeyRequired,
                "Send an Idempotency-Key header: a new one for new work, the same one for a retry.",
            ));
        };
        let is_repeated = values.next().is_some();
        let key = value.to_str().ok().filter(|_| !is_repeated).and_then(unquoted);
        key.ok_or(InvalidId::Chosen).and_then(|key| Id::try_from(key.to_owned())).map_err(|invalid| {
            let detail =
                format!("Send Idempotency-Key once, with or without double quotes around it. It {invalid}.");
            Problem::new(Code::InvalidIdempotencyKey, detail)
        })
    }

    /// The body, parsed from JSON.
    ///
    /// # Errors
    /// `unsupported_media_type`, `payload_too_large`, or `invalid_request` with the mistake and its place.
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
        // serde reads an array as a struct too, but no route takes one.
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
        self.body_up_to(BODY_BYTES_MAX)
    }

    /// The body as it was sent, for a route with another limit.
    ///
    /// # Errors
    /// `payload_too_large` above that many bytes.
    pub fn body_up_to(&self, bytes_max: usize) -> Result<&[u8], Problem> {
        let body: &[u8] = self.request.body();
        if body.len() > bytes_max {
            let detail = format!("Send at most {} KiB ({bytes_max} bytes).", bytes_max / 1024);
            return Err(Problem::new(Code::PayloadTooLarge, detail));
        }
        Ok(body)
    }

    /// The problem for a route that this function doesn't serve.
    #[must_use]
    pub fn no_such_route(&self) -> Problem {
        Problem::new(Code::NotFound, "This function doesn't serve the route it was called for.")
    }

    /// Answers the request with the result of a route. If the `Host` header is malformed, the route isn't called and the
    /// answer is `invalid_request`. The route runs in the request's span, and its use of the ledger is logged.
    pub fn answer<'a>(
        &'a self,
        ledger: &'a Ledger,
        route: impl Future<Output = Result<ApiResponse, Problem>> + 'a,
    ) -> impl Future<Output = Response<Body>> + 'a {
        // Boxed, because a route's future is several KB large, and each future around it would be as large again.
        let route = Box::pin(route.instrument(self.span.clone()));
        async move {
            let result = match event::check_host(self.request.headers()) {
                Ok(()) => route.await,
                Err(problem) => Err(problem),
            };
            self.finish(result, ledger.take_usage())
        }
    }

    /// Ends the request: logs its result and its use of the database, and makes the response. The line is outside of the
    /// request's span, because it has the span's fields itself.
    #[must_use]
    pub fn finish(&self, result: Result<ApiResponse, Problem>, usage: Usage) -> Response<Body> {
        let trace_id = self.request.lambda_context_ref().and_then(|context| context.xray_trace_id.as_deref());
        let line = LogLine {
            request_id: self.context(|context| context.request_id.as_deref()).unwrap_or_default(),
            trace_id: trace_id.or_else(|| self.header(&HeaderName::from_static("x-amzn-trace-id"))),
            route: self.route(),
            // Only a valid id of an authorized caller: any other text in the path may be a secret.
            account_id: self.account_id.get().map_or("", AccountId::as_str),
            result: &result,
            usage,
            elapsed: self.started.elapsed(),
        };
        log::write_line(&line, self.now());
        match result {
            Ok(response) => response.into_response(),
            Err(problem) => response::problem(&problem),
        }
    }

    fn context<'a, T>(&'a self, read: impl FnOnce(&'a Context) -> Option<T>) -> Option<T> {
        read(context(&self.request)?)
    }
}

fn context(request: &Request) -> Option<&Context> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => Some(context),
        // Only the feature for HTTP APIs is on, so there is no other context. If there were, the request has no claims.
        #[allow(unreachable_patterns, reason = "the enum is non-exhaustive")]
        _ => None,
    }
}

type Context = lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;

/// A key without the double quotes around it; `None` if there is only one. Escapes of RFC 8941 aren't decoded, because they
/// contain characters that no key has.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => Some(value),
    }
}

#[cfg(test)]
mod tests;
