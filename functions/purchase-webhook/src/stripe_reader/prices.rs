//! Reads the prices by which lines are matched to SKUs.

use scrip_stripe::{
    Api, ConfiguredPrices, LineSku,
    facts::{self, PriceSources, Prices},
    objects::Invoice,
};

use crate::failure::Failure;

/// Reads prices from Stripe that neither the configuration nor an object shows in full.
#[derive(Clone, Copy)]
pub(super) struct PriceReader<'a> {
    pub(super) api: &'a Api<'a>,
    pub(super) configured: &'a ConfiguredPrices,
}

impl PriceReader<'_> {
    /// Adds to `prices` those of `ids` that are neither in it nor in the configuration. A price that Stripe doesn't
    /// show stays missing.
    pub(super) async fn complete<'a>(
        &self,
        mut prices: Prices,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<Prices, Failure> {
        for id in facts::unread_prices(ids, self.configured, &prices) {
            match self.api.price(&id).await {
                Ok(price) => drop(prices.insert(id, price)),
                Err(scrip_stripe::Error::Missing) => {}
                Err(why) => return Err(why.into()),
            }
        }
        Ok(prices)
    }

    /// The sources that match lines to SKUs.
    pub(super) fn sources<'a>(&'a self, prices: &'a Prices) -> PriceSources<'a> {
        PriceSources { configured: self.configured, prices }
    }

    /// Whether the configuration maps the price of each paid line to null: not credits.
    pub(super) fn sells_no_credits(&self, invoice: &Invoice) -> bool {
        let mut paid = invoice.lines.data.iter().filter(|line| line.amount > 0);
        paid.all(|line| {
            line.price_id().is_some_and(|id| self.configured.sku(Some(id), None, None) == LineSku::NotCredits)
        })
    }
}
