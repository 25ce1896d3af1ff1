//! What a call reads, and what it decides on that (`shared/ledger/src/execute.rs`, `scan.rs`, `debit.rs`).

use scrip_accounts::{Decision, Refusal};
use scrip_pricing::Credits;

use crate::{
    append::Identity,
    call::{Call, back, identity},
    client::{Client, account},
    item::{Key, Row, Shared, sequence},
    phase::{Answer, How, Phase, Read, Unwritten},
    plant::Plant,
    protocol::Protocol,
    table::Table,
    task::{DebitSeen, Related, Task},
    world::World,
};

/// A call's next read, and what follows it.
pub fn read(protocol: &Protocol, world: &mut World, index: usize, call: &Call) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let table = &world.table;
    let again = || call.unanswered(protocol);
    match call {
        Call::Begin => {
            let head = table.head(task.account);
            related(protocol, client, Read { head, how: How::Newest })
        }
        Call::Debit(read) => {
            let (_, claim) = task.debit().expect("it names a debit");
            let Some(row) = table.get(&claim) else {
                return decide(protocol, client, read.clone(), Related::default());
            };
            let Some(number) = row.claim().and_then(|claim| claim.sequence) else {
                return Phase::Call(Call::DebitEntries(read.clone(), row));
            };
            let Some(entry) = table.get(&Key::Entry(task.account, number)) else { return again() };
            let debit = DebitSeen::found(row, &entry).expect("a debit");
            decide(protocol, client, read.clone(), Related { debit, records: None })
        }
        Call::DebitEntries(read, row) => {
            let (key, claim) = task.debit().expect("it names a debit");
            let from = row.claim().expect("a claim").from();
            let Some(mut entries) = table.scan(task.account, from) else { return again() };
            if protocol.plant == Some(Plant::OneEntryRead) {
                entries.truncate(1);
            }
            let found = entries.iter().find(|entry| entry.is_of(&key));
            let debit = found.and_then(|entry| DebitSeen::found(row.clone(), entry));
            let is_found = debit.is_some();
            let debit = debit.unwrap_or_else(|| DebitSeen::Unfinished(row.clone()));
            let next = decide(protocol, client, read.clone(), Related { debit, records: None });
            let newest = if is_found { None } else { entries.last().and_then(Row::sequence) };
            raised(protocol, (claim, newest), next, back(read))
        }
        Call::Scan { claim, head } => {
            let from = claim.claim().expect("a claim").from();
            if let Some(number) = claim.claim().and_then(|claim| claim.sequence) {
                let entry = table.get(&Key::Entry(task.account, number));
                return entry.map_or_else(again, |entry| replay(protocol, world, task, &entry));
            }
            if protocol.plant == Some(Plant::RaisedUnread) {
                let newest = table.head(task.account);
                let (claim, to) = (identity(task).claim.clone(), sequence(newest.as_ref()));
                let next = Box::new(Phase::Call(Call::Rescan(newest)));
                return Phase::Call(Call::Raise { claim, to, next, back: Box::new(call.clone()) });
            }
            // Of the claim's own entry it knows the account, or reads it.
            let first = if from == sequence(head.as_ref()) {
                head.clone()
            } else {
                table.get(&Key::Entry(task.account, from))
            };
            scan(protocol, world, index, (call, first, from))
        }
        Call::Rescan(verified) if protocol.plant == Some(Plant::NewestReread) => {
            match table.head(task.account) {
                Some(head) if head.is_of(&identity(task).key) => replay(protocol, world, task, &head),
                head => {
                    let head = head.or_else(|| verified.clone());
                    related(protocol, client, Read { head, how: How::Verified })
                }
            }
        }
        Call::Rescan(verified) => {
            scan(protocol, world, index, (call, verified.clone(), sequence(verified.as_ref())))
        }
        Call::Confirm(read, related, unwritten) => {
            confirm(protocol, world, index, (read, related, *unwritten))
        }
        Call::Claim(..) | Call::Raise { .. } | Call::Append(..) | Call::ClaimLast(_) => {
            unreachable!("it reads nothing")
        }
    }
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
    let next = related(protocol, client, Read { head, how: How::Verified });
    raised(protocol, (claim.clone(), newest), next, call.clone())
}

/// Raises a claim behind which entries were read without a find.
fn raised(protocol: &Protocol, (claim, newest): (Key, Option<u64>), next: Phase, back: Call) -> Phase {
    match newest.filter(|_| protocol.is_raising) {
        Some(to) => Phase::Call(Call::Raise { claim, to, next: Box::new(next), back: Box::new(back) }),
        None => next,
    }
}

/// A reversal reads its debit; a debit is decided at once.
pub fn related(protocol: &Protocol, client: &Client, read: Read) -> Phase {
    match protocol.tasks[client.task].debit() {
        Some(_) => Phase::Call(Call::Debit(read)),
        None => decide(protocol, client, read, Related::default()),
    }
}

pub fn decided(
    protocol: &Protocol,
    client: &Client,
    read: &Read,
    related: &Related,
) -> Result<Decision, Refusal> {
    if client.is_again {
        return Err(Refusal::PriceChanged { expected: Credits::ZERO, current: Credits::ZERO });
    }
    let task = &protocol.tasks[client.task];
    let from = account(read.head.as_ref(), task);
    task.decide((client.stage, &client.look), (&from, related), protocol.plant)
}

fn decide(protocol: &Protocol, client: &Client, read: Read, related: Related) -> Phase {
    let unwritten = Unwritten::of(&decided(protocol, client, &read, &related));
    let related = Shared::new(related);
    let refused = |unwritten| Phase::Done(Answer::Unwritten(unwritten));
    Phase::Call(match unwritten {
        None if read.how == How::Newest && protocol.plant != Some(Plant::ClaimAfterAppend) => {
            Call::Claim(read.head, related)
        }
        None => Call::Append(read, related),
        Some(unwritten) if protocol.plant == Some(Plant::Unconfirmed) => return refused(unwritten),
        Some(unwritten) if read.how == How::Carried => match protocol.plant {
            Some(Plant::RefusedOnCarried) => return refused(unwritten),
            _ => Call::Rescan(read.head),
        },
        Some(unwritten) => Call::Confirm(read, related, unwritten),
    })
}

/// Reads in one transaction what a refusal stands on.
fn confirm(
    protocol: &Protocol,
    world: &mut World,
    index: usize,
    (read, related, unwritten): (&Read, &Related, Unwritten),
) -> Phase {
    let task = &protocol.tasks[world.clients[index].task];
    let own = &identity(task).claim;
    let next = Key::Entry(task.account, sequence(read.head.as_ref()) + 1);
    let debit = task.debit().map(|(_, claim)| claim);
    let keys: Vec<&Key> = [own, &next].into_iter().chain(&debit).collect();
    let snapshot = match protocol.plant {
        Some(Plant::PlainlyConfirmed) => Some(keys.iter().map(|key| Table::get(&world.table, key)).collect()),
        _ => world.table.snapshot(&keys),
    };
    let Some(snapshot) = snapshot else { return Phase::Call(back(read)) };
    let is_followed = read.how != How::Newest || protocol.plant == Some(Plant::ConfirmedWithoutClaim);
    if let (Some(claim), false) = (&snapshot[0], is_followed) {
        return Phase::Call(Call::Scan { claim: claim.clone(), head: read.head.clone() });
    }
    if snapshot[1].is_some() || !related.debit.agrees_with(snapshot.get(2).and_then(Option::as_ref)) {
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
    Phase::Done(if is_other { Answer::KeyReused } else { Answer::Replayed(number) })
}
