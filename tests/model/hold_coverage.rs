//! States that a case of holds has to reach, or it shows less than it seems to.

use scrip_accounts::{EntryKind, Event, Refusal, Subject};

use crate::{
    call::Call,
    commands::{EXPIRED, time},
    coverage::any_call,
    item::{Row, digest},
    phase::{Answer, NoWrite, Phase},
    properties::entries_of,
    protocol::{CoverageGoal, Protocol},
    related::KeySeen,
    task::Task,
    world::World,
};

/// Whether a client was answered that.
fn is_answered(protocol: &Protocol, world: &World, is: impl Fn(&Task, &Answer) -> bool) -> bool {
    world.clients.iter().any(|client| match &client.phase {
        Phase::Done(answer) => is(&protocol.tasks[client.task], answer),
        _ => false,
    })
}

fn is_refused(answer: &Answer, refusal: &Refusal) -> bool {
    *answer == Answer::Unwritten(NoWrite::Refused(digest(refusal)))
}

pub const EXPIRY_REFUSED: CoverageGoal =
    ("a capture or release is refused because its hold has expired", |protocol, world| {
        let expired_at = time(EXPIRED);
        is_answered(protocol, world, |_, answer| is_refused(answer, &Refusal::HoldExpired { expired_at }))
    });
pub const NOT_FOUND: CoverageGoal =
    ("a capture or release finds its hold claimed and not made", |protocol, world| {
        any_call(protocol, world, |task, _, _, call| match (task.subject(), call) {
            (Subject::Hold(_), Some(Call::Confirm(_, related, _))) => {
                matches!(related.keys[..], [(_, KeySeen::Unfinished(_))])
            }
            _ => false,
        })
    });
pub const SETTLED: CoverageGoal =
    ("a hold was captured or released by another request", |protocol, world| {
        is_answered(protocol, world, |_, answer| matches!(answer, Answer::Settled(_)))
    });
pub const FOUND_BY_CLAIM: CoverageGoal = ("a hold is found by its claim", |protocol, world| {
    any_call(protocol, world, |task, _, _, call| match (task.subject(), call) {
        (Subject::Hold(_), Some(Call::Claim(_, related))) => {
            matches!(related.keys[..], [(_, KeySeen::Found(..))])
        }
        _ => false,
    })
});
pub const FOUND_AMONG_NEWEST: CoverageGoal =
    ("a hold is found among the newest entries", |protocol, world| {
        any_call(protocol, world, |_, _, _, call| match call {
            Some(Call::Claim(head, related)) => related
                .recent
                .as_ref()
                .is_some_and(|hold| hold.sequence() < head.as_ref().and_then(Row::sequence)),
            _ => false,
        })
    });
pub const RELEASED_ON_THE_WAY: CoverageGoal = ("a debit releases an expired hold on its way", |_, world| {
    let mut entries = world.table.entries(0).map(|(_, entry)| entry);
    entries.next_back().is_some_and(|entry| entry.event.kind() == EntryKind::Debit)
        && entries
            .next_back()
            .is_some_and(|entry| matches!(entry.event, Event::Release { expired: true, .. }))
});
pub const EXPIRY_WRITTEN: CoverageGoal =
    ("the expiry of a hold is written before the refusal is answered", |protocol, world| {
        any_call(protocol, world, |_, _, _, call| matches!(call, Some(Call::Due(_))))
    });
pub const EXPIRY_RACED: CoverageGoal =
    ("a capture is about to race with the release of its expired hold", |protocol, world| {
        any_call(protocol, world, |task, _, _, call| {
            matches!(task.subject(), Subject::Hold(_))
                && matches!(call, Some(Call::Append(..)))
                && entries_of(world, task.account, EntryKind::Release)
                    .any(|entry| matches!(entry.event, Event::Release { expired: true, .. }))
        })
    });
pub const HELD_BACK: CoverageGoal = ("a debit is refused for credits that are held", |protocol, world| {
    let is_held = world.table.account(0).is_some_and(|account| !account.held().is_zero());
    is_answered(protocol, world, |task, answer| {
        let is_refused = matches!(answer, Answer::Unwritten(NoWrite::Refused(_)));
        is_refused && matches!(task.subject(), Subject::Account) && is_held
    })
});
pub const REPLAYED_LATE: CoverageGoal =
    ("a capture is answered again after the hold would have expired", |protocol, world| {
        is_answered(protocol, world, |task, answer| {
            matches!(task.subject(), Subject::Hold(_))
                && matches!(answer, Answer::Replayed(_))
                && task.now >= time(EXPIRED)
        })
    });
pub const UNSETTLED: CoverageGoal =
    ("a reversal finds its hold neither captured nor released", |protocol, world| {
        any_call(protocol, world, |_, _, _, call| match call {
            Some(Call::Confirm(_, related, _)) => matches!(related.keys[..], [_, (_, KeySeen::Absent)]),
            _ => false,
        })
    });
pub const SETTLEMENT_UNFINISHED: CoverageGoal =
    ("a reversal finds its hold's capture claimed and not made", |protocol, world| {
        any_call(protocol, world, |_, _, _, call| match call {
            Some(Call::Confirm(_, related, _)) => {
                matches!(related.keys[..], [_, (_, KeySeen::Unfinished(_))])
            }
            _ => false,
        })
    });
pub const CAPTURE_REVERSED: CoverageGoal =
    ("a captured hold is reversed", |_, world| entries_of(world, 0, EntryKind::Reversal).next().is_some());
