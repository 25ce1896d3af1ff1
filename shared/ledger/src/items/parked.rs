//! The item of a parked payment.

use chrono::{DateTime, Utc};
use scrip_accounts::{AccountId, EventId};
use serde::{Deserialize, Serialize};

use super::{Item, from_item, to_item};
use crate::{Error, keys};

/// A payment that couldn't be granted, in whole or in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedPayment {
    /// Stripe's id of the invoice, session, payment or subscription.
    pub object_id: String,
    /// Stripe's name of the object's type, such as `invoice` or `checkout.session`.
    pub object: String,
    /// The reason that it couldn't be granted.
    pub reason: String,
    /// The account, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// The event at which it was parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The time at which it was last parked.
    pub parked_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ParkedItem {
    pk: String,
    sk: String,
    /// The index partition that lists it.
    due: String,
    #[serde(flatten)]
    parked: ParkedPayment,
}

/// The item of a parked payment.
pub(crate) fn parked(parked: &ParkedPayment) -> Result<Item, Error> {
    let key = keys::parked(&parked.object_id);
    let due = keys::PARKED.to_owned();
    to_item(&ParkedItem { pk: key.pk, sk: key.sk, due, parked: parked.clone() })
}

/// The parked payment of an item.
pub(crate) fn read_parked(item: Item) -> Result<ParkedPayment, Error> {
    from_item::<ParkedItem>(item).map(|item| item.parked)
}
