//! What the ledger answers.

use scrip_accounts::{DebitOutcome, Entry, Record};
use scrip_pricing::Credits;

/// A command with a key was carried out, now or before: its entry exists, and no other ever has its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt<O> {
    /// The command's entry.
    pub entry: Entry,
    /// What the entry says of the command.
    pub outcome: O,
    /// Whether the same request was carried out before.
    pub is_replayed: bool,
    /// The credits of a debit that came back since.
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
