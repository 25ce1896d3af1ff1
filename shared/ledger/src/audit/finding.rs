//! What was found, and where.

use std::fmt;

use scrip_accounts::{AccountId, Sequence};

use super::problem::Problem;
use crate::keys::{self, Key};

/// The key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// Its partition.
    pub pk: String,
    /// Its place in the partition.
    pub sk: String,
}

impl From<Key> for Row {
    fn from(key: Key) -> Self {
        Self { pk: key.pk, sk: key.sk }
    }
}

impl From<Row> for Key {
    fn from(row: Row) -> Self {
        Self { pk: row.pk, sk: row.sk }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pk, self.sk)
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whose row it is, if the row says so.
    pub account_id: Option<AccountId>,
    /// The row that is wrong or missing.
    pub row: Row,
    /// What is wrong with it.
    pub problem: Problem,
    /// Whether [`Ledger::repair`](crate::Ledger::repair) can mend it: the kind can be, and what it rests on was read.
    pub is_repairable: bool,
}

impl Finding {
    /// Something that is wrong with a row. [`Report`](super::Report) knows later whether it can be mended.
    pub(super) fn new(account_id: Option<AccountId>, row: Row, problem: Problem) -> Self {
        Self { account_id, row, problem, is_repairable: false }
    }

    /// Something that is wrong with an entry.
    pub(super) fn of_entry(account_id: &AccountId, sequence: Sequence, problem: Problem) -> Self {
        Self::new(Some(account_id.clone()), keys::entry(account_id, sequence).into(), problem)
    }
}
