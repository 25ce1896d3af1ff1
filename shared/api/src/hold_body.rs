//! A hold as it is answered, by the function that makes it and by the one that shows it.

use chrono::{DateTime, Utc};
use scrip_accounts::{AccountId, HoldId, HoldOutcome};
use scrip_ledger::HoldState;
use scrip_pricing::{Credits, Kind, Operation};
use serde::Serialize;

/// A hold on the wire (contract, section 3). All but its status is read off its entry, so that a retry gets the same body
/// forever.
#[derive(Debug, Serialize)]
pub struct HoldBody<'a> {
    /// The caller's idempotency key.
    pub hold_id: &'a HoldId,
    /// Whose it is.
    pub account_id: &'a AccountId,
    /// Where it stands: as it was answered, it is held.
    pub status: HoldState,
    /// The work, with every default spelled out.
    pub operation: &'a Operation,
    /// What is set aside.
    pub credits: Credits,
    /// What the account had after it.
    pub balance: Credits,
    /// Its entry.
    pub sequence: u64,
    /// Images of a Tune that wait for credits.
    pub deferred_images: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it is over by itself.
    pub expires_at: DateTime<Utc>,
    /// The kinds of credits that fell to their low-balance mark or below it; left out if none did.
    #[serde(skip_serializing_if = "<[Kind]>::is_empty")]
    pub low: &'a [Kind],
}

impl<'a> HoldBody<'a> {
    /// The body of a hold that was made.
    #[must_use]
    pub fn new(
        account_id: &'a AccountId,
        hold_id: &'a HoldId,
        status: HoldState,
        outcome: &'a HoldOutcome,
    ) -> Self {
        Self {
            hold_id,
            account_id,
            status,
            operation: &outcome.operation,
            credits: outcome.credits,
            balance: outcome.balance,
            sequence: outcome.sequence.get(),
            deferred_images: outcome.deferred_images,
            created_at: outcome.at,
            expires_at: outcome.expires_at,
            low: &outcome.low,
        }
    }
}
