//! The outcome of a command, with or without a key, in one form, so test tables can name it.

use scrip_accounts::{Entry, Record, Refusal};
use scrip_ledger::{DecisionReceipt, Error, Receipt};

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out now: its own entry, or the last of those it made.
    Appended(Entry),
    /// It was carried out before, by the same request.
    Replayed(Entry),
    /// It made no entry; these records were written.
    Recorded(Vec<Record>),
    /// It changed nothing.
    Unchanged,
    /// It was refused.
    Refused(Refusal),
}

/// A command's outcome, and how often it was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    pub outcome: Outcome,
    pub attempts: u32,
}

/// Of a command with a key.
pub fn carried_out<O>(receipt: Result<Receipt<O>, Error>) -> Result<Executed, Error> {
    refused_or(receipt.map(|Receipt { entry, is_replayed, attempts, .. }| {
        let outcome = if is_replayed { Outcome::Replayed(entry) } else { Outcome::Appended(entry) };
        Executed { outcome, attempts }
    }))
}

/// Of a command without a key.
pub fn applied(applied: Result<DecisionReceipt, Error>) -> Result<Executed, Error> {
    refused_or(applied.map(|DecisionReceipt { mut entries, records, attempts }| {
        let outcome = match entries.pop() {
            Some(last) => Outcome::Appended(last),
            None if records.is_empty() => Outcome::Unchanged,
            None => Outcome::Recorded(records),
        };
        Executed { outcome, attempts }
    }))
}

fn refused_or(executed: Result<Executed, Error>) -> Result<Executed, Error> {
    match executed {
        Err(Error::Refused { refusal, attempts }) => {
            Ok(Executed { outcome: Outcome::Refused(*refusal), attempts })
        }
        executed => executed,
    }
}

/// The name of a command's outcome, and the number of its attempts.
pub fn name(executed: &Result<Executed, Error>) -> (&'static str, u32) {
    match executed {
        Ok(Executed { outcome, attempts }) => (
            match outcome {
                Outcome::Appended(_) => "appended",
                Outcome::Replayed(_) => "replayed",
                Outcome::Recorded(_) => "recorded",
                Outcome::Unchanged => "unchanged",
                Outcome::Refused(_) => "refused",
            },
            *attempts,
        ),
        Err(Error::KeyReused) => ("key reused", 1),
        Err(Error::TryAgain { attempts, .. }) => ("try again", *attempts),
        Err(Error::Refused { .. } | Error::Internal { .. }) => ("internal", 1),
    }
}
