//! What a debit costs of CPU that is ours: reading the request, deciding, making and reading items, answering,
//! logging. The database is answers that were recorded, and the same three calls without anything around them are taken
//! off: making, signing and reading them.

use std::{collections::BTreeMap, fs, sync::Arc, thread};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{HttpConnectorFuture, SharedHttpClient};
use scrip_debit::DebitFunction;
use scrip_ledger::Ledger;
use scrip_local::seed;
use scrip_test_support::faults::through;

use crate::{
    figure::{Bound, Figure, middle, short},
    raw::Calls,
    requests::ApiRequest,
    setting::{Services, Setting, account},
    wire::{self, Recorder},
};

/// How often both are measured, in turns.
const ROUNDS: usize = 40;
/// Debits in each.
const DEBITS: u32 = 2_000;
/// In µs.
const OWN_MAX: f64 = 75.0;

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let services = Services::start(setting).await?;
    services.subscribe(1).await?;
    let recorder = Recorder::default();
    let ledger = services.ledger_through(recorder.http_client());
    for key in ["first", "second"] {
        recorder.take();
        DebitFunction::new(ledger.clone()).handle(ApiRequest::debit(&account(0), key).request()).await;
    }
    let answers: BTreeMap<_, _> =
        recorder.take().into_iter().map(|(operation, answer)| (operation, answer.to_string())).collect();
    let raw = Calls::of(&services.client(), &services.table, &account(0), "second").await?;
    let config = seed::aws_config_over(services.database.endpoint(), canned(&answers));
    let table = services.table.clone();
    let measured = thread::spawn(move || alternate(&config, &table, &raw));
    let rounds = measured.join().map_err(|_| "the measuring thread panicked")??;
    services.stop().await;
    // Of each round; what disturbs one is in both of its halves.
    let of_rounds = |part: fn(&(f64, f64)) -> f64| middle(&rounds.iter().map(part).collect::<Vec<_>>());
    Ok(vec![Figure {
        what: "our own CPU per debit, its three calls taken off".to_owned(),
        value: of_rounds(|(ours, theirs)| ours - theirs),
        unit: "µs",
        bound: Bound::AtMost(OWN_MAX),
        from: format!(
            "p50 of {ROUNDS} rounds: {} µs a debit, {} µs its three calls alone",
            short(of_rounds(|round| round.0)),
            short(of_rounds(|round| round.1)),
        ),
    }])
}

/// The CPU of a debit and of its calls alone, in µs, for each round.
fn alternate(config: &SdkConfig, table: &str, raw: &Calls) -> Result<Vec<(f64, f64)>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| why.to_string())?;
    let function = DebitFunction::new(Ledger::new(config, table));
    let raw = raw.by(seed::client(config));
    let (name, key) = (account(0), "a-key-of-a-job-0123456789");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        // The parsing of the gateway's event is Lambda's, not ours.
        let requests: Vec<_> = (0..DEBITS).map(|_| ApiRequest::debit(&name, key).request()).collect();
        let before = thread_cpu()?;
        runtime.block_on(async {
            for request in requests {
                let response = function.handle(request).await;
                assert_eq!(response.status(), 201, "{:?}", response.body());
            }
        });
        let ours = thread_cpu()? - before;
        let prepared: Vec<_> = (0..DEBITS).map(|_| raw.prepared(&name, key)).collect();
        let between = thread_cpu()?;
        runtime.block_on(async {
            for items in prepared {
                raw.debit(&name, items).await?;
            }
            Ok::<_, String>(())
        })?;
        let after = thread_cpu()?;
        rounds.push((ours / f64::from(DEBITS), (after - between) / f64::from(DEBITS)));
    }
    Ok(rounds)
}

/// Answers each operation as it was answered once.
fn canned(answers: &BTreeMap<String, String>) -> SharedHttpClient {
    let answers = Arc::new(answers.clone());
    through(move |_, request| {
        let answer = answers.get(wire::operation(&request)).cloned().unwrap_or_default();
        HttpConnectorFuture::ready(Ok(wire::answer(200, answer)))
    })
}

/// The CPU time of this thread, in µs.
fn thread_cpu() -> Result<f64, String> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").map_err(|why| why.to_string())?;
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok());
    Ok(nanos.ok_or("the system doesn't report what a thread uses")? / 1e3)
}
