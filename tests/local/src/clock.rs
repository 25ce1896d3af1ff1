//! The only place where the local stack reads a clock, and the clock of a stack, which can be moved ahead.

use chrono::{DateTime, TimeDelta, Utc};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// The clock of one stack: the machine's, or ahead of it since someone moved it.
///
/// Invariant: it is never behind the machine's and only ever moved forward, as Stripe's test clocks are.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_ms: AtomicI64,
}

impl Clock {
    /// The present time of the stack, to the millisecond.
    ///
    /// # Panics
    /// As the function [`now`].
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        now() + self.ahead()
    }

    /// How far it is ahead of the machine's.
    #[must_use]
    pub fn ahead(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Moves it forward to that time, from which it goes on. A time that has passed changes nothing.
    ///
    /// # Panics
    /// As the function [`now`].
    pub fn move_to(&self, time: DateTime<Utc>) {
        let ahead = (time - now()).num_milliseconds();
        self.ahead_ms.fetch_max(ahead, Ordering::Relaxed);
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_on_from_where_it_was_moved_to_and_never_back() {
        let clock = Clock::default();
        assert!(clock.now() - now() < TimeDelta::seconds(5));
        let next_year = now() + TimeDelta::days(365);
        clock.move_to(next_year);
        assert!((TimeDelta::zero()..TimeDelta::seconds(5)).contains(&(clock.now() - next_year)));
        clock.move_to(now() + TimeDelta::days(30));
        assert!(clock.now() >= next_year);
    }
}
