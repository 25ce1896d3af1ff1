//! What the ledger answers.

use chrono::{DateTime, Utc};
use scrip_accounts::{DebitOutcome, Entry, HoldOutcome, Record, SettlementOutcome, SettlementStatus};
use scrip_pricing::Credits;
use serde::Serialize;

/// A command with a key was carried out, now or before: its entry exists, and no other ever has its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt<O> {
    /// The command's entry.
    pub entry: Entry,
    /// What the entry says of the command.
    pub outcome: O,
    /// Whether the same request was carried out before.
    pub is_replayed: bool,
    /// The credits of a debit or captured hold that came back since.
    pub reversed: Credits,
    /// How often it was tried: 1 without contention or faults.
    pub attempts: u32,
}

/// What a command without a key changed: nothing, if both lists are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The entries that were appended, oldest first.
    pub entries: Vec<Entry>,
    /// The records that were written.
    pub records: Vec<Record>,
    /// How often it was tried: 1 without contention or faults.
    pub attempts: u32,
}

/// A debit, and what came back of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebitStatus {
    /// What its entry says.
    pub outcome: DebitOutcome,
    /// The credits that came back, in all its reversals.
    pub reversed: Credits,
}

/// A hold, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldStatus {
    /// What its entry says.
    pub outcome: HoldOutcome,
    /// How its caller ended it; `None` if nobody did.
    pub settlement: Option<SettlementOutcome>,
    /// The credits that came back once it was captured, in all its reversals.
    pub reversed: Credits,
}

/// Where a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// It is open.
    Held,
    /// It was captured, all of it or a part.
    Captured,
    /// It was released.
    Released,
    /// It is over, and its credits are back.
    Expired,
}

impl HoldState {
    /// Its name, as it is written in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Captured => "captured",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

impl HoldStatus {
    /// Where it stands at a moment.
    #[must_use]
    pub fn state(&self, now: DateTime<Utc>) -> HoldState {
        match self.settlement.as_ref().map(|settlement| settlement.status) {
            Some(SettlementStatus::Captured) => HoldState::Captured,
            Some(SettlementStatus::Released) => HoldState::Released,
            None if self.outcome.expires_at <= now => HoldState::Expired,
            None => HoldState::Held,
        }
    }
}
