//! What is sold in a history, and what it gives by the pricing page.
//!
//! Invariant: nothing here is computed by the code under test.

use scrip_local::stack::prices;
use scrip_stripe_model::{Interval, PriceSpec, Stripe, price_id};
use serde_json::{Map, Value};

use crate::entry::Amounts;

/// One thing that is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Its SKU, or for what isn't ours its name.
    pub sku: &'static str,
    /// The price of one, in cents.
    pub cents: i64,
    pub gives: Grant,
}

/// The credits of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// So many playground credits a month.
    Plan(i64),
    Pack(Amounts),
    /// Nothing, as the configuration says.
    Nothing,
    /// The configuration doesn't name it.
    Unknown,
}

const OFFERS: [Offer; 7] = [
    Offer { sku: "basic_monthly", cents: 1900, gives: Grant::Plan(1000) },
    Offer { sku: "standard_monthly", cents: 2900, gives: Grant::Plan(2500) },
    Offer { sku: "business_monthly", cents: 3900, gives: Grant::Plan(6000) },
    Offer { sku: "tune_pack", cents: 900, gives: Grant::Pack([0, 1, 64]) },
    Offer { sku: "avatar_pack", cents: 1500, gives: Grant::Pack([0, 0, 104]) },
    Offer { sku: STICKERS, cents: 300, gives: Grant::Nothing },
    Offer { sku: STORAGE, cents: 200, gives: Grant::Unknown },
];

/// A SKU that the configuration names as not about credits.
pub const STICKERS: &str = "stickers";
/// A SKU that the configuration doesn't know.
pub const STORAGE: &str = "storage";

/// The offer of that SKU.
///
/// # Panics
/// If nothing is sold by that name.
pub fn offer(sku: &str) -> Offer {
    let offer = OFFERS.iter().find(|offer| offer.sku == sku);
    *offer.unwrap_or_else(|| panic!("{sku} is not for sale"))
}

/// The offer of a price.
///
/// # Panics
/// If nothing has that price.
pub fn offer_of(price: &str) -> Offer {
    let offer = OFFERS.iter().find(|offer| price_id(offer.sku) == price);
    *offer.unwrap_or_else(|| panic!("{price} is no price of a history's"))
}

/// Adds every price.
pub fn list(stripe: &Stripe) {
    for Offer { sku, cents, gives } in OFFERS {
        let interval = matches!(gives, Grant::Plan(_)).then_some(Interval::Month);
        let spec = PriceSpec::of_sku(sku, cents, interval);
        let lookup_key = spec.lookup_key.clone().filter(|_| gives != Grant::Unknown);
        stripe.add_price(&PriceSpec { lookup_key, ..spec });
    }
}

/// The webhook's configuration: stickers aren't about credits.
///
/// # Panics
/// If the stack's own configuration isn't JSON.
pub fn configuration() -> String {
    let mut prices: Map<String, Value> = serde_json::from_str(&prices()).expect("the stack's prices");
    prices.insert(price_id(STICKERS), Value::Null);
    Value::Object(prices).to_string()
}
