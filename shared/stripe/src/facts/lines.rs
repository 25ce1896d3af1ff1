//! The lines of a payment: which SKU each stands for, and the credits that it grants.

use std::collections::{BTreeMap, BTreeSet};

use scrip_accounts::{Line, PlanName, Sku, Terms, facts::PaidFacts};
use scrip_pricing::{Credits, Grant, Offer};

use crate::{
    objects::{Metadata, Price, Subscription},
    skus::{ConfiguredPrices, LineSku},
};

/// Prices that were read from Stripe, by id.
pub type Prices = BTreeMap<String, Price>;

/// The contents of a payment: what can be granted for it, and why the rest can't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentContents {
    /// What can be granted.
    pub facts: PaidFacts,
    /// Why the other lines can't be granted: a sentence for each.
    pub ungranted: Vec<String>,
    /// Whether a line or metadata names a SKU of the catalog.
    pub is_ours: bool,
}

/// The sources that match the price of a line to a SKU.
#[derive(Debug, Clone, Copy)]
pub struct PriceSources<'a> {
    /// The prices that the configuration maps.
    pub configured: &'a ConfiguredPrices,
    /// The prices that were read from Stripe.
    pub prices: &'a Prices,
}

/// A line of a session, payment intent or invoice, before it is matched to a SKU.
pub(super) struct RawLine<'a> {
    pub(super) id: &'a str,
    pub(super) price_id: Option<&'a str>,
    pub(super) quantity: u64,
    /// The metadata that may name the SKU if the price doesn't.
    pub(super) fallback: Option<&'a Metadata>,
}

impl PriceSources<'_> {
    /// Matches a line to a SKU.
    pub(super) fn sku(&self, line: &RawLine<'_>) -> LineSku {
        let price = line.price_id.and_then(|id| self.prices.get(id));
        self.configured.sku(line.price_id, price, line.fallback)
    }
}

impl RawLine<'_> {
    /// The line of a pack.
    ///
    /// # Errors
    /// Why it can't be granted: the offer is a plan, or its credits times the quantity overflow.
    pub(super) fn pack(&self, offer: &Offer) -> Result<Line, String> {
        let (sku, quantity) = (offer.sku, self.quantity);
        match offer.grant {
            Grant::Plan { .. } => Err(format!("{sku} is a plan, and this is a one-off payment")),
            Grant::Pack(credits) => {
                let credits = credits.checked_mul(quantity);
                let credits = credits.ok_or_else(|| format!("{quantity} of {sku} are too many"))?;
                Ok(Line { id: self.id.to_owned(), sku: Sku::from(sku), quantity, credits })
            }
        }
    }

    /// The reason why a line without a SKU can't be granted.
    pub(super) fn unknown_price(&self) -> String {
        format!("no SKU is known for the price {}", self.price_id.unwrap_or("(none)"))
    }
}

impl PaymentContents {
    /// Contents with these facts and no lines yet.
    pub(super) fn new(facts: PaidFacts) -> Self {
        Self { facts, ungranted: Vec::new(), is_ours: false }
    }

    /// Adds lines that can only be packs, as those of a one-off payment.
    pub(super) fn add_packs<'a>(
        &mut self,
        lines: impl IntoIterator<Item = RawLine<'a>>,
        sources: PriceSources<'_>,
    ) {
        for line in lines.into_iter().filter(|line| line.quantity > 0) {
            match sources.sku(&line) {
                LineSku::NotCredits => {}
                LineSku::Unknown => self.ungranted.push(line.unknown_price()),
                LineSku::Offer(offer) => {
                    self.is_ours = true;
                    self.add_pack(&line, &offer);
                }
            }
        }
    }

    /// Adds the line of a pack, or the reason why it can't be granted.
    pub(super) fn add_pack(&mut self, line: &RawLine<'_>, offer: &Offer) {
        match line.pack(offer) {
            Ok(pack) => self.facts.packs.push(pack),
            Err(why) => self.ungranted.push(why),
        }
    }
}

/// The plan of an offer with its monthly allowance times the quantity; `None` for an offer that is no plan.
///
/// # Errors
/// Why the allowance can't be known: an agreed one is missing in the metadata or malformed, or the product is zero or
/// overflows.
pub(super) fn terms(offer: &Offer, quantity: u64, agreed: &[&Metadata]) -> Result<Option<Terms>, String> {
    let Grant::Plan { plan, allowance, .. } = offer.grant else { return Ok(None) };
    let allowance = if let Some(allowance) = allowance {
        allowance
    } else {
        let text = agreed.iter().find_map(|metadata| metadata.get("playground_credits"));
        let text = text.ok_or_else(|| format!("{plan} has no metadata.playground_credits"))?;
        text.trim().parse().map_err(|_| format!("playground_credits of {plan} is no number"))?
    };
    let allowance = Credits::new(allowance, 0, 0).checked_mul(quantity).filter(|credits| !credits.is_zero());
    let allowance =
        allowance.ok_or_else(|| format!("{quantity} of {plan} are none, or too many"))?.playground();
    Ok(Some(Terms { allowance, plan: PlanName::from(plan) }))
}

/// The ids of prices that must be read from Stripe, in order and each once: those that neither the configuration nor
/// `prices` has.
///
/// # Examples
/// ```
/// use scrip_stripe::{ConfiguredPrices, facts::{Prices, unread_prices}};
///
/// let configured: ConfiguredPrices = r#"{"price_a": "tune_pack"}"#.parse()?;
/// let unread = unread_prices(["price_a", "price_b", "price_b"], &configured, &Prices::new());
/// assert_eq!(unread, ["price_b"]);
/// # Ok::<(), scrip_stripe::InvalidPrices>(())
/// ```
pub fn unread_prices<'a>(
    ids: impl IntoIterator<Item = &'a str>,
    configured: &ConfiguredPrices,
    prices: &Prices,
) -> Vec<String> {
    let unread = ids.into_iter().filter(|id| !configured.knows(id) && !prices.contains_key(*id));
    let unread: BTreeSet<_> = unread.map(str::to_owned).collect();
    unread.into_iter().collect()
}

/// Whether a subscription shows all its items, and enough of each price to know its SKU. If not, it must be read again
/// with its products.
///
/// # Examples
/// ```
/// use scrip_stripe::{ConfiguredPrices, facts, objects::Subscription};
///
/// let subscription: Subscription = serde_json::from_str(
///     r#"{"id": "sub_1", "status": "active", "created": 1793696400, "items": {"data": [], "has_more": true}}"#,
/// )?;
/// assert!(!facts::is_shown_whole(&subscription, &ConfiguredPrices::default()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn is_shown_whole(subscription: &Subscription, configured: &ConfiguredPrices) -> bool {
    let is_known = |price: &Price| configured.sku(Some(&price.id), Some(price), None) != LineSku::Unknown;
    !subscription.items.has_more && subscription.items.data.iter().all(|item| is_known(&item.price))
}
