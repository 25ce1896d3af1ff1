//! The machine's clock, for the few who need one: a request's time is the gateway's, a refill's month the
//! schedule's.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

/// The machine's time.
#[must_use]
pub fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
