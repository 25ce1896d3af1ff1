//! A whole check: read, check, read findings again, repair, print.

use std::{io::Write, path::Path};

use futures_util::StreamExt;
use scrip_ledger::{
    Ledger,
    audit::{Finding, RepairResult, Report},
};

use crate::{
    Printer, Progress, Trouble, export,
    printer::Counts,
    table::{self, RepairMode, TableOptions, patiently},
};

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong.
    Clean,
    /// Something is wrong, or was until it was repaired.
    Found,
}

/// Checks a table, and repairs it if the options say so.
///
/// # Errors
/// [`Trouble`] if the table can't be read or written to the end.
pub async fn check_table<W: Write>(
    ledger: &Ledger,
    options: TableOptions,
    printer: &mut Printer<W>,
    progress: &mut Progress,
) -> Result<Verdict, Trouble> {
    let Report { tally, findings, .. } = table::read(ledger, options.segments, progress).await?;
    let elapsed = progress.elapsed();
    let mut counts = Counts::default();
    if !findings.is_empty() {
        progress.announce(&format!("{} rows to be read again", findings.len()));
    }
    progress.end();
    let mut rechecked = std::pin::pin!(table::recheck(ledger, findings));
    while let Some(report) = rechecked.next().await {
        let Report { findings, repairs, .. } = report.map_err(Trouble::Table)?;
        print_all(&findings, printer, &mut counts)?;
        let repairs = repairs.iter().filter(|_| options.repairs == RepairMode::Apply);
        for repair in repairs {
            let repaired = patiently(|| ledger.repair(repair)).await.map_err(Trouble::Table)?;
            printer.repair(repair, repaired)?;
            counts.repaired += u64::from(repaired == RepairResult::Done);
        }
    }
    printer.summary(&tally, counts, elapsed)?;
    Ok(verdict(counts))
}

/// Checks an export.
///
/// # Errors
/// [`Trouble`] if it can't be read to the end, or isn't whole.
pub fn check_export<W: Write>(
    path: &Path,
    printer: &mut Printer<W>,
    progress: &mut Progress,
) -> Result<Verdict, Trouble> {
    let report = export::read(path, progress)?;
    progress.end();
    let mut counts = Counts::default();
    print_all(&report.findings, printer, &mut counts)?;
    printer.summary(&report.tally, counts, progress.elapsed())?;
    Ok(verdict(counts))
}

fn print_all<W: Write>(
    findings: &[Finding],
    printer: &mut Printer<W>,
    counts: &mut Counts,
) -> Result<(), Trouble> {
    for finding in findings {
        counts.findings += 1;
        counts.repairable += u64::from(finding.is_repairable);
        printer.finding(finding)?;
    }
    Ok(())
}

fn verdict(counts: Counts) -> Verdict {
    if counts.findings == 0 { Verdict::Clean } else { Verdict::Found }
}
