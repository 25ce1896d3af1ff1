//! The signed change that an entry makes to a balance.

use scrip_pricing::Credits;
use serde::{Deserialize, Serialize};

/// A signed change of credits of each kind.
///
/// # Examples
///
/// ```
/// use scrip_accounts::Change;
/// use scrip_pricing::Credits;
///
/// let change = Change::new(-4, 0, 8);
/// assert_eq!(change.apply(Credits::new(10, 1, 0)), Some(Credits::new(6, 1, 8)));
/// assert_eq!(change.apply(Credits::new(3, 1, 0)), None);
/// assert_eq!((change.taken(), change.given()), (Credits::new(4, 0, 0), Credits::new(0, 0, 8)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    playground: i64,
    tune: i64,
    tune_image: i64,
}

impl Change {
    /// No change.
    pub const NONE: Self = Self { playground: 0, tune: 0, tune_image: 0 };

    /// A change of each kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Change;
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Change::new(0, 1, 64), Change::give(Credits::new(0, 1, 64)).unwrap());
    /// ```
    #[must_use]
    pub fn new(playground: i64, tune: i64, tune_image: i64) -> Self {
        Self { playground, tune, tune_image }
    }

    /// The change that gives these credits; `None` if a number doesn't fit into `i64`.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Change;
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Change::give(Credits::new(0, 1, 64)), Some(Change::new(0, 1, 64)));
    /// assert_eq!(Change::give(Credits::new(u64::MAX, 0, 0)), None);
    /// ```
    #[must_use]
    pub fn give(credits: Credits) -> Option<Self> {
        Some(Self {
            playground: i64::try_from(credits.playground()).ok()?,
            tune: i64::try_from(credits.tune()).ok()?,
            tune_image: i64::try_from(credits.tune_image()).ok()?,
        })
    }

    /// The change that takes these credits; `None` if a number doesn't fit into `i64`.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Change;
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Change::take(Credits::new(4, 0, 0)), Some(Change::new(-4, 0, 0)));
    /// ```
    #[must_use]
    pub fn take(credits: Credits) -> Option<Self> {
        let given = Self::give(credits)?;
        Some(Self {
            playground: given.playground.checked_neg()?,
            tune: given.tune.checked_neg()?,
            tune_image: given.tune_image.checked_neg()?,
        })
    }

    /// The change from one balance to another; both must be within [`Credits::MAX_OF_A_KIND`].
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Change;
    /// use scrip_pricing::Credits;
    ///
    /// let change = Change::between(Credits::new(40, 1, 0), Credits::new(1000, 0, 0));
    /// assert_eq!(change, Change::new(960, -1, 0));
    /// ```
    #[must_use]
    pub fn between(before: Credits, after: Credits) -> Self {
        let step = |before: u64, after: u64| after.cast_signed().saturating_sub(before.cast_signed());
        Self {
            playground: step(before.playground(), after.playground()),
            tune: step(before.tune(), after.tune()),
            tune_image: step(before.tune_image(), after.tune_image()),
        }
    }

    /// The balance after this change; `None` if a kind would fall below zero (rule 7) or rise above
    /// [`Credits::MAX_OF_A_KIND`].
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Change;
    /// use scrip_pricing::Credits;
    ///
    /// let debit = Change::new(-4, 0, 0);
    /// assert_eq!(debit.apply(Credits::new(10, 1, 64)), Some(Credits::new(6, 1, 64)));
    /// assert_eq!(debit.apply(Credits::new(3, 1, 64)), None);
    /// ```
    #[must_use]
    pub fn apply(self, balance: Credits) -> Option<Credits> {
        let after = |before: u64, change: i64| before.checked_add_signed(change);
        let after = Credits::new(
            after(balance.playground(), self.playground)?,
            after(balance.tune(), self.tune)?,
            after(balance.tune_image(), self.tune_image)?,
        );
        // Adding zero checks the limit.
        after.checked_add(Credits::ZERO)
    }

    /// The credits that the change takes; zero for each kind that it gives.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Change;
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Change::new(-4, 0, 8).taken(), Credits::new(4, 0, 0));
    /// ```
    #[must_use]
    pub fn taken(self) -> Credits {
        let taken = |change: i64| change.min(0).unsigned_abs();
        Credits::new(taken(self.playground), taken(self.tune), taken(self.tune_image))
    }

    /// The credits that the change gives; zero for each kind that it takes.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Change;
    /// use scrip_pricing::Credits;
    ///
    /// assert_eq!(Change::new(-4, 0, 8).given(), Credits::new(0, 0, 8));
    /// ```
    #[must_use]
    pub fn given(self) -> Credits {
        let given = |change: i64| change.max(0).unsigned_abs();
        Credits::new(given(self.playground), given(self.tune), given(self.tune_image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_stays_between_zero_and_the_cap() {
        let max = Credits::MAX_OF_A_KIND;
        for (balance, change, after) in [
            (Credits::new(5, 0, 0), Change::take(Credits::new(5, 0, 0)), Some(Credits::ZERO)),
            (Credits::new(5, 0, 0), Change::take(Credits::new(6, 0, 0)), None),
            (Credits::new(5, 1, 0), Change::take(Credits::new(0, 2, 0)), None),
            (Credits::new(max - 1, 0, 0), Change::give(Credits::new(1, 0, 0)), Some(Credits::new(max, 0, 0))),
            (Credits::new(max, 0, 0), Change::give(Credits::new(1, 0, 0)), None),
            (Credits::new(0, 0, 3), Some(Change::NONE), Some(Credits::new(0, 0, 3))),
        ] {
            assert_eq!(change.unwrap().apply(balance), after, "{balance:?} {change:?}");
        }
    }

    #[test]
    fn a_change_has_its_taken_and_given_credits() {
        let credits = Credits::new(1, 2, 3);
        let (take, give) = (Change::take(credits).unwrap(), Change::give(credits).unwrap());
        assert_eq!((take.taken(), take.given()), (credits, Credits::ZERO));
        assert_eq!((give.taken(), give.given()), (Credits::ZERO, credits));
    }
}
