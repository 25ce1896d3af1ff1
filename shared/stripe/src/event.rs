//! An event of Stripe's, as far as it is used: its type, its time, and the ids of its object.
//!
//! Events come in the version of the account or endpoint, any since 2015. So only fields are read that all versions
//! share or that have a known second place, and whatever else an event holds is skipped without being looked at.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use crate::{
    loose::{Loose, LooseId},
    objects::time,
};

/// An event: notice that an object changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeEvent {
    /// `evt_…`, 1 to 255 bytes.
    pub id: String,
    /// The type, such as `invoice.paid`.
    pub kind: String,
    /// When it happened.
    pub created: DateTime<Utc>,
    /// The connected merchant that the event is about; `None` for one of our own account.
    pub account: Option<String>,
    /// The object that it is about.
    pub object: ObjectRef,
}

/// The ids in an event's object. In the event each is an id, or an object that has it; one that is neither, empty, or
/// longer than 255 bytes counts as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectRef {
    /// The object's own id. The preview of an invoice has none.
    pub id: Option<String>,
    /// The kind of object, such as `invoice`.
    pub object: Option<String>,
    /// `pi_…`; of an invoice payment, the one in `payment`.
    pub payment_intent: Option<String>,
    /// `ch_…`; of an invoice payment, the one in `payment`.
    pub charge: Option<String>,
    /// `sub_…`; of an invoice since 2025-03-31, the one in `parent.subscription_details`.
    pub subscription: Option<String>,
    /// `in_…`
    pub invoice: Option<String>,
    /// `cus_…`
    pub customer: Option<String>,
}

/// Why a body is no event, as a sentence about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    /// It is no JSON object with the fields of an event.
    #[error("it is not a JSON object of Stripe's form (line {line}, column {column})")]
    Malformed {
        /// Where reading stopped, counted from 1.
        line: usize,
        /// Where reading stopped, counted from 1.
        column: usize,
    },
    /// It has no usable id.
    #[error("it has no id of 1 to 255 characters")]
    NoId,
    /// It has no usable type.
    #[error("it has no type")]
    NoType,
    /// It has no time, or one that can't be.
    #[error("created is no time in seconds since 1970")]
    NoTime,
    /// It is about no object.
    #[error("it has no data.object")]
    NoObject,
}

impl StripeEvent {
    /// Reads the body of an event of any version.
    ///
    /// # Errors
    /// If the body is no JSON object, or lacks an id, type, time or object.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidEvent> {
        let raw: Loose<RawEvent> = serde_json::from_slice(body)
            .map_err(|error| InvalidEvent::Malformed { line: error.line(), column: error.column() })?;
        raw.0.ok_or(InvalidEvent::Malformed { line: 1, column: 1 })?.try_into()
    }
}

impl<'de> Deserialize<'de> for StripeEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawEvent::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
struct RawEvent {
    #[serde(default)]
    id: LooseId,
    #[serde(default, rename = "type")]
    kind: LooseId,
    created: Option<i64>,
    #[serde(default)]
    account: LooseId,
    #[serde(default)]
    data: Loose<RawData>,
}

#[derive(Deserialize)]
struct RawData {
    #[serde(default)]
    object: Loose<RawObject>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawObject {
    id: LooseId,
    object: LooseId,
    payment_intent: LooseId,
    charge: LooseId,
    subscription: LooseId,
    invoice: LooseId,
    customer: LooseId,
    parent: Loose<RawParent>,
    payment: Loose<RawPayment>,
}

#[derive(Deserialize)]
struct RawParent {
    #[serde(default)]
    subscription_details: Loose<RawSubscriptionDetails>,
}

#[derive(Deserialize)]
struct RawSubscriptionDetails {
    #[serde(default)]
    subscription: LooseId,
}

#[derive(Deserialize)]
struct RawPayment {
    #[serde(default)]
    payment_intent: LooseId,
    #[serde(default)]
    charge: LooseId,
}

impl TryFrom<RawEvent> for StripeEvent {
    type Error = InvalidEvent;

    fn try_from(raw: RawEvent) -> Result<Self, InvalidEvent> {
        let object = raw.data.0.and_then(|data| data.object.0).ok_or(InvalidEvent::NoObject)?;
        Ok(Self {
            id: raw.id.0.ok_or(InvalidEvent::NoId)?,
            kind: raw.kind.0.ok_or(InvalidEvent::NoType)?,
            created: raw.created.and_then(time::of).ok_or(InvalidEvent::NoTime)?,
            account: raw.account.0,
            object: object.into(),
        })
    }
}

impl From<RawObject> for ObjectRef {
    fn from(raw: RawObject) -> Self {
        let details = raw.parent.0.and_then(|parent| parent.subscription_details.0);
        let (payment_intent, charge) =
            raw.payment.0.map_or((None, None), |payment| (payment.payment_intent.0, payment.charge.0));
        Self {
            id: raw.id.0,
            object: raw.object.0,
            payment_intent: raw.payment_intent.0.or(payment_intent),
            charge: raw.charge.0.or(charge),
            subscription: raw.subscription.0.or(details.and_then(|details| details.subscription.0)),
            invoice: raw.invoice.0,
            customer: raw.customer.0,
        }
    }
}

crate::objects::identified!(StripeEvent);
