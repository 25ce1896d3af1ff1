//! The database without a network, and a clock that stands still while anything is computed: time passes only by what
//! is waited for, so that what is measured is the same on every machine.

use std::thread;

use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::{http::HttpConnectorFuture, orchestrator::HttpRequest};
use dynoxide::{Database, DynoxideError};
use scrip_debit::DebitFunction;
use scrip_ledger::Ledger;
use scrip_local::{seed, template::Table};
use scrip_peers::{before, powertools};
use scrip_test_support::faults::through;
use serde::{Serialize, de::DeserializeOwned};

use crate::{requests::ApiRequest, setting::text_of, wire};

/// A database in this process.
#[derive(Clone)]
pub struct Engine {
    database: Database,
    pub table: String,
}

impl Engine {
    /// One that holds the empty table.
    pub fn start(table: &Table) -> Result<Self, String> {
        let engine = Self { database: Database::memory().map_err(text_of)?, table: table.name.clone() };
        let (status, answer) = engine.call("CreateTable", &table.create.to_string());
        if status == 200 { Ok(engine) } else { Err(answer) }
    }

    /// Carries out one request, in no time; the status and the body of its answer.
    pub fn call(&self, operation: &str, body: &str) -> (u16, String) {
        let database = &self.database;
        match operation {
            "CreateTable" => answer(body, |request| database.create_table(request)),
            "GetItem" => answer(body, |request| database.get_item(request)),
            "PutItem" => answer(body, |request| database.put_item(request)),
            "Query" => answer(body, |request| database.query(request)),
            "TransactGetItems" => answer(body, |request| database.transact_get_items(request)),
            "TransactWriteItems" => answer(body, |request| database.transact_write_items(request)),
            "UpdateItem" => answer(body, |request| database.update_item(request)),
            other => (400, format!("no debit asks for {other}")),
        }
    }

    /// A configuration whose requests are answered by `act`.
    pub fn config_over<F>(act: impl Fn(HttpRequest) -> F + Send + Sync + 'static) -> SdkConfig
    where
        F: Future<Output = (u16, String)> + Send + 'static,
    {
        let client = through(move |_, request| {
            let answered = act(request);
            HttpConnectorFuture::new(async move {
                let (status, body) = answered.await;
                Ok(wire::answer(status, body))
            })
        });
        // How long a request takes is what is measured.
        let config = seed::aws_config_over("http://in-process.invalid", client).into_builder();
        config.timeout_config(TimeoutConfig::disabled()).build()
    }

    /// A configuration whose requests are answered at once.
    pub fn config(&self) -> SdkConfig {
        let engine = self.clone();
        Self::config_over(move |request| {
            let answered = engine.call(wire::operation(&request), &wire::text(&request));
            async move { answered }
        })
    }

    /// The SDK's client, answered at once.
    pub fn client(&self) -> Client {
        seed::client(&self.config())
    }

    /// The ledger, answered at once.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.config(), &self.table)
    }
}

fn answer<Request: DeserializeOwned, Response: Serialize>(
    body: &str,
    act: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> (u16, String) {
    let answered = serde_json::from_str(body).map(act);
    match answered.map(|answered| answered.map(|answer| serde_json::to_string(&answer))) {
        Ok(Ok(Ok(body))) => (200, body),
        Ok(Err(error)) => (error.status_code(), error.to_json()),
        Ok(Ok(Err(why))) | Err(why) => (400, why.to_string()),
    }
}

/// Runs something on a thread of its own, by a clock that stands still while anything is computed. What is drawn is
/// drawn from that seed.
pub fn run_paused<T, F>(seed: u64, act: impl FnOnce() -> F + Send + 'static) -> Result<T, String>
where
    T: Send + 'static,
    F: Future<Output = Result<T, String>>,
{
    let running = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        fastrand::seed(seed);
        runtime.map_err(text_of)?.block_on(act())
    });
    running.join().map_err(|_| "the measuring thread panicked")?
}

/// How debits are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Claim, then append.
    Ours,
    /// The protocol before: one transaction.
    Before,
    /// An idempotency table, a balance and a ledger row.
    IdempotencyTable,
}

/// Makes debits.
#[derive(Debug)]
pub enum Debits {
    Ours(DebitFunction),
    Before(before::Debits),
    IdempotencyTable(powertools::Debits),
}

impl Debits {
    /// In that table.
    pub fn new(kind: Kind, config: &SdkConfig, table: &str) -> Self {
        match kind {
            Kind::Ours => Self::Ours(DebitFunction::new(Ledger::new(config, table))),
            Kind::Before => Self::Before(before::Debits::new(config, table)),
            Kind::IdempotencyTable => {
                Self::IdempotencyTable(powertools::Debits::new(config, table.to_owned()))
            }
        }
    }

    /// Makes one; the status of the answer.
    pub async fn make(&self, account: &str, key: &str) -> u16 {
        let request = ApiRequest::debit(account, key).request();
        let response = match self {
            Self::Ours(debits) => debits.handle(request).await,
            Self::Before(debits) => debits.handle(request).await,
            Self::IdempotencyTable(debits) => debits.handle(request).await,
        };
        response.status().as_u16()
    }
}
