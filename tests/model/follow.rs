//! The reads of a call, and its decisions on them (`shared/ledger/src/execute.rs`, `scan.rs`, `related.rs`).

use scrip_accounts::{Account, CommandKey, Decision, Refusal, Subject, refill};
use scrip_pricing::Credits;

use crate::{
    append::{Identity, claim_key},
    call::{Call, back, identity},
    client::{Client, account},
    item::{Key, Row, Shared, digest, sequence},
    phase::{Answer, NoWrite, Phase, Read, ReadKind},
    plant::Plant,
    protocol::Protocol,
    related::{KeySeen, RelatedItems},
    table::Table,
    task::Task,
    world::World,
};

/// A call's next read, and what follows it.
pub fn read(protocol: &Protocol, world: &mut World, index: usize, call: &Call) -> Phase {
    match call {
        Call::Begin => begin(protocol, world, index),
        Call::Key(read, known) => key(protocol, world, index, (call, read, known)),
        Call::KeyEntries(read, known, claim) => {
            key_entries(protocol, world, index, (call, read, known, claim))
        }
        Call::Scan { claim, head } => scan_from(protocol, world, index, (call, claim, head.as_ref())),
        Call::Rescan(verified) if protocol.plant == Some(Plant::NewestReread) => {
            let client = &world.clients[index];
            let task = &protocol.tasks[client.task];
            match world.table.head(task.account) {
                Some(head) if head.is_of(&identity(task).key) => replay(protocol, world, task, &head),
                head => {
                    let head = head.or_else(|| verified.clone());
                    related(protocol, client, Read { head, how: ReadKind::Verified }, RelatedItems::default())
                }
            }
        }
        Call::Rescan(verified) => {
            scan(protocol, world, index, (call, verified.clone(), sequence(verified.as_ref())))
        }
        Call::Confirm(read, related, unwritten) => {
            confirm(protocol, world, index, (read, related, *unwritten))
        }
        Call::Claim(..) | Call::Raise { .. } | Call::Append(..) | Call::Due(_) | Call::ClaimLast(_) => {
            unreachable!("it reads nothing")
        }
    }
}

/// Reads the newest entry, with those few before it that come along.
fn begin(protocol: &Protocol, world: &World, index: usize) -> Phase {
    let (client, table) = (&world.clients[index], &world.table);
    let task = &protocol.tasks[client.task];
    let read = Read { head: table.head(task.account), how: ReadKind::Newest };
    let recent = match task.subject() {
        Subject::Hold(id) => {
            let key = CommandKey::Hold(id.clone());
            table.recent(task.account, protocol.recent_entries).find(|row| row.is_of(&key)).cloned()
        }
        Subject::Account | Subject::Debit(_) => None,
    };
    related(protocol, client, read, RelatedItems { recent, ..RelatedItems::default() })
}

/// Reads the claim of another key, and the entry that the claim names.
fn key(
    protocol: &Protocol,
    world: &World,
    index: usize,
    (call, read, known): (&Call, &Read, &Shared<RelatedItems>),
) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let key = known.unread(task.subject()).expect("it names a key");
    let Some(claim) = world.table.get(&claim_key(task.account, &key)) else {
        return seen(protocol, client, (read, known), (key, KeySeen::Absent));
    };
    let Some(number) = claim.claim().and_then(|claim| claim.sequence) else {
        return Phase::Call(Call::KeyEntries(read.clone(), known.clone(), claim));
    };
    let Some(entry) = world.table.get(&Key::Entry(task.account, number)) else {
        return call.unanswered(protocol);
    };
    seen(protocol, client, (read, known), (key, KeySeen::Found(claim, entry)))
}

/// Looks for the entry of another key, behind its claim.
fn key_entries(
    protocol: &Protocol,
    world: &World,
    index: usize,
    (call, read, known, claim): (&Call, &Read, &Shared<RelatedItems>, &Row),
) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let key = known.unread(task.subject()).expect("it names a key");
    let from = claim.claim().expect("a claim").from();
    let Some(mut entries) = world.table.scan(task.account, from) else { return call.unanswered(protocol) };
    if protocol.plant == Some(Plant::OneEntryRead) {
        entries.truncate(1);
    }
    let raise = claim_key(task.account, &key);
    let (found, newest) = match entries.iter().find(|entry| entry.is_of(&key)) {
        Some(entry) => (KeySeen::Found(claim.clone(), entry.clone()), None),
        None => (KeySeen::Unfinished(claim.clone()), entries.last().and_then(Row::sequence)),
    };
    let next = seen(protocol, client, (read, known), (key, found));
    raised(protocol, (raise, newest), next, back(read))
}

/// Looks for the own entry behind a claim that exists.
fn scan_from(
    protocol: &Protocol,
    world: &World,
    index: usize,
    (call, claim, head): (&Call, &Row, Option<&Row>),
) -> Phase {
    let table = &world.table;
    let task = &protocol.tasks[world.clients[index].task];
    let from = claim.claim().expect("a claim").from();
    if let Some(number) = claim.claim().and_then(|claim| claim.sequence) {
        let entry = table.get(&Key::Entry(task.account, number));
        return entry
            .map_or_else(|| call.unanswered(protocol), |entry| replay(protocol, world, task, &entry));
    }
    if protocol.plant == Some(Plant::RaisedUnread) {
        let newest = table.head(task.account);
        let (claim, to) = (identity(task).claim.clone(), sequence(newest.as_ref()));
        let next = Box::new(Phase::Call(Call::Rescan(newest)));
        return Phase::Call(Call::Raise { claim, to, next, back: Box::new(call.clone()) });
    }
    // The account after the claim's own entry is known, or is read.
    let first =
        if from == sequence(head) { head.cloned() } else { table.get(&Key::Entry(task.account, from)) };
    scan(protocol, world, index, (call, first, from))
}

/// Looks for the own entry after an entry, whose account is known.
fn scan(
    protocol: &Protocol,
    world: &World,
    index: usize,
    (call, first, from): (&Call, Option<Row>, u64),
) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let Identity { key, claim, .. } = identity(task);
    let Some(entries) = world.table.scan(task.account, from) else { return Phase::Call(call.clone()) };
    if let Some(own) = entries.iter().find(|entry| entry.is_of(key)) {
        return replay(protocol, world, task, own);
    }
    let newest = entries.last().and_then(Row::sequence);
    let head = entries.last().cloned().or(first);
    if sequence(head.as_ref()) < from {
        // The claim's entry is still being written.
        return Phase::Call(call.clone());
    }
    let next = related(protocol, client, Read { head, how: ReadKind::Verified }, RelatedItems::default());
    raised(protocol, (claim.clone(), newest), next, call.clone())
}

/// Raises a claim behind which entries were read without a find.
fn raised(protocol: &Protocol, (claim, newest): (Key, Option<u64>), next: Phase, back: Call) -> Phase {
    match newest.filter(|_| protocol.is_raising) {
        Some(to) => Phase::Call(Call::Raise { claim, to, next: Box::new(next), back: Box::new(back) }),
        None => next,
    }
}

/// Reads the other keys that the command names, as far as they weren't read; then it is decided at once.
pub fn related(protocol: &Protocol, client: &Client, read: Read, known: RelatedItems) -> Phase {
    let unread = known.unread(protocol.tasks[client.task].subject());
    match unread.filter(|_| protocol.plant != Some(Plant::RecentHoldsOnly)) {
        Some(_) => Phase::Call(Call::Key(read, Shared::new(known))),
        None => decide(protocol, client, read, known),
    }
}

/// The phase after such a key was read.
fn seen(
    protocol: &Protocol,
    client: &Client,
    (read, known): (&Read, &RelatedItems),
    seen: (CommandKey, KeySeen),
) -> Phase {
    let mut known = known.clone();
    known.keys.push(seen);
    related(protocol, client, read.clone(), known)
}

pub fn decided(
    protocol: &Protocol,
    client: &Client,
    read: &Read,
    related: &RelatedItems,
) -> Result<Decision, Refusal> {
    if client.is_again {
        return Err(Refusal::PriceChanged { expected: Credits::ZERO, current: Credits::ZERO });
    }
    let task = &protocol.tasks[client.task];
    let from = account(read.head.as_ref(), task);
    task.decide((client.stage, &client.look), (&from, related), protocol.plant)
}

/// The refill that is due on an account at the moment of a task.
pub fn due(account: &Account, task: &Task) -> Decision {
    refill::decide(account, task.now)
}

fn decide(protocol: &Protocol, client: &Client, read: Read, related: RelatedItems) -> Phase {
    let decided = decided(protocol, client, &read, &related);
    let unwritten = NoWrite::of(&decided);
    let is_unwritten_expiry = || {
        let task = &protocol.tasks[client.task];
        let hold = related.hold(task.subject());
        let seen = account(read.head.as_ref(), task);
        matches!(decided, Err(Refusal::HoldExpired { .. }))
            && hold.is_some_and(|hold| seen.holds.iter().any(|open| open.sequence == hold.sequence))
            && protocol.plant != Some(Plant::UnwrittenExpiry)
    };
    let refused = |unwritten| Phase::Done(Answer::Unwritten(unwritten));
    Phase::Call(match unwritten {
        None if read.how == ReadKind::Newest && !is_unclaimed(protocol, client) => {
            Call::Claim(read.head, Shared::new(related))
        }
        None => Call::Append(read, Shared::new(related)),
        Some(unwritten) if protocol.plant == Some(Plant::Unconfirmed) => return refused(unwritten),
        Some(unwritten) if read.how == ReadKind::Carried => match protocol.plant {
            Some(Plant::RefusedOnCarried) => return refused(unwritten),
            _ => Call::Rescan(read.head),
        },
        Some(_) if is_unwritten_expiry() => Call::Due(read),
        Some(unwritten) => Call::Confirm(read, Shared::new(related), unwritten),
    })
}

/// A planted fault: no claim comes before the entry.
fn is_unclaimed(protocol: &Protocol, client: &Client) -> bool {
    let is_settlement = matches!(protocol.tasks[client.task].subject(), Subject::Hold(_));
    match protocol.plant {
        Some(Plant::ClaimAfterAppend) => true,
        Some(Plant::UnclaimedSettlement) => is_settlement,
        _ => false,
    }
}

/// Reads in one transaction the items that a refusal is decided from.
fn confirm(
    protocol: &Protocol,
    world: &mut World,
    index: usize,
    (read, related, unwritten): (&Read, &RelatedItems, NoWrite),
) -> Phase {
    let task = &protocol.tasks[world.clients[index].task];
    let own = &identity(task).claim;
    let next = Key::Entry(task.account, sequence(read.head.as_ref()) + 1);
    let named: Vec<Key> = match protocol.plant {
        Some(Plant::ConfirmedWithoutOthers) => Vec::new(),
        _ => related.keys.iter().map(|(key, _)| claim_key(task.account, key)).collect(),
    };
    let keys: Vec<&Key> = [own, &next].into_iter().chain(&named).collect();
    let snapshot = match protocol.plant {
        Some(Plant::PlainlyConfirmed) => Some(keys.iter().map(|key| Table::get(&world.table, key)).collect()),
        _ => world.table.snapshot(&keys),
    };
    let Some(snapshot) = snapshot else { return Phase::Call(back(read)) };
    let is_followed = read.how != ReadKind::Newest || protocol.plant == Some(Plant::ConfirmedWithoutClaim);
    if let (Some(claim), false) = (&snapshot[0], is_followed) {
        return Phase::Call(Call::Scan { claim: claim.clone(), head: read.head.clone() });
    }
    if snapshot[1].is_some() || !related.agrees_with(&snapshot[2..]) {
        return Phase::Call(back(read));
    }
    if protocol.plant == Some(Plant::DeletedClaim) {
        world.table_mut().delete(own);
    }
    Phase::Done(Answer::Unwritten(unwritten))
}

/// The answer by the entry that carries the key.
pub fn replay(protocol: &Protocol, world: &World, task: &Task, entry: &Row) -> Phase {
    let identity = identity(task);
    let claimed = || world.table.get(&identity.claim).and_then(|row| row.claim()?.request);
    let request = match protocol.plant {
        Some(Plant::HashInClaim) => claimed(),
        // An entry from before claims left its request on the row.
        _ => entry.request().or_else(claimed),
    };
    let is_other = request.is_some_and(|request| request != identity.request);
    let number = entry.sequence().expect("an entry");
    Phase::Done(match task.lost_to(entry) {
        _ if !is_other => Answer::Replayed(number),
        Some(refusal) => Answer::Settled(digest(&refusal)),
        None => Answer::KeyReused,
    })
}
