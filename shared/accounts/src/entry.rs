//! One row of the ledger: what happened, and the whole account after it. Never changed, never deleted.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Operation};
use serde::{Deserialize, Serialize};

use crate::{Account, Change, DebitId, Reason};

/// The kinds of entry (contract, section 3), as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A plan or a pack was paid.
    Purchase,
    /// The month's allowance was set.
    Refill,
    /// Playground credits of a month that is over were dropped.
    Expiry,
    /// Work was paid with credits.
    Debit,
    /// Credits of a debit came back, because the work failed.
    Reversal,
    /// The plan, its status or its paid time changed, and no credits moved.
    Subscription,
    /// Money went back, and credits with it.
    Refund,
    /// A refund failed after all: the credits came back.
    RefundFailed,
    /// The money of a purchase was disputed, and credits went with it.
    Dispute,
    /// The dispute was won: the credits came back.
    DisputeWon,
}

/// What happened, with what only this kind of entry knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// See [`EntryKind::Purchase`].
    Purchase,
    /// See [`EntryKind::Refill`].
    Refill,
    /// See [`EntryKind::Expiry`].
    Expiry,
    /// See [`EntryKind::Debit`].
    Debit {
        /// The work, with every default spelled out.
        operation: Operation,
        /// Images of a Tune that wait for credits.
        deferred_images: u64,
        /// The catalog that priced it.
        catalog_version: String,
    },
    /// See [`EntryKind::Reversal`].
    Reversal {
        /// The debit whose credits came back.
        debit_id: DebitId,
        /// What of them was set against what the account owes (rule 9).
        offset: Credits,
        /// Why, in the caller's words.
        reason: Option<Reason>,
    },
    /// See [`EntryKind::Subscription`].
    Subscription,
    /// See [`EntryKind::Refund`].
    Refund {
        /// What couldn't be taken back of the purchase, because it was spent (rule 7).
        spent: Credits,
    },
    /// See [`EntryKind::RefundFailed`].
    RefundFailed,
    /// See [`EntryKind::Dispute`].
    Dispute {
        /// What couldn't be taken back of the purchase, because it was spent (rule 7).
        spent: Credits,
    },
    /// See [`EntryKind::DisputeWon`].
    DisputeWon,
}

impl Event {
    /// The kind this is written as.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Purchase => EntryKind::Purchase,
            Self::Refill => EntryKind::Refill,
            Self::Expiry => EntryKind::Expiry,
            Self::Debit { .. } => EntryKind::Debit,
            Self::Reversal { .. } => EntryKind::Reversal,
            Self::Subscription => EntryKind::Subscription,
            Self::Refund { .. } => EntryKind::Refund,
            Self::RefundFailed => EntryKind::RefundFailed,
            Self::Dispute { .. } => EntryKind::Dispute,
            Self::DisputeWon => EntryKind::DisputeWon,
        }
    }
}

/// One row of an account's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub event: Event,
    /// What it changed.
    pub change: Change,
    /// What made it: the id of the debit, reversal or purchase; the month of a refill or expiry.
    pub reference: String,
    /// When. Never before the entry below it.
    pub at: DateTime<Utc>,
    /// The account after it; its sequence is this entry's.
    pub account: Account,
}
