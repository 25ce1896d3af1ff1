//! How often something is tried, and how long in between: full jitter, so that those who collided once
//! spread out, and an end, so that the caller gets an answer while it still waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Error, Fault, error::Failure};

/// How often a command or a read is tried.
const ATTEMPTS_MAX: u32 = 10;
/// The first wait is up to this long; each further one up to twice as long as the one before.
const BACKOFF_MS_FIRST: u64 = 10;
/// No wait is longer.
const BACKOFF_MS_MAX: u64 = 400;
/// No attempt starts later. What is under way then still ends well before the function's time-out.
const ATTEMPTS_MS_MAX: u64 = 5_000;

/// The attempts of one command or read.
#[derive(Debug)]
pub(crate) struct Attempts {
    made: u32,
    until: Instant,
}

impl Attempts {
    /// The first attempt.
    pub(crate) fn first() -> Self {
        Self { made: 1, until: Instant::now() + Duration::from_millis(ATTEMPTS_MS_MAX) }
    }

    /// How many were made, with the one under way.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// Goes on to another attempt at once.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where there have been enough, or it is too late.
    pub(crate) fn again_at_once(&mut self, last: Fault) -> Result<(), Error> {
        self.again_after(Duration::ZERO, last)
    }

    /// Goes on to another attempt after a random wait.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where there have been enough, or it would be too late; without the wait.
    pub(crate) async fn again(&mut self, last: Fault) -> Result<(), Error> {
        let wait = Duration::from_millis(fastrand::u64(0..=ceiling_ms(self.made)));
        self.again_after(wait, last)?;
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn again_after(&mut self, wait: Duration, last: Fault) -> Result<(), Error> {
        if self.made == ATTEMPTS_MAX || Instant::now() + wait > self.until {
            return Err(Error::TryAgain { attempts: self.made, last });
        }
        self.made += 1;
        Ok(())
    }
}

/// Tries a read until it succeeds, a bounded number of times.
pub(crate) async fn persist<T, F>(read: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut attempts = Attempts::first();
    loop {
        match read().await {
            Ok(value) => return Ok(value),
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Transient(fault)) => attempts.again(fault).await?,
        }
    }
}

fn ceiling_ms(attempt: u32) -> u64 {
    let doublings = attempt.saturating_sub(1).min(16);
    (BACKOFF_MS_FIRST << doublings).min(BACKOFF_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound() {
        let ceilings: Vec<u64> = (1..ATTEMPTS_MAX).map(ceiling_ms).collect();
        assert_eq!(ceilings, [10, 20, 40, 80, 160, 320, 400, 400, 400]);
        assert_eq!(ceiling_ms(u32::MAX), 400);
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_ten_attempts_with_waits_within_their_bounds() {
        let mut attempts = Attempts::first();
        for attempt in 1..10 {
            let before = Instant::now();
            attempts.again(Fault::Throttled).await.unwrap();
            // Paused time passes by what is slept, in whole milliseconds.
            assert!(before.elapsed() <= Duration::from_millis(ceiling_ms(attempt) + 1), "{attempt}");
        }
        assert_eq!(attempts.made(), 10);
        let enough = attempts.again(Fault::Throttled).await.unwrap_err();
        assert!(matches!(enough, Error::TryAgain { attempts: 10, last: Fault::Throttled }), "{enough}");
    }

    #[tokio::test(start_paused = true)]
    async fn waits_are_spread_over_all_that_they_may_be() {
        let mut waits = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let mut ninth = Attempts { made: 9, ..Attempts::first() };
            let before = Instant::now();
            ninth.again(Fault::Contended).await.unwrap();
            waits.insert(before.elapsed());
        }
        // Out of 401: the odds against it have more than ten digits.
        assert!(waits.len() > 50, "{waits:?}");
        assert!(waits.first() < Some(&Duration::from_millis(100)), "{waits:?}");
        assert!(waits.last() > Some(&Duration::from_millis(300)), "{waits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_starts_after_five_seconds() {
        for (slept_ms, goes_on) in [(4_980, true), (5_001, false)] {
            let mut attempts = Attempts::first();
            tokio::time::sleep(Duration::from_millis(slept_ms)).await;
            assert_eq!(attempts.again(Fault::Unknown).await.is_ok(), goes_on, "{slept_ms}");
            assert_eq!(attempts.made(), if goes_on { 2 } else { 1 });
        }
        // Both sides of the last moment.
        let mut attempts = Attempts::first();
        tokio::time::sleep(Duration::from_secs(5)).await;
        attempts.again_at_once(Fault::Raced).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        attempts.again_at_once(Fault::Raced).unwrap_err();
    }
}
