//! The machine's clock. Few callers need it, because a request's time comes from the gateway and a refill's month from the
//! schedule.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

/// The machine's time.
#[must_use]
pub fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
