//! Commands with a key: each is carried out once, however often its caller asks (contract, section 3).

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{Account, CommandKey, DebitId, DebitRecord, Entry, Posting, Refusal};

/// A command that its caller knows by a key. Its JSON is the request's fingerprint: the same key with another JSON is
/// another request, so a field that is added later must leave the JSON of older requests as it is.
pub trait Command: Serialize {
    /// What its entry says of it once it is carried out.
    type Outcome: for<'a> TryFrom<&'a Entry, Error = OtherKind>;

    /// The key, which belongs to this command forever.
    fn key(&self) -> CommandKey;

    /// The debit that it reads beside the account; `None` if it reads none.
    fn debit_id(&self) -> Option<&DebitId> {
        None
    }

    /// Decides the command: a pure function of the state, asked again for every state that the ledger meets.
    ///
    /// # Errors
    /// The first refusal that applies, in their order.
    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal>;
}

/// An entry of another kind than is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the entry is of another kind")]
pub struct OtherKind;

/// What a command is decided from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandState<'a> {
    /// The account as its newest entry left it.
    pub account: &'a Account,
    /// The debit that the command names; `None` if the account has no such debit.
    pub debit: Option<&'a DebitRecord>,
    /// The time of the request, the same for every attempt.
    pub now: DateTime<Utc>,
}
