//! Commands with an idempotency key: each is carried out once, however often its caller asks (docs/rules.md, Keys and
//! ids).

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    Account, CommandKey, DebitId, DebitRecord, Entry, HoldId, HoldOutcome, OtherKind, Posting, Refusal,
};

/// A command that its caller names by a key.
///
/// Its JSON is the input of the request's fingerprint: the same key with another JSON is another request. So a field
/// that is added later must not change the JSON of older requests.
pub trait Command: Serialize {
    /// The result of the command, which is read from its entry.
    type Outcome: for<'a> TryFrom<&'a Entry, Error = OtherKind>;

    /// The key, which belongs to this command forever, once it is carried out.
    fn key(&self) -> CommandKey;

    /// The debit or hold that the decision needs, in addition to the account.
    fn subject(&self) -> Subject<'_> {
        Subject::Account
    }

    /// The refusal if `entry` carried out another request under the same key; `None` if that is always an error,
    /// because the key may not be reused.
    fn lost_to(&self, entry: &Entry) -> Option<Refusal> {
        let _ = entry;
        None
    }

    /// Decides the command. This is a pure function of the state; the ledger calls it again for each state that it
    /// reads.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies, in the order of the enum.
    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal>;
}

/// The record that a command's decision needs, in addition to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// Nothing.
    Account,
    /// A debit or a captured hold, by its id.
    Debit(&'a DebitId),
    /// A hold, by its id.
    Hold(&'a HoldId),
}

/// The state that a command is decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandState<'a> {
    /// The account after its newest entry.
    pub account: &'a Account,
    /// The debit or captured hold that the command names; `None` if the account has neither.
    pub debit: Option<&'a DebitRecord>,
    /// The hold that the command names, as its entry records it; `None` if the account has none.
    pub hold: Option<&'a HoldOutcome>,
    /// The time of the request, the same for every attempt.
    pub now: DateTime<Utc>,
}

impl<'a> CommandState<'a> {
    /// The state for a command that needs only the account.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Account, CommandState};
    ///
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// let account = Account::unseen(now);
    /// let state = CommandState::of_account(&account, now);
    /// assert_eq!((state.debit, state.hold), (None, None));
    /// ```
    #[must_use]
    pub fn of_account(account: &'a Account, now: DateTime<Utc>) -> Self {
        Self { account, debit: None, hold: None, now }
    }
}
