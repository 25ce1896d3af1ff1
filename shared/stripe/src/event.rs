//! Stripe's events, as far as they are used: the type, the time, and the ids of the object.
//!
//! An event has the API version of the account or the endpoint, which may be any since 2015. So only fields are read that
//! all versions share, or that moved to one known place. All other fields are skipped.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use crate::{
    lenient::{LenientId, LenientObject},
    objects::time,
};

/// An event: the notice that an object changed.
///
/// # Examples
/// ```
/// use scrip_stripe::StripeEvent;
///
/// let body = br#"{"id": "evt_1", "type": "invoice.paid", "created": 1793696400,
///     "data": {"object": {"id": "in_1", "object": "invoice", "subscription": "sub_1"}}}"#;
/// let event = StripeEvent::parse(body)?;
/// assert_eq!(event.kind, "invoice.paid");
/// assert_eq!(event.object.subscription.as_deref(), Some("sub_1"));
/// # Ok::<(), scrip_stripe::InvalidEvent>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeEvent {
    /// `evt_…`, 1 to 255 bytes.
    pub id: String,
    /// The type, such as `invoice.paid`.
    pub kind: String,
    /// When Stripe made the event.
    pub created: DateTime<Utc>,
    /// The connected merchant's account; `None` for an event of our own account.
    pub account: Option<String>,
    /// The object that it is about.
    pub object: ObjectRef,
}

/// The ids in an event's object. Each field of the event is an id or an object with an id. A field of another form, or with
/// an id that is empty or longer than 255 bytes, counts as absent.
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

/// The reason why a body is no event. The text continues "The body is no event:".
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
    /// Its time is missing or outside the years 1970 to 2999.
    #[error("created is no time in seconds since 1970")]
    NoTime,
    /// It has no `data.object`.
    #[error("it has no data.object")]
    NoObject,
}

impl StripeEvent {
    /// Reads the body of an event of any version.
    ///
    /// # Errors
    /// If the body is no JSON object, or lacks an id, type, time or object.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::{InvalidEvent, StripeEvent};
    ///
    /// let body = br#"{"id": "evt_1", "type": "invoice.paid", "created": 1793696400, "data": {"object": {}}}"#;
    /// assert_eq!(StripeEvent::parse(body)?.id, "evt_1");
    /// assert_eq!(StripeEvent::parse(b"{}"), Err(InvalidEvent::NoObject));
    /// # Ok::<(), InvalidEvent>(())
    /// ```
    pub fn parse(body: &[u8]) -> Result<Self, InvalidEvent> {
        let raw: LenientObject<RawEvent> = serde_json::from_slice(body)
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
    id: LenientId,
    #[serde(default, rename = "type")]
    kind: LenientId,
    created: Option<i64>,
    #[serde(default)]
    account: LenientId,
    #[serde(default)]
    data: LenientObject<RawData>,
}

#[derive(Deserialize)]
struct RawData {
    #[serde(default)]
    object: LenientObject<RawObject>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawObject {
    id: LenientId,
    object: LenientId,
    payment_intent: LenientId,
    charge: LenientId,
    subscription: LenientId,
    invoice: LenientId,
    customer: LenientId,
    parent: LenientObject<RawParent>,
    payment: LenientObject<RawPayment>,
}

#[derive(Deserialize)]
struct RawParent {
    #[serde(default)]
    subscription_details: LenientObject<RawSubscriptionDetails>,
}

#[derive(Deserialize)]
struct RawSubscriptionDetails {
    #[serde(default)]
    subscription: LenientId,
}

#[derive(Deserialize)]
struct RawPayment {
    #[serde(default)]
    payment_intent: LenientId,
    #[serde(default)]
    charge: LenientId,
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

crate::objects::impl_has_id!(StripeEvent);
