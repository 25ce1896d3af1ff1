//! The only place where the local stack reads a clock.

use chrono::{DateTime, Utc};
use std::time::{SystemTime, UNIX_EPOCH};

/// The present time, to the millisecond, as API Gateway stamps it on an event.
///
/// # Panics
/// When the machine's clock stands before 1970 or after the year 262000.
#[must_use]
pub fn now() -> DateTime<Utc> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock stands after 1970");
    let millis = i64::try_from(since_1970.as_millis()).expect("the clock fits 64 bits");
    DateTime::from_timestamp_millis(millis).expect("the clock stands in a representable year")
}
