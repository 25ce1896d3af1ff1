//! A client: one attempt after the other, as `shared/ledger/src/execute.rs` makes them, the webhook's look at the
//! provider before them (`look.rs`), and the money-back refund around them (`functions/refund/src/money_back.rs`).
//! One step is one request to the table or the provider.

use scrip_accounts::{Account, Decision, MoneyBackStatus, Purchase, Refusal, money_back};

use crate::{
    append, look,
    look::Look,
    plant::Plant,
    protocol::{Protocol, World, Wrong},
    provider::{RefundAnswer, Topics},
    table::{Cancelled, Item, Key, Row, Shared, Table, Who, digest},
    task::{Command, Related, Stage, Task, purchase_id},
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
    /// Nothing was written: there is nothing to do, or it is refused.
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
    /// By the digest of the refusal.
    Refused(u64),
    PaymentTaken,
    OutdatedFacts,
}

impl Unwritten {
    /// What a decision comes to where nothing is written.
    pub fn of(decided: &Result<Decision, Refusal>) -> Option<Self> {
        match decided {
            Ok(decision) if *decision == Decision::default() => Some(Self::Unchanged),
            Ok(_) => None,
            Err(Refusal::PaymentTaken) => Some(Self::PaymentTaken),
            Err(Refusal::OutdatedFacts) => Some(Self::OutdatedFacts),
            Err(refusal) => Some(Self::Refused(digest(refusal))),
        }
    }
}

/// Where a client is: what it knows, and what it does next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Its caller has not called, or has seen it crash and is about to call again.
    Uncalled,
    /// A look: reads the records of its subject.
    Before,
    /// A look: reads the payment, or the subscription, from the provider.
    Facts,
    /// A look at the subscription: reads its invoices.
    Invoices,
    /// Reads the refunds and disputes of the payments.
    Money,
    /// A look: reads the account that the customer first bought for.
    Customer,
    /// A planted fault: reads the records after the provider.
    RecordsLast,
    /// Reads the newest entry.
    Head,
    /// Reads what else it decides from; decides.
    Related(Read),
    /// Sends the transaction.
    Append(Read, Shared<Related>),
    /// Waits for the transaction's answer.
    Waiting(Answer),
    /// Was told that the operation exists.
    LookUp,
    /// Makes sure of what it would answer without a write.
    Confirm(Read, Shared<Related>, Unwritten),
    /// A refund: reads what its purchase is now, before or after the provider was asked.
    Purchase { is_asked: bool },
    /// A refund: asks the provider.
    Ask { attempt: u32 },
    /// A plan's refund: asks the provider whether a later period was paid.
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
    /// What was read of the records and the provider.
    pub look: Shared<Look>,
    /// What of the provider changed since it began.
    pub missed: Topics,
    /// What would have been a true answer without a write at some moment since the call.
    pub truths: Vec<Unwritten>,
}

impl Client {
    pub fn new(task: usize) -> Self {
        Self {
            task,
            stage: Stage::Request,
            phase: Phase::Uncalled,
            look: Shared::new(Look::default()),
            missed: Topics::default(),
            truths: Vec::new(),
        }
    }

    pub fn is_running(&self) -> bool {
        !matches!(self.phase, Phase::Uncalled | Phase::Done(_))
    }

    pub fn stop(&mut self) {
        *self = Self::new(self.task);
    }

    /// Whether it wrote or asked for something: to stop before is not to have been called.
    pub fn leaves_a_trace(&self, task: &Task) -> bool {
        let is_refund = matches!(task.command, Command::Refund(_)) && self.stage != Stage::Request;
        matches!(self.phase, Phase::Waiting(_) | Phase::Purchase { .. } | Phase::Ask { .. })
            || (is_refund && self.is_running())
    }

    pub fn who(&self, task: &Task) -> Who {
        self.look.who.unwrap_or(task.account)
    }
}

/// The account that is decided from.
pub fn account(head: Option<&Row>, task: &Task) -> Account {
    head.and_then(Row::account).cloned().unwrap_or_else(|| Account::unseen(task.now))
}

/// A client's next step; `refuses` says what a provider that is asked by a new key does.
pub fn step(protocol: &Protocol, world: &mut World, index: usize, refuses: bool) {
    let task = &protocol.tasks[world.clients[index].task];
    let phase = world.clients[index].phase.clone();
    let next = match phase {
        Phase::Uncalled if !matches!(task.command, Command::Look(_)) => Some(head(protocol, world, index)),
        Phase::Uncalled
        | Phase::Before
        | Phase::Facts
        | Phase::Invoices
        | Phase::Money
        | Phase::Customer
        | Phase::RecordsLast => {
            let client = &world.clients[index];
            let mut look = Look::clone(&client.look);
            if matches!(phase, Phase::Uncalled | Phase::Before) && client.stage == Stage::Request {
                world.clients[index].missed = Topics::default();
            }
            let kept = look.refund_ids.clone();
            let next = look::step(protocol, world, task, &phase, &mut look);
            look.refund_ids = kept;
            world.clients[index].look = Shared::new(look);
            Some(next)
        }
        Phase::Head => Some(head(protocol, world, index)),
        Phase::Related(read) => {
            let related = task.related(&world.table, &world.clients[index].look, Table::get);
            decide(protocol, world, index, read, related)
        }
        Phase::Append(read, related) => send(protocol, world, index, &read, &related),
        Phase::Waiting(answer) => Some(settled(world, index, task, answer)),
        Phase::LookUp => look_up(world, task),
        Phase::Confirm(read, related, unwritten) => {
            confirm(protocol, world, index, (&read, &related, unwritten))
        }
        Phase::Purchase { is_asked } => Some(read_purchase(world, index, task, is_asked)),
        Phase::Ask { attempt } => Some(ask(protocol, world, index, attempt, refuses)),
        Phase::Payer => {
            let Command::Refund(id) = task.command else { unreachable!("it is a refund") };
            let newest = world.provider.invoices().last().map(|invoice| invoice.id);
            Some(if newest.is_some_and(|newest| newest != id) { Phase::Before } else { Phase::End })
        }
        Phase::End => {
            world.provider.ended_at = world.provider.ended_at.or(Some(protocol.ends_at));
            world.provider.changes += 1;
            world.note_change(Topics::SUBSCRIPTION);
            Some(Phase::Before)
        }
        Phase::Done(_) => unreachable!("it is done"),
    };
    // Where nothing else is read, it is decided at once.
    let next = match next {
        Some(Phase::Related(read)) if matches!(task.command, Command::Debit(..) | Command::Turn) => {
            decide(protocol, world, index, read, Related::default())
        }
        next => next,
    };
    // Whatever was inconclusive is tried again from the start.
    let next = next.unwrap_or(Phase::Head);
    let client = &mut world.clients[index];
    if matches!(next, Phase::Uncalled) { client.stop() } else { client.phase = next }
}

fn head(protocol: &Protocol, world: &World, index: usize) -> Phase {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    if protocol.plant == Some(Plant::CheckedBefore)
        && let Some(done) = look_up(world, task)
    {
        return done;
    }
    Phase::Related(Read { head: world.table.head(client.who(task)), is_carried: false })
}

fn decide(protocol: &Protocol, world: &World, index: usize, read: Read, related: Related) -> Option<Phase> {
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
    let related = Shared::new(related);
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
    related: &Related,
) -> Option<Phase> {
    let client = &world.clients[index];
    let task = &protocol.tasks[client.task];
    let (who, stage) = (client.who(task), client.stage);
    let from = account(read.head.as_ref(), task);
    let decided = task.decide((stage, &client.look), (&from, related), protocol.plant);
    let decision = decided.expect("it was decided to write");
    let writes = append::writes(who, &from, task.identity.as_ref(), &decision, protocol.plant);
    // What would be decided if nothing had been read before.
    let newest = world.truth(protocol, index);
    let customer = world.table.written(&Key::Customer).cloned();
    let is_torn = protocol.is_torn && !world.is_alone;
    match world.table_mut().transact(writes, index, is_torn) {
        Ok(()) => {
            world.note_wrong(Wrong::Stale, newest.as_ref() != Ok(&decision));
            let is_moved = customer.is_some() && customer.as_ref() != world.table.written(&Key::Customer);
            world.note_wrong(Wrong::Moved, is_moved);
            world.requested +=
                usize::from(matches!(task.command, Command::Refund(_)) && stage == Stage::Request);
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
    let Item::Operation { sequence, request, .. } = &*row else { unreachable!("an operation's row") };
    if *request != identity.request {
        return Some(Phase::Done(Answer::KeyReused));
    }
    let entry = world.table.get(&Key::Entry(task.account, *sequence))?;
    Some(Phase::Done(Answer::Replayed(entry.account()?.sequence.get())))
}

fn confirm(
    protocol: &Protocol,
    world: &World,
    index: usize,
    (read, related, unwritten): (&Read, &Related, Unwritten),
) -> Option<Phase> {
    let task = &protocol.tasks[world.clients[index].task];
    let operation = &task.identity.as_ref()?.operation;
    let newest = account(read.head.as_ref(), task).sequence;
    let is_true = if protocol.plant == Some(Plant::PlainlyConfirmed) {
        world.table.get(operation).is_none()
    } else {
        let next = Key::Entry(task.account, newest.next().get());
        let debit = match &task.command {
            Command::Reverse(_, id) => Some(append::operation(task.account, "debit", id.as_str())),
            _ => None,
        };
        let keys: Vec<&Key> = [operation, &next].into_iter().chain(&debit).collect();
        let snapshot = world.table.snapshot(&keys)?;
        let debit = snapshot.get(2).and_then(|row| row.as_ref()?.debit());
        snapshot[0].is_none() && snapshot[1].is_none() && debit == related.debit
    };
    if is_true {
        return Some(settled(world, index, task, Answer::Unwritten(unwritten)));
    }
    look_up(world, task)
}

/// What follows an answer of the ledger.
fn settled(world: &World, index: usize, task: &Task, answer: Answer) -> Phase {
    match (&task.command, &answer, world.clients[index].stage) {
        // The records were written since: they are read again, and then the provider.
        (_, Answer::Unwritten(Unwritten::OutdatedFacts), _) => Phase::Before,
        (
            Command::Refund(_),
            Answer::Appended(_) | Answer::Recorded | Answer::Unwritten(Unwritten::Unchanged),
            Stage::Request,
        ) => Phase::Purchase { is_asked: false },
        (Command::Refund(_), _, Stage::Answered { answer: RefundAnswer::Refused, .. }) => {
            Phase::Done(Answer::ProviderRefused)
        }
        (Command::Refund(_), _, Stage::Answered { .. }) => Phase::Purchase { is_asked: true },
        _ => Phase::Done(answer),
    }
}

fn read_purchase(world: &mut World, index: usize, task: &Task, is_asked: bool) -> Phase {
    let related = task.related(&world.table, &world.clients[index].look, Table::get);
    let records = related.records.expect("its own account");
    let purchase: &Purchase = records.purchases.first().expect("it was refunded");
    let attempt = purchase.refunds_failed;
    let status = purchase.money_back.as_ref().map(|refund| refund.status);
    world.clients[index].look = Shared::new(Look { before: records, ..Look::default() });
    match status {
        Some(MoneyBackStatus::Refunded) => Phase::Done(Answer::Refunded),
        None => Phase::Done(Answer::ProviderRefused),
        // It is answered 202, and the hourly sweep calls again.
        Some(MoneyBackStatus::Pending) if is_asked => Phase::Uncalled,
        Some(MoneyBackStatus::Pending) => Phase::Ask { attempt },
    }
}

/// Asks for the money of a payment; what follows the answer.
fn ask(protocol: &Protocol, world: &mut World, index: usize, attempt: u32, refuses: bool) -> Phase {
    let task = &protocol.tasks[world.clients[index].task];
    let Command::Refund(id) = task.command else { unreachable!("it is a refund") };
    let is_new_each_time = protocol.plant == Some(Plant::ChangingKey);
    let key = if is_new_each_time { world.provider.new_key() } else { attempt };
    let remembered = world.provider.remembers(id, key);
    let answer = remembered.unwrap_or_else(|| world.provider.ask(id, key, attempt, refuses));
    if remembered.is_none() && matches!(answer, RefundAnswer::Sent(_)) {
        let topic = world.provider.topic(id);
        world.note_change(topic);
    }
    let client = &mut world.clients[index];
    client.stage = Stage::Answered { attempt, answer };
    let mut look = Look::clone(&client.look);
    if let RefundAnswer::Sent(number) = answer {
        look.refund_ids = vec![world.provider.payment(id).refund_id(number)];
    }
    let is_ending = money_back::ending(&look.before, &purchase_id(id)).is_some();
    client.look = Shared::new(look);
    match answer {
        RefundAnswer::Refused => Phase::Head,
        _ if is_ending => Phase::Payer,
        _ => Phase::Before,
    }
}
