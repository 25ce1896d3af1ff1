//! Facts of subscriptions: their status and the plan of their current item.

use scrip_accounts::{ProviderTime, PurchaseId, SubscriptionId, facts::SubscriptionFacts};

use super::lines::{PriceSources, terms};
use crate::{objects::Subscription, skus::LineSku};

/// The facts of a subscription as it is now; `None` if its id is malformed. `settled` are the paid invoices that need not
/// be read again.
///
/// # Examples
/// ```
/// use scrip_stripe::{ConfiguredPrices, facts::{self, PriceSources, Prices}, objects::Subscription};
///
/// let subscription: Subscription = serde_json::from_str(
///     r#"{"id": "sub_1", "status": "past_due", "created": 1793696400, "items": {"data": []}}"#,
/// )?;
/// let configured = ConfiguredPrices::default();
/// assert!(facts::is_shown_whole(&subscription, &configured));
/// let sources = PriceSources { configured: &configured, prices: &Prices::new() };
/// let facts = facts::subscription(&subscription, Vec::new(), sources).unwrap();
/// assert!(facts.past_due && facts.ended_at.is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn subscription(
    subscription: &Subscription,
    settled: Vec<PurchaseId>,
    sources: PriceSources<'_>,
) -> Option<SubscriptionFacts> {
    let ended_at = match subscription.status.as_str() {
        "canceled" | "incomplete_expired" => {
            Some(subscription.ended_at.or(subscription.canceled_at).unwrap_or(subscription.created))
        }
        _ => None,
    };
    let items = subscription.items.data.as_slice();
    let item = items.iter().filter_map(|item| {
        let fallback = (items.len() == 1).then_some(&subscription.metadata);
        let price = sources.prices.get(&item.price.id).or(Some(&item.price));
        let LineSku::Offer(offer) = sources.configured.sku(Some(&item.price.id), price, fallback) else {
            return None;
        };
        terms(&offer, item.quantity.unwrap_or(1), &[&subscription.metadata, &item.price.metadata]).ok()?
    });
    Some(SubscriptionFacts {
        id: SubscriptionId::parse(subscription.id.as_str()).ok()?,
        past_due: matches!(subscription.status.as_str(), "past_due" | "unpaid"),
        ended_at: ended_at.map(ProviderTime::from),
        item: item.max(),
        settled,
    })
}
