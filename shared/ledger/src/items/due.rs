//! The row that lists an account until its month is turned.

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

/// The item that says an account must be settled at the month after the one it was settled for.
pub(crate) fn due(account_id: &AccountId, settled: Period) -> Result<Item, Error> {
    let key = keys::due(account_id);
    to_item(&DueItem {
        pk: key.pk,
        sk: key.sk,
        due: keys::due_partition(settled, keys::due_shard(account_id)),
    })
}
