//! The processes that run the functions: a fixed number for each, one invocation at a time.
//!
//! Invariant: a process sees what Lambda would give it and nothing of the developer's environment
//! (an AWS profile, say), and none outlives the stack. The stack kills them when it stops or is
//! dropped; if the stack itself is killed, the Runtime API goes with it and the processes end by
//! themselves, since the Lambda runtime ends when it can't ask for the next invocation.

mod program;

pub use program::Program;

use crate::{
    invocations::{FunctionError, InstanceEnd, Invocations, Registration},
    logs::Logs,
};
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

/// How often in a row an instance may end without asking for an invocation before it is given up.
const STARTS_MAX: u32 = 5;
/// The pause before the second start; it doubles each time.
const START_PAUSE: Duration = Duration::from_millis(50);
/// How long the last output of an ended process is waited for.
const LAST_OUTPUT_MAX: Duration = Duration::from_secs(1);
/// How many lines of a function's output an error quotes.
const QUOTED_LINES_MAX: usize = 5;

/// A process that runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its process id.
    pub pid: u32,
    /// The function it runs.
    pub function: String,
    /// Whether it holds an invocation.
    pub is_working: bool,
}

/// The running processes by their ids.
type RunningProcesses = Arc<Mutex<BTreeMap<u32, Process>>>;

#[derive(Debug)]
struct Process {
    function: String,
    id: u64,
    /// Asks the keeper to kill it; the answer is whether it held an invocation.
    kill: mpsc::UnboundedSender<oneshot::Sender<bool>>,
}

/// The running processes.
#[derive(Debug)]
pub struct Instances {
    running: RunningProcesses,
    invocations: Arc<Invocations>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    /// One message for each instance: it asked for its first invocation, or ended before.
    started: mpsc::UnboundedReceiver<Result<(), String>>,
    count: usize,
}

impl Instances {
    /// Starts `per_function` processes of each program, which find the Runtime API at `runtime_api`, and
    /// keeps that many running.
    #[must_use]
    pub fn start(
        runtime_api: &str,
        invocations: &Arc<Invocations>,
        programs: &[Program],
        per_function: usize,
        logs: &Arc<Logs>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (report, started) = mpsc::unbounded_channel();
        let running = RunningProcesses::default();
        let mut tasks = JoinSet::new();
        for program in programs {
            for _ in 0..per_function {
                let keeper = Keeper {
                    runtime_api: runtime_api.to_owned(),
                    invocations: Arc::clone(invocations),
                    program: program.clone(),
                    logs: Arc::clone(logs),
                    running: Arc::clone(&running),
                    report: report.clone(),
                    stopped: stopped.clone(),
                };
                tasks.spawn(keeper.keep_running());
            }
        }
        let invocations = Arc::clone(invocations);
        Self { running, invocations, stop, count: tasks.len(), tasks, started }
    }

    /// Waits until every instance has asked for its first invocation.
    ///
    /// # Errors
    /// When one ended instead; says how, and what it printed last.
    pub async fn ready(&mut self) -> Result<(), String> {
        for _ in 0..self.count {
            // The keepers hold the other end until the stack stops.
            self.started.recv().await.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    /// The instances that run now.
    #[must_use]
    pub fn running(&self) -> Vec<Instance> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let instance = |(pid, process): (&u32, &Process)| {
            let is_working = self.invocations.is_working(&process.function, process.id);
            Instance { pid: *pid, function: process.function.clone(), is_working }
        };
        running.iter().map(instance).collect()
    }

    /// Kills one instance (SIGKILL) and waits until it is gone; another is started in its place. Returns
    /// whether it held an invocation, which has failed now; none if no instance has this process id.
    pub async fn kill(&self, pid: u32) -> Option<bool> {
        let (killed, gone) = oneshot::channel();
        {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.get(&pid)?.kill.send(killed).ok()?;
        }
        gone.await.ok()
    }

    /// Kills every process and waits until it is gone.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Keeps one instance running.
struct Keeper {
    runtime_api: String,
    invocations: Arc<Invocations>,
    program: Program,
    logs: Arc<Logs>,
    running: RunningProcesses,
    report: mpsc::UnboundedSender<Result<(), String>>,
    stopped: watch::Receiver<bool>,
}

/// How one process ended.
enum End {
    Stopped,
    /// It served (or at least asked), and then ended, or it was killed on demand.
    Later,
    /// It never asked for an invocation.
    AtStart(String),
}

impl Keeper {
    async fn keep_running(mut self) {
        let mut failed_starts = 0;
        loop {
            match self.run_once().await {
                End::Stopped => return,
                End::Later => failed_starts = 0,
                End::AtStart(how) => {
                    failed_starts += 1;
                    let _ = self.report.send(Err(how.clone()));
                    if failed_starts == STARTS_MAX {
                        self.logs.add(&self.program.function, format!("given up: {how}"));
                        self.invocations.close(&self.program.function, &FunctionError::Unavailable(how));
                        return;
                    }
                    sleep(START_PAUSE * 2_u32.pow(failed_starts - 1)).await;
                }
            }
        }
    }

    /// Runs one process to its end.
    async fn run_once(&mut self) -> End {
        let function = &self.program.function;
        let Ok(Registration { id, mut polled, overdue }) = self.invocations.register(function) else {
            return End::AtStart(format!("the template has no function `{function}`"));
        };
        let mut child = match self.program.spawn(&format!("{}/{function}/{id}", self.runtime_api)) {
            Ok(child) => child,
            Err(why) => return End::AtStart(why),
        };
        let pid = child.id();
        let (kill, mut kills) = mpsc::unbounded_channel();
        if let Some(pid) = pid {
            let process = Process { function: function.clone(), id, kill };
            self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(pid, process);
        }
        let mut output = JoinSet::new();
        output.spawn(forward(child.stdout.take(), function.clone(), Arc::clone(&self.logs)));
        output.spawn(forward(child.stderr.take(), function.clone(), Arc::clone(&self.logs)));

        let (mut has_polled, mut stopping, mut killed) = (false, false, None);
        let how = loop {
            tokio::select! {
                status = child.wait() => break match status {
                    Ok(status) => status.to_string(),
                    Err(why) => why.to_string(),
                },
                // An error means that the stack was dropped.
                _ = self.stopped.wait_for(|stopped| *stopped), if !stopping => {
                    stopping = true;
                    let _ = child.start_kill();
                }
                () = overdue.notified() => { let _ = child.start_kill(); }
                Some(waits) = kills.recv(), if killed.is_none() => {
                    killed = Some(waits);
                    let _ = child.start_kill();
                }
                asked = &mut polled, if !has_polled => {
                    has_polled = asked.is_ok();
                    let _ = self.report.send(Ok(()));
                }
            }
        };
        if let Some(pid) = pid {
            self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
        }
        let _ = timeout(LAST_OUTPUT_MAX, async { while output.join_next().await.is_some() {} }).await;
        let InstanceEnd { held, init_error } = self.invocations.unregister(function, id, &how);
        // A process that was killed while it started is not at fault.
        let is_later = has_polled || killed.is_some();
        if let Some(waits) = killed {
            let _ = waits.send(held);
        }
        match (stopping, is_later) {
            (true, _) => End::Stopped,
            (false, true) => End::Later,
            (false, false) => End::AtStart(self.explain(&how, init_error)),
        }
    }

    fn explain(&self, how: &str, reported: Option<FunctionError>) -> String {
        let function = &self.program.function;
        let mut text = format!("the function `{function}` ended at its start ({how})");
        if let Some(error) = reported {
            let _ = write!(text, ": {error}");
        }
        let lines = self.logs.of(function);
        for line in lines.iter().skip(lines.len().saturating_sub(QUOTED_LINES_MAX)) {
            let _ = write!(text, "\n  {function} | {line}");
        }
        text
    }
}

async fn forward(stream: Option<impl AsyncRead + Unpin>, function: String, logs: Arc<Logs>) {
    let Some(stream) = stream else { return };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        logs.add(&function, text.trim_end().to_owned());
        line.clear();
    }
}
