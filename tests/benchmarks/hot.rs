//! One account that all clients debit at once, on a database that does what DynamoDB does: a write takes 10 ms, what
//! touches an item of a transaction meanwhile fails with a conflict, and a partition takes 1,000 write units a second.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use scrip_accounts::AccountId;
use scrip_local::template::Table;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    engine::{Debits, Engine, Kind, run_paused},
    figure::{Bound, Figure, millis, percentile},
    requests::CREDITS,
    setting::{Setting, account, subscribe, text_of},
    wire,
};

/// How many debit it at once, each with the next as soon as the one before is answered.
const CLIENTS: u32 = 64;
const DEBITS_EACH: u32 = 10;
const DEBITS: u32 = CLIENTS * DEBITS_EACH;
/// Waits are drawn: each figure is the worst of so many runs.
const RUNS: u64 = 5;

const WRITE: Duration = Duration::from_millis(10);
const READ: Duration = Duration::from_millis(5);
/// Of one partition key, with as much in reserve.
const UNITS_A_SECOND: f64 = 1_000.0;

const SECONDS_MAX: f64 = 3.5;
const UNITS_MAX: f64 = 8.0;

/// The measurements of a run.
#[derive(Debug)]
struct Run {
    times: Vec<Duration>,
    elapsed: Duration,
    /// How many debits were answered 429 or 503.
    refused: u32,
    /// Debits and credits that the account has too few or too many of.
    lost: u64,
    used: DatabaseUse,
}

/// The requests that the database carried out.
#[derive(Debug, Default, Clone, Copy)]
struct DatabaseUse {
    writes: u32,
    conflicts: u32,
    throttled: u32,
    units: u32,
}

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let table = setting.template.table.clone();
    let measured = tokio::task::spawn_blocking(move || {
        let runs = |kind: Kind| {
            let run = |seed| {
                let table = table.clone();
                run_paused(seed, move || run(kind, table))
            };
            (0..RUNS).map(run).collect::<Result<Vec<_>, _>>()
        };
        Ok::<_, String>((runs(Kind::Ours)?, runs(Kind::Before)?))
    });
    let (ours, before) = measured.await.map_err(text_of)??;
    let now = figures("", &ours, Bound::AtMost);
    Ok(now.into_iter().chain(figures(" by the protocol before", &before, |_| Bound::None)).collect())
}

fn figures(protocol: &str, runs: &[Run], bound: impl Fn(f64) -> Bound) -> Vec<Figure> {
    let worst = |what: fn(&Run) -> f64| runs.iter().map(what).fold(0.0, f64::max);
    let figure = |what: &str, value, unit, bound, from| Figure {
        what: format!("one account, {CLIENTS} clients, {DEBITS} debits{protocol}: {what}"),
        value,
        unit,
        bound,
        from,
    };
    let each = |of_run: fn(&Run) -> String| runs.iter().map(of_run).collect::<Vec<_>>().join("; ");
    let times = each(|run| {
        format!(
            "p50 {}, p99 {}, {} a second",
            millis(percentile(&run.times, 50)),
            millis(percentile(&run.times, 99)),
            (f64::from(DEBITS) / run.elapsed.as_secs_f64()).round(),
        )
    });
    let units = each(|run| {
        let DatabaseUse { writes, conflicts, throttled, units } = run.used;
        format!("{units} in {writes} writes, {conflicts} conflicts, {throttled} throttled")
    });
    let slowest = worst(|run| run.times.iter().max().copied().unwrap_or_default().as_secs_f64());
    vec![
        figure("the slowest", slowest, "s", bound(SECONDS_MAX), times),
        figure("write units a debit", worst(Run::units), "", bound(UNITS_MAX), units),
        figure(
            "asked to try again",
            worst(|run| f64::from(run.refused)),
            "",
            bound(0.0),
            "after five seconds".to_owned(),
        ),
        figure(
            "lost or doubled",
            worst(|run| f64::from(u32::try_from(run.lost).unwrap_or(u32::MAX))),
            "",
            bound(0.0),
            format!("{CREDITS} credits a debit"),
        ),
    ]
}

impl Run {
    fn units(&self) -> f64 {
        f64::from(self.used.units) / f64::from(DEBITS - self.refused)
    }
}

async fn run(kind: Kind, table: Table) -> Result<Run, String> {
    let engine = Engine::start(&table)?;
    subscribe(&engine.ledger(), 1).await?;
    let partitions = Arc::new(Mutex::new(Partitions::default()));
    let mut clients = JoinSet::new();
    let started = Instant::now();
    for client in 0..CLIENTS {
        let (engine, partitions) = (engine.clone(), Arc::clone(&partitions));
        let table = engine.table.clone();
        let config =
            Engine::config_over(move |request| answer(engine.clone(), Arc::clone(&partitions), request));
        let debits = Debits::new(kind, &config, &table);
        clients.spawn(async move {
            let (mut times, mut refused) = (Vec::new(), 0);
            for number in 0..DEBITS_EACH {
                let before = Instant::now();
                match debits.make(&account(0), &format!("{client}-{number}")).await {
                    201 => {}
                    503 => refused += 1,
                    status => return Err(format!("a debit was answered {status}")),
                }
                times.push(before.elapsed());
            }
            Ok((times, refused))
        });
    }
    let (mut times, mut refused) = (Vec::new(), 0);
    while let Some(done) = clients.join_next().await {
        let (of_client, refused_client) = done.map_err(text_of)??;
        times.extend(of_client);
        refused += refused_client;
    }
    let elapsed = started.elapsed();
    let used = lock(&partitions).used;
    let lost = lost(&engine, u64::from(DEBITS - refused)).await?;
    Ok(Run { times, elapsed, refused, lost, used })
}

/// The difference between what the account should have and what it has.
async fn lost(engine: &Engine, made: u64) -> Result<u64, String> {
    let id = AccountId::parse(account(0)).map_err(text_of)?;
    let account = engine.ledger().account(&id).await.map_err(text_of)?.ok_or("the account has gone")?;
    let taken = 12_000 - account.balance.playground();
    Ok(taken.abs_diff(made * CREDITS) + (account.sequence.get() - 1).abs_diff(made))
}

/// The keys that are being written, and those that were written lately.
#[derive(Debug, Default)]
struct Partitions {
    /// The items of transactions that are under way.
    held: HashSet<Key>,
    /// The units that each partition key has left, and since when.
    left: HashMap<String, (f64, Option<Instant>)>,
    used: DatabaseUse,
}

/// An item: its partition key and its sort key.
type Key = (String, String);

/// Answers a request as DynamoDB would.
async fn answer(engine: Engine, partitions: Arc<Mutex<Partitions>>, request: HttpRequest) -> (u16, String) {
    let (operation, body) = (wire::operation(&request).to_owned(), wire::text(&request));
    let keys = keys(&wire::body(&request));
    let is_write = matches!(&*operation, "PutItem" | "UpdateItem" | "TransactWriteItems");
    let is_transaction = operation == "TransactWriteItems";
    if is_write && let Some(reason) = lock(&partitions).take(&keys, is_transaction) {
        return failed(&reason);
    }
    if let Some(reason) = lock(&partitions).conflict(&keys, &operation) {
        return failed(&reason);
    }
    sleep(if is_write { WRITE } else { READ }).await;
    let answered = engine.call(&operation, &body);
    if is_transaction {
        let mut partitions = lock(&partitions);
        for key in &keys {
            partitions.held.remove(key);
        }
    }
    answered
}

impl Partitions {
    /// Takes the units of a write, also if it fails: every item here is below 1 KB. The error, if a partition is used
    /// up.
    fn take(&mut self, keys: &[Key], is_transaction: bool) -> Option<Value> {
        let (now, units) = (Instant::now(), if is_transaction { 2 } else { 1 });
        self.used.writes += 1;
        for (pk, _) in keys {
            let (left, since) = self.left.entry(pk.clone()).or_insert((UNITS_A_SECOND, None));
            let passed = since.map_or(0.0, |since| (now - since).as_secs_f64());
            (*left, *since) = ((*left + passed * UNITS_A_SECOND).min(UNITS_A_SECOND), Some(now));
        }
        let is_used_up = |(pk, _): &Key| self.left[pk].0 < f64::from(units);
        if keys.iter().any(is_used_up) {
            self.used.throttled += 1;
            return Some(if is_transaction {
                cancelled(keys.iter().map(|key| if is_used_up(key) { "ThrottlingError" } else { "None" }))
            } else {
                error("ThrottlingException")
            });
        }
        for (pk, _) in keys {
            if let Some((left, _)) = self.left.get_mut(pk) {
                *left -= f64::from(units);
            }
            self.used.units += units;
        }
        None
    }

    /// The conflict, if one of the items is being written by a transaction; holds them for a transaction if none is.
    fn conflict(&mut self, keys: &[Key], operation: &str) -> Option<Value> {
        let is_held = |key: &Key| self.held.contains(key);
        if !keys.iter().any(is_held) {
            if operation == "TransactWriteItems" {
                self.held.extend(keys.iter().cloned());
            }
            return None;
        }
        self.used.conflicts += 1;
        Some(if operation.starts_with("Transact") {
            cancelled(keys.iter().map(|key| if is_held(key) { "TransactionConflict" } else { "None" }))
        } else {
            error("TransactionConflictException")
        })
    }
}

fn lock(partitions: &Mutex<Partitions>) -> MutexGuard<'_, Partitions> {
    partitions.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(reason: &Value) -> (u16, String) {
    (400, reason.to_string())
}

fn error(name: &str) -> Value {
    json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": name})
}

fn cancelled<'a>(codes: impl Iterator<Item = &'a str>) -> Value {
    let mut error = error("TransactionCanceledException");
    error["CancellationReasons"] = codes.map(|code| json!({"Code": code})).collect();
    error
}

/// The items that a request names: those of a transaction, or the one that is put; none of a query, or of a read that
/// no transaction is in the way of.
fn keys(body: &Value) -> Vec<Key> {
    let key = |item: &Value| {
        let text = |name: &str| item[name]["S"].as_str().map(str::to_owned);
        Some((text("pk")?, text("sk")?))
    };
    if let Some(items) = body["TransactItems"].as_array() {
        let action = |item: &Value| item.as_object()?.values().next().cloned();
        let named = |item: &Value| {
            let action = action(item)?;
            key(action.get("Item").or_else(|| action.get("Key"))?)
        };
        return items.iter().filter_map(named).collect();
    }
    let is_write = body.get("Item").is_some() || body.get("UpdateExpression").is_some();
    let named = body.get("Item").or_else(|| body.get("Key")).filter(|_| is_write);
    named.and_then(key).into_iter().collect()
}
