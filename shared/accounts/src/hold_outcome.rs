//! A hold as its entry has it: what it is answered with, and what its end is decided from.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Kind, Operation};

use crate::{Entry, Event, OtherKind, Sequence};

/// A hold that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldOutcome {
    /// The work, with every default spelled out.
    pub operation: Operation,
    /// What is set aside.
    pub credits: Credits,
    /// Images of a Tune that wait for credits.
    pub deferred_images: u64,
    /// When it is over by itself.
    pub expires_at: DateTime<Utc>,
    /// What the account had after it.
    pub balance: Credits,
    /// Its entry.
    pub sequence: Sequence,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The kinds of credits that fell to their low-balance mark or below it.
    pub low: Vec<Kind>,
}

impl TryFrom<&Entry> for HoldOutcome {
    type Error = OtherKind;

    fn try_from(entry: &Entry) -> Result<Self, OtherKind> {
        let Event::Hold { operation, deferred_images, expires_at, .. } = &entry.event else {
            return Err(OtherKind);
        };
        Ok(Self {
            operation: operation.clone(),
            credits: entry.change.taken(),
            deferred_images: *deferred_images,
            expires_at: *expires_at,
            balance: entry.account.balance,
            sequence: entry.account.sequence,
            at: entry.at,
            low: entry.low.clone(),
        })
    }
}
