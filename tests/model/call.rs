//! A command with a key: claim, then append, as `shared/ledger/src/execute.rs` carries it out. Each step is one request;
//! what follows a request that changes the table is a step of its own, because its answer may be lost.

use crate::{
    append,
    append::Identity,
    client::{Client, account},
    follow,
    item::{Key, Row, Shared, sequence},
    phase::{Answer, NoWrite, Phase, Read, ReadKind},
    plant::Plant,
    protocol::Protocol,
    related::RelatedItems,
    task::Task,
    world::World,
    write::{Cancellation, Request},
};

/// The next step of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Call {
    /// It knows nothing: it reads the newest entry.
    Begin,
    /// Reads the claim of another key that its command names.
    Key(Read, Shared<RelatedItems>),
    /// Looks for the entry of such a key, behind its claim.
    KeyEntries(Read, Shared<RelatedItems>, Row),
    /// It has decided to write: claims its key from the newest entry on.
    Claim(Option<Row>, Shared<RelatedItems>),
    /// A claim exists that this call has not followed: looks for its entry.
    Scan { claim: Row, head: Option<Row> },
    /// It has seen all up to an entry: reads those that follow.
    Rescan(Option<Row>),
    /// Raises a claim behind which entries were read.
    Raise { claim: Key, to: u64, next: Box<Phase>, back: Box<Call> },
    /// Appends what it decided.
    Append(Read, Shared<RelatedItems>),
    /// Its command is refused because a hold is over: writes that, if it isn't written.
    Due(Read),
    /// Makes sure of a refusal.
    Confirm(Read, Shared<RelatedItems>, NoWrite),
    /// A planted fault: claims what it has appended.
    ClaimLast(Answer),
}

impl Call {
    /// Whether its next request changes the table.
    pub fn is_writing(&self) -> bool {
        matches!(
            self,
            Self::Claim(..) | Self::Raise { .. } | Self::Append(..) | Self::Due(_) | Self::ClaimLast(_)
        )
    }

    pub fn is_append(&self) -> bool {
        matches!(self, Self::Append(..))
    }

    /// The step at which a call goes on after a fault: what it saw stays true.
    pub fn unanswered(&self, protocol: &Protocol) -> Phase {
        Phase::Call(match self {
            Self::Claim(head, related) if protocol.plant == Some(Plant::UnansweredClaim) => {
                Self::Append(Read { head: head.clone(), how: ReadKind::Verified }, related.clone())
            }
            Self::Begin | Self::Claim(..) => Self::Begin,
            Self::Key(read, _) | Self::KeyEntries(read, ..) | Self::Due(read) | Self::Confirm(read, ..) => {
                back(read)
            }
            Self::Scan { .. } | Self::Rescan(_) => self.clone(),
            Self::Raise { back, .. } => Self::clone(back),
            Self::Append(read, _) => Self::Rescan(read.head.clone()),
            Self::ClaimLast(answer) => return Phase::Done(answer.clone()),
        })
    }
}

/// The step at which a call goes on if its decision came to nothing.
pub fn back(read: &Read) -> Call {
    match read.how {
        ReadKind::Newest => Call::Begin,
        ReadKind::Verified | ReadKind::Carried => Call::Rescan(read.head.clone()),
    }
}

/// A call's next request to change the table, if its next step is one.
pub fn request(protocol: &Protocol, client: &Client, call: &Call) -> Option<Request> {
    let task = &protocol.tasks[client.task];
    let identity = identity(task);
    match call {
        Call::Claim(head, _) => {
            let newer = u64::from(protocol.plant == Some(Plant::NewerFrom));
            Some(append::claim(identity, sequence(head.as_ref()) + newer, protocol.plant))
        }
        Call::ClaimLast(Answer::Appended(own)) => Some(append::claim(identity, *own - 1, protocol.plant)),
        Call::Raise { claim, to, .. } => Some(append::raise(claim.clone(), *to)),
        Call::Append(read, related) => {
            let from = account(read.head.as_ref(), task);
            let decision = follow::decided(protocol, client, read, related).expect("it was decided to write");
            Some(append::append(task.account, &from, Some(identity), decision, protocol.plant))
        }
        Call::Due(read) => {
            let from = account(read.head.as_ref(), task);
            let due = append::append(task.account, &from, None, follow::due(&from, task), protocol.plant);
            Some(Request { is_due: true, ..due })
        }
        _ => None,
    }
}

/// The phase after the answer to such a request.
pub fn answered(
    protocol: &Protocol,
    world: &World,
    index: usize,
    (call, request, answer): (&Call, &Request, Result<(), Cancellation>),
) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let plant = protocol.plant;
    match (call, answer) {
        (Call::Claim(head, related), Ok(())) => {
            Phase::Call(Call::Append(Read { head: head.clone(), how: ReadKind::Verified }, related.clone()))
        }
        (Call::Claim(head, related), Err(Cancellation::Exists(claim))) => match plant {
            Some(Plant::NoScan) => Phase::Call(Call::Append(
                Read { head: head.clone(), how: ReadKind::Verified },
                related.clone(),
            )),
            Some(Plant::ReusedByClaim)
                if claim.claim().and_then(|claim| claim.request) != Some(identity(task).request) =>
            {
                Phase::Done(Answer::KeyReused)
            }
            _ => Phase::Call(Call::Scan { claim, head: head.clone() }),
        },
        (Call::Raise { next, .. }, Ok(()) | Err(Cancellation::Raced(_))) => Phase::clone(next),
        (Call::Append(..), Ok(())) => {
            let last = request.decision.as_ref().and_then(|decision| decision.entries.last());
            let last = last.expect("it has an entry");
            let answer = Answer::Appended(last.account.sequence.get());
            let is_claimed = plant != Some(Plant::ClaimAfterAppend);
            if is_claimed { Phase::Waiting(answer) } else { Phase::Call(Call::ClaimLast(answer)) }
        }
        // The next entry exists.
        (Call::Append(read, _), Err(Cancellation::Raced(Some(exists)))) if request.writes.len() == 1 => {
            if exists.is_of(&identity(task).key) && plant != Some(Plant::UncheckedCarried) {
                return follow::replay(protocol, world, task, &exists);
            }
            if read.how == ReadKind::Carried {
                return Phase::Call(Call::Rescan(Some(exists)));
            }
            let read = Read { head: Some(exists), how: ReadKind::Carried };
            follow::related(protocol, client, read, RelatedItems::default())
        }
        (Call::Due(read), Ok(())) => Phase::Call(back(read)),
        (Call::ClaimLast(answer), _) => Phase::Done(answer.clone()),
        (call, Err(_)) => call.unanswered(protocol),
        (_, Ok(())) => unreachable!("it changes nothing"),
    }
}

pub fn identity(task: &Task) -> &Identity {
    task.identity.as_ref().expect("it has a key")
}
