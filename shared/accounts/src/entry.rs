//! An entry: one row of the ledger, with its event and the whole account after it. Entries are never changed or
//! deleted.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Kind, Operation};
use serde::{Deserialize, Serialize};
use strum::EnumDiscriminants;

use crate::{Account, CallerId, Change, CommandKey, DebitId, Reason, Sequence};

/// The event of an entry, with the fields that only its kind has.
///
/// This is the one list of the kinds of entry. Their stored names and [`EntryKind`] are derived
/// from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[strum_discriminants(
    name(EntryKind),
    derive(Serialize),
    serde(rename_all = "snake_case"),
    doc = "The kind of an entry."
)]
pub enum Event {
    /// A plan or a pack was bought.
    Purchase,
    /// Playground credits were set to the month's allowance.
    Refill,
    /// Playground credits of a past month expired.
    Expiry,
    /// Work was paid for with credits.
    Debit {
        /// The work, with every default spelled out.
        operation: Operation,
        /// The images of a Tune that are deferred.
        deferred_images: u64,
        /// The version of the catalog that priced it.
        catalog_version: String,
    },
    /// Credits were set aside for work that takes time.
    Hold {
        /// The work, with every default spelled out.
        operation: Operation,
        /// The images of a Tune that are deferred.
        deferred_images: u64,
        /// The version of the catalog that priced it.
        catalog_version: String,
        /// The time at which the hold expires.
        expires_at: DateTime<Utc>,
    },
    /// A hold was captured: the work was paid for, and the rest of the held credits came back.
    Capture {
        /// The sequence of the hold's entry.
        hold_sequence: Sequence,
        /// The work that was done.
        operation: Operation,
        /// The credits that it took.
        captured: Credits,
        /// The part of the rest that paid owed credits (rule 9).
        offset: Credits,
    },
    /// A hold was released or expired, and its credits came back.
    Release {
        /// The sequence of the hold's entry.
        hold_sequence: Sequence,
        /// The part of them that paid owed credits (rule 9).
        offset: Credits,
        /// Whether the hold expired; false if its caller released it.
        #[serde(default, skip_serializing_if = "is_false")]
        expired: bool,
    },
    /// Credits of a debit or of a captured hold came back, because the work failed.
    Reversal {
        /// The debit or hold whose credits came back.
        debit_id: DebitId,
        /// The part of them that paid owed credits (rule 9). Early entries leave it out if it is zero.
        #[serde(default)]
        offset: Credits,
        /// The reason, as the caller wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// Support gave or took credits.
    Adjustment {
        /// The subject of the caller's token.
        by: CallerId,
        /// The reason, as the caller wrote it.
        reason: Reason,
    },
    /// A plan, its status or its paid time changed, and the balance stayed.
    Subscription,
    /// A purchase was refunded, and its credits were taken back.
    Refund {
        /// The purchase's credits that could not be taken back, because they were spent (rule 7).
        #[serde(rename = "credits_spent")]
        spent: Credits,
    },
    /// A refund failed, and the credits were given again.
    RefundFailed,
    /// A purchase was disputed, and its credits were taken back.
    Dispute {
        /// The purchase's credits that could not be taken back, because they were spent (rule 7).
        #[serde(rename = "credits_spent")]
        spent: Credits,
    },
    /// A dispute was won, and the credits were given again.
    DisputeWon,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Event {
    /// The kind of the entry.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{EntryKind, Event};
    ///
    /// assert_eq!(Event::Refill.kind(), EntryKind::Refill);
    /// ```
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.into()
    }
}

/// One row of an account's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The event, with its kind's own fields.
    pub event: Event,
    /// The change of the balance.
    pub change: Change,
    /// The id of the debit, hold, reversal, adjustment or purchase that made it. For a refill or expiry it is the
    /// month; for the release of an expired hold, the sequence of the hold's entry.
    pub reference: String,
    /// The time. It is never before that of the entry before.
    pub at: DateTime<Utc>,
    /// The kinds of credits that fell to their low-balance mark or below it.
    pub low: Vec<Kind>,
    /// The account after this entry. Its sequence is the entry's sequence.
    pub account: Account,
}

impl Entry {
    /// All credits that came back with it: those that the balance got, and those that paid owed ones (rule 9). `None`
    /// above the limit of a kind.
    pub(crate) fn returned(&self, offset: Credits) -> Option<Credits> {
        self.change.given().checked_add(offset)
    }

    /// Whether this entry carries a command's key: it is of the key's kind, and its reference is the key's id.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Account, Change, CommandKey, DebitId, Entry, ReversalId};
    ///
    /// let at = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let event = serde_json::from_str(r#"{"kind":"reversal","debit_id":"job-1"}"#)?;
    /// let (change, reference, account) = (Change::new(6, 0, 0), "job-1-failed".to_owned(), Account::unseen(at));
    /// let entry = Entry { event, change, reference, at, low: vec![], account };
    /// assert!(entry.is_of(&CommandKey::Reversal(ReversalId::parse("job-1-failed")?)));
    /// assert!(!entry.is_of(&CommandKey::Debit(DebitId::parse("job-1")?)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
