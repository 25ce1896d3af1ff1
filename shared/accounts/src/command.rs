//! Commands with a key: each is carried out once, however often its caller asks (contract, section 3).

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    Account, CommandKey, DebitId, DebitRecord, Entry, HoldId, HoldOutcome, OtherKind, Posting, Refusal,
};

/// A command that its caller knows by a key. Its JSON is the request's fingerprint: the same key with another JSON is
/// another request, so a field that is added later must leave the JSON of older requests as it is.
pub trait Command: Serialize {
    /// What its entry says of it once it is carried out.
    type Outcome: for<'a> TryFrom<&'a Entry, Error = OtherKind>;

    /// The key, which belongs to this command forever.
    fn key(&self) -> CommandKey;

    /// What it reads beside the account.
    fn subject(&self) -> Subject<'_> {
        Subject::Account
    }

    /// Why it is refused where another request was carried out with its key; `None` if the key must not be used again.
    fn lost_to(&self, entry: &Entry) -> Option<Refusal> {
        let _ = entry;
        None
    }

    /// Decides the command: a pure function of the state, asked again for every state that the ledger meets.
    ///
    /// # Errors
    /// The first refusal that applies, in their order.
    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal>;
}

/// What a command reads beside the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// Nothing.
    Account,
    /// A debit, or a captured hold of that id.
    Debit(&'a DebitId),
    /// A hold.
    Hold(&'a HoldId),
}

/// What a command is decided from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandState<'a> {
    /// The account as its newest entry left it.
    pub account: &'a Account,
    /// The debit or captured hold that the command names; `None` if the account has neither.
    pub debit: Option<&'a DebitRecord>,
    /// The hold that the command names, as it was made; `None` if the account has none.
    pub hold: Option<&'a HoldOutcome>,
    /// The time of the request, the same for every attempt.
    pub now: DateTime<Utc>,
}

impl<'a> CommandState<'a> {
    /// The state of a command that reads nothing beside the account.
    #[must_use]
    pub fn of_account(account: &'a Account, now: DateTime<Utc>) -> Self {
        Self { account, debit: None, hold: None, now }
    }
}
