//! A finding: a problem and its row.

use std::fmt;

use scrip_accounts::{AccountId, Sequence};

use super::problem::Problem;
use crate::keys::{self, Key};

/// The key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// Its partition key.
    pub pk: String,
    /// Its sort key.
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

/// A problem that was found in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The account of the row, if the row names one.
    pub account_id: Option<AccountId>,
    /// The row that is wrong or missing.
    pub row: Row,
    /// The problem.
    pub problem: Problem,
    /// Whether [`Ledger::repair`](crate::Ledger::repair) can repair it: its kind can be repaired, and there is a repair
    /// of its row.
    pub is_repairable: bool,
}

impl Finding {
    /// The finding of a problem in a row. [`Report`](super::Report) sets later whether it can be repaired.
    pub(super) fn new(account_id: Option<AccountId>, row: Row, problem: Problem) -> Self {
        Self { account_id, row, problem, is_repairable: false }
    }

    /// The finding of a problem in an entry.
    pub(super) fn of_entry(account_id: &AccountId, sequence: Sequence, problem: Problem) -> Self {
        Self::new(Some(account_id.clone()), keys::entry(account_id, sequence).into(), problem)
    }
}
