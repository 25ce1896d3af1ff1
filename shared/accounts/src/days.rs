//! A range of whole days in UTC, for which a report is made.

use chrono::{DateTime, Days as Count, NaiveDate, NaiveTime, Utc};

/// A range of whole days in UTC, which includes its first and its last day.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Days, InvalidDays};
///
/// let days = Days::new("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap())?;
/// assert_eq!(days.start().to_rfc3339(), "2026-11-01T00:00:00+00:00");
/// assert_eq!(days.end().to_rfc3339(), "2026-12-01T00:00:00+00:00");
/// assert_eq!(Days::new(days.last(), days.first()), Err(InvalidDays::Backwards));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    first: NaiveDate,
    last: NaiveDate,
}

/// A range of days that is empty or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDays {
    /// The last day is before the first.
    #[error("the last day is before the first")]
    Backwards,
    /// There are more than [`Days::COUNT_MAX`] days.
    #[error("more than {} days", Days::COUNT_MAX)]
    TooMany,
}

impl Days {
    /// The most days of a range: three months, two of which have 31 days.
    pub const COUNT_MAX: u64 = 92;

    /// The range from the first to the last day.
    ///
    /// # Errors
    /// [`InvalidDays`] if the range is empty or too long.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Days, InvalidDays};
    ///
    /// let day = |text: &str| text.parse().unwrap();
    /// assert!(Days::new(day("2026-11-01"), day("2026-11-30")).is_ok());
    /// assert_eq!(Days::new(day("2026-01-01"), day("2026-12-31")), Err(InvalidDays::TooMany));
    /// ```
    pub fn new(first: NaiveDate, last: NaiveDate) -> Result<Self, InvalidDays> {
        match u64::try_from(last.signed_duration_since(first).num_days()) {
            Err(_) => Err(InvalidDays::Backwards),
            Ok(between) if between >= Self::COUNT_MAX => Err(InvalidDays::TooMany),
            Ok(_) => Ok(Self { first, last }),
        }
    }

    /// The first day.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Days;
    ///
    /// let days = Days::new("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap())?;
    /// assert_eq!(days.first().to_string(), "2026-11-01");
    /// # Ok::<(), scrip_accounts::InvalidDays>(())
    /// ```
    #[must_use]
    pub fn first(self) -> NaiveDate {
        self.first
    }

    /// The last day.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Days;
    ///
    /// let days = Days::new("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap())?;
    /// assert_eq!(days.last().to_string(), "2026-11-30");
    /// # Ok::<(), scrip_accounts::InvalidDays>(())
    /// ```
    #[must_use]
    pub fn last(self) -> NaiveDate {
        self.last
    }

    /// The first moment of the first day.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Days;
    ///
    /// let days = Days::new("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap())?;
    /// assert_eq!(days.start().to_rfc3339(), "2026-11-01T00:00:00+00:00");
    /// # Ok::<(), scrip_accounts::InvalidDays>(())
    /// ```
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        self.first.and_time(NaiveTime::MIN).and_utc()
    }

    /// The first moment after the last day. The last day that chrono can express has none.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Days;
    ///
    /// let days = Days::new("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap())?;
    /// assert_eq!(days.end().to_rfc3339(), "2026-12-01T00:00:00+00:00");
    /// # Ok::<(), scrip_accounts::InvalidDays>(())
    /// ```
    #[must_use]
    pub fn end(self) -> DateTime<Utc> {
        let next = self.last.checked_add_days(Count::new(1));
        next.map_or(DateTime::<Utc>::MAX_UTC, |next| next.and_time(NaiveTime::MIN).and_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_has_one_to_92_days() {
        use InvalidDays::{Backwards, TooMany};
        for (first, last, expected) in [
            ("2026-11-22", "2026-11-22", Ok(())),
            ("2026-11-22", "2026-11-21", Err(Backwards)),
            ("2026-11-22", "1026-11-22", Err(Backwards)),
            // July, August and September.
            ("2026-07-01", "2026-09-30", Ok(())),
            ("2026-07-01", "2026-10-01", Err(TooMany)),
            ("0001-01-01", "9999-12-31", Err(TooMany)),
            // In a leap year February has a day more.
            ("2027-12-01", "2028-03-01", Ok(())),
            ("2027-12-01", "2028-03-02", Err(TooMany)),
        ] {
            let days = Days::new(day(first), day(last));
            assert_eq!(days.map(drop), expected, "{first} to {last}");
        }
    }

    #[test]
    fn days_begin_and_end_at_midnight_utc() {
        let days = Days::new(day("2026-11-30"), day("2026-12-31")).unwrap();
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!((days.start(), days.end()), (time("2026-11-30T00:00:00Z"), time("2027-01-01T00:00:00Z")));
        assert_eq!((days.first(), days.last()), (day("2026-11-30"), day("2026-12-31")));
        let end = Days::new(NaiveDate::MAX, NaiveDate::MAX).unwrap().end();
        assert_eq!(end, DateTime::<Utc>::MAX_UTC);
    }
}
