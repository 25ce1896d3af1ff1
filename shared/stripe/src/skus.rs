//! Which SKU of the catalog a line of the provider's stands for (contract, section 5).

use std::{collections::BTreeMap, str::FromStr};

use scrip_pricing::{CATALOG, Offer};

use crate::objects::{Metadata, Price};

/// What the configuration says of prices: a SKU, or that a price is not about credits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfiguredPrices(BTreeMap<String, Option<String>>);

/// `STRIPE_PRICES` is not what it must be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPrices {
    /// It is no JSON object of texts and nulls.
    #[error("STRIPE_PRICES must be a JSON object of price ids, each with a SKU or null: {0}")]
    Json(#[from] serde_json::Error),
    /// It names a SKU that is not in the catalog.
    #[error("STRIPE_PRICES maps {price} to {sku}, which the catalog doesn't have")]
    UnknownSku {
        /// The price's id.
        price: String,
        /// What it is mapped to.
        sku: String,
    },
}

impl FromStr for ConfiguredPrices {
    type Err = InvalidPrices;

    fn from_str(text: &str) -> Result<Self, InvalidPrices> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let prices: BTreeMap<String, Option<String>> = serde_json::from_str(text)?;
        for (price, sku) in &prices {
            if let Some(sku) = sku
                && CATALOG.offer(sku).is_none()
            {
                return Err(InvalidPrices::UnknownSku { price: price.clone(), sku: sku.clone() });
            }
        }
        Ok(Self(prices))
    }
}

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineSku {
    /// One of the catalog's offers.
    Offer(Offer),
    /// Nothing of ours, as the configuration says.
    NotCredits,
    /// Nobody knows.
    Unknown,
}

impl ConfiguredPrices {
    /// What a price stands for. `price` is the whole object, if it was read; `fallback` the metadata of a session,
    /// payment or subscription with this one item. A source that names no SKU of ours passes on to the next.
    #[must_use]
    pub fn sku(&self, price_id: Option<&str>, price: Option<&Price>, fallback: Option<&Metadata>) -> LineSku {
        match price_id.and_then(|id| self.0.get(id)) {
            Some(None) => return LineSku::NotCredits,
            Some(Some(sku)) => return CATALOG.offer(sku).map_or(LineSku::Unknown, LineSku::Offer),
            None => {}
        }
        let named = |metadata: &Metadata| metadata.get("sku").cloned();
        let product = price.and_then(|price| price.product.as_ref()).and_then(|product| product.object());
        let sources = [
            price.and_then(|price| price.lookup_key.clone()),
            price.and_then(|price| named(&price.metadata)),
            product.and_then(|product| named(&product.metadata)),
            fallback.and_then(named),
        ];
        let offer = sources.into_iter().flatten().find_map(|sku| CATALOG.offer(sku.trim()));
        offer.map_or(LineSku::Unknown, LineSku::Offer)
    }

    /// Whether the configuration says all of a price, so that the price itself need not be read.
    #[must_use]
    pub fn knows(&self, price_id: &str) -> bool {
        self.0.contains_key(price_id)
    }
}
