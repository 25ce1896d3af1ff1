//! Prices: what is sold, under which SKU.
//!
//! Invariant: a SKU has the same price id in every account and run, so that it can be configured before
//! anything is sold.

use super::calendar;
use chrono::{DateTime, Utc};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The metadata of an object.
pub type Metadata = BTreeMap<String, String>;

/// The only currency here.
pub(super) const CURRENCY: &str = "usd";

/// How often a subscription renews.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// On the anchor's day of each month, or its last.
    Month,
    /// On the anchor's day of each year.
    Year,
}

impl Interval {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    pub(super) fn months(self) -> u32 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}

/// A recurring price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The price's `lookup_key`.
    pub sku: String,
    /// What each period costs.
    pub price_cents: i64,
    /// How long a period is.
    pub interval: Interval,
}

impl Plan {
    /// A plan that is paid monthly.
    #[must_use]
    pub fn monthly(sku: &str, price_cents: i64) -> Self {
        Self { sku: sku.to_owned(), price_cents, interval: Interval::Month }
    }

    /// A plan that is paid annually.
    #[must_use]
    pub fn annual(sku: &str, price_cents: i64) -> Self {
        Self { sku: sku.to_owned(), price_cents, interval: Interval::Year }
    }

    pub(super) fn period(&self, anchor: DateTime<Utc>, turns: u32) -> (DateTime<Utc>, DateTime<Utc>) {
        let at = |turns| calendar::after(anchor, self.interval.months() * turns);
        (at(turns), at(turns + 1))
    }

    /// The price object.
    pub(super) fn price(&self) -> Value {
        let (id, product, cents) = (price_id(&self.sku), product_id(&self.sku), self.price_cents);
        let interval = self.interval.name();
        json!({
            "id": id, "object": "price", "active": true, "billing_scheme": "per_unit",
            "created": PRICES_SINCE, "currency": CURRENCY, "custom_unit_amount": null, "livemode": false,
            "lookup_key": self.sku, "metadata": {}, "nickname": null, "product": product,
            "recurring": {
                "interval": interval, "interval_count": 1, "meter": null, "trial_period_days": null,
                "usage_type": "licensed",
            },
            "tax_behavior": "unspecified", "tiers_mode": null, "transform_quantity": null,
            "type": "recurring", "unit_amount": cents, "unit_amount_decimal": cents.to_string(),
        })
    }

    /// The price in its oldest form, which still stands beside the price.
    pub(super) fn legacy(&self) -> Value {
        let (id, product, cents) = (price_id(&self.sku), product_id(&self.sku), self.price_cents);
        json!({
            "id": id, "object": "plan", "active": true, "amount": cents,
            "amount_decimal": cents.to_string(), "billing_scheme": "per_unit", "created": PRICES_SINCE,
            "currency": CURRENCY, "interval": self.interval.name(), "interval_count": 1,
            "livemode": false, "metadata": {}, "meter": null, "nickname": null, "product": product,
            "tiers_mode": null, "transform_usage": null, "trial_period_days": null,
            "usage_type": "licensed",
        })
    }
}

/// 14 November 2023, 22:13:20 UTC.
const PRICES_SINCE: i64 = 1_700_000_000;

/// The id of a SKU's price.
#[must_use]
pub fn price_id(sku: &str) -> String {
    id(&mut rng(&format!("price of {sku}")), "price_1", 23)
}

/// The id of a SKU's product.
#[must_use]
pub fn product_id(sku: &str) -> String {
    id(&mut rng(&format!("product of {sku}")), "prod_", 14)
}

/// Letters and digits after a prefix.
pub(super) fn id(rng: &mut Rng, prefix: &str, length: usize) -> String {
    let rest = std::iter::repeat_with(|| rng.alphanumeric()).take(length);
    prefix.chars().chain(rest).collect()
}

/// The same sequence for the same seed.
pub(super) fn rng(seed: &str) -> Rng {
    let digest = ring::digest::digest(&ring::digest::SHA256, seed.as_bytes());
    let number = digest.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    Rng::with_seed(number)
}
