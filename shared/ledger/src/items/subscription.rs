//! The record of a subscription.

use scrip_accounts::{AccountId, SubscriptionRecord};
use serde::{Deserialize, Serialize};

use super::{Item, from_item, to_item};
use crate::{Error, keys};

#[derive(Debug, Serialize, Deserialize)]
struct SubscriptionItem {
    pk: String,
    sk: String,
    account_id: AccountId,
    #[serde(flatten)]
    record: SubscriptionRecord,
}

/// The item of a subscription's record.
pub(crate) fn subscription(account_id: &AccountId, record: &SubscriptionRecord) -> Result<Item, Error> {
    let key = keys::subscription(&record.id);
    to_item(&SubscriptionItem {
        pk: key.pk,
        sk: key.sk,
        account_id: account_id.clone(),
        record: record.clone(),
    })
}

/// The account and the record of a subscription's item.
pub(crate) fn read_subscription(item: Item) -> Result<(AccountId, SubscriptionRecord), Error> {
    from_item::<SubscriptionItem>(item).map(|item| (item.account_id, item.record))
}
