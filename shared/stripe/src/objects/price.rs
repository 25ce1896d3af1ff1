//! Prices and products.

use serde::Deserialize;

use super::{Expandable, Metadata, impl_has_id, nullable};

/// A price of a product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Price {
    /// `price_…`; an older plan has an id of any form.
    pub id: String,
    /// The merchant's own name for it, which may move to another price.
    pub lookup_key: Option<String>,
    /// Its metadata.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// The product. Expandable; one that was deleted has no metadata.
    pub product: Option<Expandable<Product>>,
    /// `one_time` or `recurring`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The price of one, in the currency's minor unit; `None` if it has tiers or a fraction.
    pub unit_amount: Option<i64>,
    /// How often it is charged, if it is `recurring`.
    pub recurring: Option<Recurring>,
}

/// How often a price is charged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recurring {
    /// `day`, `week`, `month` or `year`.
    pub interval: String,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Product {
    /// `prod_…`, or an id that the merchant chose.
    pub id: String,
    /// Its metadata.
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
}

impl_has_id!(Price, Product);
