//! Amounts of credits of the three kinds. An amount is never negative, kinds are never exchanged for
//! one another, and arithmetic is exact or returns `None`.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Count, Kind};

/// An amount of credits of each kind, in JSON `{"playground": n, "tune": n, "tune_image": n}`.
///
/// # Examples
///
/// ```
/// use scrip_pricing::Credits;
///
/// let balance = Credits::new(1000, 1, 64);
/// let price = Credits::new(4, 0, 0);
/// assert_eq!(balance.checked_sub(price), Some(Credits::new(996, 1, 64)));
/// assert_eq!(price.checked_sub(balance), None);
/// assert_eq!(price.shortfall(balance), Credits::new(996, 1, 64));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Credits {
    playground: u64,
    tune: u64,
    tune_image: u64,
}

impl Credits {
    /// No credits of any kind.
    pub const ZERO: Self = Self::new(0, 0, 0);

    /// The most credits of one kind in a balance or a price. Every JSON parser reads integers up to this
    /// one exactly.
    pub const MAX_OF_A_KIND: u64 = 1_000_000_000_000;

    /// An amount of each kind. Arithmetic and deserialization check [`Self::MAX_OF_A_KIND`]; this
    /// constructor does not.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// let pack = Credits::new(0, 1, 64);
    /// assert_eq!((pack.tune(), pack.tune_image()), (1, 64));
    /// ```
    #[must_use]
    pub const fn new(playground: u64, tune: u64, tune_image: u64) -> Self {
        Self { playground, tune, tune_image }
    }

    /// Credits for generating or editing images.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Credits::new(1000, 1, 64).playground(), 1000);
    /// ```
    #[must_use]
    pub const fn playground(self) -> u64 {
        self.playground
    }

    /// Credits for training a Tune.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Credits::new(1000, 1, 64).tune(), 1);
    /// ```
    #[must_use]
    pub const fn tune(self) -> u64 {
        self.tune
    }

    /// Credits for images from a trained Tune: one credit is one image.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Credits::new(1000, 1, 64).tune_image(), 64);
    /// ```
    #[must_use]
    pub const fn tune_image(self) -> u64 {
        self.tune_image
    }

    /// The number of credits of this kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::{Credits, Kind};
    ///
    /// assert_eq!(Credits::new(1000, 1, 64).of(Kind::TuneImage), 64);
    /// ```
    #[must_use]
    pub const fn of(self, kind: Kind) -> u64 {
        match kind {
            Kind::Playground => self.playground,
            Kind::Tune => self.tune,
            Kind::TuneImage => self.tune_image,
        }
    }

    /// Whether there are none of any kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// assert!(Credits::ZERO.is_zero());
    /// assert!(!Credits::new(0, 1, 0).is_zero());
    /// ```
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// Whether there are at least the required credits of each kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// let balance = Credits::new(1000, 1, 64);
    /// assert!(balance.covers(Credits::new(4, 1, 64)));
    /// assert!(!balance.covers(Credits::new(0, 2, 0)));
    /// ```
    #[must_use]
    pub fn covers(self, required: Self) -> bool {
        self.checked_sub(required).is_some()
    }

    /// The sum; `None` if it exceeds [`Self::MAX_OF_A_KIND`] in any kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// let pack = Credits::new(0, 1, 64);
    /// assert_eq!(pack.checked_add(Credits::new(1000, 0, 8)), Some(Credits::new(1000, 1, 72)));
    /// assert_eq!(pack.checked_add(Credits::new(0, Credits::MAX_OF_A_KIND, 0)), None);
    /// ```
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.try_zip(other, |a, b| within_limit(a.checked_add(b)?))
    }

    /// The difference; `None` if it falls below zero in any kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// let balance = Credits::new(1000, 1, 64);
    /// assert_eq!(balance.checked_sub(Credits::new(4, 0, 8)), Some(Credits::new(996, 1, 56)));
    /// assert_eq!(balance.checked_sub(Credits::new(0, 2, 0)), None);
    /// ```
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.try_zip(other, u64::checked_sub)
    }

    /// The product with `n`; `None` if it exceeds [`Self::MAX_OF_A_KIND`] in any kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Credits::new(0, 1, 64).checked_mul(3), Some(Credits::new(0, 3, 192)));
    /// assert_eq!(Credits::new(0, 1, 64).checked_mul(u64::MAX), None);
    /// ```
    #[must_use]
    pub fn checked_mul(self, n: u64) -> Option<Self> {
        self.try_zip(Self::new(n, n, n), |a, b| within_limit(a.checked_mul(b)?))
    }

    /// The credits that are missing to cover `required`; zero for each kind that is covered.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// let balance = Credits::new(1000, 1, 60);
    /// assert_eq!(balance.shortfall(Credits::new(4, 1, 64)), Credits::new(0, 0, 4));
    /// ```
    #[must_use]
    pub fn shortfall(self, required: Self) -> Self {
        self.zip(required, |has, needs| needs.saturating_sub(has))
    }

    /// The smaller amount of each kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Credits::new(4, 1, 64).min(Credits::new(1000, 0, 8)), Credits::new(4, 0, 8));
    /// ```
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        self.zip(other, u64::min)
    }

    /// The same amount with other playground credits. Like [`Self::new`], it does not check the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Credits::new(40, 1, 64).with_playground(1000), Credits::new(1000, 1, 64));
    /// ```
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

fn within_limit(amount: u64) -> Option<u64> {
    (amount <= Credits::MAX_OF_A_KIND).then_some(amount)
}

impl<'de> Deserialize<'de> for Credits {
    /// Reads an object of all three kinds and nothing else, each a whole number within the limit. A
    /// derived implementation would also accept an array.
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
        u64::try_from(count).ok().and_then(within_limit).map(Self).ok_or_else(|| {
            let max = Credits::MAX_OF_A_KIND;
            let expected = format!("a number of credits from 0 to {max}");
            D::Error::invalid_value(Unexpected::Signed(count), &expected.as_str())
        })
    }
}
