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
        let past_due = change.status == Status::PastDue;
        match change.status {
            // It stays ended.
            Status::Ended(at) => heard.ended_at = heard.ended_at.max(Some(at)),
            // Within a second the provider's order isn't known; the graver word stands.
            Status::Active | Status::PastDue
                if (Some(change.at), past_due) > (self.status_at, self.past_due) =>
            {
                (heard.status_at, heard.past_due) = (Some(change.at), past_due);
            }
            Status::Active | Status::PastDue => {}
        }
        // Here the better one does.
        let chosen = change.terms.clone().map(|terms| Chosen { at: change.at, terms });
        heard.chosen = heard.chosen.max(chosen);
        (heard != *self).then(|| heard.revised())
    }
}
