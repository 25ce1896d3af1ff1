//! A command with a key, whatever it does: the commands of the accounts crate, seen as one type.

use std::fmt::Debug;

use scrip_accounts::{Command, CommandKey, CommandState, Decision, Entry, Posting, Refusal, Subject};

use crate::item::digest;

/// A command with a key.
pub trait Keyed: Debug + Send + Sync {
    fn key(&self) -> CommandKey;

    /// The digest of what is asked for (`shared/ledger/src/request_hash.rs`).
    fn request(&self) -> u64;

    fn subject(&self) -> Subject<'_>;

    /// Why it is refused if another request was carried out with its key.
    fn lost_to(&self, entry: &Entry) -> Option<Refusal>;

    /// The real decision.
    fn decide(&self, state: &CommandState<'_>) -> Result<Decision, Refusal>;
}

impl<C: Command + Debug + Send + Sync> Keyed for C {
    fn key(&self) -> CommandKey {
        Command::key(self)
    }

    fn request(&self) -> u64 {
        digest(&serde_json::to_string(self).expect("it has a JSON"))
    }

    fn subject(&self) -> Subject<'_> {
        Command::subject(self)
    }

    fn lost_to(&self, entry: &Entry) -> Option<Refusal> {
        Command::lost_to(self, entry)
    }

    fn decide(&self, state: &CommandState<'_>) -> Result<Decision, Refusal> {
        Command::decide(self, state).map(of_posting)
    }
}

/// A posting as a decision: its entries, the command's own last.
fn of_posting(posting: Posting) -> Decision {
    Decision { entries: posting.entries().cloned().collect(), records: posting.records }
}
