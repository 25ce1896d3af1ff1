//! Why the program could not run to its end.

use std::{fmt, io, path::PathBuf};

use scrip_ledger::{Error, chain};

/// Why nothing, or not all, was checked.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The command line names neither a table nor an export.
    #[error("name a --table or an --export")]
    NothingNamed,
    /// An export can't be repaired.
    #[error("--repair needs a --table: an export is a copy, and what is written to a copy mends nothing")]
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
        /// Which one.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
    /// A line of an export is no item.
    #[error(
        "{}, line {line}: no item of a full export in DynamoDB's JSON ({})",
        path.display(),
        chain(why)
    )]
    Line {
        /// In which file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// Why not.
        #[source]
        why: Error,
    },
    /// A folder is no export.
    #[error("{}: {why}", path.display())]
    NotAnExport {
        /// Which one.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// What was found could not be printed.
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
}

/// What may help, if credentials are the cause.
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
