//! Prices and products.

use serde::Deserialize;

use super::{Expandable, Metadata, identified, nullable};

/// A price of a product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Price {
    /// `price_…`; a plan of the time before prices has an id of any form.
    pub id: String,
    /// The shop's own name for it, which may move to another price.
    pub lookup_key: Option<String>,
    /// Notes on it.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// The product. Expandable; one that was deleted has no metadata.
    pub product: Option<Expandable<Product>>,
    /// `one_time` or `recurring`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The price of one, in the currency's minor unit; `None` if it has tiers or a fraction.
    pub unit_amount: Option<i64>,
    /// How often it is due, if it is `recurring`.
    pub recurring: Option<Recurring>,
}

/// How often a price is due.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recurring {
    /// `day`, `week`, `month` or `year`.
    pub interval: String,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Product {
    /// `prod_…`, or an id of the shop's own.
    pub id: String,
    /// Notes on it.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
}

identified!(Price, Product);
