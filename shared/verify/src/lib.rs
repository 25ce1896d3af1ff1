//! `verify`, a program for operators: it reads a whole table or export, checks every account, reports problems, and
//! repairs them on request.
//!
//! The ledger has the checks and repairs ([`scrip_ledger::audit`]). This crate reads pages or files, and prints the
//! results.

mod arguments;
mod aws;
mod check;
mod export;
mod printer;
mod progress;
mod table;
mod trouble;

use std::{io, process::ExitCode};

pub use self::{
    arguments::Arguments,
    check::{Verdict, check_export, check_table},
    printer::{Form, Printer},
    progress::Progress,
    table::{RepairMode, SEGMENTS_DEFAULT, TableOptions},
    trouble::Trouble,
};

const FOUND: u8 = 1;
const FAILED: u8 = 2;

/// Runs the check. Exit codes: 0 if nothing was found, 1 if something was, 2 if it could not run to its end.
pub async fn run(arguments: &Arguments) -> ExitCode {
    match verify(arguments).await {
        Ok(Verdict::Clean) => ExitCode::SUCCESS,
        Ok(Verdict::Found) => ExitCode::from(FOUND),
        Err(trouble) => {
            eprintln!("verify: {trouble}");
            ExitCode::from(FAILED)
        }
    }
}

async fn verify(arguments: &Arguments) -> Result<Verdict, Trouble> {
    let form = if arguments.json { Form::Json } else { Form::Text };
    let mut printer = Printer::new(io::stdout().lock(), form);
    let mut progress = if arguments.shows_progress() { Progress::shown() } else { Progress::hidden() };
    match (&arguments.table, &arguments.export) {
        (Some(table), _) => {
            let ledger = aws::ledger(table, arguments.endpoint_url.as_deref()).await?;
            check_table(&ledger, arguments.table_options(), &mut printer, &mut progress).await
        }
        (None, Some(_)) if arguments.repair => Err(Trouble::ExportRepaired),
        (None, Some(export)) => check_export(export, &mut printer, &mut progress),
        (None, None) => Err(Trouble::NothingNamed),
    }
}
