//! The catalog: the plans and packs for sale, and the price of each operation.
//!
//! There is one catalog, [`CATALOG`]. `build.rs` generates it from `catalog.toml` and checks it, so it
//! is always consistent.

use serde::Serialize;

use crate::Credits;
use crate::low_balance::LowBalance;
use crate::operation::{IfShort, Operation};
use crate::quote::{Price, UnsupportedOperation};
use crate::rates::{
    Download, FactorRate, PerImage, Range, Rates, Setting, StepBand, TextToImage, TierRates, TrainTune,
    TuneImages, Upscale,
};

include!(concat!(env!("OUT_DIR"), "/catalog.rs"));

/// Plans, packs and rates under one version. Its JSON is the body of `GET /v1/catalog`.
#[derive(Debug)]
pub struct Catalog {
    version: &'static str,
    currency: &'static str,
    plans: &'static [Plan],
    packs: &'static [Pack],
    offers: &'static [Offer],
    rates: Rates,
    low_balance: LowBalance,
}

impl Catalog {
    /// The catalog's version: the date from which it applies, such as `2026-11-01`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(scrip_pricing::CATALOG.version(), "2026-11-01");
    /// ```
    #[must_use]
    pub fn version(&self) -> &'static str {
        self.version
    }

    /// The currency of the plans' prices, as an ISO code in lower case, which is how Stripe writes it.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(scrip_pricing::CATALOG.currency(), "usd");
    /// ```
    #[must_use]
    pub fn currency(&self) -> &'static str {
        self.currency
    }

    /// Prices an operation.
    ///
    /// # Errors
    ///
    /// [`UnsupportedOperation`] if a value is out of range. It names the first such value, in the
    /// order of the operation's fields.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{CATALOG, Count, Credits, Operation};
    ///
    /// let upscale = |factor| Operation::Upscale { factor: Count::new(factor), images: Count::new(3) };
    /// assert_eq!(CATALOG.quote(&upscale(4)).unwrap().credits(), Credits::new(6, 0, 0));
    ///
    /// let refusal = CATALOG.quote(&upscale(3)).unwrap_err();
    /// assert_eq!(refusal.detail, "factor must be 2 or 4; you sent 3");
    /// ```
    pub fn quote(&self, operation: &Operation) -> Result<Price, UnsupportedOperation> {
        let rates = &self.rates;
        Ok(match *operation {
            Operation::TextToImage { width, height, steps, images } => {
                let (tier, per_image) = rates.text_to_image.tier(width, height, steps)?;
                let images = rates.text_to_image.images.of("images", images)?;
                Price::of_units(per_image, images).in_tier(tier)
            }
            Operation::Upscale { factor, images } => {
                let per_image = rates.upscale.credits_per_image(factor)?;
                Price::of_units(per_image, rates.upscale.images.of("images", images)?)
            }
            Operation::FaceEnhance { images } => rates.face_enhance.price(images)?,
            Operation::RemoveBackground { images } => rates.remove_background.price(images)?,
            Operation::Download {} => Price::of_units(rates.download.credits, 1),
            Operation::TrainTune { prompts, if_short } => {
                let TrainTune { credits, credits_per_prompt, prompts: range } = &rates.train_tune;
                let prompts = range.of("prompts", prompts)?;
                Price::of_units(*credits_per_prompt, prompts).and_once(*credits, may_defer(if_short)?)
            }
            Operation::TuneImages { prompts } => {
                let prompts = rates.tune_images.prompts.of("prompts", prompts)?;
                Price::of_units(rates.tune_images.credits_per_prompt, prompts)
            }
        })
    }

    /// The plans, in the order of `catalog.toml`.
    ///
    /// # Examples
    ///
    /// ```
    /// let names: Vec<_> = scrip_pricing::CATALOG.plans().iter().map(|plan| plan.name).collect();
    /// assert_eq!(names, ["basic", "standard", "business", "custom"]);
    /// ```
    #[must_use]
    pub fn plans(&self) -> &'static [Plan] {
        self.plans
    }

    /// The packs, in the order of `catalog.toml`.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{CATALOG, Credits};
    ///
    /// let tune_pack = CATALOG.packs()[0];
    /// assert_eq!((tune_pack.sku, tune_pack.credits), ("tune_pack", Credits::new(0, 1, 64)));
    /// ```
    #[must_use]
    pub fn packs(&self) -> &'static [Pack] {
        self.packs
    }

    /// Finds a plan by its name; `None` if the catalog has no such plan.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::CATALOG;
    ///
    /// assert_eq!(CATALOG.plan("standard").unwrap().allowance, Some(2500));
    /// assert_eq!(CATALOG.plan("premium"), None);
    /// ```
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&'static Plan> {
        self.plans.iter().find(|plan| plan.name == name)
    }

    /// Finds an offer by its SKU: `basic_monthly`, `basic_annual` and so on, `custom`, `tune_pack`,
    /// `avatar_pack`; `None` for any other text.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{CATALOG, Credits, Grant};
    ///
    /// let offer = CATALOG.offer("avatar_pack").unwrap();
    /// assert_eq!(offer.grant, Grant::Pack(Credits::new(0, 0, 104)));
    /// assert_eq!(CATALOG.offer("stickers"), None);
    /// ```
    #[must_use]
    pub fn offer(&self, sku: &str) -> Option<Offer> {
        let agreed = || self.plan(sku).and_then(Plan::agreed_offer);
        self.offers.iter().find(|offer| offer.sku == sku).copied().or_else(agreed)
    }

    /// All offers that need no agreement with support: first the plans' SKUs, the cheapest first, then
    /// the packs in the order of `catalog.toml`, because their prices are set at Stripe.
    ///
    /// # Examples
    ///
    /// ```
    /// let offers = scrip_pricing::CATALOG.offers();
    /// assert_eq!((offers[0].sku, offers[0].price), ("basic_monthly", Some(1900)));
    /// ```
    #[must_use]
    pub fn offers(&self) -> &'static [Offer] {
        self.offers
    }

    /// The low-balance mark of each kind, given this month's allowance of playground credits.
    ///
    /// A balance is low at its mark and below it. An account without a plan has an allowance of 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{CATALOG, Credits};
    ///
    /// // The playground mark is 20 % of the allowance.
    /// assert_eq!(CATALOG.low_marks(1000), Credits::new(200, 0, 8));
    /// ```
    #[must_use]
    pub fn low_marks(&self, allowance: u64) -> Credits {
        self.low_balance.marks(allowance)
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.rates
    }
}

fn may_defer(if_short: IfShort) -> Result<bool, UnsupportedOperation> {
    match if_short {
        IfShort::Defer => Ok(true),
        IfShort::Refuse => Ok(false),
        IfShort::Unsupported => {
            Err(UnsupportedOperation { detail: "if_short must be \"defer\" or \"refuse\"".to_owned() })
        }
    }
}

/// A plan that customers subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The plan's name. Its SKUs begin with it.
    pub name: &'static str,
    /// Playground credits a month; `None` if support agrees on them with each account.
    pub allowance: Option<u64>,
    /// The price of a month, in minor units; `None` if support agrees on it with each account.
    pub monthly_price: Option<u64>,
    /// The price of a year, in minor units; `None` if support agrees on it with each account.
    pub annual_price: Option<u64>,
    /// Whether the plan includes longer storage of Tune models.
    pub extended_tune_storage: bool,
}

impl Plan {
    /// The offer of a plan that support agrees on with each account. Its SKU is the plan's name.
    pub(crate) fn agreed_offer(&self) -> Option<Offer> {
        let grant = Grant::Plan { plan: self.name, interval: None, allowance: None };
        self.allowance.is_none().then_some(Offer { sku: self.name, price: None, grant })
    }
}

/// Credits that are sold once, at a price that is set at Stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pack {
    /// The name shared with Stripe.
    pub sku: &'static str,
    /// The credits in the pack; never playground credits.
    pub credits: Credits,
}

/// One thing for sale, named by its SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The name shared with Stripe.
    pub sku: &'static str,
    /// The price of the whole interval, in minor units; `None` if it is set at Stripe or by support.
    pub price: Option<u64>,
    /// The plan or the credits that the buyer gets.
    pub grant: Grant,
}

/// The plan or the credits that an [`Offer`] gives to its buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// A subscription.
    Plan {
        /// The plan's name.
        plan: &'static str,
        /// The time that one payment covers; `None` if support agrees on it with each account.
        interval: Option<Interval>,
        /// Playground credits a month, for either interval; `None` if support agrees on them with each
        /// account.
        allowance: Option<u64>,
    },
    /// Credits, once.
    Pack(Credits),
}

/// The time that one payment for a plan covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// A month.
    Month,
    /// A year. It is paid at once, and credits are refilled each month.
    Year,
}
