//! The embedded database: dynoxide, which is DynamoDB on `SQLite`, in memory or in a file.
//!
//! Invariant: the functions reach it as they reach DynamoDB, over HTTP, in the SDK's form.

mod token_stripper;

use crate::template::Table;
use dynoxide::{Database as Engine, DynoxideError, ImportOptions, actions::create_table::CreateTableRequest};
use scrip_stripe_model::server;
use serde_json::Value;
use std::{fmt, fs::OpenOptions, path::Path};
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

/// A running database that holds the template's table.
pub struct Database {
    engine: Engine,
    endpoint: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    pipe: JoinHandle<()>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Why the database did not start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseError(String);

impl Database {
    /// Opens `data` (or a database in memory), adds the table if it is absent, and serves it.
    ///
    /// # Errors
    /// When the file can't be used, the table can't be made, or no port is free.
    pub async fn start(data: Option<&Path>, table: &Table) -> Result<Self, DatabaseError> {
        let engine = open(data)?;
        create_table(&engine, table).map_err(DatabaseError)?;
        let no_port = |why| DatabaseError(format!("no port: {why}"));
        let listener = server::loopback(0).await.map_err(no_port)?;
        let pipe = server::loopback(0).await.map_err(no_port)?;
        let address = pipe.local_addr().map_err(no_port)?;
        let pipe = token_stripper::start(pipe, listener.local_addr().map_err(no_port)?);
        let (stop, stopped) = oneshot::channel::<()>();
        let served = engine.clone();
        let task = tokio::spawn(async move {
            let stopped = async {
                // A dropped sender ends the server as well.
                let _ = stopped.await;
            };
            if let Err(why) = dynoxide::server::serve_with_shutdown(listener, served, stopped).await {
                eprintln!("the database stopped: {why}");
            }
        });
        Ok(Self { engine, endpoint: format!("http://{address}"), stop, task, pipe })
    }

    /// The URL the functions are given as `AWS_ENDPOINT_URL_DYNAMODB`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Puts items, in DynamoDB's JSON, into a table at once: much faster than writing them one by one.
    ///
    /// # Errors
    /// When they are no items, or the table doesn't take them.
    pub fn import(&self, table: &str, items: Vec<Value>) -> Result<(), DatabaseError> {
        let failed = |why: String| DatabaseError(format!("the import failed: {why}"));
        let items = items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
        let items = items.map_err(|why| failed(why.to_string()))?;
        self.engine
            .import_items(table, items, ImportOptions::default())
            .map(drop)
            .map_err(|why| failed(why.to_string()))
    }

    /// Lets running requests finish and closes the file.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let aborting = self.task.abort_handle();
        if timeout(server::DRAIN_MAX, self.task).await.is_err() {
            aborting.abort();
        }
        self.pipe.abort();
    }
}

fn open(data: Option<&Path>) -> Result<Engine, DatabaseError> {
    let Some(file) = data else {
        return Engine::memory().map_err(|why| DatabaseError(why.to_string()));
    };
    let refused = |why: &str| DatabaseError(format!("the data file {} {why}", file.display()));
    let name = file.to_str().ok_or_else(|| refused("has a name that is not UTF-8"))?;
    // The system says better than SQLite why a file can't be written.
    let writable = OpenOptions::new().append(true).create(true).open(file);
    writable.map_err(|why| refused(&format!("can't be written: {why}")))?;
    // The engine's first sentence says what is wrong, the rest how to call it in Rust.
    let first = |why: &DynoxideError| why.to_string().split(". ").next().unwrap_or_default().to_owned();
    Engine::new(name).map_err(|why| refused(&format!("can't be used: {}", first(&why))))
}

fn create_table(engine: &Engine, table: &Table) -> Result<(), String> {
    if engine.get_table_metadata(&table.name).map_err(|why| why.to_string())?.is_some() {
        return Ok(());
    }
    let request: CreateTableRequest = serde_json::from_value(table.create.clone())
        .map_err(|why| format!("the template's table {}: {why}", table.name))?;
    engine.create_table(request).map_err(|why| format!("the template's table {}: {why}", table.name))?;
    Ok(())
}
