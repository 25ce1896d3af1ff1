//! The time at which something happened at the payment provider.

use std::str::FromStr;

use chrono::{DateTime, ParseError, Utc};

/// A time by the payment provider's clock, in whole seconds as Stripe states it.
///
/// It is a type of its own, so that it can't be passed as the time of a request (`now`). The two clocks may differ, so a
/// rule that compares them says so by [`ProviderTime::time`].
///
/// # Examples
///
/// ```
/// use scrip_accounts::ProviderTime;
///
/// let paid_at: ProviderTime = "2026-11-01T10:00:00Z".parse().unwrap();
/// assert_eq!(paid_at.time().timestamp(), 1_793_527_200);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProviderTime(DateTime<Utc>);

impl ProviderTime {
    /// The same moment, for a comparison with times of other clocks.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::ProviderTime;
    ///
    /// let now = "2026-11-22T10:00:00Z".parse().unwrap();
    /// assert_eq!(ProviderTime::from(now).time(), now);
    /// ```
    #[must_use]
    pub fn time(self) -> DateTime<Utc> {
        self.0
    }
}

impl From<DateTime<Utc>> for ProviderTime {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

impl FromStr for ProviderTime {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse().map(Self)
    }
}
