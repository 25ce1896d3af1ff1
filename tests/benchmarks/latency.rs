//! How long a debit waits for DynamoDB, by the protocol, by the one before it and with an idempotency table: each
//! request takes as long as one has been published to take.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_config::SdkConfig;
use scrip_local::template::Table;
use tokio::time::{Instant, sleep};

use crate::{
    engine::{Debits, Engine, Kind, run_paused},
    figure::{Bound, Figure, millis, percentile, short},
    plot::{Line, Plot},
    setting::{Setting, account, idempotency, subscribe, text_of},
    wire,
};

/// An account has credits for 3,000.
const ACCOUNTS: usize = 4;
const DEBITS_EACH: usize = 2_500;
const SEED: u64 = 1;

/// Against the protocol before.
const P50_RATIO_MAX: f64 = 0.8;
const P99_RATIO_MAX: f64 = 0.5;
/// Debits per second, against an idempotency table.
const PATTERN_MIN: f64 = 1.3;

/// Milliseconds by the share of requests that take no longer.
type Times = [(f64, f64); 6];

/// A put or an update, called from Lambda (<https://github.com/alexdebrie/dynamodb-performance-testing>, 400 of each
/// kind).
const PUT: Times = [(0.0, 5.47), (0.5, 7.55), (0.9, 11.3), (0.95, 13.2), (0.99, 16.2), (1.0, 29.0)];
/// A transaction of five items, from the same source. Between five and 25 items the median grows by 0.34 ms an item.
const TRANSACTION_OF_5: Times =
    [(0.0, 19.4), (0.5, 25.3), (0.9, 30.7), (0.95, 36.4), (0.99, 92.5), (1.0, 218.0)];
/// The milliseconds by which a transaction of two items is faster than one of five.
const TRANSACTION_OF_2_LESS: f64 = 1.3;
/// The source has no reads: a query is taken to be spread as a put is, around 5 ms.
const QUERY_OF_PUT: f64 = 5.0 / 7.55;

/// The percentiles that are plotted.
const PLOTTED: [u8; 4] = [50, 90, 95, 99];

/// Timers count whole milliseconds; in time that is stretched so, they count tenths.
const STRETCH: u32 = 10;

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let table = setting.template.table.clone();
    let measured = tokio::task::spawn_blocking(move || {
        let times = |kind| {
            let table = table.clone();
            run_paused(SEED, move || time(kind, table))
        };
        Ok::<_, String>((times(Kind::Ours)?, times(Kind::Before)?, times(Kind::IdempotencyTable)?))
    });
    let (ours, before, pattern) = measured.await.map_err(text_of)??;
    let lines = [("Scrip", &ours), ("the protocol before", &before), ("an idempotency table", &pattern)];
    Plot { name: "waiting", lines: lines.map(|(name, times)| line(name, times)).into() }
        .save(&setting.root)?;
    let waiting = |percent: usize, bound| {
        let (own, other) = (percentile(&ours, percent), percentile(&before, percent));
        Figure {
            what: format!("a debit's waiting for DynamoDB, p{percent}, against the protocol before"),
            value: own.as_secs_f64() / other.as_secs_f64(),
            unit: "×",
            bound: Bound::AtMost(bound),
            from: format!("{} against {}, {} debits each", millis(own), millis(other), ours.len()),
        }
    };
    let (own, other) = (per_second(&ours), per_second(&pattern));
    let instance = Figure {
        what:
            "debits per second of an instance that waits so, against an idempotency table, a balance and a \
               ledger row"
                .to_owned(),
        value: own / other,
        unit: "×",
        bound: Bound::AtLeast(PATTERN_MIN),
        from: format!(
            "{} against {}; p50 {} against {}",
            short(own),
            short(other),
            millis(percentile(&ours, 50)),
            millis(percentile(&pattern, 50)),
        ),
    };
    Ok(vec![waiting(50, P50_RATIO_MAX), waiting(99, P99_RATIO_MAX), instance])
}

/// Milliseconds by percentile.
fn line(name: &'static str, times: &[Duration]) -> Line {
    let point = |percent: u8| (f64::from(percent), percentile(times, percent.into()).as_secs_f64() * 1e3);
    Line { name, points: PLOTTED.map(point).into() }
}

/// Debits per second that are made one after the other.
fn per_second(times: &[Duration]) -> f64 {
    f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX)) / times.iter().sum::<Duration>().as_secs_f64()
}

/// How long each debit waits.
async fn time(kind: Kind, table: Table) -> Result<Vec<Duration>, String> {
    let engine = Engine::start(&table)?;
    subscribe(&engine.ledger(), ACCOUNTS).await?;
    idempotency(&engine.client(), &engine.table, ACCOUNTS).await?;
    let requests = Arc::new(AtomicUsize::new(0));
    let debits = Debits::new(kind, &slow(&engine, &requests), &engine.table);
    let mut times = Vec::with_capacity(ACCOUNTS * DEBITS_EACH);
    for number in 0..ACCOUNTS * DEBITS_EACH {
        let before = Instant::now();
        let status = debits.make(&account(number % ACCOUNTS), &format!("debit-{number}")).await;
        times.push(before.elapsed() / STRETCH);
        if status != 201 {
            return Err(format!("a debit was answered {status}"));
        }
    }
    let (made, requests) = (times.len(), requests.load(Ordering::Relaxed));
    let of_each = match kind {
        Kind::Ours => 3,
        Kind::Before => 2,
        Kind::IdempotencyTable => 4,
    };
    if requests != of_each * made {
        return Err(format!("{made} debits took {requests} requests, and should have taken {of_each} each"));
    }
    Ok(times)
}

/// Requests that take as long as has been published.
fn slow(engine: &Engine, requests: &Arc<AtomicUsize>) -> SdkConfig {
    let (engine, requests) = (engine.clone(), Arc::clone(requests));
    let random = Mutex::new(fastrand::Rng::with_seed(SEED));
    Engine::config_over(move |request| {
        let (operation, body) = (wire::operation(&request).to_owned(), wire::text(&request));
        let share = random.lock().unwrap_or_else(PoisonError::into_inner).f64();
        requests.fetch_add(1, Ordering::Relaxed);
        let engine = engine.clone();
        async move {
            sleep(taken(&operation, share) * STRETCH).await;
            engine.call(&operation, &body)
        }
    })
}

/// How long a request takes that is slower than this share of its kind.
fn taken(operation: &str, share: f64) -> Duration {
    let ms = match operation {
        "TransactWriteItems" => at(&TRANSACTION_OF_5, share) - TRANSACTION_OF_2_LESS,
        "PutItem" | "UpdateItem" => at(&PUT, share),
        _ => at(&PUT, share) * QUERY_OF_PUT,
    };
    Duration::from_secs_f64(ms / 1e3)
}

/// On the line between the shares that are known on either side.
fn at(times: &Times, share: f64) -> f64 {
    let (mut below, mut ms_below) = times[0];
    for (above, ms_above) in &times[1..] {
        if share <= *above {
            return ms_below + (ms_above - ms_below) * (share - below) / (above - below);
        }
        (below, ms_below) = (*above, *ms_above);
    }
    ms_below
}
