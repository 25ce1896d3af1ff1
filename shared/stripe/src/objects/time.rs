//! Times: seconds since 1970, within bounds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error};

/// The last second of the year 2999.
const SECONDS_MAX: i64 = 32_503_679_999;

/// The time of that many seconds since 1970; `None` if it isn't in the years 1970 to 2999.
pub(crate) fn of(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0).filter(|_| (0..=SECONDS_MAX).contains(&seconds))
}

/// Reads a time.
pub(super) fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    of(seconds).ok_or_else(|| D::Error::custom("a time outside the years 1970 to 2999"))
}

/// Reads a time that may be null. The field needs `default` too, because it may be absent.
pub(super) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let seconds: Option<i64> = Option::deserialize(deserializer)?;
    let time = |seconds| of(seconds).ok_or_else(|| D::Error::custom("a time outside the years 1970 to 2999"));
    seconds.map(time).transpose()
}
