//! The row that says which account a payment, a purchase or a customer of the provider's belongs to.

use scrip_accounts::{AccountId, PurchaseId};
use serde::{Deserialize, Serialize};

use super::{Item, from_item, to_item};
use crate::{Error, keys};

/// The account that something of the payment provider's belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnerItem {
    pk: String,
    sk: String,
    pub(crate) account_id: AccountId,
    /// Of a payment: what was bought with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purchase_id: Option<PurchaseId>,
}

/// The item that says which account a payment, a purchase or a customer belongs to.
pub(crate) fn owner(
    key: keys::Key,
    account_id: &AccountId,
    purchase: Option<&PurchaseId>,
) -> Result<Item, Error> {
    to_item(&OwnerItem {
        pk: key.pk,
        sk: key.sk,
        account_id: account_id.clone(),
        purchase_id: purchase.cloned(),
    })
}

/// The account of such an item.
pub(crate) fn read_owner(item: Item) -> Result<OwnerItem, Error> {
    from_item(item)
}
