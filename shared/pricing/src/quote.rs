//! The price of one operation, and the charge to a balance. A charge never exceeds the price, and it is
//! less only for a `train_tune` that defers its images.

use std::fmt;

use serde::Serialize;

use crate::{Credits, Kind};

/// The reason that no price overflows.
const BOUNDED: &str = "the build bounds every rate and every number of units";

/// The price of an operation that the catalog supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Taken once, for any number of units.
    once: Credits,
    /// Taken for each image or prompt.
    per_unit: Credits,
    /// `per_unit` times the units of the operation.
    for_units: Credits,
    /// The full price: `once` plus `for_units`.
    credits: Credits,
    /// Whether the units may wait until there are credits for them.
    may_defer: bool,
    tier: Option<Tier>,
}

impl Price {
    /// The price of a number of units. The build bounds both numbers, so the product fits.
    pub(crate) fn of_units(per_unit: Credits, units: u64) -> Self {
        let for_units = per_unit.checked_mul(units).expect(BOUNDED);
        Self { once: Credits::ZERO, per_unit, for_units, credits: for_units, may_defer: false, tier: None }
    }

    /// The same price plus a sum that is taken once. `may_defer` is true if the units may be deferred.
    pub(crate) fn and_once(self, once: Credits, may_defer: bool) -> Self {
        let credits = self.for_units.checked_add(once).expect(BOUNDED);
        Self { once, credits, may_defer, ..self }
    }

    /// The same price with the tier that it comes from.
    pub(crate) fn in_tier(self, tier: Tier) -> Self {
        Self { tier: Some(tier), ..self }
    }

    /// The full price of the operation.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{CATALOG, Count, Credits, Operation};
    ///
    /// let price = CATALOG.quote(&Operation::TuneImages { prompts: Count::new(3) })?;
    /// assert_eq!(price.credits(), Credits::new(0, 0, 24));
    /// # Ok::<(), scrip_pricing::UnsupportedOperation>(())
    /// ```
    #[must_use]
    pub fn credits(&self) -> Credits {
        self.credits
    }

    /// The tier that sets the price; only for `text_to_image`.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{CATALOG, Operation, Tier};
    ///
    /// let image: Operation = serde_json::from_str(r#"{"operation":"text_to_image","width":600,"height":500}"#)?;
    /// let tier = CATALOG.quote(&image)?.tier();
    /// assert_eq!(tier, Some(Tier { width: 512, height: 768, steps_max: 50 }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn tier(&self) -> Option<Tier> {
        self.tier
    }

    /// The charge to an account with this balance.
    ///
    /// It is the full price, with one exception: if the balance doesn't cover all the `tune_image`
    /// credits of a `train_tune` with `if_short` `defer`, it is only the `tune` credit, and all images are
    /// deferred. The balance may be too small for the charge: see [`Credits::covers`].
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{CATALOG, Charge, Count, Credits, IfShort, Operation};
    ///
    /// let train = Operation::TrainTune { prompts: Count::new(8), if_short: IfShort::Defer };
    /// let price = CATALOG.quote(&train)?;
    /// assert_eq!(price.credits(), Credits::new(0, 1, 64));
    ///
    /// let charge = price.charge(Credits::new(0, 1, 63));
    /// assert_eq!(charge, Charge { credits: Credits::new(0, 1, 0), deferred_images: 64 });
    /// # Ok::<(), scrip_pricing::UnsupportedOperation>(())
    /// ```
    #[must_use]
    pub fn charge(&self, balance: Credits) -> Charge {
        if self.may_defer && !balance.covers(self.for_units) {
            // One tune_image credit is one image (docs/rules.md, Work).
            Charge { credits: self.once, deferred_images: self.for_units.tune_image() }
        } else {
            Charge { credits: self.credits, deferred_images: 0 }
        }
    }

    /// The number of images (or prompts) of this operation that the balance covers; `None` if the
    /// operation is free, because then there is no limit.
    ///
    /// The number in the operation, and the most that one operation may have, don't matter. For
    /// `train_tune` it is the number of prompts that could be generated at once: 0 without a `tune`
    /// credit.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{CATALOG, Count, Credits, Operation};
    ///
    /// let price = CATALOG.quote(&Operation::Upscale { factor: Count::new(4), images: Count::new(1) })?;
    /// assert_eq!(price.affordable_units(Credits::new(7, 0, 0)), Some(3));
    /// # Ok::<(), scrip_pricing::UnsupportedOperation>(())
    /// ```
    #[must_use]
    pub fn affordable_units(&self, balance: Credits) -> Option<u64> {
        let left = balance.checked_sub(self.once).unwrap_or(Credits::ZERO);
        Kind::ALL.into_iter().filter_map(|kind| left.of(kind).checked_div(self.per_unit.of(kind))).min()
    }
}

/// The credits that an operation takes from a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The credits that are taken now.
    pub credits: Credits,
    /// Images that are generated and paid for later.
    pub deferred_images: u64,
}

/// A row and step band of the catalog's `text_to_image` table, with the short side first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Tier {
    /// The short side, in pixels.
    pub width: u32,
    /// The long side, in pixels.
    pub height: u32,
    /// The last step of the band.
    pub steps_max: u32,
}

/// A refusal of an operation outside the catalog's range: 422 `unsupported_operation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedOperation {
    /// The allowed range as text for the caller, such as "steps must be 1 to 150; you sent 151".
    pub detail: String,
}

impl fmt::Display for UnsupportedOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for UnsupportedOperation {}
