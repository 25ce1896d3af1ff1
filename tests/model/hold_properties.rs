//! What always holds of holds: each ends at most once, in time, with all that it set aside; and an answer about one
//! is true.

use scrip_accounts::{
    CommandKey, Entry, EntryKind, Event, HoldId, OpenHold, Refusal, Sequence, SettlementStatus, Subject,
};
use scrip_pricing::Credits;
use stateright::Property;

use crate::{
    item::{AccountNumber, Row, digest},
    phase::{Answer, NoWrite},
    properties::{ACCOUNTS, answers, entries_of, entry_of},
    protocol::Protocol,
    table::Table,
    task::Task,
    world::{Violation, World},
};

pub const ONE_END: &str = "a hold ends at most once: what it set aside is captured or comes back";
pub const SHOWN: &str = "an account shows the holds that have not ended";
pub const IN_TIME: &str = "a hold is captured or released before it expires, or else is over by itself";
pub const TRUE_ANSWER: &str = "a refusal about a hold is true at the moment of the answer";
pub const LASTING_EXPIRY: &str = "a hold that was refused as expired is never captured or released";

pub fn always() -> Vec<Property<Protocol>> {
    vec![
        Property::always(ONE_END, |_, world: &World| histories(world).all(|history| history.ends_once)),
        Property::always(SHOWN, |_, world: &World| histories(world).all(|history| history.is_shown)),
        Property::always(IN_TIME, |_, world: &World| histories(world).all(|history| history.is_in_time)),
        Property::always(TRUE_ANSWER, |_, world: &World| !world.violations.contains(&Violation::Misled)),
        Property::always(LASTING_EXPIRY, |protocol: &Protocol, world: &World| {
            answers(protocol, world).all(|(task, answer)| !is_ended_after_all(world, task, answer))
        }),
    ]
}

/// The facts about all holds of an account.
struct History {
    ends_once: bool,
    is_shown: bool,
    is_in_time: bool,
}

fn histories(world: &World) -> impl Iterator<Item = History> {
    ACCOUNTS.iter().map(|account_number| history(&world.table, *account_number))
}

fn history(table: &Table, account_number: AccountNumber) -> History {
    let mut history = History { ends_once: true, is_shown: true, is_in_time: true };
    let mut open: Vec<OpenHold> = Vec::new();
    for (_, entry) in table.entries(account_number) {
        if let Event::Hold { expires_at, .. } = entry.event {
            let (sequence, credits) = (entry.account.sequence, entry.change.taken());
            open.push(OpenHold { sequence, credits, expires_at });
        }
        if let Some(end) = End::of(entry) {
            match open.iter().position(|hold| hold.sequence == end.hold) {
                Some(place) => {
                    let hold = open.remove(place);
                    history.ends_once &= end.captured.checked_add(end.returned) == Some(hold.credits);
                    history.is_in_time &= end.is_expired == (entry.at >= hold.expires_at);
                }
                None => history.ends_once = false,
            }
        }
        history.is_shown &= entry.account.holds == open;
    }
    history
}

/// How a hold ended.
struct End {
    hold: Sequence,
    captured: Credits,
    /// The credits that came back, including those that paid what was owed.
    returned: Credits,
    is_expired: bool,
}

impl End {
    fn of(entry: &Entry) -> Option<Self> {
        let (hold, captured, offset, is_expired) = match entry.event {
            Event::Capture { hold_sequence, captured, offset, .. } => {
                (hold_sequence, captured, offset, false)
            }
            Event::Release { hold_sequence, offset, expired } => {
                (hold_sequence, Credits::ZERO, offset, expired)
            }
            _ => return None,
        };
        let returned = entry.change.given().checked_add(offset).expect("small numbers");
        Some(Self { hold, captured, returned, is_expired })
    }
}

/// Why a capture or release is refused at this moment, by what the history says; `None` if it isn't refused, but
/// answered by the entry that has its key.
fn refusal(task: &Task, id: &HoldId, table: &Table) -> Option<Refusal> {
    let entries = || table.entries(task.account).map(|(_, entry)| entry);
    let mut holds = entries().filter_map(|entry| match &entry.event {
        Event::Hold { operation, expires_at, .. } if entry.reference == id.as_str() => {
            Some((entry.account.sequence, operation, *expires_at))
        }
        _ => None,
    });
    let Some((sequence, operation, expired_at)) = holds.next() else { return Some(Refusal::HoldNotFound) };
    let end = entries().filter_map(End::of).find(|end| end.hold == sequence);
    // Time doesn't run backwards, whatever a caller's clock says.
    let now = entries().next_back().map(|entry| entry.at).max(Some(task.now));
    match end {
        Some(end) if !end.is_expired => None,
        None if now < Some(expired_at) => Some(Refusal::ExceedsHold { held: operation.pieces() }),
        _ => Some(Refusal::HoldExpired { expired_at }),
    }
}

/// Whether a capture or release was refused for a reason that isn't true at this moment.
pub fn is_refused_wrongly(task: &Task, answer: &Answer, table: &Table) -> bool {
    let (Subject::Hold(id), Answer::Unwritten(NoWrite::Refused(refused))) = (task.subject(), answer) else {
        return false;
    };
    refusal(task, id, table).is_none_or(|refusal| *refused != digest(&refusal))
}

/// Whether a hold was captured or released though its caller was refused because it had expired.
fn is_ended_after_all(world: &World, task: &Task, answer: &Answer) -> bool {
    let (Subject::Hold(id), Answer::Unwritten(NoWrite::Refused(refused))) = (task.subject(), answer) else {
        return false;
    };
    let mut holds = entries_of(world, task.account, EntryKind::Hold);
    let is_its_expiry = holds.any(|entry| match entry.event {
        Event::Hold { expires_at, .. } if entry.reference == id.as_str() => {
            *refused == digest(&Refusal::HoldExpired { expired_at: expires_at })
        }
        _ => false,
    });
    is_its_expiry && entry_of(world, task.account, &CommandKey::Settlement(id.clone())).is_some()
}

/// Whether a hold was captured or released by another request, with the result that the refusal states.
pub fn is_settled(world: &World, task: &Task, refusal: u64) -> bool {
    let Subject::Hold(id) = task.subject() else { return false };
    let key = CommandKey::Settlement(id.clone());
    let Some(entry) = entry_of(world, task.account, &key).and_then(Row::entry) else { return false };
    let Some(End { captured, returned, .. }) = End::of(entry) else { return false };
    let status = match entry.event {
        Event::Capture { .. } => SettlementStatus::Captured,
        _ => SettlementStatus::Released,
    };
    refusal == digest(&Refusal::HoldSettled { status, captured, returned })
}
