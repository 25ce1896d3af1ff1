//! How accounts are kept: an append-only log in one DynamoDB table whose newest row is the balance.
//!
//! The only crate that speaks DynamoDB. [`Ledger::execute`] is the one way to write: it reads the head,
//! lets a pure function of the accounts crate decide, and appends in one transaction the entries, the
//! operation's row that makes a retry safe forever, and what must change with them.

mod append;
mod backoff;
mod cancellation;
mod due;
mod error;
mod execute;
mod items;
mod keys;
mod park;
mod read;
mod requests;
mod usage;

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client,
    config::{Builder, retry::RetryConfig},
};
use aws_types::SdkConfig;

pub use due::{DueCursor, DuePage, DuePartition};
pub use error::{Error, Fault, chain};
pub use execute::{Executed, Outcome, Related, State};
pub use items::{Parked, RequestHash};
pub use keys::{DUE_SHARDS, Operation};
pub use read::{Page, PurchaseCursor};
pub use usage::Usage;

/// How entries and operations become items, and are read again: only for tests/instructions, which count that.
#[doc(hidden)]
pub mod encoding {
    pub use crate::items::{Item, OperationItem, entry, operation, read_entry, read_operation};
}

/// The ledger in its table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    meter: Arc<usage::Meter>,
}

impl Ledger {
    /// The ledger kept in that table. Each request is sent once: every attempt here reads again first, which
    /// makes a lost response harmless.
    #[must_use]
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        let config = Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), table: table.into(), meter: Arc::default() }
    }

    /// What was asked of DynamoDB since this was called last.
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        self.meter.take()
    }

    /// Reads what isn't there, so that the connection is made and the credentials were used when the first call
    /// comes. That this fails is the first call's to find out.
    pub async fn warm_up(&self) {
        drop(self.read_nothing().await);
        self.meter.take();
    }
}
