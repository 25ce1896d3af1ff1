//! `verify`, a program for operators: it reads all of a table or of an export, checks every account, says what is wrong,
//! and rebuilds what can be rebuilt when it is asked to.
//!
//! What is checked, and how it is mended, is the ledger's ([`scrip_ledger::audit`]). Here it is read, in pages or from
//! files, and printed.

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
    table::{Repairs, SEGMENTS_DEFAULT, TableOptions},
    trouble::Trouble,
};

const FOUND: u8 = 1;
const FAILED: u8 = 2;

/// Does what the arguments ask for. Exit codes: 0 nothing was found, 1 something was, 2 it could not run to its end.
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
