//! Calendar months in UTC, the unit in which playground credits are refilled and expire (docs/rules.md, rule 1).

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

/// A calendar month in UTC, written `YYYY-MM`.
///
/// # Examples
///
/// ```
/// use scrip_accounts::Period;
///
/// let november: Period = "2026-11".parse()?;
/// assert_eq!(Period::of("2026-11-30T23:59:59Z".parse().unwrap()), november);
/// assert_eq!(november.next().to_string(), "2026-12");
/// assert_eq!(november.previous().start().to_rfc3339(), "2026-10-01T00:00:00+00:00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    // A first day has chrono's range and order.
    first_day: NaiveDate,
}

/// A text that is not a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a month as YYYY-MM, for example 2026-11")]
pub struct InvalidPeriod;

impl Period {
    /// The month that contains a time.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Period;
    ///
    /// let month = Period::of("2026-11-22T10:00:00Z".parse().unwrap());
    /// assert_eq!(month.to_string(), "2026-11");
    /// ```
    #[must_use]
    pub fn of(moment: DateTime<Utc>) -> Self {
        let day = moment.date_naive();
        Self { first_day: day.with_day(1).unwrap_or(day) }
    }

    /// The first moment of the month.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Period;
    ///
    /// let november: Period = "2026-11".parse()?;
    /// assert_eq!(november.start().to_rfc3339(), "2026-11-01T00:00:00+00:00");
    /// # Ok::<(), scrip_accounts::InvalidPeriod>(())
    /// ```
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        self.first_day.and_time(NaiveTime::MIN).and_utc()
    }

    /// The month before. The first month that chrono can express is its own predecessor.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Period;
    ///
    /// let november: Period = "2026-11".parse()?;
    /// assert_eq!(november.previous().to_string(), "2026-10");
    /// # Ok::<(), scrip_accounts::InvalidPeriod>(())
    /// ```
    #[must_use]
    pub fn previous(self) -> Self {
        let first_day = self.first_day.checked_sub_months(chrono::Months::new(1));
        Self { first_day: first_day.unwrap_or(self.first_day) }
    }

    /// The month after. The last month that chrono can express is its own successor.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Period;
    ///
    /// let december: Period = "2026-12".parse()?;
    /// assert_eq!(december.next().to_string(), "2027-01");
    /// # Ok::<(), scrip_accounts::InvalidPeriod>(())
    /// ```
    #[must_use]
    pub fn next(self) -> Self {
        let first_day = self.first_day.checked_add_months(chrono::Months::new(1));
        Self { first_day: first_day.unwrap_or(self.first_day) }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first_day.year(), self.first_day.month())
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let (year, month) = text.split_once('-').ok_or(InvalidPeriod)?;
        let digits = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(InvalidPeriod);
        }
        let year = year.parse().map_err(|_| InvalidPeriod)?;
        let month = month.parse().map_err(|_| InvalidPeriod)?;
        let first_day = NaiveDate::from_ymd_opt(year, month, 1).ok_or(InvalidPeriod)?;
        Ok(Self { first_day })
    }
}

impl TryFrom<String> for Period {
    type Error = InvalidPeriod;

    fn try_from(text: String) -> Result<Self, InvalidPeriod> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_utc_and_starts_at_its_first_moment() {
        for (moment, month, next_start) in [
            ("2026-11-01T00:00:00Z", "2026-11", "2026-12-01T00:00:00Z"),
            ("2026-11-30T23:59:59.999Z", "2026-11", "2026-12-01T00:00:00Z"),
            ("2026-12-31T23:59:59Z", "2026-12", "2027-01-01T00:00:00Z"),
            ("2028-02-29T12:00:00Z", "2028-02", "2028-03-01T00:00:00Z"),
            ("2026-12-01T01:00:00+02:00", "2026-11", "2026-12-01T00:00:00Z"),
        ] {
            let moment: DateTime<Utc> = moment.parse().unwrap();
            let period = Period::of(moment);
            assert_eq!(period.to_string(), month);
            assert_eq!(period.next().start(), next_start.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(period.next().previous(), period);
            assert_eq!(month.parse::<Period>(), Ok(period));
            assert_eq!(serde_json::to_value(period).unwrap(), month);
            assert_eq!(serde_json::from_value::<Period>(month.into()).unwrap(), period);
        }
    }

    #[test]
    fn only_yyyy_mm_is_a_month() {
        for text in ["", "2026", "2026-13", "2026-00", "26-11", "2026-1", "2026-11-01", "+026-11"] {
            assert_eq!(text.parse::<Period>(), Err(InvalidPeriod), "{text:?}");
        }
    }
}
