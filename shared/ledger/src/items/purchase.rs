//! The record of a purchase, and the row that lists it.

use scrip_accounts::{AccountId, Purchase};
use serde::{Deserialize, Serialize};

use super::{Item, from_item, to_item};
use crate::{Error, keys};

#[derive(Debug, Serialize, Deserialize)]
struct PurchaseItem {
    pk: String,
    sk: String,
    /// The index partition that lists the purchase while its refund is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(flatten)]
    purchase: Purchase,
}

/// The item of a purchase's record.
pub(crate) fn purchase(account_id: &AccountId, purchase: &Purchase) -> Result<Item, Error> {
    let key = keys::purchase(account_id, &purchase.id);
    let due = purchase.is_refund_pending().then(|| keys::PENDING_REFUNDS.to_owned());
    to_item(&PurchaseItem { pk: key.pk, sk: key.sk, due, purchase: purchase.clone() })
}

/// The purchase of an item.
pub(crate) fn read_purchase(item: Item) -> Result<Purchase, Error> {
    from_item::<PurchaseItem>(item).map(|item| item.purchase)
}

/// The item that lists a purchase. It consists of its key.
pub(crate) fn bought(account_id: &AccountId, purchase: &Purchase) -> Item {
    keys::bought(account_id, purchase).into_attributes()
}
