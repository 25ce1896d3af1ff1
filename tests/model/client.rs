//! A client: one request to the table or the provider after the other. A command with a key goes as `call.rs` says;
//! one without as `shared/ledger/src/apply.rs` does, with the webhook's look at the provider before it (`look.rs`) and
//! the money-back refund around it (`refund.rs`).

use scrip_accounts::{Account, Refusal};

use crate::{
    append, call,
    call::Call,
    follow,
    item::{AccountNumber, Row, Shared},
    look,
    look::Look,
    old_program,
    phase::{Answer, NoWrite, Phase, Read, ReadKind},
    plant::Plant,
    protocol::Protocol,
    provider::{RefundAnswer, Topics},
    refund,
    related::RelatedItems,
    table::Table,
    task::{Command, Stage, Task},
    world::World,
    write::{Cancellation, Request},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client {
    pub task: usize,
    pub stage: Stage,
    pub phase: Phase,
    /// The records and facts that were read.
    pub look: Shared<Look>,
    /// The objects of the provider that changed since it began.
    pub missed: Topics,
    /// The answers without a write that were true at some moment since the call.
    pub truths: Vec<NoWrite>,
    /// Whether an append wasn't answered: an impure decision is another one then.
    pub is_again: bool,
}

impl Client {
    pub fn new(task: usize) -> Self {
        Self {
            task,
            stage: Stage::Request,
            phase: Phase::Uncalled,
            look: Shared::default(),
            missed: Topics::default(),
            truths: Vec::new(),
            is_again: false,
        }
    }

    /// The same client before its next call, or once it was answered.
    pub fn renew(&mut self, phase: Phase) {
        self.stage = Stage::Request;
        self.phase = phase;
        if *self.look != Look::default() {
            self.look = Shared::default();
        }
        self.missed = Topics::default();
        self.truths = Vec::new();
        self.is_again = false;
    }

    pub fn is_running(&self) -> bool {
        !matches!(self.phase, Phase::Uncalled | Phase::Done(_))
    }

    pub fn account_number(&self, task: &Task) -> AccountNumber {
        self.look.account_number.unwrap_or(task.account)
    }
}

/// The account that is decided from.
pub fn account(head: Option<&Row>, task: &Task) -> Account {
    head.and_then(Row::account).cloned().unwrap_or_else(|| Account::unseen(task.now))
}

/// A client's next request; `refuses` says what a provider that is asked by a new key does.
pub fn step(protocol: &Protocol, world: &mut World, index: usize, refuses: bool) {
    let next = match request(protocol, world, index) {
        Some(request) => {
            let answer = world.send(protocol, &world.clients[index].clone(), &request, Some(index));
            answered(protocol, world, index, (&request, answer))
        }
        None => read(protocol, world, index, refuses),
    };
    go_on(world, index, next);
}

/// A client's next request to change the table, if its next step is one.
pub fn request(protocol: &Protocol, world: &World, index: usize) -> Option<Request> {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    match &client.phase {
        Phase::Call(call) => call::request(protocol, client, call),
        Phase::Append(read, related) => {
            let from = account(read.head.as_ref(), task);
            let decided = task.decide((client.stage, &client.look), (&from, related), protocol.plant);
            let decision = decided.expect("it was decided to write");
            Some(match &task.identity {
                Some(identity) => append::append_with_row(task.account, &from, identity, decision),
                None => append::append(client.account_number(task), &from, None, decision, protocol.plant),
            })
        }
        _ => None,
    }
}

/// The phase in which a client goes on if a request to change the table has no answer.
pub fn unanswered(protocol: &Protocol, world: &mut World, index: usize) {
    let client = &mut world.clients[index];
    let next = match &client.phase {
        Phase::Call(call) => {
            client.is_again |= protocol.plant == Some(Plant::ImpureDecision) && call.is_append();
            call.unanswered(protocol)
        }
        _ => Phase::Head,
    };
    go_on(world, index, next);
}

fn go_on(world: &mut World, index: usize, next: Phase) {
    let client = &mut world.clients[index];
    if matches!(next, Phase::Uncalled) { client.renew(next) } else { client.phase = next }
}

fn read(protocol: &Protocol, world: &mut World, index: usize, refuses: bool) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let phase = client.phase.clone();
    match phase {
        Phase::Uncalled if task.identity.is_some() && !task.is_old => {
            follow::read(protocol, world, index, &Call::Begin)
        }
        Phase::Uncalled if !matches!(task.command, Command::Look(_)) => head(protocol, world, index),
        Phase::Uncalled
        | Phase::Before
        | Phase::Facts
        | Phase::Invoices
        | Phase::Money
        | Phase::Customer
        | Phase::RecordsLast => {
            let mut look = Look::clone(&client.look);
            if matches!(phase, Phase::Uncalled | Phase::Before) && client.stage == Stage::Request {
                world.clients[index].missed = Topics::default();
            }
            let kept = look.refund_ids.clone();
            let next = look::step(protocol, world, task, &phase, &mut look);
            look.refund_ids = kept;
            world.clients[index].look = Shared::new(look);
            next
        }
        Phase::Call(call) => follow::read(protocol, world, index, &call),
        Phase::Head => head(protocol, world, index),
        Phase::Related(read) => {
            let related = task.related(&world.table, &client.look, Table::get);
            decide(protocol, world, index, read, related)
        }
        Phase::Waiting(answer) => settled(world, index, task, answer),
        Phase::LookUp => old_program::look_up(world, task),
        Phase::Confirm(read, unwritten) => old_program::confirm(world, task, &read, unwritten),
        Phase::Purchase { .. } | Phase::Ask { .. } | Phase::Payer | Phase::End => {
            refund::step(protocol, world, index, (&phase, refuses))
        }
        Phase::Append(..) | Phase::Done(_) => unreachable!("it reads nothing"),
    }
}

fn head(protocol: &Protocol, world: &World, index: usize) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let read = Read { head: world.table.head(client.account_number(task)), how: ReadKind::Newest };
    related(protocol, world, index, read)
}

/// If nothing else is read, it is decided at once.
fn related(protocol: &Protocol, world: &World, index: usize, read: Read) -> Phase {
    let task = &protocol.tasks[world.clients[index].task];
    match task.command {
        // A command with a key is a debit here, by a program from before claims.
        Command::Keyed(_) | Command::Turn => decide(protocol, world, index, read, RelatedItems::default()),
        _ => Phase::Related(read),
    }
}

fn decide(protocol: &Protocol, world: &World, index: usize, read: Read, related: RelatedItems) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let from = account(read.head.as_ref(), task);
    let read_before = (client.stage, &*client.look);
    let is_outdated =
        protocol.plant != Some(Plant::UncheckedRevision) && task.is_outdated(read_before, &related);
    let decided = match () {
        () if is_outdated => Err(Refusal::OutdatedFacts),
        () => task.decide(read_before, (&from, &related), protocol.plant),
    };
    match NoWrite::of(&decided) {
        None => Phase::Append(read, Shared::new(related)),
        Some(_) if read.how == ReadKind::Carried => Phase::Head,
        Some(unwritten) if task.identity.is_none() => {
            settled(world, index, task, Answer::Unwritten(unwritten))
        }
        Some(unwritten) => Phase::Confirm(read, unwritten),
    }
}

/// The phase after the answer to a request that changes the table.
fn answered(
    protocol: &Protocol,
    world: &World,
    index: usize,
    (request, answer): (&Request, Result<(), Cancellation>),
) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let next = match (client.phase.clone(), answer) {
        (Phase::Call(call), answer) => call::answered(protocol, world, index, (&call, request, answer)),
        (_, Ok(())) => {
            let last = request.decision.as_ref().and_then(|decision| decision.entries.last());
            let answer = last.map(|last| Answer::Appended(last.account.sequence.get()));
            Phase::Waiting(answer.unwrap_or(Answer::Recorded))
        }
        (_, Err(Cancellation::Exists(_))) => Phase::LookUp,
        (_, Err(Cancellation::Taken)) => Phase::Done(Answer::Unwritten(NoWrite::PaymentTaken)),
        (Phase::Append(Read { how: ReadKind::Newest, .. }, _), Err(Cancellation::Raced(Some(newest)))) => {
            related(protocol, world, index, Read { head: Some(newest), how: ReadKind::Carried })
        }
        (_, Err(Cancellation::Conflict | Cancellation::Raced(_))) => Phase::Head,
    };
    match next {
        // If the write is visible at once, it is answered at once: the client does nothing in between.
        Phase::Waiting(answer) if world.table.hidden_by(Some(index)).next().is_none() => {
            settled(world, index, task, answer)
        }
        next => next,
    }
}

/// The phase after an answer of the ledger.
fn settled(world: &World, index: usize, task: &Task, answer: Answer) -> Phase {
    match (&task.command, &answer, world.clients[index].stage) {
        // The records were written since: they are read again, and then the provider.
        (_, Answer::Unwritten(NoWrite::OutdatedFacts), _) => Phase::Before,
        (
            Command::Refund(_),
            Answer::Appended(_) | Answer::Recorded | Answer::Unwritten(NoWrite::Unchanged),
            Stage::Request,
        ) => Phase::Purchase { is_asked: false },
        (Command::Refund(_), _, Stage::Answered { answer: RefundAnswer::Refused, .. }) => {
            Phase::Done(Answer::ProviderRefused)
        }
        (Command::Refund(_), _, Stage::Answered { .. }) => Phase::Purchase { is_asked: true },
        _ => Phase::Done(answer),
    }
}
