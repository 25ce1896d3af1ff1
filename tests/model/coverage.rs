//! States that a case has to reach, or it shows less than it seems to.

use scrip_accounts::Subject;

use crate::{
    append::Identity,
    call::Call,
    client::Client,
    item::{Claim, Key, Row, sequence},
    phase::{Answer, NoWrite, Phase, Read, ReadKind},
    properties::entry_of,
    protocol::{CoverageGoal, Protocol},
    related::KeySeen,
    task::Task,
    world::World,
    write::Change,
};

pub fn any(world: &World, is: impl Fn(&Phase) -> bool) -> bool {
    world.clients.iter().any(|client| is(&client.phase))
}

/// Whether there is a command with a key of which this is so: its task, its key, and where its call is.
pub fn any_call(
    protocol: &Protocol,
    world: &World,
    is: impl Fn(&Task, &Identity, &Client, Option<&Call>) -> bool,
) -> bool {
    world.clients.iter().any(|client| {
        let task = &protocol.tasks[client.task];
        let call = if let Phase::Call(call) = &client.phase { Some(call) } else { None };
        task.identity.as_ref().is_some_and(|identity| is(task, identity, client, call))
    })
}

/// Whether a client does a task that no other does.
fn is_only(world: &World, client: &Client) -> bool {
    world.clients.iter().filter(|other| other.task == client.task).count() == 1
}

pub const RACED: CoverageGoal = ("a race is lost and decided again", |_, world| {
    let is_carried = |read: &Read| read.how == ReadKind::Carried;
    any(world, |phase| match phase {
        Phase::Append(read, _) | Phase::Call(Call::Append(read, _)) => is_carried(read),
        _ => false,
    })
});
pub const REPLAYED: CoverageGoal = ("a retry is answered by replay", |_, world| {
    any(world, |phase| matches!(phase, Phase::Done(Answer::Replayed(_))))
});
pub const REPLAYED_BY_SCAN: CoverageGoal = ("a scan is about to find the key's entry", |protocol, world| {
    any_call(protocol, world, |task, identity, _, call| {
        let from = match call {
            Some(Call::Scan { claim, .. }) => claim.claim().map(Claim::from),
            Some(Call::Rescan(verified)) => Some(sequence(verified.as_ref())),
            _ => None,
        };
        let own = entry_of(world, task.account, &identity.key).and_then(Row::sequence);
        from.is_some_and(|from| own > Some(from))
    })
});
pub const REPLAYED_BY_APPEND: CoverageGoal =
    ("an append is about to meet the key's entry", |protocol, world| {
        any_call(protocol, world, |task, identity, _, call| match call {
            Some(Call::Append(read, _)) => {
                let next = Key::Entry(task.account, sequence(read.head.as_ref()) + 1);
                world.table.get(&next).is_some_and(|row| row.is_of(&identity.key))
            }
            _ => false,
        })
    });
pub const REFUSED: CoverageGoal = ("a refusal is confirmed", |protocol, world| {
    any_call(protocol, world, |_, _, client, _| {
        matches!(client.phase, Phase::Done(Answer::Unwritten(NoWrite::Refused(_))))
    })
});
pub const REFUSED_CLAIMED: CoverageGoal = ("a refusal leaves a claim without an entry", |protocol, world| {
    any_call(protocol, world, |task, identity, client, _| {
        matches!(client.phase, Phase::Done(Answer::Unwritten(NoWrite::Refused(_))))
            && world.table.written(&identity.claim).is_some()
            && entry_of(world, task.account, &identity.key).is_none()
    })
});
pub const REUSED: CoverageGoal = ("a key is used for two requests", |_, world| {
    any(world, |phase| matches!(phase, Phase::Done(Answer::KeyReused)))
});
pub const HEALED: CoverageGoal = ("a crash between write and answer is healed by the retry", |_, world| {
    world.crashed.is_some_and(|index| {
        let client = &world.clients[index];
        is_only(world, client) && matches!(client.phase, Phase::Done(Answer::Replayed(_)))
    })
});
pub const LANDED: CoverageGoal = ("an entry lands that its client has given up", |protocol, world| {
    any_call(protocol, world, |task, identity, client, call| {
        world.crashed.is_none()
            && matches!(call, Some(Call::Rescan(_)))
            && is_only(world, client)
            && entry_of(world, task.account, &identity.key).is_some()
    })
});
pub const OVERTAKEN: CoverageGoal = ("a late entry finds its place taken", |protocol, world| {
    any_call(protocol, world, |task, identity, client, call| {
        let Some(Call::Rescan(verified)) = call else { return false };
        let next = Key::Entry(task.account, sequence(verified.as_ref()) + 1);
        world.has_been_late
            && world.late.is_none()
            && is_only(world, client)
            && world.table.written(&next).is_some_and(|row| !row.is_of(&identity.key))
    })
});
pub const CLAIMED_LATE: CoverageGoal = ("a claim is late after its call was answered", |_, world| {
    world.late.as_ref().is_some_and(|late| {
        late.request.decision.is_none()
            && world.clients.iter().all(|client| matches!(client.phase, Phase::Done(_)))
    })
});
pub const RAISED: CoverageGoal = ("a claim is raised behind which entries were read", |_, world| {
    any(world, |phase| matches!(phase, Phase::Call(Call::Raise { .. })))
});
pub const LOWERED: CoverageGoal = ("a late raise is older than what the claim says", |_, world| {
    world.late.as_ref().is_some_and(|late| {
        let [write] = &late.request.writes[..] else { return false };
        let Change::RaiseClaim(to) = write.change else { return false };
        world.table.written(&write.key).and_then(Row::claim).is_some_and(|claim| claim.from > Some(to))
    })
});
pub const TORN_WRITE: CoverageGoal = ("a put meets a transaction that is seen in part", |protocol, world| {
    any_call(protocol, world, |task, identity, _, call| match call {
        Some(Call::Append(read, _)) => {
            world.table.is_hidden(&Key::Entry(task.account, sequence(read.head.as_ref()) + 1))
        }
        Some(Call::Claim(..)) => world.table.is_hidden(&identity.claim),
        _ => false,
    })
});
pub const GAP: CoverageGoal = ("a scan meets a gap", |protocol, world| {
    any_call(protocol, world, |task, _, _, call| match call {
        Some(Call::Scan { claim, .. }) => {
            claim.claim().is_some_and(|claim| world.table.scan(task.account, claim.from()).is_none())
        }
        Some(Call::Rescan(verified)) => world.table.scan(task.account, sequence(verified.as_ref())).is_none(),
        _ => false,
    })
});
pub const SEEN_IN_PART: CoverageGoal =
    ("a refusal is looked up while a transaction is seen in part", |protocol, world| {
        any_call(protocol, world, |task, _, _, call| match call {
            Some(Call::Confirm(read, ..)) => {
                world.table.is_hidden(&Key::Entry(task.account, sequence(read.head.as_ref()) + 1))
            }
            _ => false,
        })
    });
pub const NOT_FOUND: CoverageGoal = ("a reversal finds its debit claimed and not made", |protocol, world| {
    any_call(protocol, world, |task, _, _, call| match (task.subject(), call) {
        (Subject::Debit(_), Some(Call::Confirm(_, related, _))) => {
            matches!(related.keys[..], [(_, KeySeen::Unfinished(_))])
        }
        _ => false,
    })
});
pub const REVERSED: CoverageGoal = ("a second reversal meets the total of the first", |protocol, world| {
    any_call(protocol, world, |task, _, _, call| match call {
        Some(Call::Confirm(_, related, _) | Call::Append(_, related)) => {
            related.debit(task.subject(), None).is_some_and(|debit| !debit.reversed.is_zero())
        }
        _ => false,
    })
});
pub const REVERSED_AFTER_SCAN: CoverageGoal = ("a debit is found behind other entries", |protocol, world| {
    any_call(protocol, world, |_, _, _, call| match call {
        Some(Call::Append(_, related)) => match &related.keys[..] {
            [(_, KeySeen::Found(claim, entry))] => {
                let claim = claim.claim().expect("a claim");
                claim.sequence.is_none() && Some(claim.from() + 1) < entry.sequence()
            }
            _ => false,
        },
        _ => false,
    })
});
pub const REPLAYED_BY_ROW: CoverageGoal = ("a row from before claims answers a call", |protocol, world| {
    any_call(protocol, world, |_, _, _, call| match call {
        Some(Call::Scan { claim, .. }) => claim.claim().is_some_and(|claim| claim.from.is_none()),
        _ => false,
    })
});
pub const FAILED: CoverageGoal = ("a program from before claims meets a claim", |_, world| {
    any(world, |phase| *phase == Phase::Done(Answer::Failed))
});
/// A look that had read the provider reads the records again, because they were written since.
pub const OUTDATED: CoverageGoal = ("facts are outdated, and the provider is read again", |_, world| {
    world.clients.iter().any(|client| client.phase == Phase::Before && !client.look.facts.money.is_empty())
});
