//! The ledger: an append-only log of each account in one DynamoDB table. An account's newest entry is its state.
//!
//! This is the only crate that calls DynamoDB. Both ways to write read the account, let a pure function of the accounts
//! crate decide, and append:
//!
//! - [`Ledger::execute`] carries out a command that has an idempotency key, at most once. It claims the key, then
//!   appends the   entry (README.md explains the protocol).
//! - [`Ledger::apply`] carries out a command without a key, in one transaction.
//!
//! # Examples
//!
//! ```no_run
//! use scrip_accounts::{AccountId, Debit, DebitId};
//! use scrip_ledger::Ledger;
//!
//! # async fn example(
//! #     config: &aws_types::SdkConfig,
//! #     now: chrono::DateTime<chrono::Utc>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let ledger = Ledger::new(config, "scrip-ledger");
//! let debit = Debit {
//!     id: DebitId::parse("job-1")?,
//!     request: serde_json::from_str(r#"{"operation":"upscale","factor":4,"images":3}"#)?,
//! };
//! let alice = AccountId::parse("alice")?;
//! let receipt = ledger.execute(&alice, &debit, now).await?;
//! assert_eq!(receipt.outcome.credits.playground(), 6);
//! # Ok(())
//! # }
//! ```

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
mod purchases;
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
pub use items::ParkedPayment;
pub use keys::DUE_SHARDS;
pub use purchases::PurchaseCursor;
pub use read::Page;
pub use receipt::{DebitStatus, DecisionReceipt, HoldState, HoldStatus, Receipt};
pub use request_hash::fingerprint;
pub use spending::{EARLIER_DEBITS_MAX, SPENDING_ENTRIES_MAX, SpendingLimit};
pub use stream::{NewEntry, read_stream_record};
pub use table::Ledger;
pub use usage::Usage;

/// The encoding of entries and claims as items. It is public only for tests/instructions, which counts its
/// instructions, and tests/peers.
#[doc(hidden)]
pub mod encoding {
    pub use crate::{
        items::{Claim, Item, StoredEntry, read_claim, read_entry, write_claim, write_entry},
        request_hash::RequestHash,
    };
}
