//! The item of an entry: its event, and the whole account after it.

use chrono::{DateTime, Utc};
use scrip_accounts::{Account, AccountId, Change, Entry, Event, OpenHold, Period, Sequence, Subscription};
use scrip_pricing::{Credits, Kind};
use serde::{Deserialize, Serialize};

use super::{Item, from_item, to_item};
use crate::{Error, keys, request_hash::RequestHash};

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The entry.
    pub entry: Entry,
    /// The hash of the command's request. Only entries of commands with a key have it. Entries from before claims lack
    /// it, because their claim's row has it.
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    low: Vec<Kind>,
    // The account after this entry.
    balance: Credits,
    #[serde(default, skip_serializing_if = "is_zero")]
    owed: Credits,
    // While holds are open, the month is stored as `month` instead of `period`. Versions from before holds would lose
    // the holds in their next entry; without a `period` they fail instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    month: Option<Period>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subscriptions: Vec<Subscription>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holds: Vec<OpenHold>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(credits: &Credits) -> bool {
    credits.is_zero()
}

/// The item of an entry. `request` is the hash of the request, if a command with a key made the entry.
///
/// # Errors
/// [`Error::Internal`] if it can't be encoded, which never happens.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, AccountId, Change, Entry, Event, Sequence};
/// use scrip_ledger::encoding::{read_entry, write_entry};
///
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let account = Account { sequence: Sequence::new(1), ..Account::unseen(now) };
/// let (event, change, reference) = (Event::Purchase, Change::NONE, "in_1".to_owned());
/// let entry = Entry { event, change, reference, at: now, low: Vec::new(), account };
/// let item = write_entry(&AccountId::parse("alice")?, &entry, None)?;
/// assert_eq!(read_entry(item)?.entry, entry);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_entry(
    account_id: &AccountId,
    entry: &Entry,
    request: Option<&RequestHash>,
) -> Result<Item, Error> {
    let key = keys::entry(account_id, entry.account.sequence);
    let has_holds = !entry.account.holds.is_empty();
    to_item(&EntryItem {
        pk: key.pk,
        sk: key.sk,
        sequence: entry.account.sequence,
        event: entry.event.clone(),
        credits: entry.change,
        reference: entry.reference.clone(),
        request: request.cloned(),
        at: entry.at,
        low: entry.low.clone(),
        balance: entry.account.balance,
        owed: entry.account.owed,
        period: (!has_holds).then_some(entry.account.period),
        month: has_holds.then_some(entry.account.period),
        subscriptions: entry.account.subscriptions.clone(),
        holds: entry.account.holds.clone(),
    })
}

/// The entry of an item.
///
/// # Errors
/// [`Error::Internal`] if the item lacks an attribute of its kind, has one that only a later version writes, or has
/// another entry's key.
///
/// # Examples
///
/// ```
/// use scrip_ledger::{audit::read_export_line, encoding::read_entry};
///
/// let item = read_export_line(
///     r#"{"Item": {"pk": {"S": "ACCOUNT#alice"}, "sk": {"S": "ENTRY#000000000001"}, "sequence": {"N": "1"},
///         "kind": {"S": "refill"}, "reference": {"S": "2026-11"}, "period": {"S": "2026-11"},
///         "at": {"S": "2026-11-22T10:00:00Z"},
///         "credits": {"M": {"playground": {"N": "4"}, "tune": {"N": "0"}, "tune_image": {"N": "0"}}},
///         "balance": {"M": {"playground": {"N": "4"}, "tune": {"N": "0"}, "tune_image": {"N": "0"}}}}}"#,
/// )?;
/// assert_eq!(read_entry(item)?.entry.account.balance.playground(), 4);
/// # Ok::<(), scrip_ledger::Error>(())
/// ```
pub fn read_entry(item: Item) -> Result<StoredEntry, Error> {
    // The next entry carries the whole account, so an attribute that isn't known here would be lost.
    if let Some(unknown) = item.keys().find(|name| !is_attribute(name)) {
        return Err(Error::internal("read an entry", format!("a later version wrote its {unknown}")));
    }
    let item: EntryItem = from_item(item)?;
    if item.sk != keys::entry_sort(item.sequence) {
        return Err(Error::corrupt(&item.pk, &item.sk, "sequence of its own"));
    }
    let period = item.period.or(item.month).ok_or_else(|| Error::corrupt(&item.pk, &item.sk, "period"))?;
    let entry = Entry {
        event: item.event,
        change: item.credits,
        reference: item.reference,
        at: item.at,
        low: item.low,
        account: Account {
            sequence: item.sequence,
            balance: item.balance,
            owed: item.owed,
            period,
            subscriptions: item.subscriptions,
            holds: item.holds,
            updated_at: item.at,
        },
    };
    Ok(StoredEntry { entry, request: item.request })
}

/// Whether entries of any kind have an attribute of that name, including those of [`Event`].
fn is_attribute(name: &str) -> bool {
    matches!(
        name,
        "pk" | "sk"
            | "sequence"
            | "kind"
            | "credits"
            | "reference"
            | "request"
            | "at"
            | "low"
            | "balance"
            | "owed"
            | "period"
            | "month"
            | "subscriptions"
            | "holds"
            | "operation"
            | "deferred_images"
            | "catalog_version"
            | "expires_at"
            | "hold_sequence"
            | "captured"
            | "expired"
            | "offset"
            | "debit_id"
            | "reason"
            | "by"
            | "credits_spent"
    )
}
