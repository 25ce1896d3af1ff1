//! The report of an audit.

use std::collections::HashSet;

use super::{finding::Finding, fix::Repair};

/// The counts of the rows that were read.
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
    /// Claims without an entry, of commands that were refused or given up. They do no harm.
    pub dangling: u64,
    /// Purchases.
    pub purchases: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Payments that are parked.
    pub parked: u64,
}

/// The report of an audit.
#[derive(Debug, Default)]
pub struct Report {
    /// The counts of the rows that were read.
    pub tally: Tally,
    /// The problems, in the order of accounts and rows.
    pub findings: Vec<Finding>,
    /// The repairs of their rows, one write each.
    pub repairs: Vec<Repair>,
}

impl Report {
    /// Sets `is_repairable` of each finding: its kind can be repaired, and there is a repair of its row.
    pub(super) fn mark_repairable(&mut self) {
        let rows: HashSet<_> = self.repairs.iter().map(|repair| &repair.row).collect();
        for finding in &mut self.findings {
            finding.is_repairable = finding.problem.is_repairable() && rows.contains(&finding.row);
        }
    }
}
