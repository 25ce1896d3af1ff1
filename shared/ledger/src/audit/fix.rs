//! How a row is mended: one write, on the condition that everything is still as it was read.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use scrip_accounts::{AccountId, Period, Sequence};
use scrip_pricing::Credits;

use super::finding::Row;
use crate::items::Item;

/// A write that mends a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Repair {
    /// Whose row it is, if the row says so.
    pub account_id: Option<AccountId>,
    /// The row that was found.
    pub row: Row,
    /// The account's newest entry that it rests on: nothing is written once another came.
    pub(super) newest: Option<Sequence>,
    pub(super) fix: Fix,
}

/// An attribute, or none of that name.
pub(super) type Attribute = (&'static str, Option<AttributeValue>);

/// The write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fix {
    /// Puts the claim of an entry, from that entry and what came back of it.
    RebuildClaim { sequence: Sequence, reversed: Credits },
    /// Sets attributes of the row.
    Set { before: Vec<Attribute>, after: Vec<Attribute> },
    /// Puts, moves or deletes the account's due row.
    Due { before: Option<String>, after: Option<Period> },
    /// Puts an item that is missing.
    Put(Item),
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fix {
            Fix::RebuildClaim { .. } => f.write_str("claim rebuilt from the entry"),
            Fix::Set { after, .. } => {
                let names: Vec<_> = after.iter().map(|(name, _)| *name).collect();
                write!(f, "set {}", names.join(", "))
            }
            Fix::Due { after: Some(settled), .. } => write!(f, "listed as settled for {settled}"),
            Fix::Due { after: None, .. } => f.write_str("deleted"),
            Fix::Put(_) => f.write_str("row rebuilt from the purchase"),
        }
    }
}
