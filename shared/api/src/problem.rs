//! Problems: the answers to requests that aren't carried out, as `application/problem+json` (RFC 9457), from one table.
//!
//! The caller gets a stable code and advice; the log gets the cause.

mod refusal;

use scrip_ledger::{Error, chain};
use serde_json::{Map, Value, json};

/// The stable codes of problems (docs/api.md, Errors).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The request isn't what the route takes.
    InvalidRequest,
    /// The request has no `Idempotency-Key`, and the route needs one.
    IdempotencyKeyRequired,
    /// The `Idempotency-Key` is malformed.
    InvalidIdempotencyKey,
    /// The request has no valid token.
    Unauthenticated,
    /// The balance doesn't cover it.
    InsufficientCredits,
    /// The balance doesn't cover what an adjustment takes. It has the same code as the one above, but another status.
    Overdrawn,
    /// The token doesn't allow it.
    Forbidden,
    /// The function doesn't serve the route.
    NotFound,
    /// The account has no such debit.
    DebitNotFound,
    /// The account has no such purchase.
    PurchaseNotFound,
    /// The account has no such hold.
    HoldNotFound,
    /// The hold has expired, and its credits are back.
    HoldExpired,
    /// The hold was captured or released by another request.
    HoldSettled,
    /// The capture is for more than is held.
    ExceedsHold,
    /// The account has as many open holds as it may have.
    TooManyHolds,
    /// The price differs from the caller's.
    PriceChanged,
    /// The money-back guarantee is over.
    RefundWindowClosed,
    /// The purchase has no payment whose money can go back.
    NothingToRefund,
    /// The event's account isn't known yet.
    NotYet,
    /// The payment was granted to another account.
    PaymentTaken,
    /// The event isn't signed by the payment provider.
    InvalidSignature,
    /// The payment provider refused the refund.
    ProviderRefused,
    /// The reversal is for more than is left of the debit.
    ExceedsDebit,
    /// The balance would rise above its limit.
    BalanceLimit,
    /// The body is too large.
    PayloadTooLarge,
    /// The body's content type isn't JSON.
    UnsupportedMediaType,
    /// The catalog doesn't sell the operation in this form.
    UnsupportedOperation,
    /// The key was used for another request.
    IdempotencyKeyReused,
    /// The service failed.
    Internal,
    /// Contention or throttling outlasted the retries.
    TryAgain,
}

impl Code {
    /// All codes in the order of their declaration. The API's document must name each.
    pub const ALL: [Self; 30] = [
        Self::InvalidRequest,
        Self::IdempotencyKeyRequired,
        Self::InvalidIdempotencyKey,
        Self::Unauthenticated,
        Self::InsufficientCredits,
        Self::Overdrawn,
        Self::Forbidden,
        Self::NotFound,
        Self::DebitNotFound,
        Self::PurchaseNotFound,
        Self::HoldNotFound,
        Self::HoldExpired,
        Self::HoldSettled,
        Self::ExceedsHold,
        Self::TooManyHolds,
        Self::PriceChanged,
        Self::RefundWindowClosed,
        Self::NothingToRefund,
        Self::NotYet,
        Self::PaymentTaken,
        Self::InvalidSignature,
        Self::ProviderRefused,
        Self::ExceedsDebit,
        Self::BalanceLimit,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::UnsupportedOperation,
        Self::IdempotencyKeyReused,
        Self::Internal,
        Self::TryAgain,
    ];

    /// The code's row of the table: status, code, title.
    fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (400, "invalid_request", "The request is invalid"),
            Self::IdempotencyKeyRequired => {
                (400, "idempotency_key_required", "An idempotency key is required")
            }
            Self::InvalidIdempotencyKey => (400, "invalid_idempotency_key", "The idempotency key is invalid"),
            Self::Unauthenticated => (401, "unauthenticated", "No valid token"),
            Self::InsufficientCredits => (402, "insufficient_credits", "Not enough credits"),
            Self::Overdrawn => (409, "insufficient_credits", "Not enough credits"),
            Self::Forbidden => (403, "forbidden", "The token doesn't allow this"),
            Self::NotFound => (404, "not_found", "No such route"),
            Self::DebitNotFound => (404, "debit_not_found", "No such debit"),
            Self::PurchaseNotFound => (404, "purchase_not_found", "No such purchase"),
            Self::HoldNotFound => (404, "hold_not_found", "No such hold"),
            Self::HoldExpired => (409, "hold_expired", "The hold has expired"),
            Self::HoldSettled => (409, "hold_settled", "The hold was captured or released before"),
            Self::ExceedsHold => (422, "exceeds_hold", "More than is held"),
            Self::TooManyHolds => (409, "too_many_holds", "Too many open holds"),
            Self::RefundWindowClosed => (409, "refund_window_closed", "The money-back guarantee is over"),
            Self::NothingToRefund => (409, "nothing_to_refund", "No money can go back"),
            Self::NotYet => (409, "not_yet", "The account isn't known yet"),
            Self::PaymentTaken => (409, "payment_taken", "The payment is another account's"),
            Self::InvalidSignature => (400, "invalid_signature", "The signature is invalid"),
            Self::ProviderRefused => (502, "provider_refused", "The payment provider refused"),
            Self::PriceChanged => (409, "price_changed", "The price has changed"),
            Self::ExceedsDebit => (409, "exceeds_debit", "More than is left of the debit"),
            Self::BalanceLimit => (409, "balance_limit", "The balance can't hold more"),
            Self::PayloadTooLarge => (413, "payload_too_large", "The body is too large"),
            Self::UnsupportedMediaType => (415, "unsupported_media_type", "The body isn't JSON"),
            Self::UnsupportedOperation => {
                (422, "unsupported_operation", "The operation isn't sold like this")
            }
            Self::IdempotencyKeyReused => {
                (422, "idempotency_key_reused", "The idempotency key was used before")
            }
            Self::Internal => (500, "internal", "Something went wrong here"),
            Self::TryAgain => (503, "try_again", "Busy, try again"),
        }
    }

    /// The code's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().0
    }
}

/// A problem: the reason why a request isn't carried out, and advice for the caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    code: Code,
    detail: String,
    extras: Map<String, Value>,
    /// For the log, never for the caller.
    cause: Option<String>,
    /// For the log: how often a command was tried.
    attempts: Option<u32>,
}

impl Problem {
    /// Makes a problem with advice for the caller.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), extras: Map::new(), cause: None, attempts: None }
    }

    /// Makes `invalid_request`, with the reason.
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// Makes `internal`. The cause goes to the log only.
    #[must_use]
    pub fn internal(cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                Code::Internal,
                "Nothing is known to have changed. Ask again with the same key; if it stays so, tell us the request id.",
            )
        }
    }

    /// Makes `try_again`, for failures that may be over in a moment. The cause goes to the log only.
    #[must_use]
    pub fn try_again(cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                Code::TryAgain,
                "Something that is needed doesn't answer now. Ask again: it happens once.",
            )
        }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The cause, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Sets how often the command was tried, for the log.
    #[must_use]
    pub fn attempted(self, attempts: u32) -> Self {
        Self { attempts: Some(attempts), ..self }
    }

    pub(crate) fn attempts(&self) -> Option<u32> {
        self.attempts
    }

    /// The answer's JSON.
    #[must_use]
    pub fn body(&self) -> Value {
        let (status, code, title) = self.code.row();
        let mut body = Map::from_iter([
            ("type".to_owned(), json!(format!("urn:scrip:problem:{code}"))),
            ("title".to_owned(), json!(title)),
            ("status".to_owned(), json!(status)),
            ("code".to_owned(), json!(code)),
            ("detail".to_owned(), json!(self.detail)),
        ]);
        body.extend(self.extras.clone());
        Value::Object(body)
    }

    fn with(mut self, extras: Value) -> Self {
        if let Value::Object(extras) = extras {
            self.extras = extras;
        }
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused { refusal, attempts } => Self::from(*refusal).attempted(attempts),
            Error::KeyReused => Self::new(
                Code::IdempotencyKeyReused,
                "This Idempotency-Key was used for another request on this account (debits and holds share their keys). Use a new key for new work.",
            ),
            Error::TryAgain { attempts, .. } => Self {
                cause: Some(chain(&error)),
                attempts: Some(attempts),
                ..Self::new(
                    Code::TryAgain,
                    "The account or the table is busy. Send the same request again, with the same Idempotency-Key if it has one: it happens once.",
                )
            },
            Error::Internal { .. } => Self::internal(chain(&error)),
        }
    }
}

#[cfg(test)]
mod tests;
