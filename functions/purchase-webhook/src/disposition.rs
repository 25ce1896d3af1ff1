//! What becomes of an event, or of a subject that was looked at.

use chrono::TimeDelta;
use scrip_accounts::{AccountId, Entry};

/// How long an event is sent back until its account is known.
const WAIT_MAX: TimeDelta = TimeDelta::hours(1);

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// Entries or records were written.
    Applied,
    /// The account was in line with it already.
    Unchanged,
    /// It is nothing of ours.
    Ignored,
    /// Something was paid that can't be granted: it is kept in sight.
    Parked,
    /// The account isn't known yet: the event is to be sent again.
    Retry,
}

impl Disposition {
    /// As it is answered and counted.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Ignored => "ignored",
            Self::Parked => "parked",
            Self::Retry => "not_yet",
        }
    }

    /// What is done while no account is known for something of ours.
    pub(crate) fn without_account(age: Option<TimeDelta>) -> Self {
        if age.is_some_and(|age| age < WAIT_MAX) { Self::Retry } else { Self::Parked }
    }
}

/// What came of looking at a subject.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// What became of it.
    pub(crate) disposition: Disposition,
    /// Whose it is.
    pub(crate) account_id: Option<AccountId>,
    /// How often the write was tried.
    pub(crate) attempts: Option<u32>,
    /// The entries that were written; in a dry run, those that would be.
    pub(crate) entries: Vec<Entry>,
    /// Why something was parked.
    pub(crate) reasons: Vec<String>,
}

impl Report {
    /// Adds what a further look at the same subject came to.
    pub(crate) fn add(&mut self, other: Self) {
        self.disposition = match (self.disposition, other.disposition) {
            (Disposition::Parked, _) | (_, Disposition::Parked) => Disposition::Parked,
            (Disposition::Applied, _) => Disposition::Applied,
            (_, disposition) => disposition,
        };
        self.account_id = other.account_id.or(self.account_id.take());
        self.attempts = self.attempts.max(other.attempts);
        self.entries.extend(other.entries);
        self.reasons.extend(other.reasons);
    }
}

impl From<Disposition> for Report {
    fn from(disposition: Disposition) -> Self {
        Self { disposition, account_id: None, attempts: None, entries: Vec::new(), reasons: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_waits_an_hour_for_its_account() {
        for (age, disposition) in [
            (Some(TimeDelta::seconds(-5)), Disposition::Retry),
            (Some(TimeDelta::seconds(3599)), Disposition::Retry),
            (Some(TimeDelta::seconds(3600)), Disposition::Parked),
            // A command does not wait.
            (None, Disposition::Parked),
        ] {
            assert_eq!(Disposition::without_account(age), disposition, "{age:?}");
        }
    }
}
