//! A payment that could not be granted whole.

use chrono::{DateTime, Utc};
use scrip_accounts::{AccountId, EventId};
use serde::{Deserialize, Serialize};

use super::{Item, from_item, to_item};
use crate::{Error, keys};

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
