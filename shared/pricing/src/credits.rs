//! Credits of the three kinds. None is ever negative, kinds are never exchanged for one another,
//! and arithmetic either has an exact answer or none.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Count, Kind};

/// Credits of the three kinds, in JSON `{"playground": n, "tune": n, "tune_image": n}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Credits {
    playground: u64,
    tune: u64,
    tune_image: u64,
}

impl Credits {
    /// No credits of any kind.
    pub const ZERO: Self = Self::new(0, 0, 0);

    /// The most credits of one kind that anything may hold. Every amount up to it is an exact
    /// integer in JSON, whatever reads it.
    pub const MAX_OF_A_KIND: u64 = 1_000_000_000_000;

    /// These credits. [`Self::MAX_OF_A_KIND`] is not checked here, but by arithmetic and by
    /// deserialization.
    #[must_use]
    pub const fn new(playground: u64, tune: u64, tune_image: u64) -> Self {
        Self { playground, tune, tune_image }
    }

    /// Credits for generating or editing images.
    #[must_use]
    pub const fn playground(self) -> u64 {
        self.playground
    }

    /// Credits for training a Tune.
    #[must_use]
    pub const fn tune(self) -> u64 {
        self.tune
    }

    /// Credits for images from a trained Tune, one an image.
    #[must_use]
    pub const fn tune_image(self) -> u64 {
        self.tune_image
    }

    /// The number of credits of this kind.
    #[must_use]
    pub const fn of(self, kind: Kind) -> u64 {
        match kind {
            Kind::Playground => self.playground,
            Kind::Tune => self.tune,
            Kind::TuneImage => self.tune_image,
        }
    }

    /// Whether there are none of any kind.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// Whether this is enough of each kind.
    #[must_use]
    pub fn covers(self, required: Self) -> bool {
        self.checked_sub(required).is_some()
    }

    /// The sum; `None` if it exceeds [`Self::MAX_OF_A_KIND`] in any kind.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.try_zip(other, |a, b| within_cap(a.checked_add(b)?))
    }

    /// The difference; `None` if it falls below zero in any kind.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.try_zip(other, u64::checked_sub)
    }

    /// These credits `n` times; `None` if it exceeds [`Self::MAX_OF_A_KIND`] in any kind.
    #[must_use]
    pub fn checked_mul(self, n: u64) -> Option<Self> {
        self.try_zip(Self::new(n, n, n), |a, b| within_cap(a.checked_mul(b)?))
    }

    /// What these credits lack of `required`, kind by kind; zero where they cover it.
    #[must_use]
    pub fn shortfall(self, required: Self) -> Self {
        self.zip(required, |has, needs| needs.saturating_sub(has))
    }

    /// The smaller of both, kind by kind.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        self.zip(other, u64::min)
    }

    /// The same but for the playground credits. Checks no cap, as [`Self::new`].
    #[must_use]
    pub fn with_playground(self, playground: u64) -> Self {
        Self { playground, ..self }
    }

    fn zip(self, other: Self, of: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            playground: of(self.playground, other.playground),
            tune: of(self.tune, other.tune),
            tune_image: of(self.tune_image, other.tune_image),
        }
    }

    fn try_zip(self, other: Self, of: impl Fn(u64, u64) -> Option<u64>) -> Option<Self> {
        Some(Self {
            playground: of(self.playground, other.playground)?,
            tune: of(self.tune, other.tune)?,
            tune_image: of(self.tune_image, other.tune_image)?,
        })
    }
}

fn within_cap(amount: u64) -> Option<u64> {
    (amount <= Credits::MAX_OF_A_KIND).then_some(amount)
}

impl<'de> Deserialize<'de> for Credits {
    /// All three kinds, nothing else, each a whole number within the cap. Only an object will
    /// do: a derived implementation would take an array as well.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CreditsVisitor)
    }
}

struct CreditsVisitor;

impl<'de> Visitor<'de> for CreditsVisitor {
    type Value = Credits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `playground`, `tune` and `tune_image`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Credits, A::Error> {
        let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Credits::new(fields.playground.0, fields.tune.0, fields.tune_image.0))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    playground: Amount,
    tune: Amount,
    tune_image: Amount,
}

struct Amount(u64);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let count = Count::deserialize(deserializer)?.get();
        u64::try_from(count).ok().and_then(within_cap).map(Self).ok_or_else(|| {
            let max = Credits::MAX_OF_A_KIND;
            let expected = format!("a number of credits from 0 to {max}");
            D::Error::invalid_value(Unexpected::Signed(count), &expected.as_str())
        })
    }
}
