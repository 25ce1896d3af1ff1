//! All there is at one moment: the table, the provider, the clients, and a request that is still on its way.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use scrip_accounts::{Decision, Refusal};

use crate::{
    client::{self, Client},
    follow,
    hold_properties::is_refused_wrongly,
    item::{Key, Shared},
    phase::{Answer, NoWrite, Phase},
    protocol::{Faults, Protocol},
    provider::{Change, Provider, Topics},
    table::Table,
    task::{Command, Stage},
    write::{Cancellation, Condition, Request},
};

/// More steps than a client makes alone.
const STEPS_MAX: usize = 40;

/// The writer of a request that comes late: no client waits until all of it is visible.
const NO_CLIENT: usize = usize::MAX;

/// A broken promise that no state shows by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Violation {
    /// Something was written that wouldn't have been decided on the table as it was then.
    Stale,
    /// The account that a customer first bought for was overwritten.
    Moved,
    /// A caller was answered what wasn't true at any moment since the call.
    Untrue,
    /// The answer to a capture or release of a hold wasn't true at the moment of the answer.
    Misled,
    /// An entry of a call was written after its answer.
    Landed,
}

/// A request that changes the table, was given up by the client that sent it, and may still arrive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LateRequest {
    pub task: usize,
    /// The client whose call sent it; none if that crashed.
    pub client: Option<usize>,
    pub request: Shared<Request>,
}

impl LateRequest {
    fn can_land(&self, table: &Table) -> bool {
        let mut absent = self.request.writes.iter().filter(|write| write.condition == Condition::Absent);
        absent.all(|write| table.written(&write.key).is_none())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct World {
    pub table: Arc<Table>,
    pub provider: Shared<Provider>,
    pub clients: Vec<Client>,
    /// The changes that are yet to happen at the provider, in any possible order.
    pub coming: Vec<Change>,
    /// The objects that changed at the provider since the last finished look began.
    pub unseen: Topics,
    /// How often a money-back refund was requested.
    pub requested: usize,
    /// The client that crashed or lost an answer, if only one may.
    pub crashed: Option<usize>,
    /// The request that is late.
    pub late: Option<LateRequest>,
    /// Whether there was one, if only one may be.
    pub has_been_late: bool,
    /// Whether one client does all it does, and nothing is seen in part.
    pub is_alone: bool,
    /// The violations on the way to this state.
    pub violations: Vec<Violation>,
}

impl World {
    pub fn table_mut(&mut self) -> &mut Table {
        Arc::make_mut(&mut self.table)
    }

    pub fn provider_mut<T>(&mut self, change: impl FnOnce(&mut Provider) -> T) -> T {
        let mut provider = Provider::clone(&self.provider);
        let changed = change(&mut provider);
        self.provider = Shared::new(provider);
        changed
    }

    /// Notes that something went wrong, once.
    pub fn note_violation(&mut self, violation: Violation, is_so: bool) {
        if is_so && !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    /// The decision of a client's command if it were all done at this moment, by the facts that it read.
    fn truth(&self, protocol: &Protocol, client: &Client) -> Result<Decision, Refusal> {
        let task = &protocol.tasks[client.task];
        let head = self.table.newest(client.account_number(task));
        let related = task.truly_related(&self.table, &client.look);
        task.decide((client.stage, &client.look), (&client::account(head, task), &related), protocol.plant)
    }

    /// The refill that is due before a client's command at this moment.
    fn due(&self, protocol: &Protocol, client: &Client) -> Decision {
        let task = &protocol.tasks[client.task];
        follow::due(&client::account(self.table.newest(task.account), task), task)
    }

    /// Something changed at the provider.
    pub fn note_change(&mut self, topics: Topics) {
        self.unseen = self.unseen.with(topics);
        for client in self.clients.iter_mut().filter(|client| client.is_running()) {
            client.missed = client.missed.with(topics);
        }
    }

    /// Notes what would be true without a write, for a client that was called. What a look finds is held to what the
    /// provider shows in the end.
    fn note_truth(&mut self, protocol: &Protocol, index: usize) {
        let client = &self.clients[index];
        let task = &protocol.tasks[client.task];
        if client.stage != Stage::Request || matches!(task.command, Command::Look(_)) {
            return;
        }
        if let Some(identity) = &task.identity
            && self.table.rows(task.account).any(|(_, row)| row.is_of(&identity.key))
        {
            return;
        }
        let truth = NoWrite::of(&self.truth(protocol, client));
        let truths = &mut self.clients[index].truths;
        if let Some(truth) = truth
            && let Err(place) = truths.binary_search(&truth)
        {
            truths.insert(place, truth);
        }
    }

    /// A request of a client's arrives and changes the table, or doesn't.
    pub fn send(
        &mut self,
        protocol: &Protocol,
        client: &Client,
        request: &Request,
        by: Option<usize>,
    ) -> Result<(), Cancellation> {
        // The decision if nothing had been read before.
        let truth = || {
            if request.is_due { Ok(self.due(protocol, client)) } else { self.truth(protocol, client) }
        };
        let newest = request.decision.as_ref().map(|_| truth());
        let customer = self.table.written(&Key::Customer).cloned();
        let is_torn = protocol.is_torn && !self.is_alone;
        let mut table = Table::clone(&self.table);
        table.write(&request.writes, by.unwrap_or(NO_CLIENT), is_torn)?;
        self.table = Arc::new(table);
        // A late request that can't be written any more counts as lost, because no item is deleted.
        self.late = self.late.take().filter(|late| late.can_land(&self.table));
        if let (Some(newest), Some(decision)) = (newest, &request.decision) {
            self.note_violation(Violation::Stale, newest.as_ref() != Ok(decision));
        }
        let is_refund = matches!(protocol.tasks[client.task].command, Command::Refund(_));
        self.requested += usize::from(is_refund && client.stage == Stage::Request);
        let is_moved = customer.is_some() && customer.as_ref() != self.table.written(&Key::Customer);
        self.note_violation(Violation::Moved, is_moved);
        Ok(())
    }

    /// A client goes on by one request.
    pub fn step(&mut self, protocol: &Protocol, index: usize, refuses: bool) {
        let before = self.table.clone();
        if !self.clients[index].is_running() {
            self.note_truth(protocol, index);
        }
        client::step(protocol, self, index, refuses);
        self.note_truths(protocol, &before);
        let task = &protocol.tasks[self.clients[index].task];
        let client = &mut self.clients[index];
        if let Phase::Done(answer) = &client.phase {
            let is_untrue = match answer {
                Answer::Unwritten(unwritten) => {
                    !matches!(task.command, Command::Look(_)) && !client.truths.contains(unwritten)
                }
                _ => false,
            };
            let is_misled = is_refused_wrongly(task, answer, &self.table);
            let seen = task.covers(&self.provider).without(client.missed);
            client.renew(Phase::Done(answer.clone()));
            self.note_violation(Violation::Untrue, is_untrue);
            self.note_violation(Violation::Misled, is_misled);
            self.unseen = self.unseen.without(seen);
        }
    }

    /// Notes what is true now for every waiting client, if the table changed.
    fn note_truths(&mut self, protocol: &Protocol, before: &Arc<Table>) {
        if !Arc::ptr_eq(before, &self.table) {
            let running = (0..self.clients.len()).filter(|client| self.clients[*client].is_running());
            running.collect::<Vec<_>>().into_iter().for_each(|client| self.note_truth(protocol, client));
        }
    }

    /// A client's request is late: the client goes on without an answer.
    pub fn delay(&mut self, protocol: &Protocol, index: usize) -> Option<()> {
        let request = Shared::new(client::request(protocol, self, index)?);
        let task = self.clients[index].task;
        // A claim, or its raise, may land whatever was answered.
        let client = request.decision.is_some().then_some(index);
        self.late = Some(LateRequest { task, client, request });
        self.has_been_late = protocol.faults == Faults::One;
        client::unanswered(protocol, self, index);
        Some(())
    }

    /// The late request arrives.
    pub fn land(&mut self, protocol: &Protocol) -> Option<()> {
        let before = self.table.clone();
        let LateRequest { task, client, request } = self.late.take()?;
        // One that comes too late is as if it were lost.
        self.send(protocol, &Client::new(task), &request, None).ok()?;
        let is_answered = client.is_some_and(|client| matches!(self.clients[client].phase, Phase::Done(_)));
        self.note_violation(Violation::Landed, is_answered && request.decision.is_some());
        self.note_truths(protocol, &before);
        Some(())
    }

    /// A client's request arrives, and the client goes on without an answer.
    pub fn lose(&mut self, protocol: &Protocol, index: usize) -> Option<()> {
        let before = self.table.clone();
        let request = client::request(protocol, self, index)?;
        self.send(protocol, &self.clients[index].clone(), &request, Some(index)).ok()?;
        client::unanswered(protocol, self, index);
        self.note_truths(protocol, &before);
        Some(())
    }

    /// A client stops; its caller will call again.
    pub fn crash(&mut self, protocol: &Protocol, index: usize) {
        if protocol.faults != Faults::Any {
            self.crashed = Some(index);
        }
        self.clients[index].renew(Phase::Uncalled);
        if let Some(late) = &mut self.late {
            late.client = late.client.filter(|client| *client != index);
        }
    }

    /// The same world with clients of the same task in one order: which is which makes no difference.
    pub fn in_order(&self) -> Self {
        let place = |world: &Self, index: usize| {
            let mut hasher = DefaultHasher::new();
            world.clients[index].hash(&mut hasher);
            let is_late = world.late.as_ref().is_some_and(|late| late.client == Some(index));
            (world.crashed == Some(index), is_late, hasher.finish())
        };
        let mut ordered = self.clone();
        for (one, other) in [(0, 1), (1, 2), (0, 1)] {
            let is_same = ordered.clients[one].task == ordered.clients[other].task;
            if is_same && place(&ordered, one) > place(&ordered, other) {
                ordered.clients.swap(one, other);
                let swapped = |index| {
                    if index == one {
                        other
                    } else if index == other {
                        one
                    } else {
                        index
                    }
                };
                ordered.crashed = ordered.crashed.map(swapped);
                if let Some(late) = &mut ordered.late {
                    late.client = late.client.map(swapped);
                }
                if ordered.table.hidden_by(None).next().is_some() {
                    ordered.table_mut().rename(swapped);
                }
            }
        }
        ordered
    }

    /// The world after one more look at whatever isn't seen yet, alone.
    pub fn after_a_look(&self, protocol: &Protocol) -> Self {
        let mut world = Self { coming: Vec::new(), ..self.clone() };
        // The later tasks are those of the moment at which all happens.
        for (index, task) in protocol.tasks.iter().enumerate().rev() {
            let covered = task.covers(&world.provider);
            if world.unseen.without(covered) != world.unseen {
                world.run(protocol, index);
            }
        }
        world
    }

    /// Does one more task, alone, as the last client.
    pub fn run(&mut self, protocol: &Protocol, task: usize) {
        let index = self.clients.len();
        self.is_alone = true;
        self.clients.push(Client::new(task));
        // A look at what can't be granted is sent again and again; one that can be is done after some steps.
        for _ in 0..STEPS_MAX {
            if matches!(self.clients[index].phase, Phase::Done(_)) {
                break;
            }
            self.step(protocol, index, false);
        }
        self.clients.truncate(index);
        self.is_alone = false;
    }

    /// Whether every client has an answer and sees the same.
    pub fn is_settled(&self) -> bool {
        let is_done = |client: &Client| matches!(client.phase, Phase::Done(_));
        self.clients.iter().all(is_done) && self.table.hidden_by(None).next().is_none()
    }
}
