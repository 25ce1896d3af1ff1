//! Prints a line for each finding and each repair, and a summary.

use std::{
    io::{self, Write},
    time::Duration,
};

use scrip_ledger::audit::{Finding, Repair, RepairResult, Tally};
use serde_json::json;

use crate::progress::per_second;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Prints findings, repairs and the summary, a line each.
#[derive(Debug)]
pub struct Printer<W> {
    to: W,
    form: Form,
}

/// The numbers of findings and repairs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) findings: u64,
    pub(crate) repairable: u64,
    pub(crate) repaired: u64,
}

impl<W: Write> Printer<W> {
    /// A printer.
    pub fn new(to: W, form: Form) -> Self {
        Self { to, form }
    }

    pub(crate) fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let Finding { account_id, row, problem, is_repairable } = finding;
        let account_id = account_id.as_ref().map(ToString::to_string);
        match self.form {
            Form::Text => {
                let account_id = account_id.unwrap_or_else(|| "(no account)".to_owned());
                let (code, meaning) = (problem.code(), problem.meaning());
                let hint = if *is_repairable { " [--repair rebuilds it]" } else { "" };
                writeln!(self.to, "{account_id}: {row}: {code}: it {problem}; {meaning}{hint}")
            }
            Form::Json => {
                let line = json!({"finding": {
                    "account_id": account_id, "pk": row.pk, "sk": row.sk, "code": problem.code(),
                    "problem": problem.to_string(), "meaning": problem.meaning(),
                    "repairable": is_repairable,
                }});
                writeln!(self.to, "{line}")
            }
        }
    }

    pub(crate) fn repair(&mut self, repair: &Repair, repaired: RepairResult) -> io::Result<()> {
        let account_id = repair.account_id.as_ref().map(ToString::to_string);
        match self.form {
            Form::Text => {
                let account_id = account_id.unwrap_or_else(|| "(no account)".to_owned());
                let what = match repaired {
                    RepairResult::Done => format!("repaired: {repair}"),
                    RepairResult::Changed => "not repaired: it has changed since it was read".to_owned(),
                };
                writeln!(self.to, "{account_id}: {}: {what}", repair.row)
            }
            Form::Json => {
                let line = json!({"repair": {
                    "account_id": account_id, "pk": repair.row.pk, "sk": repair.row.sk,
                    "what": repair.to_string(), "done": repaired == RepairResult::Done,
                }});
                writeln!(self.to, "{line}")
            }
        }
    }

    pub(crate) fn summary(&mut self, tally: &Tally, counts: Counts, elapsed: Duration) -> io::Result<()> {
        let rate = per_second(tally.entries, elapsed);
        let Counts { findings, repairable, repaired } = counts;
        let seconds = elapsed.as_secs_f64();
        match self.form {
            Form::Text => {
                let Tally { rows, accounts, entries, claims, dangling, .. } = tally;
                let Tally { purchases, subscriptions, parked, .. } = tally;
                writeln!(
                    self.to,
                    "{accounts} accounts, {entries} entries, {claims} claims ({dangling} without an entry, which is ordinary)"
                )?;
                writeln!(
                    self.to,
                    "{purchases} purchases, {subscriptions} subscriptions, {parked} parked payments; {rows} rows"
                )?;
                writeln!(self.to, "{seconds:.1} s, {rate} entries a second")?;
                match findings {
                    0 => writeln!(self.to, "Nothing is wrong.")?,
                    _ => writeln!(
                        self.to,
                        "{findings} findings, {repairable} of which can be rebuilt; {repaired} rows repaired."
                    )?,
                }
                if findings > repairable {
                    writeln!(
                        self.to,
                        "What can't be rebuilt: docs/operations.md#verify-the-ledger says what to do."
                    )?;
                }
            }
            Form::Json => {
                let line = json!({"summary": {
                    "rows": tally.rows, "accounts": tally.accounts, "entries": tally.entries,
                    "claims": tally.claims, "claims_without_entry": tally.dangling,
                    "purchases": tally.purchases, "subscriptions": tally.subscriptions,
                    "parked": tally.parked, "findings": findings, "repairable": repairable,
                    "repaired": repaired, "seconds": seconds, "entries_per_second": rate,
                }});
                writeln!(self.to, "{line}")?;
            }
        }
        self.to.flush()
    }
}
