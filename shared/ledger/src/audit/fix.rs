//! The repair of a row: one write, on the condition that nothing has changed since the row was read.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use scrip_accounts::{AccountId, Period, Sequence};
use scrip_pricing::Credits;

use super::finding::Row;
use crate::items::Item;

/// A write that repairs a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Repair {
    /// The account of the row, if the row names one.
    pub account_id: Option<AccountId>,
    /// The row of the finding.
    pub row: Row,
    /// The account's newest entry when it was read. Nothing is written if another entry has followed.
    pub(super) newest: Option<Sequence>,
    pub(super) fix: Fix,
}

/// An attribute's name and value; `None` if the attribute is missing.
pub(super) type Attribute = (&'static str, Option<AttributeValue>);

/// The write of a repair.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fix {
    /// Puts the claim of an entry, rebuilt from that entry and the total of its reversals.
    RebuildClaim { sequence: Sequence, reversed: Credits },
    /// Sets attributes of the row.
    Set { before: Vec<Attribute>, after: Vec<Attribute> },
    /// Puts, moves or deletes the account's due row.
    Due { before: Option<String>, after: Option<Period> },
    /// Puts a missing item.
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
            Fix::Due { after: Some(month), .. } => write!(f, "listed as due after {month}"),
            Fix::Due { after: None, .. } => f.write_str("deleted"),
            Fix::Put(_) => f.write_str("row rebuilt from the purchase"),
        }
    }
}
