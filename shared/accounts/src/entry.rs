//! One row of the ledger: what happened, and the whole account after it. Never changed, never deleted.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Kind, Operation};
use serde::{Deserialize, Serialize};
use strum::EnumDiscriminants;

use crate::{Account, CallerId, Change, CommandKey, DebitId, Reason, Sequence};

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
    /// Credits were set aside for work that takes time.
    Hold {
        /// The work, with every default spelled out.
        operation: Operation,
        /// Images of a Tune that wait for credits.
        deferred_images: u64,
        /// The catalog that priced it.
        catalog_version: String,
        /// When the hold is over by itself.
        expires_at: DateTime<Utc>,
    },
    /// Work for which credits were held was done and paid; the rest of them came back.
    Capture {
        /// The hold's entry.
        hold_sequence: Sequence,
        /// The work that was done.
        operation: Operation,
        /// What it took.
        captured: Credits,
        /// The part of the rest that was set against what the account owes (rule 9).
        offset: Credits,
    },
    /// Credits that were held came back.
    Release {
        /// The hold's entry.
        hold_sequence: Sequence,
        /// The part of them that was set against what the account owes (rule 9).
        offset: Credits,
        /// Whether the hold expired, and nobody released it.
        #[serde(default, skip_serializing_if = "is_false")]
        expired: bool,
    },
    /// Credits of a debit or of a captured hold came back, because the work failed.
    Reversal {
        /// The debit or hold whose credits came back.
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

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
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
    /// What made it: the id of the debit, hold, reversal, adjustment or purchase; the month of a refill or expiry; of a
    /// hold that expired the sequence of its entry.
    pub reference: String,
    /// When. Never before the entry below it.
    pub at: DateTime<Utc>,
    /// The kinds of credits that fell to their low-balance mark or below it.
    pub low: Vec<Kind>,
    /// The account after it; its sequence is this entry's.
    pub account: Account,
}

impl Entry {
    /// Whether this is the entry of the command with that key: of its kind, and made by its id.
    #[must_use]
    pub fn is_of(&self, key: &CommandKey) -> bool {
        let is_its_kind = matches!(
            (&self.event, key),
            (Event::Debit { .. } | Event::Hold { .. }, CommandKey::Debit(_) | CommandKey::Hold(_))
                | (Event::Capture { .. } | Event::Release { expired: false, .. }, CommandKey::Settlement(_))
                | (Event::Reversal { .. }, CommandKey::Reversal(_))
                | (Event::Adjustment { .. }, CommandKey::Adjustment(_))
        );
        is_its_kind && self.reference == key.id()
    }
}
