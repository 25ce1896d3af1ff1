//! What is said when something isn't done: `application/problem+json` (RFC 9457), from one table.
//!
//! The caller gets a stable code and advice; the log gets the causes.

use scrip_accounts::{Account, Refusal};
use scrip_ledger::{Error, chain};
use scrip_pricing::Pieces;
use serde_json::{Map, Value, json};

/// The stable codes of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The request isn't what the route takes.
    InvalidRequest,
    /// A debit or reversal without `Idempotency-Key`.
    IdempotencyKeyRequired,
    /// An `Idempotency-Key` that is none.
    InvalidIdempotencyKey,
    /// No verified token.
    Unauthenticated,
    /// The balance doesn't cover it.
    InsufficientCredits,
    /// The balance doesn't cover what an adjustment takes: by the same name, with another status.
    Overdrawn,
    /// A token that doesn't allow it.
    Forbidden,
    /// No such route.
    NotFound,
    /// No such debit in the account.
    DebitNotFound,
    /// No such purchase in the account.
    PurchaseNotFound,
    /// No such hold in the account.
    HoldNotFound,
    /// The hold is over, and its credits are back.
    HoldExpired,
    /// The hold was captured or released by another request.
    HoldSettled,
    /// More is captured than is held.
    ExceedsHold,
    /// The account has as many open holds as it may have.
    TooManyHolds,
    /// The price differs from the caller's.
    PriceChanged,
    /// The money-back guarantee is over.
    RefundWindowClosed,
    /// A purchase of which no money can go back.
    NothingToRefund,
    /// An event whose account isn't known yet.
    NotYet,
    /// A payment that was granted to another account.
    PaymentTaken,
    /// A webhook that isn't signed by the payment provider.
    InvalidSignature,
    /// The payment provider refused.
    ProviderRefused,
    /// More than is left of the debit.
    ExceedsDebit,
    /// A balance would rise above what one may hold.
    BalanceLimit,
    /// A body over 64 KiB.
    PayloadTooLarge,
    /// A body that isn't JSON by its type.
    UnsupportedMediaType,
    /// Outside what the catalog sells.
    UnsupportedOperation,
    /// The key was used for another request.
    IdempotencyKeyReused,
    /// A mistake of ours.
    Internal,
    /// Contention or throttling outlasted the retries.
    TryAgain,
}

impl Code {
    /// All of them, as they are declared: what the API's document has to name.
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

    /// The table: status, code, title.
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

    /// The code as it is written.
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

/// Something that isn't done, and what the caller can do about it.
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
    /// A problem with its advice.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), extras: Map::new(), cause: None, attempts: None }
    }

    /// A request that isn't what the route takes: `invalid_request`, with why.
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// A mistake of ours: the caller learns nothing of it, the log does.
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

    /// Something that may work a moment later; the log learns why it didn't.
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

    /// What the log may know beside the code.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Says how often the command was tried, for the log.
    #[must_use]
    pub fn attempted(self, attempts: u32) -> Self {
        Self { attempts: Some(attempts), ..self }
    }

    pub(crate) fn attempts(&self) -> Option<u32> {
        self.attempts
    }

    /// The JSON of the answer.
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

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsupported(unsupported) => Self::new(Code::UnsupportedOperation, unsupported.to_string()),
            Refusal::PriceChanged { expected, current } => Self::new(
                Code::PriceChanged,
                "Nothing was taken or held. Show the current price and ask again with it as expected_credits.",
            )
            .with(json!({"expected_credits": expected, "current_credits": current})),
            Refusal::InsufficientCredits {
                required,
                balance,
                shortfall,
                remedies,
            } => Self::new(
                Code::InsufficientCredits,
                if remedies.is_empty() {
                    "Nothing was taken or held. No single purchase covers this: ask for less, or buy and ask again with the same key."
                } else {
                    "Nothing was taken or held. Buy one of the remedies, then ask again with the same key."
                },
            )
            .with(json!({
                "required": required, "balance": balance, "shortfall": shortfall, "remedies": remedies,
            })),
            Refusal::Overdrawn { balance, shortfall } => Self::new(
                Code::Overdrawn,
                "Nothing was taken: an account never falls below zero. Take at most its balance.",
            )
            .with(json!({"balance": balance, "shortfall": shortfall})),
            Refusal::FreeHold => Self::new(
                Code::UnsupportedOperation,
                "This operation is free, so there is nothing to hold. Debit it when it is done.",
            ),
            Refusal::TooManyHolds => Self::new(
                Code::TooManyHolds,
                "Nothing was held. Capture or release one of the account's open holds first, or wait until one expires.",
            )
            .with(json!({"open_holds_max": Account::HOLDS_MAX})),
            Refusal::HoldNotFound => Self::new(
                Code::HoldNotFound,
                "The account has no hold of this id. A hold's id is its Idempotency-Key.",
            ),
            Refusal::HoldExpired { expired_at } => Self::new(
                Code::HoldExpired,
                "The hold was over at expired_at, and what it held was given back. If the work was done, debit it.",
            )
            .with(json!({"expired_at": expired_at})),
            Refusal::HoldMissing => Self::internal("an open hold is missing in its account"),
            Refusal::HoldSettled { status, captured, returned } => Self::new(
                Code::HoldSettled,
                "A hold ends once. Nothing changed: what it came to is in hold_status, captured and returned.",
            )
            .with(json!({"hold_status": status, "captured": captured, "returned": returned})),
            Refusal::ExceedsHold { held } => exceeds_hold(held),
            Refusal::DebitNotFound => Self::new(
                Code::DebitNotFound,
                "The account has no debit of this id. A debit's id is its Idempotency-Key. A hold is shown at holds/{hold_id}, and can be reversed by its id once it is captured.",
            ),
            Refusal::ExceedsDebit { reversible } => Self::new(
                Code::ExceedsDebit,
                "Nothing was given back. Ask for at most what is reversible.",
            )
            .with(json!({"reversible": reversible})),
            Refusal::PurchaseNotFound => Self::new(
                Code::PurchaseNotFound,
                "The account has no purchase of this id. The entries of kind purchase name them.",
            ),
            Refusal::RefundWindowClosed { closed_at } => Self::new(
                Code::RefundWindowClosed,
                "A purchase is refunded within 30 days of its payment. Nothing changed.",
            )
            .with(json!({"window_closed_at": closed_at})),
            Refusal::NothingToRefund => Self::new(
                Code::NothingToRefund,
                "Nothing changed: no payment of this purchase came through the payment provider. Send money back the way it came.",
            ),
            // Only the provider's events come to these two, and they are parked or read again.
            Refusal::TooManySubscriptions => Self::internal("more subscriptions than an account may have"),
            Refusal::OutdatedFacts => Self::try_again("the payment provider's facts were outdated again and again"),
            Refusal::PaymentTaken => Self::new(
                Code::PaymentTaken,
                "The payment was granted to another account. A payment is granted once.",
            ),
            Refusal::BalanceLimit => Self::new(
                Code::BalanceLimit,
                "Nothing changed: a balance holds at most 1,000,000,000,000 credits of a kind.",
            ),
        }
    }
}

fn exceeds_hold(held: Option<Pieces>) -> Problem {
    let Some(Pieces { unit, count }) = held else {
        return Problem::new(
            Code::ExceedsHold,
            "Nothing was captured. This hold is only captured whole: send {}.",
        );
    };
    let detail = format!("Nothing was captured. Capture 1 to {count} {unit}, or send {{}} for all of them.");
    Problem::new(Code::ExceedsHold, detail).with(json!({"held": {unit.to_string(): count}}))
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
mod tests {
    use std::fmt::Write;

    use scrip_accounts::{
        Refusal::{self, *},
        SettlementStatus,
    };
    use scrip_ledger::{Error, Fault};
    use scrip_pricing::{CATALOG, Count, Credits, Operation, Pieces, Unit};

    use super::{Code, Problem};

    #[test]
    fn all_codes_are_all() {
        for (index, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, index, "{code:?}");
        }
        // The one declared last.
        assert_eq!(Code::ALL.len(), Code::TryAgain as usize + 1);
    }

    const SECRET: &str = "AccessDenied: arn:aws:iam::123456789012:role/x";

    fn refusals() -> Vec<Refusal> {
        let c = Credits::new;
        let upscale = Operation::Upscale { factor: Count::new(3), images: Count::new(1) };
        let short = |required: Credits, balance: Credits, remedies: &[&'static str]| InsufficientCredits {
            required,
            balance,
            shortfall: balance.shortfall(required),
            remedies: remedies.to_vec(),
        };
        vec![
            Unsupported(CATALOG.quote(&upscale).unwrap_err()),
            PriceChanged { expected: c(4, 0, 0), current: c(6, 0, 0) },
            short(c(0, 1, 64), c(7, 0, 60), &["tune_pack"]),
            short(c(9000, 0, 0), c(7, 0, 0), &[]),
            FreeHold,
            TooManyHolds,
            HoldNotFound,
            HoldMissing,
            HoldExpired { expired_at: chrono::DateTime::UNIX_EPOCH },
            HoldSettled { status: SettlementStatus::Captured, captured: c(2, 0, 0), returned: c(1, 0, 0) },
            ExceedsHold { held: Some(Pieces { unit: Unit::Images, count: 4 }) },
            ExceedsHold { held: None },
            DebitNotFound,
            ExceedsDebit { reversible: c(6, 0, 0) },
            Overdrawn { balance: c(5, 1, 0), shortfall: c(0, 1, 0) },
            PurchaseNotFound,
            RefundWindowClosed { closed_at: chrono::DateTime::UNIX_EPOCH },
            NothingToRefund,
            TooManySubscriptions,
            OutdatedFacts,
            PaymentTaken,
            BalanceLimit,
        ]
    }

    fn errors() -> Vec<Error> {
        vec![
            Error::KeyReused,
            Error::TryAgain { attempts: 10, last: Fault::Throttled, source: None },
            Error::Internal { doing: "append", source: SECRET.into() },
        ]
    }

    /// The snapshot is the table: what each refusal and each error is answered as, and what is logged of it.
    #[test]
    fn each_refusal_and_each_error_has_its_problem() {
        let refusals = refusals().into_iter().map(|refusal| (format!("{refusal:?}"), refusal.into()));
        let errors = errors().into_iter().map(|error| (error.to_string(), error.into()));
        let mut told = String::new();
        for (from, problem) in refusals.chain(errors) {
            let problem: Problem = problem;
            let body = problem.body();
            assert_eq!(body["status"], problem.code().status(), "{from}");
            assert!(body["detail"].as_str().is_some_and(|advice| advice.len() > 30), "{from}: {body}");
            let cause = problem.cause().unwrap_or("nothing");
            writeln!(told, "{from}\n  answered: {body}\n  logged: {cause}").unwrap();
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn a_cause_is_for_the_log_only() {
        let internal = Error::Internal { doing: "append", source: SECRET.into() };
        for problem in [Problem::from(internal), Problem::internal(SECRET)] {
            assert!(problem.cause().unwrap().contains(SECRET));
            let body = problem.body().to_string();
            assert!(!body.contains("arn:") && !body.contains("append"), "{body}");
        }
        let busy = Problem::from(Error::TryAgain { attempts: 10, last: Fault::Throttled, source: None });
        assert!(busy.cause().unwrap().contains("throttled"));
        assert!(!busy.body().to_string().contains("throttled"));
    }
}
