//! An entry: what happened, and the whole account after it.

use chrono::{DateTime, Utc};
use scrip_accounts::{Account, AccountId, Change, Entry, Event, Period, Sequence, Subscription};
use scrip_pricing::Credits;
use serde::{Deserialize, Serialize};

use super::{Item, from_item, to_item};
use crate::{Error, keys, request_hash::RequestHash};

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The entry.
    pub entry: Entry,
    /// What the command that made it asked for. Only commands with a key have one, and none of an entry from before
    /// claims: the row from before has it.
    pub request: Option<RequestHash>,
}

#[derive(Debug, Serialize, Deserialize)]
struct EntryItem {
    pk: String,
    sk: String,
    sequence: Sequence,
    #[serde(flatten)]
    event: Event,
    credits: Change,
    reference: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<RequestHash>,
    at: DateTime<Utc>,
    // The account after this entry.
    balance: Credits,
    #[serde(default, skip_serializing_if = "is_zero")]
    owed: Credits,
    period: Period,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subscriptions: Vec<Subscription>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(credits: &Credits) -> bool {
    credits.is_zero()
}

/// The item of an entry; `request` of one that a command with a key made.
///
/// # Errors
/// [`Error::Internal`] if it has no form as an item, which each has.
pub fn write_entry(
    account_id: &AccountId,
    entry: &Entry,
    request: Option<&RequestHash>,
) -> Result<Item, Error> {
    let key = keys::entry(account_id, entry.account.sequence);
    to_item(&EntryItem {
        pk: key.pk,
        sk: key.sk,
        sequence: entry.account.sequence,
        event: entry.event.clone(),
        credits: entry.change,
        reference: entry.reference.clone(),
        request: request.cloned(),
        at: entry.at,
        balance: entry.account.balance,
        owed: entry.account.owed,
        period: entry.account.period,
        subscriptions: entry.account.subscriptions.clone(),
    })
}

/// The entry of an item.
///
/// # Errors
/// [`Error::Internal`] if the item lacks what its kind must have, or its key is another entry's.
pub fn read_entry(item: Item) -> Result<StoredEntry, Error> {
    let item: EntryItem = from_item(item)?;
    if item.sk != keys::entry_sort(item.sequence) {
        return Err(Error::corrupt(&item.pk, &item.sk, "sequence of its own"));
    }
    let entry = Entry {
        event: item.event,
        change: item.credits,
        reference: item.reference,
        at: item.at,
        account: Account {
            sequence: item.sequence,
            balance: item.balance,
            owed: item.owed,
            period: item.period,
            subscriptions: item.subscriptions,
            updated_at: item.at,
        },
    };
    Ok(StoredEntry { entry, request: item.request })
}
