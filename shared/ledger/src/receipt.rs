//! The ledger's answers.

use chrono::{DateTime, Utc};
use scrip_accounts::{DebitOutcome, Entry, HoldOutcome, Record, SettlementOutcome, SettlementStatus};
use scrip_pricing::Credits;
use serde::Serialize;

/// The receipt of a command with a key, which this call or an earlier one carried out. No other entry ever carries its
/// key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt<O> {
    /// The command's entry.
    pub entry: Entry,
    /// The result of the command, read from its entry.
    pub outcome: O,
    /// Whether an earlier call carried out the same request.
    pub is_replayed: bool,
    /// The credits of a debit or captured hold that came back since, in all its reversals.
    pub reversed: Credits,
    /// The number of attempts: 1 without contention or faults.
    pub attempts: u32,
}

/// The receipt of a command without a key. It changed nothing if both lists are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionReceipt {
    /// The entries that were appended, oldest first.
    pub entries: Vec<Entry>,
    /// The records that were written.
    pub records: Vec<Record>,
    /// The number of attempts: 1 without contention or faults.
    pub attempts: u32,
}

/// A debit, and the credits that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebitStatus {
    /// Its result, read from its entry.
    pub outcome: DebitOutcome,
    /// The credits that came back, in all its reversals.
    pub reversed: Credits,
}

/// A hold, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldStatus {
    /// Its result, read from its entry.
    pub outcome: HoldOutcome,
    /// Its capture or release; `None` if its caller has not ended it.
    pub settlement: Option<SettlementOutcome>,
    /// The credits that came back after its capture, in all its reversals.
    pub reversed: Credits,
}

/// The state of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// It is open.
    Held,
    /// It was captured, in whole or in part.
    Captured,
    /// It was released.
    Released,
    /// It expired, and its credits are back.
    Expired,
}

impl HoldState {
    /// Its name in the API's answers.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(scrip_ledger::HoldState::Captured.name(), "captured");
    /// ```
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
    /// Its state at a given time.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::{HoldState, HoldStatus};
    /// # use scrip_accounts::{HoldOutcome, Sequence};
    /// # use scrip_pricing::Credits;
    /// # let operation = serde_json::from_str(r#"{"operation":"face_enhance","images":2}"#).unwrap();
    /// # let at = "2026-11-22T10:00:00Z".parse().unwrap();
    /// # let (credits, balance, low) = (Credits::new(4, 0, 0), Credits::ZERO, Vec::new());
    /// # let (sequence, expires_at) = (Sequence::new(1), "2026-11-22T10:15:00Z".parse().unwrap());
    /// # let outcome =
    /// #     HoldOutcome { operation, credits, deferred_images: 0, expires_at, balance, sequence, at, low };
    ///
    /// let hold = HoldStatus { outcome, settlement: None, reversed: Credits::ZERO };
    /// assert_eq!(hold.state(at), HoldState::Held);
    /// assert_eq!(hold.state(expires_at), HoldState::Expired);
    /// ```
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
