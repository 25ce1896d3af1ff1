//! The model: three clients on one table, each a step at a time, in every order there is, with one crash anywhere, and
//! one request whose answer is lost or that comes late.

use stateright::{Model, Property};

use crate::{
    client::Client,
    commands::NOVEMBER,
    item::Key,
    phase::Phase,
    plant::Plant,
    properties,
    provider::Change,
    task::{Command, Stage, Task},
    world::World,
};

/// A state that should be reached, or the model shows less than it seems to.
pub type CoverageGoal = (&'static str, fn(&Protocol, &World) -> bool);

/// The faults of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    /// A client that asks the provider crashes, or the answer to its transaction is lost, once.
    OfMoney,
    /// Any client crashes once, and one request of a command with a key, or of a sweep, is late or lost.
    One,
    /// Commands with a key crash, and their requests are late or lost, however often; one is late at a time.
    Any,
}

/// One concern of the protocol, with all that may happen.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub tasks: Vec<Task>,
    pub starts: Vec<World>,
    pub coverage: Vec<CoverageGoal>,
    /// Whether a transaction becomes visible item by item.
    pub is_torn: bool,
    pub faults: Faults,
    /// Whether a claim is raised after a scan of any entries, not only of more than 32.
    pub is_raising: bool,
    /// How many of the newest entries a capture or release reads at first.
    pub recent_entries: usize,
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
            coverage: Vec::new(),
            is_torn: false,
            faults: Faults::OfMoney,
            is_raising: false,
            recent_entries: 4,
            refusals_max: 0,
            ends_at: NOVEMBER,
            plant: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A client goes on.
    Step(usize),
    /// So it does, and the provider refuses.
    Refuse(usize),
    /// A client stops, once what it is about to write is written; its caller will call again with the same key.
    Crash(usize),
    /// A client writes and gets no answer; it goes on.
    Lose(usize),
    /// A client's write is late; the client goes on without an answer.
    Delay(usize),
    /// A client's write is late, and the client stops.
    Abandon(usize),
    /// The late write arrives.
    Land,
    /// An item that was written becomes visible.
    Show(Key),
    /// Something happens at the provider.
    Happen(Change),
}

impl Protocol {
    /// A world after some tasks, done one after the other by a client alone.
    pub fn after(&self, before: &World, done: &[&str]) -> World {
        let mut world = before.clone();
        for task in done {
            world.run(self, self.find(task));
        }
        world
    }

    /// Begins with each of these worlds and every three of these tasks, one twice or thrice among them; of those that ask
    /// the provider, which are many steps, two at most.
    pub fn start(&mut self, worlds: &[World], tasks: &[&'static str]) {
        for (first, a) in tasks.iter().enumerate() {
            for (second, b) in tasks.iter().enumerate().skip(first) {
                for c in &tasks[second..] {
                    let trio = [*a, *b, *c];
                    let long = trio.iter().filter(|task| asks(&self.tasks[self.find(task)].command));
                    if long.count() <= 2 {
                        for world in worlds {
                            self.start_with(world, trio);
                        }
                    }
                }
            }
        }
    }

    /// Begins with a world and these three tasks.
    pub fn start_with(&mut self, world: &World, trio: [&str; 3]) {
        let clients = trio.map(|task| Client::new(self.find(task))).to_vec();
        self.starts.push(World { clients, ..world.clone() });
    }

    fn find(&self, task: &str) -> usize {
        self.tasks.iter().position(|known| known.name == task).expect("it is a task's name")
    }

    /// Whether a client is about to write.
    fn is_writing(client: &Client) -> bool {
        match &client.phase {
            Phase::Append(..) => true,
            Phase::Call(call) => call.is_writing(),
            _ => false,
        }
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
            let (is_writing, asks) = (Self::is_writing(client), asks(&task.command));
            let is_calling = is_writing && !asks && self.faults != Faults::OfMoney;
            let may_crash = world.crashed.is_none();
            if is_calling && world.late.is_none() && !world.has_been_late {
                actions.push(Action::Delay(index));
                if may_crash {
                    actions.push(Action::Abandon(index));
                }
            }
            if may_crash && (is_calling || (asks && is_writing) || has_asked(client, task)) {
                actions.push(Action::Crash(index));
            }
            if may_crash && asks && is_writing {
                actions.push(Action::Lose(index));
            }
        }
        if world.late.is_some() {
            actions.push(Action::Land);
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
                if Self::is_writing(&world.clients[index]) {
                    next.lose(self, index)?;
                }
                next.crash(self, index);
            }
            Action::Lose(index) => {
                next.lose(self, index)?;
                next.crashed = Some(index);
            }
            Action::Delay(index) => next.delay(self, index)?,
            Action::Abandon(index) => {
                next.delay(self, index)?;
                next.crash(self, index);
            }
            Action::Land => next.land(self)?,
            Action::Show(key) => next.table_mut().show(&key),
            Action::Happen(change) => {
                next.coming.retain(|coming| *coming != change);
                let topics = next.provider_mut(|provider| provider.change(change));
                next.note_change(topics);
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let coverage = self.coverage.iter().map(|(name, is_seen)| Property::sometimes(name, *is_seen));
        properties::always().into_iter().chain(coverage).collect()
    }
}

/// Whether a command asks the provider. It has no key, and goes on if the answer to its transaction is lost.
fn asks(command: &Command) -> bool {
    matches!(command, Command::Refund(_) | Command::Look(_))
}

/// Whether a refund has written or asked for something: to stop before is not to have been called.
fn has_asked(client: &Client, task: &Task) -> bool {
    let is_refund = matches!(task.command, Command::Refund(_)) && client.stage != Stage::Request;
    matches!(client.phase, Phase::Purchase { .. } | Phase::Ask { .. }) || (is_refund && client.is_running())
}
