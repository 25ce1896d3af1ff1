//! A debit as it is answered, by the function that takes it and by the one that shows it.

use chrono::{DateTime, Utc};
use scrip_accounts::{AccountId, DebitId, DebitOutcome};
use scrip_pricing::{Credits, Kind, Operation};
use serde::Serialize;

/// A debit on the wire (contract, section 3). All that costs something is read off its entry, so that a retry gets the same
/// body forever.
#[derive(Debug, Serialize)]
pub struct DebitBody<'a> {
    /// The caller's idempotency key.
    pub debit_id: &'a DebitId,
    /// Whose it is.
    pub account_id: &'a AccountId,
    /// The work, with every default spelled out.
    pub operation: &'a Operation,
    /// What it took.
    pub credits: Credits,
    /// What the account had after it.
    pub balance: Credits,
    /// Its entry.
    pub sequence: u64,
    /// Images of a Tune that wait for credits.
    pub deferred_images: u64,
    /// When it was carried out.
    pub created_at: DateTime<Utc>,
    /// The kinds of credits that fell to their low-balance mark or below it; left out if none did.
    #[serde(skip_serializing_if = "<[Kind]>::is_empty")]
    pub low: &'a [Kind],
}

impl<'a> DebitBody<'a> {
    /// The body of a debit that was carried out.
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
