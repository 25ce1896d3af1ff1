//! How accounts are kept: an append-only log in one DynamoDB table whose newest row is the balance.
//!
//! The only crate that speaks DynamoDB. [`Ledger::execute`] carries out a command that has a key, once forever: it
//! claims the key, then appends the entry (README.md explains the protocol). [`Ledger::apply`] writes what has none, in
//! one transaction. Both read, let a pure function of the accounts crate decide, and append.

mod append;
mod apply;
pub mod audit;
mod backoff;
mod cancellation;
mod claims;
mod due;
mod error;
mod execute;
mod items;
mod keys;
mod park;
mod read;
mod receipt;
mod related;
mod request_hash;
mod scan;
mod spending;
mod stream;
mod table;
mod usage;
mod writes;

pub use apply::{State, Subjects};
pub use due::{DueCursor, DuePage, DuePartition};
pub use error::{Error, Fault, Source, chain};
pub use items::Parked;
pub use keys::DUE_SHARDS;
pub use read::{Page, PurchaseCursor};
pub use receipt::{Applied, DebitStatus, HoldState, HoldStatus, Receipt};
pub use request_hash::fingerprint;
pub use spending::{EARLIER_DEBITS_MAX, SPENDING_ENTRIES_MAX, TooMany};
pub use stream::{NewEntry, read_stream_record};
pub use table::Ledger;
pub use usage::Usage;

/// How entries and claims become items, and are read again: only for tests/instructions, which counts that, and tests/peers.
#[doc(hidden)]
pub mod encoding {
    pub use crate::{
        items::{Claim, Item, StoredEntry, read_claim, read_entry, write_claim, write_entry},
        request_hash::RequestHash,
    };
}
