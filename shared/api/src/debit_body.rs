//! The body of a debit, in the answers of the function that takes it and of the one that shows it.

use chrono::{DateTime, Utc};
use scrip_accounts::{AccountId, DebitId, DebitOutcome};
use scrip_pricing::{Credits, Kind, Operation};
use serde::Serialize;

/// A debit on the wire (`Debit` in `shared/openapi.yaml`). If it took credits, all fields come from its entry, so a
/// retry always gets the same body.
#[derive(Debug, Serialize)]
pub struct DebitBody<'a> {
    /// The caller's idempotency key.
    pub debit_id: &'a DebitId,
    /// The account.
    pub account_id: &'a AccountId,
    /// The work, with every default spelled out.
    pub operation: &'a Operation,
    /// The credits that it took.
    pub credits: Credits,
    /// The balance after it.
    pub balance: Credits,
    /// The sequence of its entry.
    pub sequence: u64,
    /// How many images of a Tune wait for credits.
    pub deferred_images: u64,
    /// When it was carried out.
    pub created_at: DateTime<Utc>,
    /// The kinds of credits that fell to their low-balance mark or below it; left out if none did.
    #[serde(skip_serializing_if = "<[Kind]>::is_empty")]
    pub low: &'a [Kind],
}

impl<'a> DebitBody<'a> {
    /// Makes the body of a debit from its outcome.
    #[must_use]
    pub fn new(account_id: &'a AccountId, debit_id: &'a DebitId, outcome: &'a DebitOutcome) -> Self {
        Self {
            debit_id,
            account_id,
            operation: &outcome.operation,
            credits: outcome.credits,
            balance: outcome.balance,
            sequence: outcome.sequence.get(),
            deferred_images: outcome.deferred_images,
            created_at: outcome.at,
            low: &outcome.low,
        }
    }
}
