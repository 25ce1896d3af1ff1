//! The place of an entry in its account's history.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An entry's place in its account's history: 1 for the first entry, without gaps.
///
/// # Examples
///
/// ```
/// use scrip_accounts::Sequence;
///
/// assert_eq!(Sequence::NONE.next(), Sequence::new(1));
/// assert_eq!(Sequence::new(42).to_string(), "42");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(u64);

impl Sequence {
    /// The place before the first entry: 0.
    pub const NONE: Self = Self(0);

    /// The sequence of that number.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Sequence;
    ///
    /// assert_eq!(Sequence::new(0), Sequence::NONE);
    /// ```
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Sequence;
    ///
    /// assert_eq!(Sequence::new(42).get(), 42);
    /// ```
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sequence of the next entry.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Sequence;
    ///
    /// assert_eq!(Sequence::new(42).next(), Sequence::new(43));
    /// ```
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_counts_from_one_and_reads_as_a_number() {
        let first = Sequence::NONE.next();
        assert_eq!((first.get(), first.next().get()), (1, 2));
        assert_eq!(Sequence::new(42).to_string(), "42");
    }
}
