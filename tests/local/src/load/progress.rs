//! A line on standard error each second: one line that changes on a terminal, lines of their own in a file.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

use super::{operation::Operation, report::grouped, tally::Counts};

/// How often a line is shown.
const SHOW_TIME: Duration = Duration::from_secs(1);

/// What was shown last.
#[derive(Debug)]
pub(super) struct Progress {
    started: Instant,
    shown: Instant,
    requests: u64,
}

impl Progress {
    pub(super) fn new(started: Instant) -> Self {
        Self { started, shown: started, requests: 0 }
    }

    /// Shows the counts if a second has passed.
    pub(super) fn show(&mut self, counts: &Counts) {
        let now = Instant::now();
        if now - self.shown < SHOW_TIME {
            return;
        }
        let requests = counts.requests() - self.requests;
        let line = line(now - self.started, counts, per_second(requests, now - self.shown));
        let (before, after) = if stderr().is_terminal() { ("\r", "") } else { ("", "\n") };
        // Standard error may be closed.
        let _ = write!(stderr(), "{before}{line}{after}");
        (self.shown, self.requests) = (now, counts.requests());
    }

    /// Ends the line.
    pub(super) fn end() {
        if stderr().is_terminal() {
            let _ = writeln!(stderr());
        }
    }
}

fn per_second(requests: u64, time: Duration) -> u64 {
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    requests * 1_000 / ms
}

fn line(elapsed: Duration, counts: &Counts, per_second: u64) -> String {
    format!(
        "{:>4} s  {:>9} requests  {:>6} a second  {:>7} refused (402)  {} wrong",
        elapsed.as_secs(),
        grouped(counts.requests()),
        grouped(per_second),
        grouped(counts.of(Operation::Refusal)),
        counts.wrong.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::tally::Tally;

    #[test]
    fn a_line_says_what_was_done() {
        let tally = Tally::default();
        for number in 0..1_500_u32 {
            let operation = if number % 10 == 0 { Operation::Refusal } else { Operation::Debit };
            tally.answer(operation, &number.to_string(), Duration::from_millis(1));
        }
        let shown = line(
            Duration::from_millis(3_050),
            &tally.lock(),
            per_second(1_500, Duration::from_millis(1_500)),
        );
        assert_eq!(shown, "   3 s      1,500 requests   1,000 a second      150 refused (402)  0 wrong");
    }
}
