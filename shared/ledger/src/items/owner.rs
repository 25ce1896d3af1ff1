//! The owner row: the account that a payment, a purchase or a customer of Stripe belongs to.

use scrip_accounts::{AccountId, PurchaseId};
use serde::{Deserialize, Serialize};

use super::{Item, from_item, to_item};
use crate::{Error, keys};

/// The item of an owner row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnerItem {
    pk: String,
    sk: String,
    pub(crate) account_id: AccountId,
    /// The purchase, if the row is a payment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purchase_id: Option<PurchaseId>,
}

/// The owner row of a payment, a purchase or a customer.
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

/// Reads an owner row.
pub(crate) fn read_owner(item: Item) -> Result<OwnerItem, Error> {
    from_item(item)
}
