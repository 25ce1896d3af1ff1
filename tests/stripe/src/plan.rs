//! Prices that are named by their SKU, and how ids are made.
//!
//! Invariant: a SKU has the same price id in every account and run, so that it can be configured before
//! anything is sold.

use super::calendar;
use chrono::{DateTime, Utc};
use fastrand::Rng;
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

    /// The period after that many others since the anchor.
    pub(super) fn period(self, anchor: DateTime<Utc>, turns: u32) -> (DateTime<Utc>, DateTime<Utc>) {
        let at = |turns| calendar::after(anchor, self.months() * turns);
        (at(turns), at(turns + 1))
    }
}

/// A recurring price of a SKU.
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
}

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
