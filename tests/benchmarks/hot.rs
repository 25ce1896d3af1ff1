//! One account that everybody debits at once, on a database that does what DynamoDB does: a transaction takes 10 ms,
//! and one that touches the same item meanwhile is cancelled with a conflict.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpClient};
use scrip_accounts::AccountId;
use scrip_debit::DebitFunction;
use scrip_test_support::faults::through;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    figure::{Bound, Figure, millis, percentile},
    requests::{Asked, CREDITS},
    setting::{Services, Setting, account, told},
    wire,
};

/// How many debit it at once, each with the next as soon as the one before is answered.
const CLIENTS: u32 = 64;
const DEBITS_EACH: u32 = 10;
const WRITE: Duration = Duration::from_millis(10);

const SECONDS_MAX: f64 = 5.0;
const ATTEMPTS_MAX: f64 = 6.0;

/// The items that are being written, and what happened.
#[derive(Debug, Default)]
struct Contention {
    held: Mutex<HashSet<String>>,
    writes: AtomicU32,
    conflicts: AtomicU32,
}

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let services = Services::start(setting).await?;
    services.subscribe(1).await?;
    let contention = Arc::new(Contention::default());
    let mut clients = JoinSet::new();
    let started = Instant::now();
    for client in 0..CLIENTS {
        let ledger = services.ledger_through(contention.http_client());
        clients.spawn(async move {
            let (mut times, mut refused) = (Vec::new(), 0);
            for number in 0..DEBITS_EACH {
                let before = Instant::now();
                let asked = Asked::debit(&account(0), &format!("{client}-{number}"));
                let response = DebitFunction::new(ledger.clone()).handle(asked.request()).await;
                times.push(before.elapsed());
                refused += u32::from(response.status() != 201);
            }
            (times, refused)
        });
    }
    let (mut times, mut refused) = (Vec::new(), 0);
    while let Some(done) = clients.join_next().await {
        let (of_client, refused_client) = done.map_err(told)?;
        times.extend(of_client);
        refused += refused_client;
    }
    let elapsed = started.elapsed();
    let (wanted, made) = (CLIENTS * DEBITS_EACH, CLIENTS * DEBITS_EACH - refused);
    let lost = lost(&services, u64::from(made)).await?;
    services.stop().await;
    let slowest = times.iter().max().copied().unwrap_or_default();
    let (writes, conflicts) =
        (contention.writes.load(Ordering::Relaxed), contention.conflicts.load(Ordering::Relaxed));
    let figure = |what: &str, value, unit, bound, from| Figure {
        what: format!("one account, {CLIENTS} clients, 10 ms a write: {what}"),
        value,
        unit,
        bound: Bound::AtMost(bound),
        from,
    };
    Ok(vec![
        figure(
            "the slowest debit",
            slowest.as_secs_f64(),
            "s",
            SECONDS_MAX,
            format!(
                "p50 {}, p99 {}; {} debits a second",
                millis(percentile(&times, 50)),
                millis(percentile(&times, 99)),
                (f64::from(made) / elapsed.as_secs_f64()).round(),
            ),
        ),
        figure(
            "attempts on average",
            f64::from(writes) / f64::from(wanted),
            "",
            ATTEMPTS_MAX,
            format!("{writes} writes for {wanted} debits, {conflicts} conflicts"),
        ),
        figure(
            "debits that weren't made",
            f64::from(refused),
            "",
            0.0,
            "told to try again after five seconds".to_owned(),
        ),
        figure("credits lost or taken twice", lost, "", 0.0, format!("{made} debits of {CREDITS} credits")),
    ])
}

/// The difference between what the account should have and what it has.
async fn lost(services: &Services, made: u64) -> Result<f64, String> {
    let id = AccountId::parse(account(0)).map_err(told)?;
    let account = services.ledger().account(&id).await.map_err(told)?.ok_or("the account has gone")?;
    let taken = 12_000 - account.balance.playground();
    let off = taken.abs_diff(made * CREDITS) + (account.sequence.get() - 1).abs_diff(made);
    Ok(f64::from(u32::try_from(off).unwrap_or(u32::MAX)))
}

impl Contention {
    fn http_client(self: &Arc<Self>) -> SharedHttpClient {
        let contention = Arc::clone(self);
        through(move |inner, request| {
            let contention = Arc::clone(&contention);
            HttpConnectorFuture::new(async move {
                let is_write = wire::operation(&request) == "TransactWriteItems";
                let keys = keys(&wire::body(&request));
                if is_write {
                    contention.writes.fetch_add(1, Ordering::Relaxed);
                }
                if let Some(conflict) = contention.conflict(&keys, is_write) {
                    // It is told at once.
                    return Ok(wire::answer(400, conflict));
                }
                if !is_write {
                    return inner.call(request).await;
                }
                sleep(WRITE).await;
                let answer = inner.call(request).await;
                let mut held = contention.held.lock().unwrap_or_else(PoisonError::into_inner);
                for key in &keys {
                    held.remove(key);
                }
                answer
            })
        })
    }

    /// The conflict, where one of the items is being written; holds them for a write where none is.
    fn conflict(&self, keys: &[String], is_write: bool) -> Option<String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.iter().any(|key| held.contains(key)) {
            if is_write {
                held.extend(keys.iter().cloned());
            }
            return None;
        }
        self.conflicts.fetch_add(1, Ordering::Relaxed);
        let reasons: Vec<_> = keys
            .iter()
            .map(|key| json!({"Code": if held.contains(key) { "TransactionConflict" } else { "None" }}))
            .collect();
        let name = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        Some(json!({"__type": name, "Message": "conflict", "CancellationReasons": reasons}).to_string())
    }
}

/// The items of a transaction; none for a request that is none.
fn keys(body: &Value) -> Vec<String> {
    let items = body["TransactItems"].as_array().into_iter().flatten();
    let key = |item: &Value| {
        let action = item.as_object()?.values().next()?;
        let key = action.get("Item").or_else(|| action.get("Key"))?;
        Some(format!("{} {}", key["pk"]["S"], key["sk"]["S"]))
    };
    items.filter_map(key).collect()
}
