//! A client: one attempt after the other, as `shared/ledger/src/execute.rs` makes them, and the money-back
//! refund around it (`functions/refund/src/money_back.rs`). One step is one request to the table or the provider.

use credits::{Account, Decision, Purchase, Refund, Refusal};

use crate::{
    append,
    plant::Plant,
    protocol::{Protocol, World},
    table::{Cancelled, Item, Key, Row, digest},
    task::{Command, Stage, Task},
};

/// What the caller is told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Carried out now, by that entry.
    Appended(u64),
    /// Carried out before, by that entry.
    Replayed(u64),
    /// Only a record changed.
    Recorded,
    /// Nothing was written: there is nothing to do, or it is refused. By the digest of which.
    Unwritten(Unwritten),
    /// The key was used for another request.
    KeyReused,
    /// The money went back.
    Refunded,
    /// It didn't, and the credits are back.
    ProviderRefused,
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unwritten {
    Unchanged,
    Refused(u64),
    PurchaseNotFound,
    PaymentTaken,
}

impl Unwritten {
    /// What a decision comes to where nothing is written.
    pub fn of(decided: &Result<Decision, Refusal>) -> Option<Self> {
        match decided {
            Ok(decision) if *decision == Decision::default() => Some(Self::Unchanged),
            Ok(_) => None,
            Err(Refusal::PurchaseNotFound) => Some(Self::PurchaseNotFound),
            Err(refusal) => Some(Self::Refused(digest(refusal))),
        }
    }
}

/// Where a client is: what it knows, and what it does next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Its caller has not called, or has seen it crash and is about to call again.
    Uncalled,
    /// Reads the newest entry.
    Head,
    /// Reads what else it decides from; decides.
    Related(Read),
    /// Sends the transaction.
    Append(Read, Option<Row>),
    /// Waits for the transaction's answer.
    Waiting(Answer),
    /// Was told that the operation exists.
    LookUp,
    /// Makes sure of what it would answer without a write.
    Confirm(Read, Option<Row>, Unwritten),
    /// A refund: reads what its purchase is now, before or after the provider was asked.
    Purchase { is_asked: bool },
    /// A refund: asks the provider.
    Ask { attempt: u32 },
    /// A plan's refund: reads whether a later payment pays for the subscription.
    Payer,
    /// A plan's refund: has the provider end the subscription.
    End,
    /// Was answered.
    Done(Answer),
}

/// The newest entry, as it was read or as a lost race carried it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Read {
    pub head: Option<Row>,
    pub is_carried: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client {
    pub task: usize,
    pub stage: Stage,
    pub phase: Phase,
    /// What would have been a true answer without a write at some moment since the call.
    pub truths: Vec<Unwritten>,
}

impl Client {
    pub fn new(task: usize) -> Self {
        Self { task, stage: Stage::Request, phase: Phase::Uncalled, truths: Vec::new() }
    }

    pub fn is_running(&self) -> bool {
        !matches!(self.phase, Phase::Uncalled | Phase::Done(_))
    }

    pub fn stop(&mut self) {
        *self = Self::new(self.task);
    }
}

/// The account that is decided from.
pub fn account(head: Option<&Row>, task: &Task) -> Account {
    head.and_then(Row::account).cloned().unwrap_or_else(|| Account::unseen(task.now))
}

/// A client's next step; `sends` says what a provider that is asked anew does.
pub fn step(protocol: &Protocol, world: &mut World, index: usize, sends: bool) {
    let task = &protocol.tasks[world.clients[index].task];
    let phase = world.clients[index].phase.clone();
    let next = match phase {
        Phase::Uncalled | Phase::Head => Some(head(protocol, world, task)),
        Phase::Related(read) => {
            let related = task.related.as_ref().and_then(|key| world.table.get(key));
            decide(protocol, world, index, read, related)
        }
        Phase::Append(read, related) => send(protocol, world, index, &read, related.as_ref()),
        Phase::Waiting(answer) => Some(settled(world, index, task, answer)),
        Phase::LookUp => look_up(world, task),
        Phase::Confirm(read, related, unwritten) => {
            confirm(protocol, world, index, (&read, related, unwritten))
        }
        Phase::Purchase { is_asked } => Some(read_purchase(world, task, is_asked)),
        Phase::Ask { attempt } => {
            let is_new_each_time = protocol.plant == Some(Plant::ChangingKey);
            let key = if is_new_each_time { world.provider.new_key() } else { attempt };
            let answer = world.provider.remembers(key);
            let sent = answer.unwrap_or_else(|| world.provider.answer(key, sends));
            world.clients[index].stage = Stage::Answered { attempt, sent };
            let is_plan = task.plan(world).is_some();
            Some(if sent && is_plan { Phase::Payer } else { Phase::Head })
        }
        Phase::Payer => {
            let head = world.table.head(task.account);
            let now = head.as_ref().and_then(Row::account).and_then(|account| account.subscription.as_ref());
            let asked = task.plan(world).expect("it is a plan's");
            let goes_on = now.is_some_and(|now| now.id == asked.0 && now.purchase_id != asked.1);
            Some(if goes_on { Phase::Head } else { Phase::End })
        }
        Phase::End => {
            world.provider.has_ended = true;
            Some(Phase::Head)
        }
        Phase::Done(_) => unreachable!("it is done"),
    };
    // Where nothing else is read, it is decided at once.
    let next = match next {
        Some(Phase::Related(read)) if task.related.is_none() => decide(protocol, world, index, read, None),
        next => next,
    };
    // Whatever was inconclusive is tried again from the start.
    let next = next.unwrap_or(Phase::Head);
    let client = &mut world.clients[index];
    if matches!(next, Phase::Uncalled) { client.stop() } else { client.phase = next }
}

fn head(protocol: &Protocol, world: &World, task: &Task) -> Phase {
    if protocol.plant == Some(Plant::CheckedBefore)
        && let Some(done) = look_up(world, task)
    {
        return done;
    }
    let read = Read { head: world.table.head(task.account), is_carried: false };
    Phase::Related(read)
}

fn decide(
    protocol: &Protocol,
    world: &mut World,
    index: usize,
    read: Read,
    related: Option<Row>,
) -> Option<Phase> {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let from = account(read.head.as_ref(), task);
    let decided = task.decide(client.stage, (&from, related.as_ref()), protocol.plant);
    match Unwritten::of(&decided) {
        None => Some(Phase::Append(read, related)),
        Some(_) if read.is_carried => None,
        Some(unwritten) if task.identity.is_none() || protocol.plant == Some(Plant::Unconfirmed) => {
            Some(settled(world, index, task, Answer::Unwritten(unwritten)))
        }
        Some(unwritten) => Some(Phase::Confirm(read, related, unwritten)),
    }
}

fn send(
    protocol: &Protocol,
    world: &mut World,
    index: usize,
    read: &Read,
    related: Option<&Row>,
) -> Option<Phase> {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let from = account(read.head.as_ref(), task);
    let decided = task.decide(client.stage, (&from, related), protocol.plant);
    let decision = decided.expect("it was decided to write");
    let writes = append::writes(task.account, &from, task.identity.as_ref(), &decision, protocol.plant);
    // What would be decided if nothing had been read before.
    let newest = world.truth(protocol, index);
    match world.table_mut().transact(writes, index, protocol.is_torn) {
        Ok(()) => {
            world.is_stale |= newest.as_ref() != Ok(&decision);
            let last = decision.entries.last().map(|last| last.account.sequence.get());
            Some(Phase::Waiting(last.map_or(Answer::Recorded, Answer::Appended)))
        }
        Err(Cancelled::Retry) => Some(Phase::LookUp),
        Err(Cancelled::Taken) => Some(Phase::Done(Answer::Unwritten(Unwritten::PaymentTaken))),
        Err(Cancelled::Raced(Some(newest))) if !read.is_carried => {
            Some(Phase::Related(Read { head: Some(newest), is_carried: true }))
        }
        Err(Cancelled::Wait | Cancelled::Raced(_)) => None,
    }
}

/// The answer of the same command carried out before. The operation and its entry never change, so one step reads both.
fn look_up(world: &World, task: &Task) -> Option<Phase> {
    let identity = task.identity.as_ref()?;
    let row = world.table.get(&identity.operation)?;
    let Item::Operation { sequence, request } = row.item() else { unreachable!("an operation's row") };
    if *request != identity.request {
        return Some(Phase::Done(Answer::KeyReused));
    }
    let entry = world.table.get(&Key::Entry(task.account, *sequence))?;
    Some(Phase::Done(Answer::Replayed(entry.account()?.sequence.get())))
}

fn confirm(
    protocol: &Protocol,
    world: &mut World,
    index: usize,
    (read, related, unwritten): (&Read, Option<Row>, Unwritten),
) -> Option<Phase> {
    let task = &protocol.tasks[world.clients[index].task];
    let operation = &task.identity.as_ref()?.operation;
    let newest = account(read.head.as_ref(), task).sequence;
    let is_true = if protocol.plant == Some(Plant::PlainlyConfirmed) {
        world.table.get(operation).is_none()
    } else {
        let next = Key::Entry(task.account, newest.next().get());
        let keys: Vec<&Key> = [operation, &next].into_iter().chain(&task.related).collect();
        let snapshot = world.table.snapshot(&keys)?;
        snapshot[0].is_none() && snapshot[1].is_none() && snapshot.get(2).cloned().flatten() == related
    };
    if is_true {
        return Some(settled(world, index, task, Answer::Unwritten(unwritten)));
    }
    look_up(world, task)
}

/// What follows an answer of the ledger.
fn settled(world: &World, index: usize, task: &Task, answer: Answer) -> Phase {
    match (&task.command, &answer, world.clients[index].stage) {
        // The provider is told to send its event again.
        (Command::Money(..), Answer::Unwritten(Unwritten::PurchaseNotFound), _) => Phase::Uncalled,
        (
            Command::Refund(_),
            Answer::Appended(_) | Answer::Recorded | Answer::Unwritten(Unwritten::Unchanged),
            Stage::Request,
        ) => Phase::Purchase { is_asked: false },
        (Command::Refund(_), _, Stage::Answered { sent: true, .. }) => Phase::Purchase { is_asked: true },
        (Command::Refund(_), _, Stage::Answered { sent: false, .. }) => Phase::Done(Answer::ProviderRefused),
        _ => Phase::Done(answer),
    }
}

fn read_purchase(world: &World, task: &Task, is_asked: bool) -> Phase {
    let row = task.related.as_ref().and_then(|key| world.table.get(key));
    let purchase: &Purchase = row.as_ref().and_then(Row::purchase).expect("it was refunded");
    match &purchase.refund {
        Some(Refund::Refunded { .. }) => Phase::Done(Answer::Refunded),
        None => Phase::Done(Answer::ProviderRefused),
        // It is answered 202, and the hourly sweep calls again.
        Some(Refund::RefundPending) if is_asked => Phase::Uncalled,
        Some(Refund::RefundPending) => Phase::Ask { attempt: purchase.refunds_failed },
    }
}
