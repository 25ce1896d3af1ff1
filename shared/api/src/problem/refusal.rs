//! The problem of each refusal: its code, the advice, and the extras that the caller needs to act on it.

use chrono::{DateTime, Utc};
use scrip_accounts::{Account, Refusal, SettlementStatus};
use scrip_pricing::{Credits, Pieces};
use serde_json::json;

use super::{Code, Problem};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsupported(unsupported) => Self::new(Code::UnsupportedOperation, unsupported.to_string()),
            Refusal::PriceChanged { expected, current } => price_changed(expected, current),
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
            Refusal::Overdrawn { balance, shortfall } => overdrawn(balance, shortfall),
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
            Refusal::HoldExpired { expired_at } => hold_expired(expired_at),
            Refusal::HoldMissing => Self::internal("an open hold is missing in its account"),
            Refusal::HoldSettled { status, captured, returned } => hold_settled(status, captured, returned),
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
            Refusal::RefundWindowClosed { closed_at } => refund_window_closed(closed_at),
            Refusal::NothingToRefund => Self::new(
                Code::NothingToRefund,
                "Nothing changed: no payment of this purchase came through the payment provider. Send money back the way it came.",
            ),
            // Only events of the payment provider lead to these two, and are parked or read again.
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

fn price_changed(expected: Credits, current: Credits) -> Problem {
    let detail =
        "Nothing was taken or held. Show the current price and ask again with it as expected_credits.";
    Problem::new(Code::PriceChanged, detail)
        .with(json!({"expected_credits": expected, "current_credits": current}))
}

fn overdrawn(balance: Credits, shortfall: Credits) -> Problem {
    let detail = "Nothing was taken: an account never falls below zero. Take at most its balance.";
    Problem::new(Code::Overdrawn, detail).with(json!({"balance": balance, "shortfall": shortfall}))
}

fn hold_expired(expired_at: DateTime<Utc>) -> Problem {
    let detail =
        "The hold was over at expired_at, and what it held was given back. If the work was done, debit it.";
    Problem::new(Code::HoldExpired, detail).with(json!({"expired_at": expired_at}))
}

fn hold_settled(status: SettlementStatus, captured: Credits, returned: Credits) -> Problem {
    let detail =
        "A hold ends once. Nothing changed: what it came to is in hold_status, captured and returned.";
    Problem::new(Code::HoldSettled, detail)
        .with(json!({"hold_status": status, "captured": captured, "returned": returned}))
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

fn refund_window_closed(closed_at: DateTime<Utc>) -> Problem {
    let detail = "A purchase is refunded within 30 days of its payment. Nothing changed.";
    Problem::new(Code::RefundWindowClosed, detail).with(json!({"window_closed_at": closed_at}))
}
