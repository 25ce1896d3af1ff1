//! Facts about items and entries that only the audit needs.

use aws_sdk_dynamodb::types::AttributeValue;
use scrip_accounts::{AdjustmentId, CommandKey, DebitId, Entry, Event, HoldId, ReversalId};

use super::problem::Problem;
use crate::{Error, chain, items::Item};

const BALANCE: &str = "balance";

/// The key that an entry carries; `None` if its kind has no key.
pub(super) fn key_of(entry: &Entry) -> Result<Option<CommandKey>, Problem> {
    let id = || entry.reference.clone();
    let key = match entry.event {
        Event::Debit { .. } => DebitId::parse(id()).map(CommandKey::Debit),
        Event::Hold { .. } => HoldId::parse(id()).map(CommandKey::Hold),
        Event::Capture { .. } | Event::Release { expired: false, .. } => {
            HoldId::parse(id()).map(CommandKey::Settlement)
        }
        Event::Reversal { .. } => ReversalId::parse(id()).map(CommandKey::Reversal),
        Event::Adjustment { .. } => AdjustmentId::parse(id()).map(CommandKey::Adjustment),
        Event::Release { expired: true, .. }
        | Event::Purchase
        | Event::Refill
        | Event::Expiry
        | Event::Subscription
        | Event::Refund { .. }
        | Event::RefundFailed
        | Event::Dispute { .. }
        | Event::DisputeWon => return Ok(None),
    };
    key.map(Some).map_err(|_| Problem::Unreadable("its reference is no key".to_owned()))
}

/// Whether an entry's balance has a negative number.
pub(super) fn is_below_zero(item: &Item) -> bool {
    let Some(AttributeValue::M(balance)) = item.get(BALANCE) else { return false };
    balance.values().any(|kind| matches!(kind, AttributeValue::N(number) if number.starts_with('-')))
}

/// The problem of a row that can't be read. The error's quoted texts are left out, because they may be a customer's
/// data.
pub(super) fn unreadable(error: &Error) -> Problem {
    let why = chain(error);
    let outside = why.split('"').step_by(2).collect::<Vec<_>>();
    Problem::Unreadable(outside.join("\"...\""))
}
