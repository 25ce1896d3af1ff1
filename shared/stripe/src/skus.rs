//! The SKUs of the catalog that lines of Stripe's objects stand for (docs/stripe.md, Prices).

use std::{collections::BTreeMap, str::FromStr};

use scrip_accounts::Sku;
use scrip_pricing::{CATALOG, Offer};

use crate::objects::{Metadata, Price};

/// The prices that the configuration maps: each to a SKU, or to null if it is not about credits.
///
/// # Examples
/// ```
/// use scrip_stripe::{ConfiguredPrices, LineSku};
///
/// let prices: ConfiguredPrices = r#"{"price_a": "tune_pack", "price_b": null}"#.parse()?;
/// assert!(matches!(prices.sku(Some("price_a"), None, None), LineSku::Offer(offer) if offer.sku == "tune_pack"));
/// assert_eq!(prices.sku(Some("price_b"), None, None), LineSku::NotCredits);
/// assert_eq!(prices.sku(Some("price_c"), None, None), LineSku::Unknown);
/// # Ok::<(), scrip_stripe::InvalidPrices>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfiguredPrices(BTreeMap<String, Option<Sku>>);

/// The reason why `STRIPE_PRICES` is invalid.
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
        /// The SKU that it is mapped to.
        sku: Sku,
    },
}

impl FromStr for ConfiguredPrices {
    type Err = InvalidPrices;

    fn from_str(text: &str) -> Result<Self, InvalidPrices> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let prices: BTreeMap<String, Option<Sku>> = serde_json::from_str(text)?;
        for (price, sku) in &prices {
            if let Some(sku) = sku
                && CATALOG.offer(sku.as_str()).is_none()
            {
                return Err(InvalidPrices::UnknownSku { price: price.clone(), sku: sku.clone() });
            }
        }
        Ok(Self(prices))
    }
}

/// The SKU that a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineSku {
    /// An offer of the catalog.
    Offer(Offer),
    /// None: the configuration maps the price to null.
    NotCredits,
    /// No source names a SKU of the catalog.
    Unknown,
}

impl ConfiguredPrices {
    /// The SKU that a price stands for. `price` is the whole object, if it was read. `fallback` is the metadata of a session,
    /// payment intent or subscription that has this one item. A source that names no SKU of the catalog is skipped.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::{ConfiguredPrices, LineSku, objects::Metadata};
    ///
    /// let metadata = Metadata::from([("sku".to_owned(), "tune_pack".to_owned())]);
    /// let sku = ConfiguredPrices::default().sku(Some("price_a"), None, Some(&metadata));
    /// assert!(matches!(sku, LineSku::Offer(offer) if offer.sku == "tune_pack"));
    /// ```
    #[must_use]
    pub fn sku(&self, price_id: Option<&str>, price: Option<&Price>, fallback: Option<&Metadata>) -> LineSku {
        match price_id.and_then(|id| self.0.get(id)) {
            Some(None) => return LineSku::NotCredits,
            Some(Some(sku)) => return CATALOG.offer(sku.as_str()).map_or(LineSku::Unknown, LineSku::Offer),
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

    /// Whether the configuration maps a price, so that the price itself need not be read.
    ///
    /// # Examples
    /// ```
    /// let prices: scrip_stripe::ConfiguredPrices = r#"{"price_a": "tune_pack", "price_b": null}"#.parse()?;
    /// assert!(prices.knows("price_b") && !prices.knows("price_c"));
    /// # Ok::<(), scrip_stripe::InvalidPrices>(())
    /// ```
    #[must_use]
    pub fn knows(&self, price_id: &str) -> bool {
        self.0.contains_key(price_id)
    }
}
