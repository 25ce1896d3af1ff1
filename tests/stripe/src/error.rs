//! What the API answers when it doesn't do what it is asked.
//!
//! Invariant: `began` tells whether Stripe keeps the answer for the idempotency key: it does from when the
//! call began to run, not for what was refused before that.

use serde_json::{Value, json};
use std::borrow::Cow;

/// An error of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// `type`: `invalid_request_error`, `card_error`, `idempotency_error` or `api_error`.
    pub kind: &'static str,
    /// `code`, where there is one.
    pub code: Option<&'static str>,
    /// `param`, where one is to blame.
    pub parameter: Option<Cow<'static, str>>,
    /// `message`
    pub message: String,
    /// Whether the call had begun, so that its idempotency key keeps this.
    pub began: bool,
}

impl ApiError {
    fn new(status: u16, kind: &'static str, code: Option<&'static str>, message: &str) -> Self {
        Self { status, kind, code, parameter: None, message: message.to_owned(), began: true }
    }

    /// 402: a card is declined.
    #[must_use]
    pub fn card_declined() -> Self {
        Self::new(402, "card_error", Some("card_declined"), "Your card was declined.")
    }

    /// 429: too many calls. It isn't kept for the key.
    #[must_use]
    pub fn rate_limited() -> Self {
        let message = "Request rate limit exceeded. Learn more about rate limits here \
                       https://stripe.com/docs/rate-limits.";
        Self { began: false, ..Self::new(429, "invalid_request_error", Some("rate_limit"), message) }
    }

    /// 429: the object is in use by another call or by Stripe itself. It isn't kept for the key.
    #[must_use]
    pub fn lock_timeout() -> Self {
        let message = "This object cannot be accessed right now because another API request or Stripe process is \
                       currently accessing it.";
        Self { began: false, ..Self::new(429, "invalid_request_error", Some("lock_timeout"), message) }
    }

    /// 409: another call with the key runs. It isn't kept for the key.
    #[must_use]
    pub fn key_in_use() -> Self {
        let message = "There is currently another in-progress request using this Idempotent Key (that probably \
                       means you submitted twice, and the other request is still going through).";
        Self { began: false, ..Self::new(409, "idempotency_error", Some("idempotency_key_in_use"), message) }
    }

    /// 500: Stripe fails. It is kept for the key, though Stripe may have acted.
    #[must_use]
    pub fn broken() -> Self {
        Self::new(500, "api_error", None, "An unknown error occurred.")
    }

    /// 400: a rule is against it.
    #[must_use]
    pub fn refused(code: &'static str, message: &str) -> Self {
        Self::new(400, "invalid_request_error", Some(code), message)
    }

    pub(crate) fn refused_parameter(parameter: &'static str, message: &str) -> Self {
        let refused = Self::new(400, "invalid_request_error", None, message);
        Self { parameter: Some(parameter.into()), ..refused }
    }

    /// 403: the key lacks a permission. It isn't kept for the key.
    pub(crate) fn forbidden(code: Option<&'static str>, message: &str) -> Self {
        Self { began: false, ..Self::new(403, "invalid_request_error", code, message) }
    }

    /// 400: a parameter is missing, unknown or malformed. It isn't kept for the key.
    pub(crate) fn invalid(code: Option<&'static str>, message: &str) -> Self {
        Self { began: false, ..Self::new(400, "invalid_request_error", code, message) }
    }

    /// The same, and it names the parameter.
    pub(crate) fn invalid_parameter(name: &str, code: Option<&'static str>, message: &str) -> Self {
        Self { parameter: Some(Cow::Owned(name.to_owned())), ..Self::invalid(code, message) }
    }

    pub(crate) fn unknown_parameter(name: &str) -> Self {
        let message = format!("Received unknown parameter: {name}");
        Self::invalid_parameter(name, Some("parameter_unknown"), &message)
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        let message = format!("Missing required param: {name}.");
        Self::invalid_parameter(name, Some("parameter_missing"), &message)
    }

    pub(crate) fn not_an_integer(name: &str, given: &str) -> Self {
        let message = format!("Invalid integer: {given}");
        Self::invalid_parameter(name, Some("parameter_invalid_integer"), &message)
    }

    /// 404: there is no such object. It isn't kept for the key.
    pub(crate) fn missing(object: &str, id: &str, parameter: &'static str) -> Self {
        let message = format!("No such {object}: '{id}'");
        let missing = Self::new(404, "invalid_request_error", Some("resource_missing"), &message);
        Self { parameter: Some(parameter.into()), began: false, ..missing }
    }

    /// 400: a parameter names an object that there isn't. It isn't kept for the key.
    pub(crate) fn missing_reference(object: &str, id: &str, parameter: &'static str) -> Self {
        Self { status: 400, ..Self::missing(object, id, parameter) }
    }

    pub(crate) fn unknown_url(method: &str, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        Self { began: false, ..Self::new(404, "invalid_request_error", None, &message) }
    }

    pub(crate) fn unauthenticated(message: &str) -> Self {
        Self { began: false, ..Self::new(401, "invalid_request_error", None, message) }
    }

    pub(crate) fn key_reused(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used \
             with. Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(400, "idempotency_error", None, &message)
    }

    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut body = json!({
            "message": self.message, "type": self.kind,
            "request_log_url": format!("https://dashboard.stripe.com/test/logs/{request_id}"),
        });
        if let Some(code) = self.code {
            body["code"] = json!(code);
            body["doc_url"] =
                json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")));
        }
        if let Some(parameter) = &self.parameter {
            body["param"] = json!(parameter);
        }
        body
    }
}
