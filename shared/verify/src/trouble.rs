//! The errors of the program.

use std::{fmt, io, path::PathBuf};

use scrip_ledger::{Error, chain};

/// The reason that the check could not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The command line names neither a table nor an export.
    #[error("name a --table or an --export")]
    NothingNamed,
    /// An export can't be repaired.
    #[error("--repair needs a --table: an export is a copy, and repairs of a copy have no effect")]
    ExportRepaired,
    /// No region is known.
    #[error("no region: set AWS_REGION, or AWS_PROFILE to a profile that has one")]
    NoRegion,
    /// The table could not be read or written.
    #[error("{}{}", chain(.0), Hint(.0))]
    Table(#[source] Error),
    /// A file could not be read.
    #[error("{}: {why}", path.display())]
    File {
        /// The path.
        path: PathBuf,
        /// The cause.
        why: io::Error,
    },
    /// A line of an export has no item.
    #[error(
        "{}, line {line}: no item of a full export in DynamoDB's JSON ({})",
        path.display(),
        chain(why)
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
        /// The cause.
        #[source]
        why: Error,
    },
    /// The folder isn't an export.
    #[error("{}: {why}", path.display())]
    NotAnExport {
        /// The path.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// The output could not be written.
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
}

/// A hint, if credentials are the cause.
struct Hint<'a>(&'a Error);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = chain(self.0);
        if text.contains("credentials") || text.contains("sso") {
            f.write_str(" (with single sign-on: eval \"$(aws configure export-credentials --format env)\")")?;
        }
        Ok(())
    }
}
