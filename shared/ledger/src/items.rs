//! The items as they are stored, and their way from and to the accounts crate's types.
//!
//! An entry's item carries the whole account after it. What can't be read back exactly is an error, never
//! a default: a ledger that guesses is none.

use std::{collections::HashMap, fmt::Write};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use scrip_accounts::{
    Account, AccountId, Change, DebitId, DebitRecord, Entry, EntryKind, Event, EventId, Period, Purchase,
    PurchaseId, Reason, Sequence, Subscription, SubscriptionRecord,
};
use scrip_pricing::{Credits, Operation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, keys};

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// A fingerprint of what a caller asked for: tells a retry from another request under the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestHash(String);

impl RequestHash {
    /// The fingerprint of a parsed request: SHA-256 of its JSON, in hex. Parsing first makes requests that
    /// differ in white space, field order or spelled-out defaults the same.
    ///
    /// # Errors
    /// [`Error::Internal`] where the request has no JSON form, which none of ours is.
    pub fn of(request: &impl Serialize) -> Result<Self, Error> {
        let json =
            serde_json::to_vec(request).map_err(|source| Error::internal("hash a request", &source))?;
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(&json) {
            write!(hex, "{byte:02x}").map_err(|source| Error::internal("hash a request", &source))?;
        }
        Ok(Self(hex))
    }

    /// The 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct EntryItem {
    pk: String,
    sk: String,
    sequence: Sequence,
    kind: EntryKind,
    credits: Change,
    reference: String,
    at: DateTime<Utc>,
    // The account after this entry.
    balance: Credits,
    #[serde(default, skip_serializing_if = "is_zero")]
    owed: Credits,
    period: Period,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subscriptions: Vec<Subscription>,
    // What only some kinds know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deferred_images: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    catalog_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    debit_id: Option<DebitId>,
    #[serde(default, skip_serializing_if = "is_zero")]
    offset: Credits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credits_spent: Option<Credits>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(credits: &Credits) -> bool {
    credits.is_zero()
}

/// The item of an entry.
///
/// # Errors
/// [`Error::Internal`] where it has no form as an item, which each has.
pub fn entry(of: &AccountId, entry: &Entry) -> Result<Item, Error> {
    let key = keys::entry(of, entry.account.sequence);
    let mut item = EntryItem {
        pk: key.pk,
        sk: key.sk,
        sequence: entry.account.sequence,
        kind: entry.event.kind(),
        credits: entry.change,
        reference: entry.reference.clone(),
        at: entry.at,
        balance: entry.account.balance,
        owed: entry.account.owed,
        period: entry.account.period,
        subscriptions: entry.account.subscriptions.clone(),
        operation: None,
        deferred_images: None,
        catalog_version: None,
        debit_id: None,
        offset: Credits::ZERO,
        reason: None,
        credits_spent: None,
    };
    match &entry.event {
        Event::Purchase
        | Event::Refill
        | Event::Expiry
        | Event::Subscription
        | Event::RefundFailed
        | Event::DisputeWon => {}
        Event::Refund { spent } | Event::Dispute { spent } => item.credits_spent = Some(*spent),
        Event::Debit { operation, deferred_images, catalog_version } => {
            item.operation = Some(operation.clone());
            item.deferred_images = Some(*deferred_images);
            item.catalog_version = Some(catalog_version.clone());
        }
        Event::Reversal { debit_id, offset, reason } => {
            item.debit_id = Some(debit_id.clone());
            item.offset = *offset;
            item.reason.clone_from(reason);
        }
    }
    to_item(&item)
}

/// The entry of an item.
///
/// # Errors
/// [`Error::Internal`] where the item lacks what it must have.
pub fn read_entry(item: Item) -> Result<Entry, Error> {
    let item: EntryItem = from_item(item)?;
    let missing = |what: &'static str| Error::corrupt(&item.pk, &item.sk, what);
    let event = match item.kind {
        EntryKind::Purchase => Event::Purchase,
        EntryKind::Refill => Event::Refill,
        EntryKind::Expiry => Event::Expiry,
        EntryKind::Debit => Event::Debit {
            operation: item.operation.ok_or_else(|| missing("operation"))?,
            deferred_images: item.deferred_images.ok_or_else(|| missing("deferred_images"))?,
            catalog_version: item.catalog_version.ok_or_else(|| missing("catalog_version"))?,
        },
        EntryKind::Reversal => Event::Reversal {
            debit_id: item.debit_id.ok_or_else(|| missing("debit_id"))?,
            offset: item.offset,
            reason: item.reason,
        },
        EntryKind::Subscription => Event::Subscription,
        EntryKind::Refund => {
            Event::Refund { spent: item.credits_spent.ok_or_else(|| missing("credits_spent"))? }
        }
        EntryKind::RefundFailed => Event::RefundFailed,
        EntryKind::Dispute => {
            Event::Dispute { spent: item.credits_spent.ok_or_else(|| missing("credits_spent"))? }
        }
        EntryKind::DisputeWon => Event::DisputeWon,
    };
    Ok(Entry {
        event,
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
    })
}

/// The row of an operation: the entry it produced, and what it was asked for with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationItem {
    pk: String,
    sk: String,
    /// The entry that answers every retry.
    pub(crate) sequence: Sequence,
    /// What was asked for.
    pub(crate) request: RequestHash,
    /// What a debit took, for its reversals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) taken: Option<Credits>,
    /// What of a debit came back so far; absent until something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reversed: Option<Credits>,
}

impl OperationItem {
    /// What is known of the debit, where the operation is one.
    pub(crate) fn debit(&self) -> Option<DebitRecord> {
        let reversed = self.reversed.unwrap_or_default();
        self.taken.map(|taken| DebitRecord { taken, reversed })
    }
}

/// The item of an operation: the entry that answers its retries, and what it took where it is a debit.
///
/// # Errors
/// [`Error::Internal`] where it has no form as an item, which each has.
pub fn operation(
    of: &AccountId,
    operation: &keys::Operation,
    request: &RequestHash,
    (sequence, taken): (Sequence, Option<Credits>),
) -> Result<Item, Error> {
    let key = keys::operation(of, operation);
    let request = request.clone();
    to_item(&OperationItem { pk: key.pk, sk: key.sk, sequence, request, taken, reversed: None })
}

/// The operation of an item.
///
/// # Errors
/// [`Error::Internal`] where the item lacks what it must have.
pub fn read_operation(item: Item) -> Result<OperationItem, Error> {
    from_item(item)
}

#[derive(Debug, Serialize, Deserialize)]
struct PurchaseItem {
    pk: String,
    sk: String,
    /// Lists the purchase while its refund is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(flatten)]
    purchase: Purchase,
}

/// The item of a purchase's record.
pub(crate) fn purchase(of: &AccountId, purchase: &Purchase) -> Result<Item, Error> {
    let key = keys::purchase(of, &purchase.id);
    let due = purchase.is_refund_pending().then(|| keys::PENDING_REFUNDS.to_owned());
    to_item(&PurchaseItem { pk: key.pk, sk: key.sk, due, purchase: purchase.clone() })
}

/// The purchase of an item.
pub(crate) fn read_purchase(item: Item) -> Result<Purchase, Error> {
    from_item::<PurchaseItem>(item).map(|item| item.purchase)
}

/// The item that lists a purchase: its key says all.
pub(crate) fn bought(of: &AccountId, purchase: &Purchase) -> Item {
    keys::bought(of, purchase).into_attributes()
}

#[derive(Debug, Serialize, Deserialize)]
struct SubscriptionItem {
    pk: String,
    sk: String,
    account_id: AccountId,
    #[serde(flatten)]
    record: SubscriptionRecord,
}

/// The item of a subscription's record.
pub(crate) fn subscription(of: &AccountId, record: &SubscriptionRecord) -> Result<Item, Error> {
    let key = keys::subscription(&record.id);
    to_item(&SubscriptionItem { pk: key.pk, sk: key.sk, account_id: of.clone(), record: record.clone() })
}

/// The account and the record of a subscription's item.
pub(crate) fn read_subscription(item: Item) -> Result<(AccountId, SubscriptionRecord), Error> {
    from_item::<SubscriptionItem>(item).map(|item| (item.account_id, item.record))
}

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
pub(crate) fn owner(key: keys::Key, of: &AccountId, purchase: Option<&PurchaseId>) -> Result<Item, Error> {
    to_item(&OwnerItem { pk: key.pk, sk: key.sk, account_id: of.clone(), purchase_id: purchase.cloned() })
}

/// The account of such an item.
pub(crate) fn read_owner(item: Item) -> Result<OwnerItem, Error> {
    from_item(item)
}

/// A payment of which something couldn't be granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The provider's id of the invoice, session, payment or subscription.
    pub object_id: String,
    /// What kind of object that is, as the provider names it: `invoice`, `checkout.session`.
    pub object: String,
    /// Why it couldn't be granted.
    pub reason: String,
    /// The account, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// The event that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// When it was parked last.
    pub parked_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ParkedItem {
    pk: String,
    sk: String,
    /// Lists it.
    due: String,
    #[serde(flatten)]
    parked: Parked,
}

/// The item of a parked payment.
pub(crate) fn parked(parked: &Parked) -> Result<Item, Error> {
    let key = keys::parked(&parked.object_id);
    let due = keys::PARKED.to_owned();
    to_item(&ParkedItem { pk: key.pk, sk: key.sk, due, parked: parked.clone() })
}

/// The parked payment of an item.
pub(crate) fn read_parked(item: Item) -> Result<Parked, Error> {
    from_item::<ParkedItem>(item).map(|item| item.parked)
}

/// A number as an attribute.
pub(crate) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

#[derive(Debug, Serialize)]
struct DueItem {
    pk: String,
    sk: String,
    due: String,
}

/// The item that says an account must be settled at the month after the one it was settled for.
pub(crate) fn due(of: &AccountId, settled: Period) -> Result<Item, Error> {
    let key = keys::due(of);
    to_item(&DueItem { pk: key.pk, sk: key.sk, due: keys::due_partition(settled, keys::due_shard(of)) })
}

/// A field of an item as it is written there: for the conditions and updates that name it.
pub(crate) fn attribute(field: &impl Serialize) -> Result<AttributeValue, Error> {
    serde_dynamo::to_attribute_value(field).map_err(|source| Error::internal("write an attribute", &source))
}

fn to_item(item: &impl Serialize) -> Result<Item, Error> {
    serde_dynamo::to_item(item).map_err(|source| Error::internal("write an item", &source))
}

fn from_item<T: for<'de> Deserialize<'de>>(item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|source| Error::internal("read an item", &source))
}

#[cfg(test)]
mod tests;
