//! Integers as callers write them. Being out of range is for whoever asks for a number to say;
//! here only what is no integer at all is refused.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// An integer as the caller wrote it, also a negative or a huge one, so that a value out of range
/// is answered as out of range and not as malformed. Beyond `i64` it is the nearest `i64`, which is
/// out of every range too. An integer may be written `2.0` or `2e0`, as JSON Schema has it. One
/// that no float holds, such as `1e999`, is a syntax error to `serde_json` and never gets here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Count(i64);

impl Count {
    /// This number.
    #[must_use]
    pub const fn new(count: i64) -> Self {
        Self(count)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// What to add to a refusal of this number: "; you sent 151". Nothing at either end of `i64`,
    /// where it may not be the number that the caller sent.
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
        // Asked for an `i64`, serde's buffer behind tags and flattened fields would refuse `2.0`.
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

    /// JSON's way of writing an integer with a point, an exponent, or more digits than `u64`
    /// holds. No arithmetic is done on it.
    fn visit_f64<E: Error>(self, count: f64) -> Result<Count, E> {
        if count.fract() == 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, as meant here")]
            Ok(Count(count as i64))
        } else {
            Err(E::invalid_type(Unexpected::Float(count), &self))
        }
    }
}
