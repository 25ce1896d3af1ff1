//! Debits per second, against the three calls of one by the SDK alone, and against a debit with an idempotency table:
//! all in this process, each client with a connection and an account of its own, as an instance of a function has them.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use lambda_http::Request;
use scrip_debit::DebitFunction;
use scrip_local::seed;
use scrip_peers::powertools::Debits;
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    figure::{Bound, Figure, middle, millis, percentile, short},
    plot::{Line, Plot},
    raw::Calls,
    requests::ApiRequest,
    setting::{Services, Setting, account, text_of},
};

/// How many clients; all are plotted.
const CLIENTS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];
/// The numbers of clients for which the bounds hold.
const HELD: [u32; 3] = [1, 16, 64];
/// Debits per second, against the SDK alone and against an idempotency table.
const ALONE_MIN: f64 = 0.8;
const PATTERN_MIN: f64 = 1.3;
/// How often each is measured, in turns.
const ROUNDS: usize = 6;
/// Debits of all clients in a round: an account has credits for 3,000.
const DEBITS: u32 = 1_024;

/// The measurements of the debits of a kind.
#[derive(Debug)]
struct Measurements {
    per_second: Vec<f64>,
    times: Vec<Duration>,
}

impl Measurements {
    const fn new() -> Self {
        Self { per_second: Vec::new(), times: Vec::new() }
    }
}

/// One action of a client.
type Act = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
/// Prepares what the client of a number does, with an idempotency key.
type Prepare = dyn Fn(usize, String) -> Act + Send + Sync;

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let mut lines = ["p50", "p95", "the SDK's calls alone, p50", "an idempotency table, p50"].map(Line::new);
    let (mut alone, mut pattern) = (Vec::new(), Vec::new());
    for clients in CLIENTS {
        let [ours, raw, other] = measure_with(setting, clients as usize).await?;
        let plotted = [(&ours, 50), (&ours, 95), (&raw, 50), (&other, 50)];
        for (line, (done, percent)) in lines.iter_mut().zip(plotted) {
            line.points.push((f64::from(clients), percentile(&done.times, percent).as_secs_f64() * 1e3));
        }
        if HELD.contains(&clients) {
            alone.push(figure(clients, &ours, &raw, ("the same three calls by the SDK alone", ALONE_MIN)));
            let what = "an idempotency table, a balance and a ledger row, in Rust";
            pattern.push(figure(clients, &ours, &other, (what, PATTERN_MIN)));
        }
    }
    Plot { name: "debits", lines: lines.into() }.save(&setting.root)?;
    Ok(alone.into_iter().chain(pattern).collect())
}

fn figure(clients: u32, ours: &Measurements, theirs: &Measurements, (what, bound): (&str, f64)) -> Figure {
    let (own, other) = (middle(&ours.per_second), middle(&theirs.per_second));
    Figure {
        what: format!("debits per second of {clients} clients, against {what}"),
        value: own / other,
        unit: "×",
        bound: Bound::AtLeast(bound),
        from: format!(
            "{} against {}; p50 {}, p99 {}",
            short(own),
            short(other),
            millis(percentile(&ours.times, 50)),
            millis(percentile(&ours.times, 99)),
        ),
    }
}

/// Ours, the SDK alone, and with an idempotency table.
async fn measure_with(setting: &Setting, clients: usize) -> Result<[Measurements; 3], String> {
    let services = Services::start(setting).await?;
    // Others for each kind and round.
    services.subscribe(3 * ROUNDS * clients).await?;
    services.idempotency(3 * ROUNDS * clients).await?;
    let ledgers: Arc<[_]> = (0..clients).map(|_| services.ledger()).collect();
    DebitFunction::new(ledgers[0].clone()).handle(ApiRequest::debit(&account(0), "first").request()).await;
    let raw = Calls::of(&services.client(), &services.table, &account(0), "first").await?;
    let raws: Arc<[_]> = (0..clients).map(|_| Arc::new(raw.by(services.client()))).collect();
    let config = || seed::aws_config(services.database.endpoint());
    let patterns: Arc<[_]> =
        (0..clients).map(|_| Arc::new(Debits::new(&config(), services.table.clone()))).collect();
    let mut done = [const { Measurements::new() }; 3];
    for round in 0..ROUNDS {
        let name = move |kind: usize, client: usize| account((3 * round + kind) * clients + client);
        let (ledgers, raws, patterns) = (Arc::clone(&ledgers), Arc::clone(&raws), Arc::clone(&patterns));
        let ours = move |client: usize, key: String| -> Act {
            let (ledger, request) = (ledgers[client].clone(), asked(&name(0, client), &key));
            Box::pin(async move {
                made(DebitFunction::new(ledger.clone()).handle(request).await.status().as_u16())
            })
        };
        let alone = move |client: usize, key: String| -> Act {
            let (raw, account) = (Arc::clone(&raws[client]), name(1, client));
            let items = raw.prepared(&account, &key);
            Box::pin(async move { raw.debit(&account, items).await })
        };
        let pattern = move |client: usize, key: String| -> Act {
            let (pattern, request) = (Arc::clone(&patterns[client]), asked(&name(2, client), &key));
            Box::pin(async move { made(pattern.handle(request).await.status().as_u16()) })
        };
        let kinds: [Arc<Prepare>; 3] = [Arc::new(ours), Arc::new(alone), Arc::new(pattern)];
        // The database grows: each kind comes first as often as the others.
        for place in 0..kinds.len() {
            let kind = (round + place) % kinds.len();
            run(&mut done[kind], clients, Arc::clone(&kinds[kind])).await?;
        }
    }
    services.stop().await;
    Ok(done)
}

/// The request that Lambda's runtime would parse is made before the time is taken.
fn asked(account: &str, key: &str) -> Request {
    ApiRequest::debit(account, key).request()
}

fn made(status: u16) -> Result<(), String> {
    if status == 201 { Ok(()) } else { Err(format!("a debit was answered {status}")) }
}

/// Has so many clients prepare what each does, and then do it, one after the other.
async fn run(done: &mut Measurements, clients: usize, prepare: Arc<Prepare>) -> Result<(), String> {
    let each = DEBITS as usize / clients;
    let prepared = Arc::new(Barrier::new(clients + 1));
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let (prepare, prepared) = (Arc::clone(&prepare), Arc::clone(&prepared));
        tasks.spawn(async move {
            let acts: Vec<_> = (0..each).map(|number| prepare(client, format!("debit-{number}"))).collect();
            let mut times = Vec::with_capacity(each);
            prepared.wait().await;
            let started = Instant::now();
            for act in acts {
                let before = Instant::now();
                act.await?;
                times.push(before.elapsed());
            }
            Ok::<_, String>((times, started, Instant::now()))
        });
    }
    prepared.wait().await;
    let mut span: Option<(Instant, Instant)> = None;
    while let Some(client) = tasks.join_next().await {
        let (times, started, ended) = client.map_err(text_of)??;
        done.times.extend(times);
        let (first, last) = span.unwrap_or((started, ended));
        span = Some((first.min(started), last.max(ended)));
    }
    let took = span.map(|(first, last)| last - first).ok_or("there are no clients")?;
    done.per_second.push(f64::from(DEBITS) / took.as_secs_f64());
    Ok(())
}
