//! The item that lists an account as due until its month is turned.

use scrip_accounts::{AccountId, Period};
use serde::Serialize;

use super::{Item, to_item};
use crate::{Error, keys};

#[derive(Debug, Serialize)]
struct DueItem {
    pk: String,
    sk: String,
    due: String,
}

/// The item of an account that is due at the turn after the month `month`.
pub(crate) fn due(account_id: &AccountId, month: Period) -> Result<Item, Error> {
    let key = keys::due(account_id);
    to_item(&DueItem { pk: key.pk, sk: key.sk, due: keys::due_partition(month, keys::due_shard(account_id)) })
}
