//! Integers as callers write them. Parsing refuses only what is not an integer; the code that reads
//! the number checks its range.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// An integer as the caller wrote it, which may be negative or huge.
///
/// A value out of range is thus refused as out of range, and not as malformed. Beyond `i64` it is the
/// nearest `i64`, which is out of every range too. An integer may be written `2.0` or `2e0`, as in JSON
/// Schema. `serde_json` refuses a number that no float holds, such as `1e999`, as a syntax error.
///
/// # Examples
///
/// ```
/// use scrip_pricing::Count;
///
/// let count: Count = serde_json::from_str("2.0")?;
/// assert_eq!(count, Count::new(2));
/// assert!(serde_json::from_str::<Count>("2.5").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Count(i64);

impl Count {
    /// The count of this number.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(scrip_pricing::Count::new(4).to_string(), "4");
    /// ```
    #[must_use]
    pub const fn new(count: i64) -> Self {
        Self(count)
    }

    /// The number.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(scrip_pricing::Count::new(-1).get(), -1);
    /// ```
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The end of a refusal of this number, such as "; you sent 151". Empty at either end of `i64`,
    /// because the caller may have sent a number beyond it.
    pub(crate) fn you_sent(self) -> String {
        match self.0 {
            i64::MIN | i64::MAX => String::new(),
            count => format!("; you sent {count}"),
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `deserialize_i64` would refuse `2.0` in serde's buffer behind tags and flattened fields.
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_i64<E: Error>(self, count: i64) -> Result<Count, E> {
        Ok(Count(count))
    }

    fn visit_u64<E: Error>(self, count: u64) -> Result<Count, E> {
        Ok(Count(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    /// Reads an integer that is written with a point, an exponent, or more digits than `u64` holds.
    /// No arithmetic is done on the float.
    fn visit_f64<E: Error>(self, count: f64) -> Result<Count, E> {
        if count.fract() == 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, which is intended here")]
            Ok(Count(count as i64))
        } else {
            Err(E::invalid_type(Unexpected::Float(count), &self))
        }
    }
}
