//! Decides a word of the payment provider on a subscription beside its payments.

use chrono::{DateTime, Utc};

use crate::{
    Account, Change, Decision, Event, Record, Refusal, Standing, SubscriptionId, Terms, journal::Journal,
};

/// A word on a subscription's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// Of which subscription.
    pub subscription_id: SubscriptionId,
    /// When the provider said it.
    pub at: DateTime<Utc>,
    /// What it said.
    pub status: Status,
    /// What the subscription is on, where the word says so.
    pub terms: Option<Terms>,
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

/// Decides a word on the status: it is kept, and where it changes the account's plan it is a `subscription`
/// entry too. Nothing at all where it says nothing new. It moves no credits: a cheaper plan counts from the
/// next refill (rule 5), and so does going back to what was paid for.
///
/// # Errors
/// [`Refusal::BalanceLimit`], which the turn of a month never comes to.
pub fn decide(
    account: &Account,
    standing: Option<&Standing>,
    change: &StatusChange,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let unheard = || Standing::unheard(change.subscription_id.clone());
    let Some(heard) = standing.cloned().unwrap_or_else(unheard).hear(change) else {
        return Ok(Decision::default());
    };
    let records = vec![Record::Standing(heard.clone())];
    let subscription = account.subscription.as_ref().filter(|known| known.id == change.subscription_id);
    let after = subscription.cloned().map(|subscription| subscription.under(&heard));
    if after.as_ref() == subscription {
        return Ok(Decision { entries: Vec::new(), records });
    }
    let mut journal = Journal::open(account, now);
    journal.post(Event::Subscription, Change::NONE, change.subscription_id.as_str(), |account| {
        account.subscription = after;
    })?;
    Ok(journal.close(records))
}
