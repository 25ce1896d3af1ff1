//! Runs the tasks of a history on one thread, one at a time, in an order drawn from the seed.
//!
//! Invariant: the same seed and the same tasks make the same order. Whenever a task waits, for an answer or just
//! for its turn, any other that can go on may go on first; time passes only when none can.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use fastrand::Rng;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The tasks of a history. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Scheduler {
    ready: Arc<Mutex<ReadyTasks>>,
    spawned: Arc<Mutex<Vec<Task>>>,
}

#[derive(Default)]
struct ReadyTasks {
    numbers: Vec<usize>,
    running: Option<Waker>,
}

struct TaskWaker {
    number: usize,
    ready: Arc<Mutex<ReadyTasks>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut ready = lock(&self.ready);
        if !ready.numbers.contains(&self.number) {
            ready.numbers.push(self.number);
        }
        if let Some(running) = &ready.running {
            running.wake_by_ref();
        }
    }
}

impl Scheduler {
    /// Without tasks.
    pub fn new() -> Self {
        Self { ready: Arc::default(), spawned: Arc::default() }
    }

    /// Adds a task, which begins when its turn comes.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.spawned).push(Box::pin(task));
    }

    /// Runs until no task is left.
    pub async fn run(&self, mut rng: Rng) {
        let mut tasks: Vec<Option<Task>> = Vec::new();
        let all = poll_fn(move |context| self.poll(context, &mut tasks, &mut rng));
        // Tokio's turn-taking would stop a task that goes on for long; here, turns are drawn.
        tokio::task::unconstrained(all).await;
    }

    fn poll(&self, context: &mut Context<'_>, tasks: &mut Vec<Option<Task>>, rng: &mut Rng) -> Poll<()> {
        lock(&self.ready).running = Some(context.waker().clone());
        loop {
            for task in lock(&self.spawned).drain(..) {
                lock(&self.ready).numbers.push(tasks.len());
                tasks.push(Some(task));
            }
            let number = {
                let mut ready = lock(&self.ready);
                if ready.numbers.is_empty() {
                    let is_over = tasks.iter().all(Option::is_none);
                    return if is_over { Poll::Ready(()) } else { Poll::Pending };
                }
                let drawn = rng.usize(..ready.numbers.len());
                ready.numbers.swap_remove(drawn)
            };
            let waker = Waker::from(Arc::new(TaskWaker { number, ready: Arc::clone(&self.ready) }));
            let Some(task) = &mut tasks[number] else { continue };
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                tasks[number] = None;
            }
        }
    }
}

/// Waits for its turn: other tasks that can go on may go on first.
pub async fn turn() {
    let mut has_waited = false;
    poll_fn(|context| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A history runs on one thread: a lock is never waited for, and never poisoned but by what ends the history.
pub fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
