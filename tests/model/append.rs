//! A decision as one transaction: the writes of `shared/ledger/src/append.rs`, each with its condition.

use scrip_accounts::{Account, DebitRecord, Decision, EntryKind, Purchase, Record};
use scrip_pricing::Credits;

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

/// The key of an operation's row.
pub fn operation(who: Who, kind: &str, key: &str) -> Key {
    Key::Operation(who, format!("{kind}#{key}"))
}

/// The writes of a decision that was made from an account.
pub fn writes(
    who: Who,
    from: &Account,
    identity: Option<&Identity>,
    decision: &Decision,
    plant: Option<Plant>,
) -> Vec<Write> {
    let mut writes = Vec::new();
    let last = decision.entries.last();
    if let Some(Identity { operation, request }) = identity
        && plant != Some(Plant::NoOperation)
    {
        let sequence = last.map_or(from.sequence, |last| last.account.sequence).get();
        let taken = last.filter(|last| last.event.kind() == EntryKind::Debit).map(|last| last.change.taken());
        let debit = taken.map(|taken| DebitRecord { taken, reversed: Credits::ZERO });
        let item = put(Item::Operation { sequence, request: *request, debit });
        let is_checked = plant != Some(Plant::CheckedBefore);
        let condition = if is_checked { Condition::Absent } else { Condition::Anything };
        writes.push(Write { slot: Slot::Operation, key: operation.clone(), change: item, condition });
    }
    for entry in &decision.entries {
        let key = Key::Entry(who, entry.account.sequence.get());
        let change = put(Item::Entry(entry.clone()));
        writes.push(Write { slot: Slot::Entry, key, change, condition: Condition::Absent });
    }
    if decision.entries.is_empty() {
        let key = Key::Entry(who, from.sequence.next().get());
        writes.push(Write { slot: Slot::Entry, key, change: Change::Check, condition: Condition::Absent });
    }
    for record in &decision.records {
        write_record(&mut writes, who, record, plant);
    }
    if let Some(last) = last {
        let change = match (from.due_after(), last.account.due_after()) {
            (before, after) if before == after => None,
            (_, Some(settled)) => Some(put(Item::Due(settled))),
            (_, None) => Some(Change::Delete),
        };
        writes.extend(change.map(|change| unconditional(Key::Due(who), change)));
    }
    writes
}

fn write_record(writes: &mut Vec<Write>, who: Who, record: &Record, plant: Option<Plant>) {
    let mut write = |key, change, condition| {
        writes.push(Write { slot: Slot::Record, key, change, condition });
    };
    match record {
        Record::Reversed { debit_id, before, after } => {
            let key = operation(who, "debit", debit_id.as_str());
            write(key, Change::Reverse(*after), Condition::Reversed(*before));
        }
        Record::Purchase(purchase) => {
            let key = Key::Purchase(who, purchase.id.clone());
            write(key, put(Item::Purchase(purchase.as_ref().clone())), follows(purchase.revision, plant));
            writes.extend(owners(purchase).map(|id| Write {
                slot: Slot::Owner,
                key: Key::Payment(id),
                change: put(Item::Owner(who)),
                condition: Condition::OwnedBy(who),
            }));
        }
        Record::Subscription(record) => {
            let item = put(Item::Subscription(who, record.as_ref().clone()));
            write(Key::Subscription, item, follows(record.revision, plant));
        }
        Record::SeenPurchase(id, revision) => {
            write(Key::Purchase(who, id.clone()), Change::Raise, follows(*revision, plant));
        }
        Record::SeenSubscription(_, revision) => {
            write(Key::Subscription, Change::Raise, follows(*revision, plant));
        }
        Record::Customer(_) => {
            let owner = Box::new(Item::Owner(who));
            let is_kept = plant != Some(Plant::OverwrittenCustomer);
            let change = if is_kept { Change::Keep(owner) } else { Change::Put(owner) };
            writes.push(unconditional(Key::Customer, change));
        }
    }
}

/// The ids by which a purchase's account is found: its payments', and its own.
fn owners(purchase: &Purchase) -> impl Iterator<Item = String> {
    let own = purchase.id.to_string();
    let payments =
        purchase.payment_ids.iter().map(ToString::to_string).filter(|id| *id != purchase.id.as_str());
    payments.chain([own]).collect::<Vec<_>>().into_iter()
}

fn put(item: Item) -> Change {
    Change::Put(Box::new(item))
}

fn unconditional(key: Key, change: Change) -> Write {
    Write { slot: Slot::Unconditional, key, change, condition: Condition::Anything }
}

/// A revision follows the one before it, the first follows none.
fn follows(revision: u64, plant: Option<Plant>) -> Condition {
    match revision {
        _ if plant == Some(Plant::UnguardedRecord) => Condition::Anything,
        0 | 1 => Condition::Absent,
        _ => Condition::Revision(revision - 1),
    }
}

/// The same decision with a refill on top of what was left.
pub fn adding(mut decision: Decision) -> Decision {
    let mut left = Credits::ZERO;
    for entry in &mut decision.entries {
        match entry.event.kind() {
            EntryKind::Expiry => left = entry.change.taken(),
            EntryKind::Refill => {
                let both = |balance: Credits| balance.checked_add(left).expect("small numbers");
                entry.change =
                    scrip_accounts::Change::give(both(entry.change.given())).expect("small numbers");
                entry.account.balance = both(entry.account.balance);
            }
            _ => entry.account.balance = entry.account.balance.checked_add(left).expect("small numbers"),
        }
    }
    decision
}

/// The same decision with nothing owed.
pub fn forgetting(mut decision: Decision) -> Decision {
    decision.entries.iter_mut().for_each(|entry| entry.account.owed = Credits::ZERO);
    decision
}
