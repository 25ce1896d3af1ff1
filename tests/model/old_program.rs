//! A program from before claims: it wrote the operation's row, which names the entry and holds the request, in one
//! transaction with the entry. While a new version is rolled out, both are at work on the same accounts.

use crate::{
    item::{Key, sequence},
    phase::{Answer, NoWrite, Phase, Read},
    task::Task,
    world::World,
};

/// The answer of the operation that exists. The row and its entry never change, so one step reads both.
pub fn look_up(world: &World, task: &Task) -> Phase {
    let identity = task.identity.as_ref().expect("it has a key");
    let row = world.table.get(&identity.claim);
    let Some(claim) = row.as_ref().and_then(|row| row.claim()) else { return Phase::Head };
    let (Some(sequence), Some(request)) = (claim.sequence, claim.request) else {
        // It can't read a claim.
        return Phase::Done(Answer::Failed);
    };
    match world.table.get(&Key::Entry(task.account, sequence)) {
        _ if request != identity.request => Phase::Done(Answer::KeyReused),
        Some(_) => Phase::Done(Answer::Replayed(sequence)),
        None => Phase::Head,
    }
}

/// Makes sure of a refusal.
pub fn confirm(world: &World, task: &Task, read: &Read, unwritten: NoWrite) -> Phase {
    let identity = task.identity.as_ref().expect("it has a key");
    let next = Key::Entry(task.account, sequence(read.head.as_ref()) + 1);
    match world.table.snapshot(&[&identity.claim, &next]).as_deref() {
        Some([None, None]) => Phase::Done(Answer::Unwritten(unwritten)),
        Some([Some(_), _]) => look_up(world, task),
        _ => Phase::Head,
    }
}
