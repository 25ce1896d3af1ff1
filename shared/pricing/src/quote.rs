//! The price of one operation, and what of it a balance would pay. A charge never exceeds the
//! price, and only a `train_tune` that may defer is ever charged less.

use std::fmt;

use serde::Serialize;

use crate::{Credits, Kind};

/// Why no price overflows.
const BOUNDED: &str = "the build bounds every rate and every number of units";

/// The price of an operation that the catalog supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Taken once, whatever the number of units.
    once: Credits,
    /// Taken for each image or prompt.
    per_unit: Credits,
    /// `per_unit` times the units asked for.
    for_units: Credits,
    /// All of it: what is taken once and for the units.
    credits: Credits,
    /// Whether the units may wait until there are credits for them.
    may_defer: bool,
    tier: Option<Tier>,
}

impl Price {
    /// A price of so much a unit. The build bounds both numbers so that it fits.
    pub(crate) fn of_units(per_unit: Credits, units: u64) -> Self {
        let for_units = per_unit.checked_mul(units).expect(BOUNDED);
        Self { once: Credits::ZERO, per_unit, for_units, credits: for_units, may_defer: false, tier: None }
    }

    /// The same with a sum taken once besides; its units may be deferred or not.
    pub(crate) fn and_once(self, once: Credits, may_defer: bool) -> Self {
        let credits = self.for_units.checked_add(once).expect(BOUNDED);
        Self { once, credits, may_defer, ..self }
    }

    /// The same, saying the tier it comes from.
    pub(crate) fn in_tier(self, tier: Tier) -> Self {
        Self { tier: Some(tier), ..self }
    }

    /// The full price of the operation.
    #[must_use]
    pub fn credits(&self) -> Credits {
        self.credits
    }

    /// The tier whose price it is; only for `text_to_image`.
    #[must_use]
    pub fn tier(&self) -> Option<Tier> {
        self.tier
    }

    /// What would be taken from this balance: the full price, or, for a `train_tune` with
    /// `if_short` `defer` whose `tune_image` credits the balance doesn't cover in full, only the
    /// `tune`, with all its images deferred. Whether the balance covers the charge is another
    /// question: [`Credits::covers`].
    #[must_use]
    pub fn charge(&self, balance: Credits) -> Charge {
        if self.may_defer && !balance.covers(self.for_units) {
            // One tune_image credit is one image (product page, "Tune work").
            Charge { credits: self.once, deferred_images: self.for_units.tune_image() }
        } else {
            Charge { credits: self.credits, deferred_images: 0 }
        }
    }

    /// How many images (or prompts) of this operation the balance covers, ignoring the number
    /// asked for and the most one operation may ask for; `None` where it is free, which has no
    /// limit. For `train_tune`, how many prompts could be generated at once: none without a
    /// `tune` credit.
    #[must_use]
    pub fn affordable_units(&self, balance: Credits) -> Option<u64> {
        let left = balance.checked_sub(self.once).unwrap_or(Credits::ZERO);
        Kind::ALL.into_iter().filter_map(|kind| left.of(kind).checked_div(self.per_unit.of(kind))).min()
    }
}

/// What an operation takes from a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Taken now.
    pub credits: Credits,
    /// Images left to be generated, and paid for, later.
    pub deferred_images: u64,
}

/// A row and band of the `text_to_image` table, as the catalog has it: the short side first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Tier {
    /// The short side, in pixels.
    pub width: u32,
    /// The long side, in pixels.
    pub height: u32,
    /// The last step of the band.
    pub steps_max: u32,
}

/// Outside the catalog's range: 422 `unsupported_operation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The allowed range in words for the caller, such as
    /// "steps must be 1 to 150; you sent 151".
    pub detail: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Unsupported {}
