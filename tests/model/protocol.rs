//! The model: three clients on one table, each a step at a time, in every order there is, with one crash anywhere.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use scrip_accounts::{Decision, Refusal};
use stateright::{Model, Property};

use crate::{
    client::{self, Answer, Client, Phase, Unwritten},
    commands::NOVEMBER,
    plant::Plant,
    properties,
    provider::{Change, Provider, Topics},
    table::{Key, Table},
    task::{Command, Stage, Task},
};

/// More steps than a client makes alone.
const STEPS_MAX: usize = 40;

/// A state that should be reached, or the model shows less than it seems to.
pub type Sight = (&'static str, fn(&Protocol, &World) -> bool);

/// One concern of the protocol, with all that may happen.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub tasks: Vec<Task>,
    pub starts: Vec<World>,
    pub sights: Vec<Sight>,
    /// Whether a transaction becomes visible item by item.
    pub is_torn: bool,
    /// How often the provider refuses, at most.
    pub refusals_max: usize,
    /// When a subscription ends that is ended now.
    pub ends_at: &'static str,
    pub plant: Option<Plant>,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            tasks: Vec::new(),
            starts: Vec::new(),
            sights: Vec::new(),
            is_torn: false,
            refusals_max: 0,
            ends_at: NOVEMBER,
            plant: None,
        }
    }
}

/// What no state shows by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// Something was written that wouldn't have been decided on the table as it was then.
    Stale,
    /// The account that a customer first bought for was overwritten.
    Moved,
    /// Somebody was told what wasn't true at any moment since the call.
    Untrue,
}

/// All there is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct World {
    pub table: Arc<Table>,
    pub provider: Provider,
    pub clients: Vec<Client>,
    /// What is yet to happen at the provider, in any order in which it can.
    pub coming: Vec<Change>,
    /// What changed at the provider since a look that is finished began.
    pub unseen: Topics,
    /// How often a money-back refund was requested.
    pub requested: usize,
    /// The client that crashed or lost an answer. One does.
    pub crashed: Option<usize>,
    /// Whether one client does all it does, and nothing is seen in part.
    pub is_alone: bool,
    /// What went wrong on the way here.
    pub wrongs: Vec<Wrong>,
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
    /// Something happens at the provider.
    Happen(Change),
}

impl World {
    pub fn table_mut(&mut self) -> &mut Table {
        Arc::make_mut(&mut self.table)
    }

    /// Notes that something went wrong, once.
    pub fn note_wrong(&mut self, wrong: Wrong, is_so: bool) {
        if is_so && !self.wrongs.contains(&wrong) {
            self.wrongs.push(wrong);
        }
    }

    /// What a client's command would come to if it were all done at this moment, by the facts that it read.
    pub fn truth(&self, protocol: &Protocol, index: usize) -> Result<Decision, Refusal> {
        let client = &self.clients[index];
        let task = &protocol.tasks[client.task];
        let who = client.who(task);
        let newest = self.table.account(who).map(|account| account.sequence.get());
        let head = newest.and_then(|newest| self.table.written(&Key::Entry(who, newest)));
        let related = task.related(&self.table, &client.look, |table, key| table.written(key).cloned());
        task.decide((client.stage, &client.look), (&client::account(head, task), &related), protocol.plant)
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
        let is_done = |key: &Key| self.table.written(key).is_some();
        if task.identity.as_ref().is_some_and(|identity| is_done(&identity.operation)) {
            return;
        }
        let truth = Unwritten::of(&self.truth(protocol, index));
        let truths = &mut self.clients[index].truths;
        if let Some(truth) = truth
            && let Err(place) = truths.binary_search(&truth)
        {
            truths.insert(place, truth);
        }
    }

    fn step(&mut self, protocol: &Protocol, index: usize, refuses: bool) {
        let before = self.table.clone();
        if !self.clients[index].is_running() {
            self.note_truth(protocol, index);
        }
        client::step(protocol, self, index, refuses);
        if !Arc::ptr_eq(&before, &self.table) {
            let running = (0..self.clients.len()).filter(|client| self.clients[*client].is_running());
            running.collect::<Vec<_>>().into_iter().for_each(|other| self.note_truth(protocol, other));
        }
        let task = &protocol.tasks[self.clients[index].task];
        let client = &mut self.clients[index];
        if let Phase::Done(answer) = &client.phase {
            let is_untrue = match answer {
                Answer::Unwritten(unwritten) => {
                    !matches!(task.command, Command::Look(_)) && !client.truths.contains(unwritten)
                }
                _ => false,
            };
            let seen = task.covers(&self.provider).without(client.missed);
            *client = Client { phase: client.phase.clone(), ..Client::new(client.task) };
            self.note_wrong(Wrong::Untrue, is_untrue);
            self.unseen = self.unseen.without(seen);
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
    fn run(&mut self, protocol: &Protocol, task: usize) {
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

    /// Whether everybody has an answer and sees the same.
    pub fn is_settled(&self) -> bool {
        let is_done = |client: &Client| matches!(client.phase, Phase::Done(_));
        self.clients.iter().all(is_done) && self.table.hidden_by(None).next().is_none()
    }
}

impl Protocol {
    /// A world after some tasks, done one after the other by somebody alone.
    pub fn after(&self, before: &World, done: &[&str]) -> World {
        let mut world = before.clone();
        for task in done {
            world.run(self, self.find(task));
        }
        world
    }

    /// Begins with each of these worlds and every three of these tasks, one twice or thrice among them; of those that ask
    /// the provider, which are many steps, two at most.
    pub fn start(&mut self, worlds: &[World], tasks: &[&str]) {
        let tasks: Vec<usize> = tasks.iter().map(|task| self.find(task)).collect();
        for world in worlds {
            for (first, a) in tasks.iter().enumerate() {
                for (second, b) in tasks.iter().enumerate().skip(first) {
                    for c in &tasks[second..] {
                        let long = [a, b, c].into_iter().filter(|task| asks(&self.tasks[**task].command));
                        if long.count() > 2 {
                            continue;
                        }
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
                Phase::Waiting(_) => world.table.hidden_by(Some(index)).next().is_none(),
                _ => true,
            };
            if goes_on {
                actions.push(Action::Step(index));
            }
            if let (Phase::Ask { attempt }, Command::Refund(id)) = (&client.phase, &task.command)
                && world.provider.remembers(id, *attempt).is_none()
                && world.provider.refused() < self.refusals_max
            {
                actions.push(Action::Refuse(index));
            }
            if world.crashed.is_none() && client.leaves_a_trace(task) {
                actions.push(Action::Crash(index));
                if matches!(client.phase, Phase::Waiting(_)) && asks(&task.command) {
                    actions.push(Action::Lose(index));
                }
            }
        }
        actions.extend(world.table.hidden_by(None).cloned().map(Action::Show));
        let can = world.coming.iter().filter(|change| world.provider.can(**change));
        actions.extend(can.copied().map(Action::Happen));
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::Step(index) => next.step(self, index, false),
            Action::Refuse(index) => next.step(self, index, true),
            Action::Crash(index) => {
                next.crashed = Some(index);
                next.clients[index].stop();
            }
            Action::Lose(index) => {
                next.crashed = Some(index);
                next.clients[index].phase = Phase::Head;
            }
            Action::Show(key) => next.table_mut().show(&key),
            Action::Happen(change) => {
                next.coming.retain(|coming| *coming != change);
                let topics = next.provider.change(change);
                next.note_change(topics);
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let sights = self.sights.iter().map(|(name, is_seen)| Property::sometimes(name, *is_seen));
        properties::always().into_iter().chain(sights).collect()
    }
}

/// Whether a command asks the provider. It has no key, and goes on where the answer to its transaction is lost.
fn asks(command: &Command) -> bool {
    matches!(command, Command::Refund(_) | Command::Look(_))
}
