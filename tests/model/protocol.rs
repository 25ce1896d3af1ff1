//! The model: three clients on one table, each a step at a time, in every order there is, with one crash anywhere.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use credits::{Decision, Refusal, Word};
use stateright::{Model, Property};

use crate::{
    client::{self, Answer, Client, Phase, Unwritten},
    plant::Plant,
    properties,
    provider::Provider,
    table::{Item, Key, Row, Table},
    task::{Command, Stage, Task},
};

/// A state that should be reached, or the model shows less than it seems to.
pub type Sight = (&'static str, fn(&Protocol, &World) -> bool);

/// One concern of the protocol, with all that may happen.
#[derive(Debug, Clone, Default)]
pub struct Protocol {
    pub tasks: Vec<Task>,
    pub starts: Vec<World>,
    pub sights: Vec<Sight>,
    /// Whether a transaction becomes visible item by item.
    pub is_torn: bool,
    /// How often the provider refuses, at most.
    pub refusals_max: usize,
    pub plant: Option<Plant>,
}

/// All there is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct World {
    pub table: Arc<Table>,
    pub provider: Provider,
    pub clients: Vec<Client>,
    /// The client that crashed or lost an answer. One does.
    pub crashed: Option<usize>,
    /// Something was written that wouldn't have been decided on the table as it was then.
    pub is_stale: bool,
    /// Somebody was told what wasn't true at any moment since the call.
    pub is_untrue: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A client goes on.
    Step(usize),
    /// So it does, and the provider refuses.
    Refuse(usize),
    /// A client stops; its caller will call again with the same key.
    Crash(usize),
    /// The answer to a transaction gets lost; the client goes on.
    Lose(usize),
    /// An item that was written becomes visible.
    Show(Key),
    /// A refund fails after its money went back.
    Fail,
}

impl World {
    pub fn table_mut(&mut self) -> &mut Table {
        Arc::make_mut(&mut self.table)
    }

    /// What a client's command would come to if it were all done at this moment.
    pub fn truth(&self, protocol: &Protocol, index: usize) -> Result<Decision, Refusal> {
        let client = &self.clients[index];
        let task = &protocol.tasks[client.task];
        let newest = self.table.account(task.account).map(|account| account.sequence.get());
        let head = newest.and_then(|newest| self.table.written(&Key::Entry(task.account, newest)));
        let related = task.related.as_ref().and_then(|key| self.table.written(key));
        task.decide(client.stage, (&client::account(head, task), related), protocol.plant)
    }

    /// Notes what would be true without a write, for a client that was called.
    fn note_truth(&mut self, protocol: &Protocol, index: usize) {
        let client = &self.clients[index];
        if client.stage != Stage::Request {
            return;
        }
        let task = &protocol.tasks[client.task];
        let is_done = |key: &Key| self.table.written(key).is_some();
        if task.identity.as_ref().is_some_and(|identity| is_done(&identity.operation)) {
            return;
        }
        let owner = match &task.command {
            Command::Paid(payment) => self.table.written(&Key::Payment(payment.id.to_string())),
            _ => None,
        };
        let is_taken = owner.map(Row::item).is_some_and(|item| *item != Item::Owner(task.account));
        let truth = if is_taken {
            Some(Unwritten::PaymentTaken)
        } else {
            Unwritten::of(&self.truth(protocol, index))
        };
        let truths = &mut self.clients[index].truths;
        if let Some(truth) = truth
            && let Err(place) = truths.binary_search(&truth)
        {
            truths.insert(place, truth);
        }
    }

    fn step(&mut self, protocol: &Protocol, index: usize, sends: bool) {
        let before = self.table.clone();
        if !self.clients[index].is_running() {
            self.note_truth(protocol, index);
        }
        client::step(protocol, self, index, sends);
        if !Arc::ptr_eq(&before, &self.table) {
            let running = (0..self.clients.len()).filter(|client| self.clients[*client].is_running());
            running.collect::<Vec<_>>().into_iter().for_each(|other| self.note_truth(protocol, other));
        }
        let client = &mut self.clients[index];
        if let Phase::Done(answer) = &client.phase {
            self.is_untrue |=
                matches!(answer, Answer::Unwritten(unwritten) if !client.truths.contains(unwritten));
            client.truths.clear();
        }
    }

    /// The same world with clients of the same task in one order: which is which makes no difference.
    pub fn in_order(&self) -> Self {
        let place = |world: &Self, index: usize| {
            let mut hasher = DefaultHasher::new();
            world.clients[index].hash(&mut hasher);
            (world.crashed == Some(index), hasher.finish())
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
                if ordered.table.hidden_by(None).next().is_some() {
                    ordered.table_mut().rename(swapped);
                }
            }
        }
        ordered
    }

    /// Whether everybody has an answer and sees the same.
    pub fn is_settled(&self) -> bool {
        let is_done = |client: &Client| matches!(client.phase, Phase::Done(_));
        self.clients.iter().all(is_done) && self.table.hidden_by(None).next().is_none()
    }
}

impl Protocol {
    /// The world after some tasks, done one after the other by somebody alone.
    pub fn after(&self, done: &[&str]) -> World {
        let alone = Self { is_torn: false, plant: None, ..self.clone() };
        let mut world = World::default();
        for task in done {
            world.clients = vec![Client::new(self.find(task))];
            while !matches!(world.clients[0].phase, Phase::Done(_)) {
                world.step(&alone, 0, true);
            }
        }
        world
    }

    /// Begins with each of these worlds and every three of these tasks, one twice or thrice among them.
    pub fn start(&mut self, worlds: &[World], tasks: &[&str]) {
        let tasks: Vec<usize> = tasks.iter().map(|task| self.find(task)).collect();
        for world in worlds {
            for (first, a) in tasks.iter().enumerate() {
                for (second, b) in tasks.iter().enumerate().skip(first) {
                    for c in &tasks[second..] {
                        let clients = [a, b, c].map(|task| Client::new(*task)).to_vec();
                        self.starts.push(World { clients, ..world.clone() });
                    }
                }
            }
        }
    }

    fn find(&self, task: &str) -> usize {
        self.tasks.iter().position(|known| known.name == task).expect("it is a task's name")
    }

    /// Whether a refund may fail: the one that somebody is there to hear of.
    fn may_fail(&self, world: &World) -> bool {
        let sent = world.provider.first_sent();
        let hears = |client: &Client| {
            let command = &self.tasks[client.task].command;
            matches!(command, Command::Money(_, Word::RefundFailed { attempt, .. }, _) if *attempt == sent)
        };
        sent.is_some() && world.provider.failed.is_none() && world.clients.iter().any(hears)
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        self.starts.clone()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (index, client) in world.clients.iter().enumerate() {
            let task = &self.tasks[client.task];
            let goes_on = match client.phase {
                Phase::Done(_) => false,
                Phase::Uncalled => task.has_come(&world.provider),
                Phase::Waiting(_) => world.table.hidden_by(Some(index)).next().is_none(),
                _ => true,
            };
            if goes_on {
                actions.push(Action::Step(index));
            }
            let is_new = |attempt| world.provider.remembers(attempt).is_none();
            if let Phase::Ask { attempt } = client.phase
                && is_new(attempt)
                && world.provider.refused() < self.refusals_max
            {
                actions.push(Action::Refuse(index));
            }
            if world.crashed.is_none() && client.is_running() {
                actions.push(Action::Crash(index));
                if matches!(client.phase, Phase::Waiting(_)) && matches!(task.command, Command::Refund(_)) {
                    actions.push(Action::Lose(index));
                }
            }
        }
        actions.extend(world.table.hidden_by(None).cloned().map(Action::Show));
        if self.may_fail(world) {
            actions.push(Action::Fail);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::Step(index) => next.step(self, index, true),
            Action::Refuse(index) => next.step(self, index, false),
            Action::Crash(index) => {
                next.crashed = Some(index);
                next.clients[index].stop();
            }
            Action::Lose(index) => {
                next.crashed = Some(index);
                next.clients[index].phase = Phase::Head;
            }
            Action::Show(key) => next.table_mut().show(&key),
            Action::Fail => next.provider.failed = next.provider.first_sent(),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let sights = self.sights.iter().map(|(name, is_seen)| Property::sometimes(name, *is_seen));
        properties::always().into_iter().chain(sights).collect()
    }
}
