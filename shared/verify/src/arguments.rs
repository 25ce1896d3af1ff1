//! The command line.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use clap::Parser;

use crate::table::{RepairMode, SEGMENTS_DEFAULT, TableOptions};

/// Reads all of the ledger and checks every account: entries follow one another and add up, each key has one entry and
/// a claim, and no row of purchases, payments, subscriptions and the month's turn is missing. Each finding is a line
/// with the account, the row, the problem and its consequence.
#[derive(Debug, Clone, Parser)]
#[command(name = "verify", version, after_long_help = AFTER)]
pub struct Arguments {
    /// Reads this table, which may be in use: each finding is read again before it is reported
    #[arg(long, value_name = "NAME", required_unless_present = "export", conflicts_with = "export")]
    pub table: Option<String>,
    /// Reads a full export of the table to S3, in DynamoDB's JSON, from this folder or file (.json, .json.gz)
    #[arg(long, value_name = "PATH")]
    pub export: Option<PathBuf>,
    /// Rebuilds claims, due rows and the rows that refer to purchases, from entries and purchases. Entries are never
    /// written
    #[arg(long)]
    pub repair: bool,
    /// Prints a JSON object for each line
    #[arg(long)]
    pub json: bool,
    /// Shows the progress on standard error even if that is no terminal
    #[arg(long)]
    pub progress: bool,
    /// The number of segments of the table that are read in parallel
    #[arg(long, default_value_t = SEGMENTS_DEFAULT, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub segments: u16,
    /// The URL of a DynamoDB emulator
    #[arg(long, value_name = "URL", conflicts_with = "export")]
    pub endpoint_url: Option<String>,
}

const AFTER: &str = "\
Exit codes:
  0  nothing was found
  1  something was found, repaired or not; after --repair, run it again
  2  it could not run, or not to its end

Credentials and region are those of the AWS CLI: environment variables, AWS_PROFILE, or the machine's role. With single
sign-on, first: eval \"$(aws configure export-credentials --format env)\"
Permissions: dynamodb:Scan, Query, GetItem; with --repair also PutItem, UpdateItem, DeleteItem, ConditionCheckItem.

Memory: 150 bytes for each debit and reversal, 500 for each account and purchase: a million entries take less than
200 MB. An export whose files hold an account's entries in no order takes up to 300 bytes more an entry.
A table of a million debits is about 1 GB, which takes 250,000 read units once.";

impl Arguments {
    /// Whether progress is shown: it was requested, or standard error is a terminal.
    #[must_use]
    pub fn shows_progress(&self) -> bool {
        self.progress || io::stderr().is_terminal()
    }

    /// The options for a table.
    #[must_use]
    pub fn table_options(&self) -> TableOptions {
        let repairs = if self.repair { RepairMode::Apply } else { RepairMode::ReportOnly };
        TableOptions { segments: self.segments, repairs }
    }
}
