//! Reads the reasons of a cancelled transaction, each by the position of its write.
//!
//! A cancelled transaction wrote nothing. The meaning of a reason depends on its write: an entry that exists is a lost
//! race, and a payment's row that exists belongs to another account.

use aws_sdk_dynamodb::{
    error::SdkError, operation::transact_get_items::TransactGetItemsError, types::CancellationReason,
};

use crate::{
    Error, Fault,
    error::{Failure, classify},
    items::Item,
};

/// The purpose of one write of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// An entry. Its condition keeps the history without branches.
    Entry,
    /// A row that was read before. Its condition is that it hasn't changed since.
    Record,
    /// The owner row of a payment. Its condition keeps it with its first account.
    Owner,
    /// The row of a customer's first account. Its condition keeps that account.
    Customer,
    /// A row that is written without a condition.
    Unconditional,
    /// A row that is only read.
    Read,
}

/// The meaning of a cancelled transaction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cancellation {
    /// The payment belongs to another account.
    Taken,
    /// Another call wrote first. If a reason carries a newer entry, its item is here.
    Raced(Option<Box<Item>>),
    /// The customer bought for another account first. Everything else may still be written.
    CustomerKnown,
    /// Contention or throttling: another attempt after a wait may succeed.
    Wait(Fault),
    /// A reason that this program doesn't cause or doesn't know.
    Unknown(String),
}

/// Reads the reasons of a cancelled transaction. An unknown code takes precedence, because it must be reported and not
/// retried. [`Cancellation::Taken`] comes next: it is permanent, while the others may change.
pub(crate) fn read_reasons(slots: &[Slot], reasons: &[CancellationReason]) -> Cancellation {
    if slots.len() != reasons.len() {
        return Cancellation::Unknown(format!("{} writes, {} reasons", slots.len(), reasons.len()));
    }
    let mut wait = None;
    let mut unknown = None;
    let (mut raced, mut taken, mut is_customer_known) = (false, false, false);
    let mut newest = None;
    for (slot, reason) in slots.iter().zip(reasons) {
        match (reason.code().unwrap_or("None"), slot) {
            ("None", _) => {}
            ("ConditionalCheckFailed", Slot::Entry) => {
                raced = true;
                newest = reason.item().cloned().map(Box::new);
            }
            ("ConditionalCheckFailed", Slot::Record) => raced = true,
            ("ConditionalCheckFailed", Slot::Owner) => taken = true,
            ("ConditionalCheckFailed", Slot::Customer) => is_customer_known = true,
            ("TransactionConflict", _) => wait = wait.or(Some(Fault::Contended)),
            ("ThrottlingError" | "ProvisionedThroughputExceeded", _) => wait = Some(Fault::Throttled),
            (code, slot) => {
                let message = reason.message().unwrap_or_default();
                unknown = Some(format!("{code} at {slot:?}: {message}"));
            }
        }
    }
    match (unknown, wait, raced) {
        (Some(code), _, _) => Cancellation::Unknown(code),
        (None, _, _) if taken => Cancellation::Taken,
        (None, Some(fault), _) => Cancellation::Wait(fault),
        (None, None, true) => Cancellation::Raced(newest),
        (None, None, false) if is_customer_known => Cancellation::CustomerKnown,
        (None, None, false) => Cancellation::Unknown("cancelled without a reason".to_owned()),
    }
}

/// Reads the failure of a transaction of reads: one of its items is being written, or it is another fault.
pub(crate) fn read_cancelled(slots: &[Slot], error: SdkError<TransactGetItemsError>) -> Failure {
    const DOING: &str = "confirm a refusal";
    let reasons = match &error {
        SdkError::ServiceError(service) => match service.err() {
            TransactGetItemsError::TransactionCanceledException(cancelled) => {
                cancelled.cancellation_reasons()
            }
            _ => return classify(DOING, error),
        },
        _ => return classify(DOING, error),
    };
    match read_reasons(slots, reasons) {
        Cancellation::Wait(fault) => Failure::Transient(fault, Some(error.into())),
        Cancellation::Unknown(cause) => Error::internal(DOING, cause).into(),
        // Reads have no conditions.
        Cancellation::Raced(_) | Cancellation::Taken | Cancellation::CustomerKnown => classify(DOING, error),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        let reason = |(position, code): (usize, &&str)| {
            let builder = CancellationReason::builder().code(*code);
            let item = AttributeValue::N(position.to_string());
            if *code == "ConditionalCheckFailed" { builder.item("at", item).build() } else { builder.build() }
        };
        codes.iter().enumerate().map(reason).collect()
    }

    #[test]
    fn a_reasons_meaning_depends_on_its_position() {
        use Slot::{Customer, Entry, Owner, Record, Unconditional};
        const NONE: &str = "None";
        const FAILED: &str = "ConditionalCheckFailed";
        const CONFLICT: &str = "TransactionConflict";
        const THROTTLED: &str = "ThrottlingError";
        let slots = [Entry, Entry, Record, Owner, Unconditional];
        let carried = |position: &str| {
            let item = Item::from([("at".to_owned(), AttributeValue::N(position.to_owned()))]);
            Cancellation::Raced(Some(Box::new(item)))
        };
        let unknown = |text: &str| Cancellation::Unknown(text.to_owned());
        for (codes, expected) in [
            ([FAILED, NONE, NONE, NONE, NONE], carried("0")),
            ([FAILED, FAILED, NONE, NONE, NONE], carried("1")),
            ([NONE, NONE, FAILED, NONE, NONE], Cancellation::Raced(None)),
            ([FAILED, NONE, FAILED, NONE, NONE], carried("0")),
            ([CONFLICT, NONE, NONE, NONE, NONE], Cancellation::Wait(Fault::Contended)),
            ([FAILED, CONFLICT, NONE, NONE, NONE], Cancellation::Wait(Fault::Contended)),
            ([NONE, NONE, NONE, NONE, THROTTLED], Cancellation::Wait(Fault::Throttled)),
            (
                [CONFLICT, NONE, NONE, NONE, "ProvisionedThroughputExceeded"],
                Cancellation::Wait(Fault::Throttled),
            ),
            (["ValidationError", NONE, NONE, NONE, NONE], unknown("ValidationError at Entry: ")),
            ([CONFLICT, "Novel", NONE, NONE, NONE], unknown("Novel at Entry: ")),
            ([NONE, NONE, NONE, NONE, FAILED], unknown("ConditionalCheckFailed at Unconditional: ")),
            ([NONE, NONE, NONE, FAILED, NONE], Cancellation::Taken),
            ([FAILED, NONE, NONE, FAILED, CONFLICT], Cancellation::Taken),
            ([NONE, NONE, NONE, NONE, NONE], unknown("cancelled without a reason")),
        ] {
            assert_eq!(read_reasons(&slots, &reasons(&codes)), expected, "{codes:?}");
        }
        assert_eq!(read_reasons(&slots, &reasons(&[NONE])), unknown("5 writes, 1 reasons"));
        for (codes, expected) in [
            ([NONE, FAILED], Cancellation::CustomerKnown),
            ([FAILED, FAILED], Cancellation::Raced(None)),
            ([CONFLICT, FAILED], Cancellation::Wait(Fault::Contended)),
        ] {
            assert_eq!(read_reasons(&[Record, Customer], &reasons(&codes)), expected, "{codes:?}");
        }
    }
}
