//! A decision as writes, each with its condition: those of `shared/ledger/src/append.rs`, and the operation's row of the
//! protocol before claims.

use scrip_accounts::{Account, CommandKey, Decision, EntryKind, OpenHold, Purchase, Record};
use scrip_pricing::Credits;

use crate::{
    item::{AccountNumber, Claim, Item, Key},
    plant::Plant,
    write::{Change, Condition, Request, Slot, Write},
};

/// The identity of a command: its key, and a digest of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub key: CommandKey,
    /// The key of its claim.
    pub claim: Key,
    pub request: u64,
}

impl Identity {
    pub fn new(account_number: AccountNumber, key: CommandKey, request: u64) -> Self {
        Self { claim: claim_key(account_number, &key), key, request }
    }
}

/// The key of a command's claim.
pub fn claim_key(account_number: AccountNumber, key: &CommandKey) -> Key {
    Key::Claim(account_number, format!("{}#{}", key.kind(), key.id()))
}

/// The put of a claim from an entry on.
pub fn claim(identity: &Identity, from: u64, plant: Option<Plant>) -> Request {
    let is_hash_claimed = matches!(plant, Some(Plant::HashInClaim | Plant::ReusedByClaim));
    let request = is_hash_claimed.then_some(identity.request);
    let claim = Claim { from: Some(from), request, ..Claim::default() };
    Request::of(Write {
        slot: Slot::Claim,
        key: identity.claim.clone(),
        change: put(Item::Claim(claim)),
        condition: Condition::Absent,
    })
}

/// The raise of a claim to an entry.
pub fn raise(claim: Key, to: u64) -> Request {
    let (change, condition) = (Change::RaiseClaim(to), Condition::Present);
    Request::of(Write { slot: Slot::Record, key: claim, change, condition })
}

/// The writes of a decision that was made from an account. The last entry holds the request of a command with a key.
pub fn append(
    account_number: AccountNumber,
    from: &Account,
    identity: Option<&Identity>,
    decision: Decision,
    plant: Option<Plant>,
) -> Request {
    let mut writes = Vec::new();
    let own = decision.entries.last().map(|last| last.account.sequence);
    for entry in &decision.entries {
        let sequence = entry.account.sequence;
        let request = identity.map(|identity| identity.request).filter(|_| own == Some(sequence));
        let (key, change) =
            (Key::Entry(account_number, sequence.get()), put(Item::Entry(entry.clone(), request)));
        writes.push(Write { slot: Slot::Entry, key, change, condition: Condition::Absent });
    }
    if decision.entries.is_empty() {
        let key = Key::Entry(account_number, from.sequence.next().get());
        writes.push(Write { slot: Slot::Entry, key, change: Change::Check, condition: Condition::Absent });
    }
    for record in &decision.records {
        write_record(&mut writes, account_number, record, plant);
    }
    if let Some(last) = decision.entries.last() {
        let change = match (from.due_after(), last.account.due_after()) {
            (before, after) if before == after => None,
            (_, Some(settled)) => Some(put(Item::Due(settled))),
            (_, None) => Some(Change::Delete),
        };
        writes.extend(change.map(|change| unconditional(Key::Due(account_number), change)));
    }
    Request { writes, decision: Some(decision), is_due: false }
}

/// The same in the protocol before claims: the operation's row is written with the entry, and holds the request.
pub fn append_with_row(
    account_number: AccountNumber,
    from: &Account,
    identity: &Identity,
    decision: Decision,
) -> Request {
    let sequence = decision.entries.last().map(|last| last.account.sequence.get());
    let request = Some(identity.request);
    let row = Item::Claim(Claim { from: None, sequence, request, reversed: Credits::ZERO });
    let mut append = append(account_number, from, None, decision, None);
    let (key, change) = (identity.claim.clone(), put(row));
    append.writes.insert(0, Write { slot: Slot::Claim, key, change, condition: Condition::Absent });
    append
}

fn write_record(
    writes: &mut Vec<Write>,
    account_number: AccountNumber,
    record: &Record,
    plant: Option<Plant>,
) {
    let mut write = |key, change, condition| {
        writes.push(Write { slot: Slot::Record, key, change, condition });
    };
    match record {
        Record::Reversed { debit_id, sequence, before, after } => {
            let key = claim_key(account_number, &CommandKey::Debit(debit_id.clone()));
            let is_capped = plant != Some(Plant::UncappedReversal);
            let condition = if is_capped { Condition::Reversed(*before) } else { Condition::Present };
            write(key, Change::Reverse(*after, sequence.get()), condition);
        }
        Record::Purchase(purchase) => {
            let key = Key::Purchase(account_number, purchase.id.clone());
            write(key, put(Item::Purchase(purchase.as_ref().clone())), follows(purchase.revision, plant));
            writes.extend(owners(purchase).map(|id| Write {
                slot: Slot::Owner,
                key: Key::Payment(id),
                change: put(Item::Owner(account_number)),
                condition: Condition::OwnedBy(account_number),
            }));
        }
        Record::Subscription(record) => {
            let item = put(Item::Subscription(account_number, record.as_ref().clone()));
            write(Key::Subscription, item, follows(record.revision, plant));
        }
        Record::SeenPurchase(id, revision) => {
            write(
                Key::Purchase(account_number, id.clone()),
                Change::RaiseRevision,
                follows(*revision, plant),
            );
        }
        Record::SeenSubscription(_, revision) => {
            write(Key::Subscription, Change::RaiseRevision, follows(*revision, plant));
        }
        Record::Customer(_) => {
            let owner = Box::new(Item::Owner(account_number));
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

/// The same decision with all holds still open that were.
pub fn reopening(mut decision: Decision, holds: &[OpenHold]) -> Decision {
    for entry in &mut decision.entries {
        let open = &mut entry.account.holds;
        let closed = holds.iter().filter(|hold| !open.contains(hold)).copied().collect::<Vec<_>>();
        open.splice(..0, closed);
    }
    decision
}

/// The same decision with a hold that takes nothing.
pub fn holding_nothing(mut decision: Decision) -> Decision {
    for entry in decision.entries.iter_mut().filter(|entry| entry.event.kind() == EntryKind::Hold) {
        let both = entry.account.balance.checked_add(entry.change.taken());
        entry.account.balance = both.expect("small numbers");
        entry.change = scrip_accounts::Change::NONE;
    }
    decision
}

/// The same decision with nothing owed.
pub fn forgetting(mut decision: Decision) -> Decision {
    decision.entries.iter_mut().for_each(|entry| entry.account.owed = Credits::ZERO);
    decision
}
