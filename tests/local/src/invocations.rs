//! The invocations of each function, and the instances that take them.
//!
//! Invariant: every invocation gets exactly one outcome. An instance holds at most one; if the
//! instance goes away, what it held fails as it would on Lambda, and no invocation is ever handed to
//! an instance that has gone.

use crate::template::Function;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    fmt::Write,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, oneshot},
    task::AbortHandle,
};

/// The reason for which an invocation has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FunctionError {
    /// No function of the template has this name.
    #[error("there is no function `{0}`")]
    Unknown(String),
    /// The function reported the error itself, as it does for a panic too.
    #[error("{error_type}: {message}")]
    Reported {
        /// The type of the error, as the function names it.
        error_type: String,
        /// Its message.
        message: String,
    },
    /// The process ended while it held the invocation.
    #[error("the instance ended: {0}")]
    Ended(String),
    /// The template's `Timeout` ran out; the instance was stopped.
    #[error("the task timed out after {} seconds", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The answer is not JSON.
    #[error("the answer is not JSON")]
    NotJson,
    /// No instance of the function can be started, or the stack is stopping.
    #[error("{0}")]
    Unavailable(String),
}

/// The outcome of an invocation.
pub type Outcome = Result<Value, FunctionError>;

/// The invocations of every function.
#[derive(Debug)]
pub struct Invocations {
    functions: HashMap<String, Queue>,
    random: SystemRandom,
}

#[derive(Debug)]
struct Queue {
    timeout: Duration,
    state: Mutex<QueueState>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct QueueState {
    waiting: VecDeque<Invocation>,
    instances: HashMap<u64, Instance>,
    instances_ever: u64,
    /// Set once no instance will come any more.
    closed: Option<FunctionError>,
}

#[derive(Debug)]
struct Invocation {
    request_id: String,
    event: String,
    outcome: oneshot::Sender<Outcome>,
}

#[derive(Debug)]
struct Instance {
    polled: Option<oneshot::Sender<()>>,
    overdue: Arc<Notify>,
    init_error: Option<FunctionError>,
    held: Option<HeldInvocation>,
}

/// An invocation that an instance is working on.
#[derive(Debug)]
struct HeldInvocation {
    request_id: String,
    outcome: oneshot::Sender<Outcome>,
    deadline: AbortHandle,
}

/// A place for one instance.
#[derive(Debug)]
pub struct Registration {
    /// Names the instance among those of its function.
    pub id: u64,
    /// Resolves when the instance asks for its first invocation.
    pub polled: oneshot::Receiver<()>,
    /// Notified when an invocation ran out of time: the instance must be stopped.
    pub overdue: Arc<Notify>,
}

/// The end of an instance: the invocation and the error that it left.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct InstanceEnd {
    /// Whether it held an invocation, which has failed.
    pub held: bool,
    /// The error it reported while it started, if it did.
    pub init_error: Option<FunctionError>,
}

/// An invocation that an instance took from the queue.
#[derive(Debug)]
pub struct AssignedInvocation {
    /// Lambda's id of it.
    pub request_id: String,
    /// The event, JSON.
    pub event: String,
    /// How long the instance has.
    pub timeout: Duration,
}

impl Invocations {
    /// No invocations yet, and no instances.
    #[must_use]
    pub fn new(functions: &[Function]) -> Self {
        let queue = |timeout| Queue { timeout, state: Mutex::default(), arrived: Notify::new() };
        let functions = functions.iter().map(|function| (function.name.clone(), queue(function.timeout)));
        Self { functions: functions.collect(), random: SystemRandom::new() }
    }

    /// Hands `event` to the next free instance and waits for its answer. The invocation runs on if the
    /// caller stops waiting, as it does on Lambda.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn invoke(&self, function: &str, event: &Value) -> Outcome {
        let queue = self.queue(function)?;
        let (outcome, answered) = oneshot::channel();
        {
            let mut state = queue.lock();
            if let Some(closed) = &state.closed {
                return Err(closed.clone());
            }
            let request_id = uuid(&self.random);
            state.waiting.push_back(Invocation { request_id, event: event.to_string(), outcome });
        }
        queue.arrived.notify_one();
        let gone = |_| Err(FunctionError::Unavailable("the stack has stopped".to_owned()));
        answered.await.unwrap_or_else(gone)
    }

    /// A place for a new instance of `function`.
    ///
    /// # Errors
    /// When there is no such function.
    pub fn register(&self, function: &str) -> Result<Registration, FunctionError> {
        let mut state = self.queue(function)?.lock();
        state.instances_ever += 1;
        let id = state.instances_ever;
        let (polled, has_polled) = oneshot::channel();
        let overdue = Arc::new(Notify::new());
        let instance =
            Instance { polled: Some(polled), overdue: Arc::clone(&overdue), init_error: None, held: None };
        state.instances.insert(id, instance);
        Ok(Registration { id, polled: has_polled, overdue })
    }

    /// Removes an instance that has ended; what it held fails.
    #[must_use]
    pub fn unregister(&self, function: &str, id: u64, how: &str) -> InstanceEnd {
        let Ok(queue) = self.queue(function) else { return InstanceEnd::default() };
        let Some(removed) = queue.lock().instances.remove(&id) else { return InstanceEnd::default() };
        let held = removed.held.map(|held| held.finish(Err(FunctionError::Ended(how.to_owned()))));
        InstanceEnd { held: held.is_some(), init_error: removed.init_error }
    }

    /// Whether an instance holds an invocation now.
    #[must_use]
    pub fn is_working(&self, function: &str, id: u64) -> bool {
        let Ok(queue) = self.queue(function) else { return false };
        queue.lock().instances.get(&id).is_some_and(|instance| instance.held.is_some())
    }

    /// Fails every invocation of `function`, waiting and to come: it has no instances any more.
    pub fn close(&self, function: &str, why: &FunctionError) {
        if let Ok(queue) = self.queue(function) {
            let waiting = {
                let mut state = queue.lock();
                state.closed = Some(why.clone());
                mem::take(&mut state.waiting)
            };
            for invocation in waiting {
                let _ = invocation.outcome.send(Err(why.clone()));
            }
        }
    }

    /// [`Invocations::close`] for every function.
    pub fn close_all(&self) {
        for function in self.functions.keys() {
            self.close(function, &FunctionError::Unavailable("the stack has stopped".to_owned()));
        }
    }

    /// The next invocation for an instance, as soon as there is one; none if the instance is unknown,
    /// has gone, or holds one already.
    pub async fn take(self: &Arc<Self>, function: &str, instance: u64) -> Option<AssignedInvocation> {
        let queue = self.functions.get(function)?;
        loop {
            let arrived = queue.arrived.notified();
            {
                let mut state = queue.lock();
                let QueueState { waiting, instances, .. } = &mut *state;
                let Some(asking) = instances.get_mut(&instance).filter(|asking| asking.held.is_none()) else {
                    // The wake-up was meant for an instance that can take something.
                    queue.arrived.notify_one();
                    return None;
                };
                if let Some(polled) = asking.polled.take() {
                    let _ = polled.send(());
                }
                if let Some(Invocation { request_id, event, outcome }) = waiting.pop_front() {
                    let deadline =
                        self.watch(function, instance, &request_id, queue.timeout, &asking.overdue);
                    asking.held = Some(HeldInvocation { request_id: request_id.clone(), outcome, deadline });
                    if !waiting.is_empty() {
                        // One permit stands for any number of arrivals: pass it on.
                        queue.arrived.notify_one();
                    }
                    return Some(AssignedInvocation { request_id, event, timeout: queue.timeout });
                }
            }
            arrived.await;
        }
    }

    /// Ends the invocation that the instance holds under `request_id`; false if it holds no such one.
    #[must_use]
    pub fn finish(&self, function: &str, instance: u64, request_id: &str, outcome: Outcome) -> bool {
        let held = self.queue(function).ok().and_then(|queue| {
            queue.lock().instances.get_mut(&instance)?.held.take_if(|held| held.request_id == request_id)
        });
        held.map(|held| held.finish(outcome)).is_some()
    }

    /// Notes why an instance is about to end before its first invocation.
    pub fn failed_at_start(&self, function: &str, instance: u64, why: FunctionError) {
        if let Ok(queue) = self.queue(function)
            && let Some(instance) = queue.lock().instances.get_mut(&instance)
        {
            instance.init_error = Some(why);
        }
    }

    /// Fails the invocation when its time is up, and has its instance stopped.
    fn watch(
        self: &Arc<Self>,
        function: &str,
        instance: u64,
        request_id: &str,
        limit: Duration,
        overdue: &Arc<Notify>,
    ) -> AbortHandle {
        let (invocations, overdue) = (Arc::clone(self), Arc::clone(overdue));
        let (function, request_id) = (function.to_owned(), request_id.to_owned());
        let watching = tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            if invocations.finish(&function, instance, &request_id, Err(FunctionError::TimedOut(limit))) {
                overdue.notify_one();
            }
        });
        watching.abort_handle()
    }

    fn queue(&self, function: &str) -> Result<&Queue, FunctionError> {
        self.functions.get(function).ok_or_else(|| FunctionError::Unknown(function.to_owned()))
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeldInvocation {
    fn finish(self, outcome: Outcome) {
        self.deadline.abort();
        // The caller may have stopped waiting.
        let _ = self.outcome.send(outcome);
    }
}

/// A random UUID (version 4), as AWS makes its request ids.
///
/// # Panics
/// When the system has no randomness.
#[must_use]
pub fn uuid(random: &SystemRandom) -> String {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes).expect("randomness for a request id");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("writing to a string");
    }
    text
}
