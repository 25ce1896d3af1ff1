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
mod table;
mod usage;

pub use due::{DueCursor, DuePage, DuePartition};
pub use error::{Error, Fault, chain};
pub use execute::{Executed, Outcome, State};
pub use items::{Parked, RequestHash};
pub use keys::{DUE_SHARDS, Operation};
pub use read::{Page, PurchaseCursor, Related};
pub use table::Ledger;
pub use usage::Usage;

/// How entries and operations become items, and are read again: only for tests/instructions, which count that.
#[doc(hidden)]
pub mod encoding {
    pub use crate::items::{Item, OperationItem, entry, operation, read_entry, read_operation};
}
