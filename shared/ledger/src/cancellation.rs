//! Why a transaction was cancelled: its reasons, read by position.
//!
//! A transaction that was cancelled wrote nothing. Each reason stands where its write stood, so the same
//! code means different things: an entry that exists is a race, a payment that exists is another account's.

use aws_sdk_dynamodb::{
    error::SdkError, operation::transact_get_items::TransactGetItemsError, types::CancellationReason,
};

use crate::{
    Error, Fault,
    error::{Failure, classify},
    items::Item,
};

/// What a write of the transaction was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// An entry; its condition makes the history one line.
    Entry,
    /// A row that is read before it is written, under the condition that it is as it was read.
    Record,
    /// A row that says whose a payment is; its condition keeps it the first account's.
    Owner,
    /// A row that says which account a customer bought for first; its condition keeps it that account's.
    Customer,
    /// A row that is written whatever it was.
    Unconditional,
    /// A row that is only read.
    Read,
}

/// What a cancelled transaction says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cancelled {
    /// What was paid belongs to another account.
    Taken,
    /// Someone else appended first; the newest entry that the reasons carry, if any does.
    Raced(Option<Box<Item>>),
    /// The customer bought for another account first: everything else may be written.
    CustomerKnown,
    /// Nothing is known to have changed; waiting may help.
    Wait(Fault),
    /// Something this program doesn't do or doesn't know.
    Unknown(String),
}

/// Reads the reasons of a cancelled transaction. An unknown code outweighs the rest: it isn't waited for in
/// silence. What another account was granted stays that one's, so that outweighs what may change.
pub(crate) fn read_reasons(slots: &[Slot], reasons: &[CancellationReason]) -> Cancelled {
    if slots.len() != reasons.len() {
        return Cancelled::Unknown(format!("{} writes, {} reasons", slots.len(), reasons.len()));
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
        (Some(code), _, _) => Cancelled::Unknown(code),
        (None, _, _) if taken => Cancelled::Taken,
        (None, Some(fault), _) => Cancelled::Wait(fault),
        (None, None, true) => Cancelled::Raced(newest),
        (None, None, false) if is_customer_known => Cancelled::CustomerKnown,
        (None, None, false) => Cancelled::Unknown("cancelled without a reason".to_owned()),
    }
}

/// Reads why a transaction of reads failed: one of its items is being written, or anything else.
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
        Cancelled::Wait(fault) => Failure::Transient(fault, Some(error.into())),
        Cancelled::Unknown(cause) => Error::internal(DOING, cause).into(),
        // Reads have no conditions.
        Cancelled::Raced(_) | Cancelled::Taken | Cancelled::CustomerKnown => classify(DOING, error),
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
    fn reasons_mean_what_their_position_says() {
        use Slot::{Customer, Entry, Owner, Record, Unconditional};
        const NONE: &str = "None";
        const FAILED: &str = "ConditionalCheckFailed";
        const CONFLICT: &str = "TransactionConflict";
        const THROTTLED: &str = "ThrottlingError";
        let slots = [Entry, Entry, Record, Owner, Unconditional];
        let carried = |position: &str| {
            let item = Item::from([("at".to_owned(), AttributeValue::N(position.to_owned()))]);
            Cancelled::Raced(Some(Box::new(item)))
        };
        let unknown = |text: &str| Cancelled::Unknown(text.to_owned());
        for (codes, expected) in [
            ([FAILED, NONE, NONE, NONE, NONE], carried("0")),
            ([FAILED, FAILED, NONE, NONE, NONE], carried("1")),
            ([NONE, NONE, FAILED, NONE, NONE], Cancelled::Raced(None)),
            ([FAILED, NONE, FAILED, NONE, NONE], carried("0")),
            ([CONFLICT, NONE, NONE, NONE, NONE], Cancelled::Wait(Fault::Contended)),
            ([FAILED, CONFLICT, NONE, NONE, NONE], Cancelled::Wait(Fault::Contended)),
            ([NONE, NONE, NONE, NONE, THROTTLED], Cancelled::Wait(Fault::Throttled)),
            (
                [CONFLICT, NONE, NONE, NONE, "ProvisionedThroughputExceeded"],
                Cancelled::Wait(Fault::Throttled),
            ),
            (["ValidationError", NONE, NONE, NONE, NONE], unknown("ValidationError at Entry: ")),
            ([CONFLICT, "Novel", NONE, NONE, NONE], unknown("Novel at Entry: ")),
            ([NONE, NONE, NONE, NONE, FAILED], unknown("ConditionalCheckFailed at Unconditional: ")),
            ([NONE, NONE, NONE, FAILED, NONE], Cancelled::Taken),
            ([FAILED, NONE, NONE, FAILED, CONFLICT], Cancelled::Taken),
            ([NONE, NONE, NONE, NONE, NONE], unknown("cancelled without a reason")),
        ] {
            assert_eq!(read_reasons(&slots, &reasons(&codes)), expected, "{codes:?}");
        }
        assert_eq!(read_reasons(&slots, &reasons(&[NONE])), unknown("5 writes, 1 reasons"));
        for (codes, expected) in [
            ([NONE, FAILED], Cancelled::CustomerKnown),
            ([FAILED, FAILED], Cancelled::Raced(None)),
            ([CONFLICT, FAILED], Cancelled::Wait(Fault::Contended)),
        ] {
            assert_eq!(read_reasons(&[Record, Customer], &reasons(&codes)), expected, "{codes:?}");
        }
    }
}
