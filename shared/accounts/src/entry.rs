//! One row of the ledger: what happened, and the whole account after it. Never changed, never deleted.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Operation};
use serde::{Deserialize, Serialize};
use strum::EnumDiscriminants;

use crate::{Account, CallerId, Change, CommandKey, DebitId, Reason};

/// What happened, with what only this kind of entry knows. The one list of the kinds of entry (contract, section 3):
/// their names as they are stored and shown, and [`EntryKind`], are made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[strum_discriminants(
    name(EntryKind),
    derive(Serialize),
    serde(rename_all = "snake_case"),
    doc = "The kind of an entry."
)]
pub enum Event {
    /// A plan or a pack was paid.
    Purchase,
    /// The month's allowance was set.
    Refill,
    /// Playground credits of a month that is over were dropped.
    Expiry,
    /// Work was paid with credits.
    Debit {
        /// The work, with every default spelled out.
        operation: Operation,
        /// Images of a Tune that wait for credits.
        deferred_images: u64,
        /// The catalog that priced it.
        catalog_version: String,
    },
    /// Credits of a debit came back, because the work failed.
    Reversal {
        /// The debit whose credits came back.
        debit_id: DebitId,
        /// The part of them that was set against what the account owes (rule 9). Early entries have none if it is zero.
        #[serde(default)]
        offset: Credits,
        /// Why, in the caller's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// Support gave or took credits.
    Adjustment {
        /// The caller.
        by: CallerId,
        /// Why, in the caller's words.
        reason: Reason,
    },
    /// The plan, its status or its paid time changed, and no credits moved.
    Subscription,
    /// Money went back, and credits with it.
    Refund {
        /// Credits of the purchase that could not be taken back, because they were spent (rule 7).
        #[serde(rename = "credits_spent")]
        spent: Credits,
    },
    /// A refund failed after all: the credits came back.
    RefundFailed,
    /// The money of a purchase was disputed, and credits went with it.
    Dispute {
        /// Credits of the purchase that could not be taken back, because they were spent (rule 7).
        #[serde(rename = "credits_spent")]
        spent: Credits,
    },
    /// The dispute was won: the credits came back.
    DisputeWon,
}

impl Event {
    /// The kind of entry that this makes.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.into()
    }
}

/// One row of an account's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub event: Event,
    /// What it changed.
    pub change: Change,
    /// What made it: the id of the debit, reversal, adjustment or purchase; the month of a refill or expiry.
    pub reference: String,
    /// When. Never before the entry below it.
    pub at: DateTime<Utc>,
    /// The account after it; its sequence is this entry's.
    pub account: Account,
}

impl Entry {
    /// Whether this is the entry of the command with that key: of its kind, and made by its id.
    #[must_use]
    pub fn is_of(&self, key: &CommandKey) -> bool {
        let is_its_kind = match key {
            CommandKey::Debit(_) => self.event.kind() == EntryKind::Debit,
            CommandKey::Reversal(_) => self.event.kind() == EntryKind::Reversal,
            CommandKey::Adjustment(_) => self.event.kind() == EntryKind::Adjustment,
        };
        is_its_kind && self.reference == key.id()
    }
}
