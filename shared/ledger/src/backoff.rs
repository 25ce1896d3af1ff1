//! Attempts and the waits between them. The waits have full jitter, so calls that collided spread out. Attempts end in
//! time for the caller to get an answer before the function's time-out.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    Error, Fault,
    error::{Failure, Source},
};

/// The most attempts of a command or a read while DynamoDB fails or throttles.
const ATTEMPTS_FAILED_MAX: u32 = 10;
/// The cap of the first wait after a failure, in ms. The cap doubles with each further failure.
const BACKOFF_FAILED_MS_FIRST: u64 = 10;
/// The highest cap of a wait after a failure, in ms.
const BACKOFF_FAILED_MS_MAX: u64 = 400;

/// The most attempts of a command while others write to the account. The time usually ends first.
const ATTEMPTS_CONTENDED_MAX: u32 = 200;
/// The cap of the first wait for other writers, in ms. The cap quadruples with each further one.
const BACKOFF_CONTENDED_MS_FIRST: u64 = 20;
/// The highest cap of a wait for other writers: (ms since the first attempt, ms). It falls with time, so older commands
/// try more often than newer ones and end first.
const BACKOFF_CONTENDED_MS_MAX: [(u64, u64); 3] = [(3_000, 40), (2_000, 100), (0, 320)];

/// The ms since the first attempt after which no further one starts. The last attempt ends before the function's
/// time-out, unless it reads many pages slowly: then Lambda stops it, and the caller asks again.
const ATTEMPTS_MS_MAX: u64 = 5_000;

/// The attempts of one command or read.
#[derive(Debug)]
pub(crate) struct Attempts {
    failed: u32,
    contended: u32,
    since: Instant,
}

impl Attempts {
    /// The first attempt.
    pub(crate) fn first() -> Self {
        Self { failed: 0, contended: 0, since: Instant::now() }
    }

    /// The number of attempts, including the current one.
    pub(crate) fn made(&self) -> u32 {
        1 + self.failed + self.contended
    }

    /// Goes on to another attempt at once.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if the attempts or the time are used up.
    pub(crate) fn again_at_once(&mut self, last: Fault, source: Option<Source>) -> Result<(), Error> {
        self.again_after(Duration::ZERO, last, source)
    }

    /// Goes on to another attempt after a random wait.
    ///
    /// # Errors
    /// [`Error::TryAgain`] at once if the attempts are used up, or if the time would be over after the wait.
    pub(crate) async fn again(&mut self, last: Fault, source: Option<Source>) -> Result<(), Error> {
        let ceiling_ms = match last {
            Fault::Raced | Fault::Contended => contended_ceiling_ms(self.contended, self.since.elapsed()),
            Fault::Throttled | Fault::Unknown => failed_ceiling_ms(self.failed),
        };
        let wait = Duration::from_millis(fastrand::u64(0..=ceiling_ms));
        self.again_after(wait, last, source)?;
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn again_after(&mut self, wait: Duration, last: Fault, source: Option<Source>) -> Result<(), Error> {
        let attempts = self.made();
        let (count, max) = match last {
            Fault::Raced | Fault::Contended => (&mut self.contended, ATTEMPTS_CONTENDED_MAX),
            Fault::Throttled | Fault::Unknown => (&mut self.failed, ATTEMPTS_FAILED_MAX),
        };
        if *count + 1 == max || self.since.elapsed() + wait > Duration::from_millis(ATTEMPTS_MS_MAX) {
            return Err(Error::TryAgain { attempts, last, source });
        }
        *count += 1;
        Ok(())
    }
}

/// Tries a read until it succeeds or its attempts are used up.
pub(crate) async fn persist<T, F>(read: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut attempts = Attempts::first();
    loop {
        match read().await {
            Ok(value) => return Ok(value),
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Transient(fault, source)) => attempts.again(fault, source).await?,
        }
    }
}

/// The cap of a wait after a failure, given the number of failures before.
fn failed_ceiling_ms(before: u32) -> u64 {
    (BACKOFF_FAILED_MS_FIRST << before.min(16)).min(BACKOFF_FAILED_MS_MAX)
}

/// The cap of a wait for other writers, given the number of such waits and the time since the first attempt.
fn contended_ceiling_ms(before: u32, waited: Duration) -> u64 {
    let longest = BACKOFF_CONTENDED_MS_MAX.iter().find(|(since, _)| waited.as_millis() >= u128::from(*since));
    let longest = longest.map_or(BACKOFF_CONTENDED_MS_FIRST, |(_, longest)| *longest);
    (BACKOFF_CONTENDED_MS_FIRST << (2 * before.min(16))).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_after_failures_double_up_to_a_bound() {
        let ceilings: Vec<u64> = (0..9).map(failed_ceiling_ms).collect();
        assert_eq!(ceilings, [10, 20, 40, 80, 160, 320, 400, 400, 400]);
        assert_eq!(failed_ceiling_ms(u32::MAX), 400);
    }

    #[test]
    fn waits_for_other_writers_grow_fast_and_fall_with_the_time_since_the_first_attempt() {
        for (before, waited_ms, expected) in [
            (0, 0, 20),
            (1, 0, 80),
            (2, 0, 320),
            (3, 0, 320),
            (u32::MAX, 1_999, 320),
            (3, 2_000, 100),
            (3, 2_999, 100),
            (3, 3_000, 40),
            (u32::MAX, 4_999, 40),
            (0, 4_999, 20),
        ] {
            let ceiling = contended_ceiling_ms(before, Duration::from_millis(waited_ms));
            assert_eq!(ceiling, expected, "{before} after {waited_ms} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_tried_ten_times_with_waits_within_their_caps() {
        let mut attempts = Attempts::first();
        for attempt in 1..10 {
            let before = Instant::now();
            attempts.again(Fault::Throttled, None).await.unwrap();
            // The paused clock advances by each sleep, in whole milliseconds.
            let most = Duration::from_millis(failed_ceiling_ms(attempt - 1) + 1);
            assert!(before.elapsed() <= most, "{attempt}");
        }
        assert_eq!(attempts.made(), 10);
        let enough = attempts.again(Fault::Throttled, None).await.unwrap_err();
        assert!(matches!(enough, Error::TryAgain { attempts: 10, last: Fault::Throttled, .. }), "{enough}");
        // Waits for other writers are counted apart.
        attempts.again(Fault::Contended, None).await.unwrap();
        assert_eq!(attempts.made(), 11);
    }

    #[tokio::test(start_paused = true)]
    async fn other_writers_are_waited_for_until_the_time_is_over() {
        let mut attempts = Attempts::first();
        while attempts.again(Fault::Contended, None).await.is_ok() {}
        assert!(attempts.since.elapsed() > Duration::from_millis(4_800), "{attempts:?}");
        assert!((11..200).contains(&attempts.made()), "{attempts:?}");
        // Attempts without a wait end by their number.
        let mut attempts = Attempts::first();
        while attempts.again_at_once(Fault::Raced, None).is_ok() {}
        assert_eq!(attempts.made(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_are_spread_from_zero_to_their_cap() {
        let mut waits = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let mut ninth = Attempts { failed: 8, ..Attempts::first() };
            let before = Instant::now();
            ninth.again(Fault::Unknown, None).await.unwrap();
            waits.insert(before.elapsed());
        }
        // There are 401 possible waits. Fewer than 50 different ones in 100 draws are as good as impossible.
        assert!(waits.len() > 50, "{waits:?}");
        assert!(waits.first() < Some(&Duration::from_millis(100)), "{waits:?}");
        assert!(waits.last() > Some(&Duration::from_millis(300)), "{waits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_starts_after_five_seconds() {
        for (slept_ms, goes_on) in [(4_980, true), (5_001, false)] {
            let mut attempts = Attempts::first();
            tokio::time::sleep(Duration::from_millis(slept_ms)).await;
            assert_eq!(attempts.again(Fault::Unknown, None).await.is_ok(), goes_on, "{slept_ms}");
            assert_eq!(attempts.made(), if goes_on { 2 } else { 1 });
        }
        // Both sides of the last moment.
        let mut attempts = Attempts::first();
        tokio::time::sleep(Duration::from_secs(5)).await;
        attempts.again_at_once(Fault::Raced, None).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        attempts.again_at_once(Fault::Raced, None).unwrap_err();
    }
}
