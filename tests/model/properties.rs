//! What always holds: nothing is lost, nothing is doubled, no answer is false. What holds of money is in a file of its
//! own.

use std::collections::BTreeSet;

use scrip_accounts::{Account, CommandKey, Entry, EntryKind, Event, Period, ReversalOutcome, Sequence};
use scrip_pricing::Credits;
use stateright::Property;

use crate::{
    append::Identity,
    hold_properties,
    item::{AccountNumber, Claim, Item, Key, Row},
    money_properties,
    payment::Payment,
    phase::{Answer, Phase},
    protocol::Protocol,
    task::{Command, Task},
    world::{Violation, World},
};

pub const ACCOUNTS: [AccountNumber; 2] = [0, 1];

pub const HISTORY: &str = "a balance is the sum of its entries, which have no gaps";
pub const ONE_EFFECT: &str = "a key has one effect";
pub const ONE_REFILL: &str = "a month is refilled once, to the allowance";
pub const CLAIMED: &str = "a key has a claim before its entry, which is after what the claim names";
pub const CAPPED: &str = "of a debit comes back what its claim counts, and no more than it took";
pub const KEPT: &str = "what is answered of an entry is in the ledger, for the same request";
pub const REUSED: &str = "a key is called reused, and a hold settled, if another request has the key's entry";
pub const TRUE: &str = "what is refused was so at a moment between call and answer";
pub const LAST: &str = "nothing of a call is written after its answer";
pub const SERIAL: &str = "what is written is what would be decided on the newest entry and records";
pub const DUE: &str = "the due index names each account with a month to settle";
pub const SWEPT: &str = "a swept account isn't listed for a month before";

pub fn always() -> Vec<Property<Protocol>> {
    let ledger = vec![
        Property::always(HISTORY, |_, world: &World| {
            ACCOUNTS.iter().all(|account_number| adds_up(world, *account_number))
        }),
        Property::always(ONE_EFFECT, |_, world: &World| {
            ACCOUNTS.iter().all(|account_number| {
                let mut seen = BTreeSet::new();
                let entries = world.table.entries(*account_number).map(|(_, entry)| entry);
                let mut keys = entries.filter_map(|entry| Some((kind_of_key(entry)?, &entry.reference)));
                keys.all(|key| seen.insert(key))
            })
        }),
        Property::always(ONE_REFILL, |_, world: &World| {
            ACCOUNTS.iter().all(|account_number| is_refilled_once(world, *account_number))
        }),
        Property::always(CLAIMED, |_, world: &World| {
            ACCOUNTS.iter().all(|account_number| is_claimed(world, *account_number))
        }),
        Property::always(CAPPED, |_, world: &World| {
            ACCOUNTS.iter().all(|account_number| is_capped(world, *account_number))
        }),
        Property::always(KEPT, |protocol: &Protocol, world: &World| {
            answers(protocol, world).all(|(task, answer)| has_it(world, task, answer))
        }),
        Property::always(REUSED, |protocol: &Protocol, world: &World| {
            let is_other = |task: &Task| {
                let identity = task.identity.as_ref().expect("it has a key");
                entry_of(world, task.account, &identity.key)
                    .is_some_and(|entry| request(world, identity, entry) != Some(identity.request))
            };
            let is_lost = |answer: &Answer| matches!(answer, Answer::KeyReused | Answer::Settled(_));
            answers(protocol, world).all(|(task, answer)| !is_lost(answer) || is_other(task))
        }),
        Property::always(TRUE, |_, world: &World| !world.violations.contains(&Violation::Untrue)),
        Property::always(LAST, |_, world: &World| !world.violations.contains(&Violation::Landed)),
        Property::always(SERIAL, |_, world: &World| !world.violations.contains(&Violation::Stale)),
        Property::always(DUE, |_, world: &World| {
            ACCOUNTS.iter().all(|account_number| {
                let due = world.table.written(&Key::Due(*account_number)).map(|row| Item::clone(row));
                due == world.table.account(*account_number).and_then(Account::due_after).map(Item::Due)
            })
        }),
        Property::always(SWEPT, |protocol: &Protocol, world: &World| {
            answers(protocol, world).filter(|(task, _)| matches!(task.command, Command::Turn)).all(
                |(task, _)| {
                    let due = world.table.written(&Key::Due(task.account)).map(|row| Item::clone(row));
                    !matches!(due, Some(Item::Due(settled)) if settled < Period::of(task.now))
                },
            )
        }),
    ];
    ledger.into_iter().chain(hold_properties::always()).chain(money_properties::always()).collect()
}

pub fn entries_of(
    world: &World,
    account_number: AccountNumber,
    kind: EntryKind,
) -> impl Iterator<Item = &Entry> {
    world
        .table
        .entries(account_number)
        .map(|(_, entry)| entry)
        .filter(move |entry| entry.event.kind() == kind)
}

pub fn is_once<'a>(mut entries: impl Iterator<Item = &'a Entry>) -> bool {
    let mut seen = BTreeSet::new();
    entries.all(|entry| seen.insert(entry.reference.as_str()))
}

/// The answers so far, each with the task of its client.
pub fn answers<'a>(
    protocol: &'a Protocol,
    world: &'a World,
) -> impl Iterator<Item = (&'a Task, &'a Answer)> + 'a {
    world.clients.iter().filter_map(|client| match &client.phase {
        Phase::Done(answer) => Some((&protocol.tasks[client.task], answer)),
        _ => None,
    })
}

fn adds_up(world: &World, account_number: AccountNumber) -> bool {
    let mut balance = Credits::ZERO;
    world.table.entries(account_number).zip(1..).all(|((number, entry), expected)| {
        let after = entry.change.apply(balance);
        balance = entry.account.balance;
        after == Some(balance) && number == expected && entry.account.sequence.get() == expected
    })
}

/// A month has one refill, whatever becomes of its money.
fn is_refilled_once(world: &World, account_number: AccountNumber) -> bool {
    let mut refilled = BTreeSet::new();
    entries_of(world, account_number, EntryKind::Refill).all(|entry| {
        let is_set = entry.account.balance.playground() == entry.account.granted();
        refilled.insert(entry.reference.as_str()) && is_set
    })
}

/// The entry that carries a key.
pub fn entry_of<'a>(world: &'a World, account_number: AccountNumber, key: &CommandKey) -> Option<&'a Row> {
    world.table.rows(account_number).map(|(_, row)| row).find(|row| row.is_of(key))
}

/// The digest of the request that the entry of a key was made for. An entry from before claims left it on the row.
fn request(world: &World, identity: &Identity, entry: &Row) -> Option<u64> {
    let claimed = || world.table.written(&identity.claim).and_then(|row| row.claim()?.request);
    entry.request().or_else(claimed)
}

/// The kind of key that an entry carries, if it carries one.
fn kind_of_key(entry: &Entry) -> Option<&'static str> {
    match entry.event {
        Event::Debit { .. } | Event::Hold { .. } => Some("debit"),
        Event::Capture { .. } | Event::Release { expired: false, .. } => Some("settlement"),
        Event::Reversal { .. } => Some("reversal"),
        Event::Adjustment { .. } => Some("adjustment"),
        _ => None,
    }
}

fn claim<'a>(world: &'a World, account_number: AccountNumber, entry: &Entry) -> Option<&'a Claim> {
    let kind = kind_of_key(entry)?;
    world.table.written(&Key::Claim(account_number, format!("{kind}#{}", entry.reference)))?.claim()
}

fn is_claimed(world: &World, account_number: AccountNumber) -> bool {
    let mut keyed = world.table.entries(account_number).filter(|(_, entry)| kind_of_key(entry).is_some());
    keyed.all(|(number, entry)| {
        claim(world, account_number, entry).is_some_and(|claim| {
            claim.from() < number && claim.sequence.is_none_or(|sequence| sequence == number)
        })
    })
}

/// The credits that a debit or a captured hold took: none as long as a hold isn't captured.
fn taken(world: &World, account_number: AccountNumber, debit: &Entry) -> Credits {
    let is_its = |sequence: Sequence| sequence == debit.account.sequence;
    let capture = world.table.entries(account_number).find_map(|(_, entry)| match &entry.event {
        Event::Capture { hold_sequence, captured, .. } if is_its(*hold_sequence) => Some(*captured),
        _ => None,
    });
    match debit.event {
        Event::Hold { .. } => capture.unwrap_or_default(),
        _ => debit.change.taken(),
    }
}

/// Whether no more came back of any debit or captured hold than it took, and as much as its claim counts.
fn is_capped(world: &World, account_number: AccountNumber) -> bool {
    let reversals = || entries_of(world, account_number, EntryKind::Reversal);
    let mut debits = entries_of(world, account_number, EntryKind::Debit).chain(entries_of(
        world,
        account_number,
        EntryKind::Hold,
    ));
    debits.all(|debit| {
        let of = |entry: &Entry| match ReversalOutcome::try_from(entry) {
            Ok(outcome) if outcome.debit_id.as_str() == debit.reference => outcome.credits,
            _ => Credits::ZERO,
        };
        let reversed = reversals().map(of).try_fold(Credits::ZERO, Credits::checked_add);
        let key = Key::Claim(account_number, format!("debit#{}", debit.reference));
        let counted = world.table.written(&key).and_then(Row::claim).map(|claim| claim.reversed);
        reversed.is_some_and(|reversed| taken(world, account_number, debit).covers(reversed))
            && (reversed == counted || counted.is_none())
    })
}

fn has_it(world: &World, task: &Task, answer: &Answer) -> bool {
    let wrote = |number: u64| {
        let Some(row) = world.table.written(&Key::Entry(task.account, number)) else { return false };
        // A look's account is its payment's.
        task.identity.as_ref().is_none_or(|identity| {
            row.is_of(&identity.key) && request(world, identity, row) == Some(identity.request)
        })
    };
    let is_failed = |payment: &Payment| payment.refunds.iter().any(|refund| refund.has_failed);
    match answer {
        Answer::Appended(_) if matches!(task.command, Command::Look(_)) => true,
        Answer::Appended(number) | Answer::Replayed(number) => wrote(*number),
        Answer::Refunded => world.provider.was_refunded(),
        Answer::ProviderRefused => {
            world.provider.refused() > 0 || world.provider.payments.iter().any(is_failed)
        }
        Answer::Settled(refusal) => hold_properties::is_settled(world, task, *refusal),
        Answer::Recorded | Answer::Unwritten(_) | Answer::KeyReused | Answer::Failed => true,
    }
}
