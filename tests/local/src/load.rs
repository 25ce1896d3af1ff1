//! Load on the local stack: mixed traffic through its gateway, with tokens, on many accounts.
//!
//! Invariant: it is a test too. Each answer is compared with what it must be, and at the end each account's ledger with
//! what its callers were answered. The time is that of the machine, so no two runs are alike in their figures; what the
//! callers ask for is drawn from fixed seeds.

mod accounts;
mod audit;
mod caller;
mod client;
mod log_line;
mod mix;
mod operation;
mod prices;
mod progress;
mod report;
mod tally;

use crate::{
    Stack,
    seed::{self, SeedError},
};
use fastrand::Rng;
use ring::rand::SystemRandom;
use std::{
    panic,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::interval};

use accounts::LoadAccount;
use caller::Caller;
use client::Client;
use log_line::LogReader;
use prices::Prices;
use progress::Progress;
use report::Setting;
use tally::Tally;

pub use operation::Operation;
pub use prices::PriceError;
pub use report::Report;
pub use tally::WrongAnswer;

/// How often the functions' lines are read: more are written meanwhile than are kept only at 100,000 a second.
const LOG_TIME: Duration = Duration::from_millis(100);
/// How often the lines of the last answers are waited for: they come through a pipe.
const LAST_LOOKS_MAX: u32 = 20;

/// Who calls, and for how long.
#[derive(Debug, Clone)]
pub struct Load {
    /// Callers at once, each of which waits for its answers.
    pub callers: u16,
    /// How long they call; what they have begun by then, they finish.
    pub time: Duration,
    /// The workspace, whose prices are read.
    pub root: PathBuf,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The prices can't be read.
    #[error(transparent)]
    Prices(#[from] PriceError),
    /// The accounts can't be added.
    #[error(transparent)]
    Accounts(#[from] SeedError),
}

/// Plays the load on a stack that no other load has been played on, shows its progress on standard error, and checks
/// every account.
///
/// # Errors
/// If it can't begin. What is wrong in the answers is in the report.
pub async fn play(stack: &Stack, load: &Load) -> Result<Report, LoadError> {
    let prices = Prices::read(&load.root)?;
    let accounts: Arc<[LoadAccount]> = accounts::open(stack, load.callers).await?.into();
    let client = Client::new(stack.base_url());
    let tally = Arc::new(Tally::default());
    let backend_token: Arc<str> = seed::callers(stack.tokens()).backend.into();
    let started = Instant::now();
    let end = started + load.time;
    let mut callers = JoinSet::new();
    for number in 0..load.callers {
        let caller = Caller {
            client: client.clone(),
            accounts: Arc::clone(&accounts),
            backend_token: Arc::clone(&backend_token),
            tally: Arc::clone(&tally),
            random: Rng::with_seed(u64::from(number)),
            key_source: SystemRandom::new(),
        };
        callers.spawn(caller.visit_until(end));
    }
    let mut log_reader = LogReader::default();
    watch(&mut callers, &mut log_reader, stack, &tally).await;
    let elapsed = started.elapsed();
    wait_for_lines(&mut log_reader, stack, &tally).await;
    for account in accounts.iter() {
        if let Err(wrong) = audit::check(&client, account).await {
            tally.wrong(wrong);
        }
    }
    let processes = stack.instances().len();
    let setting = Setting { callers: load.callers, accounts: accounts.len(), processes };
    let counts = tally.lock().clone();
    Ok(Report { setting, elapsed, counts, prices })
}

/// Shows the progress, and reads the functions' lines, until the last caller has finished.
async fn watch(callers: &mut JoinSet<()>, log_reader: &mut LogReader, stack: &Stack, tally: &Tally) {
    let mut progress = Progress::new(Instant::now());
    let mut ticks = interval(LOG_TIME);
    loop {
        tokio::select! {
            finished = callers.join_next() => match finished {
                Some(Ok(())) => {}
                Some(Err(why)) => panic::resume_unwind(why.into_panic()),
                None => break,
            },
            _ = ticks.tick() => {
                read_lines(log_reader, stack, tally);
                progress.show(&tally.lock());
            }
        }
    }
    Progress::end();
}

async fn wait_for_lines(log_reader: &mut LogReader, stack: &Stack, tally: &Tally) {
    let mut ticks = interval(LOG_TIME);
    for _ in 0..LAST_LOOKS_MAX {
        read_lines(log_reader, stack, tally);
        if tally.lock().unlogged() == 0 {
            return;
        }
        ticks.tick().await;
    }
}

fn read_lines(log_reader: &mut LogReader, stack: &Stack, tally: &Tally) {
    for line in log_reader.read(stack.logs()) {
        tally.log(line);
    }
}
