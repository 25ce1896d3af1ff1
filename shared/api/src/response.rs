//! Answers on the wire.

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

/// How many seconds a caller who is told to try again should wait.
const RETRY_AFTER_SECONDS: &str = "1";

/// What a handler answers when it did what was asked.
#[derive(Debug)]
pub struct ApiResponse {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<String>,
    /// For the log: how often it was tried, and whether it had happened before.
    pub(crate) attempts: Option<u32>,
    pub(crate) outcome: &'static str,
    /// What work it was about.
    pub(crate) operation: Option<&'static str>,
    /// Whose account it was about, where the path doesn't say, and which event.
    pub(crate) account_id: Option<AccountId>,
    pub(crate) event_id: Option<EventId>,
    pub(crate) metrics: Vec<Metric>,
}

impl ApiResponse {
    /// A JSON answer with that status. Nobody on the way may keep it.
    ///
    /// # Errors
    /// `internal` where the body has no JSON form, which none of ours is.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|error| Problem::internal(error.to_string()))?;
        Ok(Self::text(status, "application/json", body))
    }

    /// An answer of CSV (RFC 4180). Nobody on the way may keep it.
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

    /// An answer without a body.
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

    /// The entity tag of the body, its SHA-256: whatever changes the answer changes the tag.
    #[must_use]
    pub fn entity_tag(&self) -> String {
        let digest = Sha256::digest(self.body.as_deref().unwrap_or_default());
        let hex = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        let hex = hex.filter_map(|digit| char::from_digit(digit.into(), 16));
        format!("\"{}\"", hex.collect::<String>())
    }

    /// Sets a header, in place of one of that name. A value that isn't visible ASCII is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Says what came of it, for the log.
    #[must_use]
    pub fn outcome(mut self, outcome: &'static str) -> Self {
        self.outcome = outcome;
        self
    }

    /// Says what work it was about, for the log.
    #[must_use]
    pub fn about(mut self, operation: &'static str) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Says which event it was, and whose account that was about if it is known, for the log.
    #[must_use]
    pub fn of_event(mut self, event_id: EventId, account_id: Option<AccountId>) -> Self {
        (self.event_id, self.account_id) = (Some(event_id), account_id);
        self
    }

    /// Says how often a command was tried, for the log.
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

    /// Says what came of a command, for the log; and to the caller whether it had happened before, and what came back of
    /// a debit since, so that a job that is tried again under its old key does not run for free.
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

/// A problem on the wire.
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
