//! How long to wait before another attempt: full jitter, so that those who collided once spread out.

use std::time::Duration;

/// How often a command or a read is tried.
pub(crate) const ATTEMPTS_MAX: u32 = 10;
/// The first wait is up to this long; each further one up to twice as long as the one before.
const BACKOFF_MS_FIRST: u64 = 10;
/// No wait is longer. Ten attempts wait 2.3 s at most, well within a request's time.
const BACKOFF_MS_MAX: u64 = 400;

/// A random wait before attempt `attempt + 1`.
pub(crate) fn wait(attempt: u32) -> Duration {
    Duration::from_millis(fastrand::u64(0..=ceiling_ms(attempt)))
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
        for attempt in 1..ATTEMPTS_MAX {
            assert!(wait(attempt) <= Duration::from_millis(ceiling_ms(attempt)));
        }
    }
}
