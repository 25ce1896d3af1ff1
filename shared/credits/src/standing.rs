//! What the payment provider says of a subscription beside its payments: late, in order again, ended, moved
//! to another plan.
//!
//! It is kept by the subscription's id, from the first word on, so that a word that comes before the payment
//! it follows is there when that comes. Each part keeps the provider's newest word by the provider's time:
//! words that come late, twice or in another order end in the same standing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    SubscriptionId,
    status::{Status, StatusChange},
};

/// What one is on: a plan, and what it gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Terms {
    /// Playground credits a month: the plan's, or what was agreed for a custom one.
    pub allowance: u64,
    /// The plan's name in the catalog.
    pub plan: String,
}

/// The newest words on a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Counts the changes: a write fails where it isn't the one that was read.
    pub revision: u64,
    /// Of which subscription.
    pub subscription_id: SubscriptionId,
    /// Whether a payment had failed, by the newest word on that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub past_due: bool,
    /// When the provider said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_at: Option<DateTime<Utc>>,
    /// When it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// What it is on, by the newest word on that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
}

/// What a subscription was said to be on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Chosen {
    /// When the provider said so.
    pub at: DateTime<Utc>,
    /// What.
    pub terms: Terms,
}

impl Standing {
    /// A subscription of which nothing was said yet.
    #[must_use]
    pub fn unheard(subscription_id: SubscriptionId) -> Self {
        Self { revision: 0, subscription_id, past_due: false, status_at: None, ended_at: None, chosen: None }
    }

    /// The same, one revision on: written with what was decided from it, so that nothing comes between.
    #[must_use]
    pub(crate) fn revised(self) -> Self {
        Self { revision: self.revision.saturating_add(1), ..self }
    }

    /// The standing after one more word; `None` where that says nothing new.
    #[must_use]
    pub(crate) fn hear(&self, change: &StatusChange) -> Option<Self> {
        let mut heard = self.clone();
        match change.status {
            // It stays ended.
            Status::Ended(at) => heard.ended_at = heard.ended_at.max(Some(at)),
            // Within a second the provider's order isn't known; the graver word stands.
            Status::Active | Status::PastDue => {
                let past_due = change.status == Status::PastDue;
                (heard.status_at, heard.past_due) =
                    (heard.status_at, heard.past_due).max((Some(change.at), past_due));
            }
        }
        // Here the better one does.
        let chosen = change.terms.clone().map(|terms| Chosen { at: change.at, terms });
        heard.chosen = heard.chosen.max(chosen);
        (heard != *self).then(|| heard.revised())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn each_part_keeps_the_newest_word() {
        use Status::{Active, Ended, PastDue};
        let id = || SubscriptionId::parse("sub").unwrap();
        let terms = |allowance, plan: &str| Some(Terms { allowance, plan: plan.into() });
        let (first, second) = ("2026-11-10T09:00:00Z", "2026-11-10T09:00:01Z");
        let ended = |at: &str| Ended(time(at));
        // Words in order, each with whether it is news, and what stands after it: late since, ended, on.
        let rows = [
            (first, Active, None, true, (false, Some(first), None, None)),
            (first, Active, None, false, (false, Some(first), None, None)),
            // Within a second: the graver.
            (first, PastDue, None, true, (true, Some(first), None, None)),
            (first, Active, None, false, (true, Some(first), None, None)),
            (second, Active, None, true, (false, Some(second), None, None)),
            (first, PastDue, None, false, (false, Some(second), None, None)),
            // What it is on: within a second, the better.
            (second, Active, terms(400, "less"), true, (false, Some(second), None, Some(400))),
            (second, Active, terms(1000, "basic"), true, (false, Some(second), None, Some(1000))),
            (second, Active, terms(400, "less"), false, (false, Some(second), None, Some(1000))),
            (first, Active, terms(2500, "standard"), false, (false, Some(second), None, Some(1000))),
            // It stays ended, by the last word on that, and says nothing of the rest.
            (second, ended(second), None, true, (false, Some(second), Some(second), Some(1000))),
            (second, ended(first), None, false, (false, Some(second), Some(second), Some(1000))),
            (second, PastDue, None, true, (true, Some(second), Some(second), Some(1000))),
        ];
        let (mut standing, mut revision) = (Standing::unheard(id()), 0);
        for (at, status, terms, is_news, (past_due, status_at, ended_at, allowance)) in rows {
            let word = StatusChange { subscription_id: id(), at: time(at), status, terms };
            let heard = standing.hear(&word);
            assert_eq!(heard.is_some(), is_news, "{word:?}");
            standing = heard.unwrap_or(standing);
            revision += u64::from(is_news);
            assert_eq!(standing.revision, revision, "{word:?}");
            assert_eq!((standing.past_due, standing.status_at), (past_due, status_at.map(time)), "{word:?}");
            assert_eq!(standing.ended_at, ended_at.map(time), "{word:?}");
            let on = standing.chosen.as_ref().map(|chosen| chosen.terms.allowance);
            assert_eq!(on, allowance, "{word:?}");
        }
    }
}
