//! The body of a hold, in the answers of the function that makes it and of the one that shows it.

use chrono::{DateTime, Utc};
use scrip_accounts::{AccountId, HoldId, HoldOutcome};
use scrip_ledger::HoldState;
use scrip_pricing::{Credits, Kind, Operation};
use serde::Serialize;

/// A hold on the wire (`Hold` in `shared/openapi.yaml`). All fields but the status come from its entry, so a retry
/// always gets the same body.
#[derive(Debug, Serialize)]
pub struct HoldBody<'a> {
    /// The caller's idempotency key.
    pub hold_id: &'a HoldId,
    /// The account.
    pub account_id: &'a AccountId,
    /// Its status; `held` in the answer to the request that makes it.
    pub status: HoldState,
    /// The work, with every default spelled out.
    pub operation: &'a Operation,
    /// The credits that are set aside.
    pub credits: Credits,
    /// The balance after it.
    pub balance: Credits,
    /// The sequence of its entry.
    pub sequence: u64,
    /// How many images of a Tune wait for credits.
    pub deferred_images: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// The kinds of credits that fell to their low-balance mark or below it; left out if none did.
    #[serde(skip_serializing_if = "<[Kind]>::is_empty")]
    pub low: &'a [Kind],
}

impl<'a> HoldBody<'a> {
    /// Makes the body of a hold from its outcome.
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
