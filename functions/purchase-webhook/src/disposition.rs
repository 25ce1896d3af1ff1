//! The disposition of an event or a subject, and the report on it.

use chrono::TimeDelta;
use scrip_accounts::{AccountId, Entry};

/// How old an event may be to be sent again by Stripe because its account isn't known yet.
const WAIT_MAX: TimeDelta = TimeDelta::hours(1);

/// How an event or a subject was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// Entries or records were written.
    Applied,
    /// The account was in line with the subject already.
    Unchanged,
    /// The subject is not about credits of ours.
    Ignored,
    /// A payment can't be granted, and is listed until it is.
    Parked,
    /// The account isn't known yet, so Stripe is to send the event again.
    Retry,
}

impl Disposition {
    /// The outcome's name in answers and metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Ignored => "ignored",
            Self::Parked => "parked",
            Self::Retry => "not_yet",
        }
    }

    /// The disposition of a payment of ours without a known account: a young event is retried, anything else is parked.
    pub(crate) fn without_account(age: Option<TimeDelta>) -> Self {
        if age.is_some_and(|age| age < WAIT_MAX) { Self::Retry } else { Self::Parked }
    }
}

/// The result of applying a subject.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// How it was handled.
    pub(crate) disposition: Disposition,
    /// The account that it belongs to, if known.
    pub(crate) account_id: Option<AccountId>,
    /// How often the write was tried.
    pub(crate) attempts: Option<u32>,
    /// The entries that were written, or that would be in a dry run.
    pub(crate) entries: Vec<Entry>,
    /// The reasons why a payment was parked.
    pub(crate) reasons: Vec<String>,
}

impl Report {
    /// Adds the report of a further lookup of the same subject.
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
