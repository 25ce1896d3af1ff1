//! Checks of the tables of `text_to_image` and `upscale`: every size and number of steps in range has
//! exactly one price, and a larger value never has a lower price.

use std::collections::BTreeSet;

use super::super::shape::{Range, TextToImage, Upscale};
use super::{Problems, RATE_MAX};
use crate::defaults::STEPS_DEFAULT;

impl Problems {
    pub(super) fn steps(&mut self, rates: &TextToImage) {
        let mut above = 0;
        for &end in &rates.step_bands {
            self.number("text_to_image: step_bands", end, 1, RATE_MAX);
            if end <= above {
                self.say(format!(
                    "text_to_image: step_bands must rise, so that no two overlap; {end} follows {above}"
                ));
            }
            above = end;
        }
        if rates.step_bands.is_empty() {
            self.say("text_to_image: step_bands is empty".to_owned());
        } else {
            self.default("text_to_image: steps", STEPS_DEFAULT, &Range { min: 1, max: above });
        }
    }

    pub(super) fn tiers(&mut self, rates: &TextToImage) {
        let mut seen = BTreeSet::new();
        for tier in &rates.tiers {
            let place = format!("tier {} × {}", tier.width, tier.height);
            self.number(&format!("{place}: width"), tier.width, 1, RATE_MAX);
            self.number(&format!("{place}: height"), tier.height, 1, RATE_MAX);
            if tier.width > tier.height {
                self.say(format!("{place}: list the short side as the width"));
            }
            if !seen.insert((tier.width, tier.height)) {
                self.say(format!("{place} is listed twice"));
            }
            let (prices, bands) = (tier.playground.len(), rates.step_bands.len());
            if prices != bands {
                self.say(format!("{place} has {prices} prices for {bands} step bands"));
            }
            for &price in &tier.playground {
                self.number(&format!("{place}: price"), price, 1, RATE_MAX);
            }
            for pair in tier.playground.windows(2) {
                if let [fewer, more] = *pair
                    && more < fewer
                {
                    self.say(format!("{place}: more steps cost less: {more} after {fewer}"));
                }
            }
        }
        let side = rates.tiers.iter().map(|tier| tier.width.max(tier.height)).max();
        match side {
            None => self.say("text_to_image: tiers is empty".to_owned()),
            Some(side) if !seen.contains(&(side, side)) => self.say(format!(
                "tier {side} × {side} is missing; without it some sizes up to {side} have no price"
            )),
            Some(_) => self.larger_never_cheaper(rates),
        }
    }

    /// The order is by area, because the tier of a size is the smallest one by area. Only in this order
    /// does a larger side never lower the price.
    fn larger_never_cheaper(&mut self, rates: &TextToImage) {
        let mut tiers: Vec<_> = rates.tiers.iter().collect();
        tiers.sort_by_key(|tier| tier.size());
        for pair in tiers.windows(2) {
            let [small, large] = *pair else { continue };
            let cheaper = small.playground.iter().zip(&large.playground).position(|(s, l)| l < s);
            if let Some(end) = cheaper.and_then(|band| rates.step_bands.get(band)) {
                self.say(format!(
                    "tier {} × {} costs less than the smaller {} × {} in the band up to {end} steps",
                    large.width, large.height, small.width, small.height,
                ));
            }
        }
    }

    pub(super) fn factors(&mut self, rates: &Upscale) {
        if rates.factors.is_empty() {
            self.say("upscale: factors is empty".to_owned());
        }
        for row in &rates.factors {
            self.number("upscale: factor", row.factor, 1, RATE_MAX);
            let place = format!("upscale {}×: per_image", row.factor);
            self.price(&place, &row.per_image, "playground", 1);
        }
        for pair in rates.factors.windows(2) {
            let [low, high] = pair else { continue };
            if high.factor <= low.factor {
                let (low, high) = (low.factor, high.factor);
                self.say(format!("upscale: factors must rise; {high} follows {low}"));
            }
            if high.per_image.get("playground") < low.per_image.get("playground") {
                let (low, high) = (low.factor, high.factor);
                self.say(format!("upscale {high}× costs less than {low}×"));
            }
        }
    }
}
