//! What the payment provider says of a subscription beside its payments: late, in order again, ended.

use chrono::{DateTime, Utc};

use crate::{Account, Change, Decision, Event, Refusal, Subscription, SubscriptionId, journal::Journal};

/// A word on a subscription's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// Of which subscription.
    pub subscription_id: SubscriptionId,
    /// When the provider said it.
    pub at: DateTime<Utc>,
    /// What it said.
    pub status: Status,
}

/// A subscription's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// In order.
    Active,
    /// A payment failed.
    PastDue,
    /// It was ended at that moment.
    Ended(DateTime<Utc>),
}

/// Decides a word on the status: a `subscription` entry where it is news. No entries where it is older than
/// what is known, or of a subscription that another one took the place of.
///
/// # Errors
/// [`Refusal::SubscriptionUnknown`] where the account has never had one, so that its payment must come first.
pub fn decide(account: &Account, change: &StatusChange, now: DateTime<Utc>) -> Result<Decision, Refusal> {
    let subscription = account.subscription.as_ref().ok_or(Refusal::SubscriptionUnknown)?;
    if subscription.id != change.subscription_id {
        return Ok(Decision::default());
    }
    let Some(heard) = subscription.hear(change) else {
        return Ok(Decision::default());
    };
    // The provider also speaks where nothing changed; that is no entry.
    if (Subscription { status_at: subscription.status_at, ..heard.clone() }) == *subscription {
        return Ok(Decision::default());
    }
    let mut journal = Journal::open(account, now);
    journal.post(Event::Subscription, Change::NONE, change.subscription_id.as_str(), |account| {
        account.subscription = Some(heard);
    })?;
    Ok(journal.close(None))
}
