//! The records that one decision about the payment provider's facts reads and writes.

use crate::{Purchase, PurchaseId, SubscriptionRecord};

/// The records of one subject, as they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Records {
    /// The record of the subscription, if the subject is one.
    pub subscription: Option<SubscriptionRecord>,
    /// The records of the purchases.
    pub purchases: Vec<Purchase>,
}

impl Records {
    /// Whether the revisions are the same as in records that were read before. A record that is missing there counts as
    /// revision 0.
    pub(crate) fn are_at_revisions_of(&self, before: &Self) -> bool {
        let revision =
            |record: &Option<SubscriptionRecord>| record.as_ref().map_or(0, |record| record.revision);
        let known = |purchase: &Purchase| before.purchase(&purchase.id).map_or(0, |known| known.revision);
        revision(&self.subscription) == revision(&before.subscription)
            && self.purchases.iter().all(|purchase| purchase.revision == known(purchase))
    }

    /// Whether the records are the same as those that were read before, except for their revisions.
    pub(crate) fn has_same_content_as(&self, before: &Self) -> bool {
        let is_same = |now: &SubscriptionRecord, then: &SubscriptionRecord| {
            *now == SubscriptionRecord { revision: now.revision, ..then.clone() }
        };
        let subscription = match (&self.subscription, &before.subscription) {
            (Some(now), Some(then)) => is_same(now, then),
            (now, _) => now.is_none(),
        };
        subscription
            && self.purchases.iter().all(|now| {
                let then = before.purchase(&now.id);
                then.is_some_and(|then| *now == Purchase { revision: now.revision, ..then.clone() })
            })
    }

    pub(crate) fn purchase(&self, id: &PurchaseId) -> Option<&Purchase> {
        self.purchases.iter().find(|purchase| purchase.id == *id)
    }
}
