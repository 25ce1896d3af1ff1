//! A decision as one transaction: the writes of `shared/ledger/src/append.rs`, each with its condition.

use credits::{Account, Decision, EntryKind, Record};
use pricing::Credits;

use crate::{
    plant::Plant,
    table::{Change, Condition, Item, Key, Slot, Who, Write},
};

/// What a caller knows a command by: the key of its operation, and a hash of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub operation: Key,
    pub request: u64,
}

/// The writes of a decision that was made from an account.
pub fn writes(
    who: Who,
    from: &Account,
    identity: Option<&Identity>,
    decision: &Decision,
    plant: Option<Plant>,
) -> Vec<Write> {
    let put = |item| Change::Put(Box::new(item));
    let mut writes = Vec::new();
    let mut write = |slot, key, change, condition| writes.push(Write { slot, key, change, condition });
    let last = decision.entries.last();
    if let Some(Identity { operation, request }) = identity
        && plant != Some(Plant::NoOperation)
    {
        let sequence = last.map_or(from.sequence, |last| last.account.sequence).get();
        let item = put(Item::Operation { sequence, request: *request });
        let is_checked = plant != Some(Plant::CheckedBefore);
        let condition = if is_checked { Condition::Absent } else { Condition::Anything };
        write(Slot::Operation, operation.clone(), item, condition);
    }
    for entry in &decision.entries {
        let key = Key::Entry(who, entry.account.sequence.get());
        write(Slot::Entry, key, put(Item::Entry(entry.clone())), Condition::Absent);
    }
    if decision.entries.is_empty() && plant != Some(Plant::UncheckedRecord) {
        let next = Key::Entry(who, from.sequence.next().get());
        write(Slot::Entry, next, Change::Check, Condition::Absent);
    }
    for record in &decision.records {
        match record {
            Record::Reversed { .. } => unreachable!("reversals aren't in the model"),
            Record::Purchase(purchase) => {
                let key = Key::Purchase(who, purchase.payment.id.to_string());
                let item = put(Item::Purchase(purchase.as_ref().clone()));
                write(Slot::Record, key, item, follows(purchase.revision));
                if purchase.revision == 1 {
                    let payment = Key::Payment(purchase.payment.id.to_string());
                    write(Slot::Owner, payment, put(Item::Owner(who)), Condition::OwnedBy(who));
                }
            }
            Record::Standing(standing) => {
                let key = Key::Standing(who, standing.subscription_id.to_string());
                let item = put(Item::Standing(standing.clone()));
                write(Slot::Record, key, item, follows(standing.revision));
            }
        }
    }
    if let Some(last) = last {
        let due = match (from.due_after(), last.account.due_after()) {
            (before, after) if before == after => None,
            (_, Some(settled)) => Some(put(Item::Due(settled))),
            (_, None) => Some(Change::Delete),
        };
        if let Some(due) = due {
            write(Slot::Unconditional, Key::Due(who), due, Condition::Anything);
        }
    }
    writes
}

/// A revision follows the one before it, the first follows none.
fn follows(revision: u64) -> Condition {
    if revision > 1 { Condition::Revision(revision - 1) } else { Condition::Absent }
}

/// The same decision with a refill on top of what was left.
pub fn adding(mut decision: Decision) -> Decision {
    let mut left = Credits::ZERO;
    for entry in &mut decision.entries {
        match entry.event.kind() {
            EntryKind::Expiry => left = entry.change.taken(),
            EntryKind::Refill => {
                let both = |balance: Credits| balance.checked_add(left).expect("small numbers");
                entry.change = credits::Change::give(both(entry.change.given())).expect("small numbers");
                entry.account.balance = both(entry.account.balance);
            }
            _ => entry.account.balance = entry.account.balance.checked_add(left).expect("small numbers"),
        }
    }
    decision
}
