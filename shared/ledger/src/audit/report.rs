//! What an audit came to.

use std::collections::HashSet;

use super::{finding::Finding, fix::Repair};

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows of any kind.
    pub rows: u64,
    /// Accounts that have entries.
    pub accounts: u64,
    /// Entries.
    pub entries: u64,
    /// Claims.
    pub claims: u64,
    /// Claims without an entry: of commands that were refused or given up. They do no harm.
    pub dangling: u64,
    /// Purchases.
    pub purchases: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Payments that are parked.
    pub parked: u64,
}

/// What an audit came to.
#[derive(Debug, Default)]
pub struct Report {
    /// What was read.
    pub tally: Tally,
    /// What is wrong, in the order of accounts and rows.
    pub findings: Vec<Finding>,
    /// How rows of these can be mended; one write for each.
    pub repairs: Vec<Repair>,
}

impl Report {
    /// Says of each finding whether it can be mended: if its kind can be, and there is a repair of its row.
    pub(super) fn mark_repairable(&mut self) {
        let rows: HashSet<_> = self.repairs.iter().map(|repair| &repair.row).collect();
        for finding in &mut self.findings {
            finding.is_repairable = finding.problem.is_repairable() && rows.contains(&finding.row);
        }
    }
}
