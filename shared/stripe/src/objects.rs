//! Stripe's objects in version [`API_VERSION`], with the fields that are used.
//!
//! Fields and their nullability were compared with the types of stripe-node 22.0.0, the library that Stripe generated
//! from its API description of that very version. Fields that are not named here are ignored. A field that Stripe
//! may leave out or set to null is an `Option`, or empty. A time outside the years 1970 to 2999 is an error: no object
//! has one, and arithmetic on it could overflow.

mod invoice;
mod payment;
mod price;
mod reference;
mod session;
mod subscription;
pub(crate) mod time;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

pub use invoice::{
    DiscountAmount, Invoice, InvoiceItemDetails, InvoiceLine, InvoiceParent, InvoicePayment, LineParent,
    PaymentDetails, Period, PriceDetails, Pricing, StatusTransitions, SubscriptionDetails,
};
pub use payment::{Charge, Dispute, PaymentIntent, Refund};
pub use price::{Price, Product, Recurring};
pub(crate) use reference::impl_has_id;
pub use reference::{Expandable, HasId, Reference};
pub use session::{Session, SessionLine};
pub use subscription::{PauseCollection, PendingUpdate, Subscription, SubscriptionItem};

/// The version of Stripe's API that every call asks for, and that this module describes.
pub const API_VERSION: &str = "2026-03-25.dahlia";

/// The metadata of an object, by name.
pub type Metadata = BTreeMap<String, String>;

/// A page of a list; inside an object, its first ten items.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct List<T> {
    /// The items, in Stripe's order.
    pub data: Vec<T>,
    /// Whether there are more than these.
    #[serde(default)]
    pub has_more: bool,
}

/// Reads a field that may be null; null gives the default, like an absent field.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
