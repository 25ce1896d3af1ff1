//! Why a call to Stripe's API gave no object.
//!
//! The displayed text of an error never holds the key, the answer's body or the URL's query, so it may be logged.

use http::StatusCode;
use serde::Deserialize;

/// The most characters of an error code that are kept.
const CODE_CHARS_MAX: usize = 64;
/// The most permissions of one message that are named.
const PERMISSIONS_MAX: usize = 4;

/// Why a call to Stripe's API gave no object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such object, or the key doesn't see it: a test-mode object, or another merchant's.
    #[error("Stripe doesn't show this object")]
    Missing,
    /// Stripe doesn't accept the key.
    #[error("Stripe doesn't accept the API key")]
    Unauthenticated,
    /// The key may not do this.
    #[error("the API key lacks a permission: {}", .permission.as_deref().unwrap_or("Stripe didn't name it"))]
    Forbidden {
        /// The permissions that Stripe names, such as `rak_charge_read`, separated by commas.
        permission: Option<String>,
    },
    /// Stripe asks for fewer requests.
    #[error("Stripe limits the rate of requests")]
    RateLimited,
    /// Stripe can't answer now: a 5xx, or the idempotency key belongs to another request. A requested change may have
    /// been made.
    #[error("Stripe is unavailable (status {status})")]
    Unavailable {
        /// The answer's status.
        status: u16,
    },
    /// No whole answer came in time. A requested change may have been made.
    #[error("Stripe could not be reached")]
    Unreachable,
    /// The conversation's time was over before the request, which was not sent.
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
    /// The answer is not what the API's version promises.
    #[error("Stripe's answer is no {what} of its API version (line {}, column {})", .source.line(), .source.column())]
    Unreadable {
        /// The kind of object that was expected.
        what: &'static str,
        /// Why it isn't one. Its text may quote the answer.
        source: serde_json::Error,
    },
    /// A list has more pages than are read.
    #[error("Stripe has more {what} than are read")]
    TooMany {
        /// The kind of objects that were listed.
        what: &'static str,
    },
}

impl Error {
    /// Whether the same call may succeed later without anyone changing anything.
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
            // A 404 without that code is of a path that isn't Stripe's: nothing is known of the object.
            _ if status.is_client_error() && code == "resource_missing" => Self::Missing,
            // The idempotency key is that of another request, whose outcome this answer doesn't name.
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

/// Keeps the characters of an error code that codes are made of, as many as a code may have.
fn safe(code: &str) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    code.chars().filter(safe).take(CODE_CHARS_MAX).collect()
}

/// Reads from a message which permissions the key lacks.
///
/// Two forms are known: `Having the 'rak_charge_read' permission would allow …`, with one or several names, and
/// `Enabling "Charges Read" ('charge_read') permissions …`. The message quotes the key before that, so only what
/// follows is read, and only names that end as permissions do.
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
