//! Errors of calls to Stripe's API.
//!
//! The displayed text of an error may be logged: it never holds the key, the answer's body or the URL's query.

use http::StatusCode;
use serde::Deserialize;

/// The most characters of an error code that are kept.
const CODE_CHARS_MAX: usize = 64;
/// The most permissions of one message that are named.
const PERMISSIONS_MAX: usize = 4;

/// The reason why a call to Stripe's API returned no object.
///
/// # Examples
/// ```
/// use scrip_stripe::Error;
///
/// assert!(Error::RateLimited.is_transient());
/// let refused = Error::Refused { status: 400, code: "charge_disputed".to_owned() };
/// assert_eq!(refused.to_string(), "Stripe refused the request: charge_disputed (status 400)");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such object, or the key doesn't see it, because it is of test mode or of another merchant.
    #[error("Stripe doesn't show this object")]
    Missing,
    /// Stripe doesn't accept the key.
    #[error("Stripe doesn't accept the API key")]
    Unauthenticated,
    /// The key lacks a permission.
    #[error("the API key lacks a permission: {}", .permission.as_deref().unwrap_or("Stripe didn't name it"))]
    Forbidden {
        /// The permissions that Stripe names, such as `rak_charge_read`, separated by commas.
        permission: Option<String>,
    },
    /// Stripe asks for fewer requests.
    #[error("Stripe limits the rate of requests")]
    RateLimited,
    /// Stripe can't answer now: it answers with a 5xx, or the idempotency key belongs to another request. A change that was
    /// requested may have been made.
    #[error("Stripe is unavailable (status {status})")]
    Unavailable {
        /// The answer's status.
        status: u16,
    },
    /// No complete answer came in time. A change that was requested may have been made.
    #[error("Stripe could not be reached")]
    Unreachable,
    /// The deadline had passed before the request, which was not sent.
    #[error("the time for calls to Stripe is over")]
    OutOfTime,
    /// Stripe refused the request and changed nothing.
    #[error("Stripe refused the request: {code} (status {status})")]
    Refused {
        /// The answer's status.
        status: u16,
        /// Stripe's error code, else its type, else `unnamed`.
        code: String,
    },
    /// The answer doesn't have the form of the API's version.
    #[error("Stripe's answer is no {kind} of its API version (line {}, column {})", .source.line(), .source.column())]
    Unreadable {
        /// The kind of object that was expected.
        kind: &'static str,
        /// The parser's error. Its text may quote the answer.
        source: serde_json::Error,
    },
    /// The list has more pages than are read.
    #[error("Stripe has more {kind} than are read")]
    TooMany {
        /// The kind of objects that were listed.
        kind: &'static str,
    },
}

impl Error {
    /// Whether the same call may succeed later, though nothing is changed.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::Error;
    ///
    /// assert!(Error::Unavailable { status: 503 }.is_transient());
    /// assert!(!Error::Missing.is_transient());
    /// ```
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable { .. } | Self::Unreachable | Self::OutOfTime)
    }

    /// The error that an answer without success stands for.
    pub(crate) fn of(status: StatusCode, body: &[u8]) -> Self {
        let Answer { error } = serde_json::from_slice(body).unwrap_or_default();
        let code = error.code.as_deref().or(error.kind.as_deref()).unwrap_or("unnamed");
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => {
                Self::Forbidden { permission: permission(&error.message.unwrap_or_default()) }
            }
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimited,
            // A 404 without that code comes from a path that isn't Stripe's, so the object may exist.
            _ if status.is_client_error() && code == "resource_missing" => Self::Missing,
            // The idempotency key belongs to another request, whose result is unknown.
            StatusCode::CONFLICT => Self::Unavailable { status: status.as_u16() },
            _ if error.kind.as_deref() == Some("idempotency_error") => {
                Self::Unavailable { status: status.as_u16() }
            }
            _ if status.is_client_error() => Self::Refused { status: status.as_u16(), code: safe(code) },
            _ => Self::Unavailable { status: status.as_u16() },
        }
    }
}

/// The body of an answer without success.
#[derive(Default, Deserialize)]
struct Answer {
    error: Detail,
}

#[derive(Default, Deserialize)]
struct Detail {
    code: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
}

/// Keeps only the characters that error codes consist of, at most [`CODE_CHARS_MAX`].
fn safe(code: &str) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    code.chars().filter(safe).take(CODE_CHARS_MAX).collect()
}

/// The permissions that the key lacks, read from Stripe's message.
///
/// Messages have two forms: `Having the 'rak_charge_read' permission would allow …`, with one or several names, and
/// `Enabling "Charges Read" ('charge_read') permissions …`. The message quotes the key before these words, so only the
/// text after them is read, and of it only names that end as permissions do.
fn permission(message: &str) -> Option<String> {
    let start = message.find("Having the ").or_else(|| message.find("Enabling "))?;
    let quoted = message.get(start..)?.split('\'').skip(1).step_by(2);
    let names: Vec<_> = quoted.filter(|name| is_permission(name)).take(PERMISSIONS_MAX).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn is_permission(name: &str) -> bool {
    let is_plain =
        name.len() <= CODE_CHARS_MAX && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_plain && (name.ends_with("_read") || name.ends_with("_write"))
}
