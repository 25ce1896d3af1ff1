//! The first of a month, for ten thousand accounts up to a million: accounts per second against the same calls by
//! the SDK alone, whether an account takes longer among many, and what the function holds of memory.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::AccountId;
use scrip_ledger::DUE_SHARDS;
use scrip_local::seed;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    figure::{Bound, Figure, short},
    instance::Instance,
    memory::resident,
    plot::{Line, Plot},
    raw,
    setting::{Services, Setting, text_of},
    wire::Recorder,
};

/// How many accounts are due.
pub const ACCOUNTS: [u32; 3] = [10_000, 100_000, 1_000_000];
/// How many the SDK alone settles, in a table of that size.
const ALONE: u32 = 10_000;
/// As many at once as the function has.
const AT_ONCE: u32 = 16;
/// How many are put into the table at once.
const IMPORTED_AT_ONCE: u32 = 10_000;
/// How long a million may take.
const PATIENCE: Duration = Duration::from_hours(2);

const RATIO_MIN: f64 = 0.8;
/// How much an account may take longer, or shorter, among many, in percent.
const DRIFT_MAX: f64 = 15.0;
/// In MB.
const GROWTH_MAX: f64 = 5.0;

const BOUGHT: &str = "2026-10-12T10:00:00Z";
const FIRST: &str = "2026-11-01T00:00:00Z";

/// The measurements of a month's turn.
struct Turn {
    /// Accounts per second.
    ours: f64,
    alone: f64,
    /// MB.
    peak: f64,
}

pub async fn measure(setting: &Setting, accounts_max: u32) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let (mut line, mut alone) = (Line::new("monthly-refill"), Line::new("the SDK's calls alone"));
    let mut turns = Vec::new();
    for accounts in ACCOUNTS.into_iter().filter(|accounts| *accounts <= accounts_max) {
        let turn = turn(setting, accounts).await?;
        eprintln!(
            "{accounts} accounts: {} a second, {} by the SDK alone",
            short(turn.ours),
            short(turn.alone)
        );
        line.points.push((f64::from(accounts), turn.ours));
        alone.points.push((f64::from(accounts), turn.alone));
        figures.push(Figure {
            what: format!("refill of {accounts} accounts, accounts per second against the SDK's calls alone"),
            value: turn.ours / turn.alone,
            unit: "×",
            bound: Bound::AtLeast(RATIO_MIN),
            from: format!("{} against {}", short(turn.ours), short(turn.alone)),
        });
        turns.push((accounts, turn));
    }
    let (Some((least, of_least)), Some((most, of_most))) = (turns.first(), turns.last()) else {
        return Err("there is nothing to refill".to_owned());
    };
    if least == most {
        return Ok(figures);
    }
    let drift = |turn: &Turn| (of_least.ours / turn.ours - 1.0) * 100.0;
    let worst = turns.iter().map(|(_, turn)| drift(turn).abs()).fold(0.0, f64::max);
    let drifts: Vec<_> =
        turns.iter().map(|(accounts, turn)| format!("{accounts}: {} %", short(drift(turn)))).collect();
    figures.push(Figure {
        what: format!("refill, how an account's time differs from {least} to {most} accounts"),
        value: worst,
        unit: "%",
        bound: Bound::AtMost(DRIFT_MAX),
        from: drifts.join(", "),
    });
    figures.push(Figure {
        what: format!("refill, growth of resident memory from {least} to {most} accounts"),
        value: of_most.peak - of_least.peak,
        unit: "MB",
        bound: Bound::AtMost(GROWTH_MAX),
        from: format!("at most {} MB and {} MB", short(of_least.peak), short(of_most.peak)),
    });
    Plot { name: "refill", lines: vec![line, alone] }.save(&setting.root)?;
    Ok(figures)
}

async fn turn(setting: &Setting, accounts: u32) -> Result<Turn, String> {
    // Held in its own memory, the engine goes through all of its pages at each transaction, and an account takes longer
    // among many; so it is in a file, of a file system in memory if there is one.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    let file = folder.join(format!("scrip-benchmarks-{}-{accounts}.db", process::id()));
    let services = Services::start_in(setting, Some(&file)).await?;
    let settled = Rows::of_one(&services).await?;
    services.fill(&settled, "account", accounts)?;
    services.fill(&settled, "alone", ALONE)?;
    let alone = measure_alone(&services, settled)?;
    let program = services.program(setting, "monthly-refill")?;
    let measured = tokio::task::spawn_blocking(move || -> Result<_, String> {
        let (mut instance, _) = Instance::start(&program)?;
        instance.be_patient(PATIENCE);
        let invoked = instance.invoke(&json!({ "time": FIRST }).to_string())?;
        let answer: Value = serde_json::from_slice(&invoked.answer).map_err(text_of)?;
        if answer["refilled"] != accounts {
            return Err(format!("of {accounts} accounts it refilled these: {answer}"));
        }
        Ok((f64::from(accounts) / invoked.took.as_secs_f64(), resident(instance.pid(), "VmHWM")?))
    });
    let (ours, peak) = measured.await.map_err(text_of)??;
    services.stop().await;
    remove(&file)?;
    Ok(Turn { ours, alone, peak })
}

/// The rows of an account that is due, and what settling it writes, in DynamoDB's JSON.
#[derive(Debug, Clone)]
struct Rows {
    bought: Value,
    expired: Value,
    refilled: Value,
}

impl Rows {
    /// Of a real one.
    async fn of_one(services: &Services) -> Result<Self, String> {
        let recorder = Recorder::default();
        let ledger = services.ledger_through(recorder.http_client());
        let (bought, first) = (time(BOUGHT)?, time(FIRST)?);
        let name = "settled-before";
        seed::buy(&ledger, (name, "plan"), "basic_monthly", bought + TimeDelta::days(365), bought)
            .await
            .map_err(text_of)?;
        let id = AccountId::parse(name).map_err(text_of)?;
        ledger.turn_month(&id, first).await.map_err(text_of)?;
        recorder.take();
        ledger.entries(&id, None, 3).await.map_err(text_of)?;
        let (_, page) = recorder.take().pop().ok_or("nothing was read")?;
        let [refilled, expired, bought] = [0, 1, 2].map(|place| page["Items"][place].clone());
        Ok(Self { bought, expired, refilled })
    }
}

impl Services {
    /// Adds accounts of that name that are due in November; of the shards there are in turn, but those that are
    /// settled by the SDK alone in a month that no sweep reads.
    fn fill(&self, rows: &Rows, name: &str, accounts: u32) -> Result<(), String> {
        let month = if name == "alone" { "2020-01" } else { "2026-10" };
        for from in (0..accounts).step_by(IMPORTED_AT_ONCE as usize) {
            let mut items = Vec::new();
            for number in from..accounts.min(from + IMPORTED_AT_ONCE) {
                let pk = format!("ACCOUNT#{name}-{number}");
                let mut entry = rows.bought.clone();
                entry["pk"]["S"] = pk.clone().into();
                items.push(entry);
                let due = format!("{month}#{:02}", u64::from(number) % DUE_SHARDS);
                items.push(json!({"pk": {"S": pk}, "sk": {"S": "DUE"}, "due": {"S": due}}));
            }
            self.database.import(&self.table, items).map_err(text_of)?;
        }
        Ok(())
    }
}

/// Removes a database, if it is there.
fn remove(file: &Path) -> Result<(), String> {
    for end in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{}{end}", file.display()));
        match fs::remove_file(&file) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(text_of(why)),
            _ => {}
        }
    }
    Ok(())
}

/// Accounts per second that the SDK alone settles, on one thread as the function.
fn measure_alone(services: &Services, rows: Rows) -> Result<f64, String> {
    let (url, table) = (services.database.endpoint().to_owned(), services.table.clone());
    let measured = thread::spawn(move || -> Result<f64, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text_of)?;
        let client = seed::client(&seed::aws_config(&url));
        let written = raw::AccountSettlement::of(&client, &table, &rows.expired, &rows.refilled)?;
        let written = Arc::new(written);
        let started = Instant::now();
        runtime.block_on(async {
            let mut workers = JoinSet::new();
            for worker in 0..AT_ONCE {
                let written = Arc::clone(&written);
                workers.spawn(async move {
                    for number in (worker..ALONE).step_by(AT_ONCE as usize) {
                        let due = format!("2020-02#{:02}", u64::from(number) % DUE_SHARDS);
                        written.settle(&format!("alone-{number}"), &due).await?;
                    }
                    Ok::<_, String>(())
                });
            }
            while let Some(done) = workers.join_next().await {
                done.map_err(text_of)??;
            }
            Ok::<_, String>(())
        })?;
        Ok(f64::from(ALONE) / started.elapsed().as_secs_f64())
    });
    measured.join().map_err(|_| "the measuring thread panicked")?
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    text.parse().map_err(|why: chrono::ParseError| why.to_string())
}
