//! Decides a word of the payment provider on a subscription beside its payments.

use chrono::{DateTime, Utc};

use crate::{
    Account, Change, Decision, Event, Period, Record, Refusal, Standing, SubscriptionId, Terms,
    journal::Journal,
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
    // What was said before the month began holds for its refill too.
    let is_of_before = change.at < Period::of(now.max(account.updated_at)).start();
    let mut before = account.clone();
    if is_of_before {
        before.subscription.clone_from(&after);
    }
    let mut journal = Journal::open(&before, now);
    journal.post(Event::Subscription, Change::NONE, change.subscription_id.as_str(), |account| {
        account.subscription = after;
    })?;
    Ok(journal.close(records))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntryKind, Subscription};

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_said_before_a_month_holds_for_its_refill() {
        use EntryKind::{Expiry, Refill, Subscription as Changed};
        let ended = |at: &str| (Status::Ended(time(at)), None);
        let down = (Status::Active, Some(Terms { allowance: 400, plan: "less".into() }));
        let account = Account {
            balance: pricing::Credits::new(300, 0, 0),
            granted: 1000,
            subscription: Some(Subscription::of_basic(time("2027-11-01T00:00:00Z"))),
            ..Account::unseen(time("2026-11-01T00:00:00Z"))
        };
        // said at, what; heard in December -> entries, playground after
        for (at, (status, terms), kinds, left) in [
            ("2026-11-28T00:00:00Z", ended("2026-11-28T00:00:00Z"), &[Expiry, Changed][..], 0),
            ("2026-11-28T00:00:00Z", down.clone(), &[Expiry, Refill, Changed], 400),
            ("2026-12-01T00:00:00Z", down, &[Expiry, Refill, Changed], 1000),
            ("2026-12-01T00:05:00Z", ended("2026-12-01T00:05:00Z"), &[Expiry, Refill, Changed], 1000),
        ] {
            let subscription_id = SubscriptionId::parse("sub").unwrap();
            let change = StatusChange { subscription_id, at: time(at), status, terms };
            let decision = decide(&account, None, &change, time("2026-12-01T01:00:00Z")).unwrap();
            let said: Vec<_> = decision.entries.iter().map(|entry| entry.event.kind()).collect();
            assert_eq!(said, kinds, "{change:?}");
            assert_eq!(decision.entries.last().unwrap().account.balance.playground(), left, "{change:?}");
        }
    }
}
