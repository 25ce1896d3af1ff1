//! A hold as its entry records it: the content of its answer, and the input of its settlement.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Kind, Operation};

use crate::{Entry, Event, OtherKind, Sequence};

/// A hold that was made, as its entry records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldOutcome {
    /// The work, with every default spelled out.
    pub operation: Operation,
    /// The credits that are set aside.
    pub credits: Credits,
    /// The images of a Tune that are deferred.
    pub deferred_images: u64,
    /// The time at which it expires.
    pub expires_at: DateTime<Utc>,
    /// The balance after it.
    pub balance: Credits,
    /// The sequence of its entry.
    pub sequence: Sequence,
    /// The time of its entry.
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
