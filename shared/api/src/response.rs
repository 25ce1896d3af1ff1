//! Responses on the wire.

use lambda_http::{
    Body, Response,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use scrip_accounts::{AccountId, EventId};
use scrip_ledger::Receipt;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Code, Metric, Problem};

/// The value of `Retry-After` with `try_again`, in seconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// A handler's response to a request that it carried out, with fields for the log and metrics.
#[derive(Debug)]
pub struct ApiResponse {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<String>,
    /// For the log: how often the command was tried.
    pub(crate) attempts: Option<u32>,
    /// For the log: the result in a word, such as `debited` or `replayed`.
    pub(crate) outcome: &'static str,
    /// For the log: the name of the operation.
    pub(crate) operation: Option<&'static str>,
    /// For the log: the account, if the path doesn't name it, and the event.
    pub(crate) account_id: Option<AccountId>,
    pub(crate) event_id: Option<EventId>,
    pub(crate) metrics: Vec<Metric>,
}

impl ApiResponse {
    /// Makes a JSON response with that status. No cache may store it.
    ///
    /// # Errors
    /// `internal` if the body has no JSON form, which is true of none of ours.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|error| Problem::internal(error.to_string()))?;
        Ok(Self::text(status, "application/json", body))
    }

    /// Makes a CSV response (RFC 4180). No cache may store it.
    #[must_use]
    pub fn csv(status: StatusCode, lines: String) -> Self {
        Self::text(status, "text/csv; charset=utf-8", lines)
    }

    fn text(status: StatusCode, content_type: &'static str, body: String) -> Self {
        Self {
            headers: vec![
                (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ],
            body: Some(body),
            ..Self::empty(status)
        }
    }

    /// Makes a response without a body.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
            attempts: None,
            outcome: "answered",
            operation: None,
            account_id: None,
            event_id: None,
            metrics: Vec::new(),
        }
    }

    /// The entity tag of the body: its SHA-256 in hexadecimal digits and double quotes.
    #[must_use]
    pub fn entity_tag(&self) -> String {
        let digest = Sha256::digest(self.body.as_deref().unwrap_or_default());
        let hex = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        let hex = hex.filter_map(|digit| char::from_digit(digit.into(), 16));
        format!("\"{}\"", hex.collect::<String>())
    }

    /// Sets a header, in place of an earlier one of that name. A header whose value isn't visible ASCII is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Sets the outcome, for the log.
    #[must_use]
    pub fn outcome(mut self, outcome: &'static str) -> Self {
        self.outcome = outcome;
        self
    }

    /// Sets the name of the operation, for the log.
    #[must_use]
    pub fn about(mut self, operation: &'static str) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Sets the event and its account, if that is known, for the log.
    #[must_use]
    pub fn of_event(mut self, event_id: EventId, account_id: Option<AccountId>) -> Self {
        (self.event_id, self.account_id) = (Some(event_id), account_id);
        self
    }

    /// Sets how often a command was tried, for the log.
    #[must_use]
    pub fn attempted(mut self, attempts: Option<u32>) -> Self {
        self.attempts = attempts;
        self
    }

    /// Adds metrics.
    #[must_use]
    pub fn counting(mut self, metrics: impl IntoIterator<Item = Metric>) -> Self {
        self.metrics.extend(metrics);
        self
    }

    /// Adds a command's receipt: the outcome and the attempts for the log, and headers for the caller. `Idempotent-Replayed`
    /// marks a replay. `Debit-Reversed` lists the credits that came back since, so that a job that is retried under its old
    /// key does not run for free.
    #[must_use]
    pub fn receipt<O>(mut self, outcome: &'static str, receipt: &Receipt<O>) -> Self {
        self.outcome = if receipt.is_replayed { "replayed" } else { outcome };
        self.attempts = Some(receipt.attempts);
        if receipt.is_replayed {
            self = self.header(HeaderName::from_static("idempotent-replayed"), "true");
        }
        if !receipt.reversed.is_zero() {
            let back = receipt.reversed;
            let (playground, tune, tune_image) = (back.playground(), back.tune(), back.tune_image());
            let back = format!("playground={playground}, tune={tune}, tune_image={tune_image}");
            self = self.header(HeaderName::from_static("debit-reversed"), &back);
        }
        self
    }

    /// The body as JSON; null without one.
    pub(crate) fn into_json(self) -> Value {
        let body = self.body.unwrap_or_default();
        serde_json::from_str(&body).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = self.body.map_or(Body::Empty, Body::Text);
        respond(self.status, self.headers, body)
    }
}

/// The response of a problem.
pub(crate) fn problem(problem: &Problem) -> Response<Body> {
    let status = StatusCode::from_u16(problem.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    match problem.code() {
        Code::TryAgain => headers.push((header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS))),
        Code::Unauthenticated => headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        _ => {}
    }
    respond(status, headers, Body::Text(problem.body().to_string()))
}

fn respond(status: StatusCode, headers: Vec<(HeaderName, HeaderValue)>, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    response
}
