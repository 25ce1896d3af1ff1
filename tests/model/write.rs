//! What a request changes in the table: each write with its condition, and what it is for.

use scrip_accounts::Decision;
use scrip_pricing::Credits;

use crate::item::{AccountNumber, Item, Key, Row};

/// The purpose of a write (`cancellation.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A row that must not exist: a claim, or an operation of the protocol before claims.
    Claim,
    Entry,
    Record,
    Owner,
    Unconditional,
}

/// Under which condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Anything,
    Absent,
    Present,
    Revision(u64),
    OwnedBy(AccountNumber),
    /// A debit of which that much came back.
    Reversed(Credits),
}

/// The change of an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Put(Box<Item>),
    /// Written unless there is one.
    Keep(Box<Item>),
    /// More of a debit came back: the total, and the debit's entry.
    Reverse(Credits, u64),
    /// A claim is raised: no entry up to this one carries its key.
    RaiseClaim(u64),
    /// A record goes a revision on.
    RaiseRevision,
    Delete,
    Check,
}

/// One write.
#[derive(Debug, Clone)]
pub struct Write {
    pub slot: Slot,
    pub key: Key,
    pub change: Change,
    pub condition: Condition,
}

/// A request that changes the table: one write by itself, or several as one transaction.
#[derive(Debug, Clone)]
pub struct Request {
    pub writes: Vec<Write>,
    /// The decision that it carries out, if it appends.
    pub decision: Option<Decision>,
    /// Whether that is what was due, and not the command itself.
    pub is_due: bool,
}

impl Request {
    /// One write by itself.
    pub fn of(write: Write) -> Self {
        Self { writes: vec![write], decision: None, is_due: false }
    }
}

/// Why nothing was written (`cancellation.rs`), in the order in which the ledger heeds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancellation {
    /// The claim, or the operation, exists.
    Exists(Row),
    /// The payment belongs to another account.
    Taken,
    /// An item is being written by a transaction.
    Conflict,
    /// Something that it was decided from has changed; the entry that exists, if that is it.
    Raced(Option<Row>),
}
