//! Shows the progress on standard error.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use scrip_ledger::audit::Tally;

const INTERVAL: Duration = Duration::from_secs(1);

/// Shows the number of rows that were read, every second.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    last_shown: Option<Instant>,
    is_shown: bool,
}

impl Progress {
    /// Progress that is printed.
    #[must_use]
    pub fn shown() -> Self {
        Self { started: Instant::now(), last_shown: None, is_shown: true }
    }

    /// Progress that is not printed.
    #[must_use]
    pub fn hidden() -> Self {
        Self { is_shown: false, ..Self::shown() }
    }

    /// The time since it began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Shows the number of rows that were read, at most once a second.
    pub(crate) fn show(&mut self, tally: &Tally) {
        let now = Instant::now();
        if self.is_shown && now - self.last_shown.unwrap_or(self.started) >= INTERVAL {
            self.last_shown = Some(now);
            let rate = per_second(tally.entries, self.elapsed());
            let Tally { rows, entries, .. } = tally;
            print(&format!("{rows} rows read, {entries} entries ({rate} a second)"));
        }
    }

    /// Shows the current action.
    pub(crate) fn announce(&mut self, what: &str) {
        if self.is_shown {
            self.last_shown = Some(Instant::now());
            print(what);
        }
    }

    /// Ends the line on a terminal.
    pub(crate) fn end(&mut self) {
        if self.is_shown && self.last_shown.take().is_some() && io::stderr().is_terminal() {
            eprintln!();
        }
    }
}

/// Prints a line; on a terminal it replaces the one before. Errors are ignored.
fn print(line: &str) {
    let mut stderr = io::stderr().lock();
    let printed =
        if stderr.is_terminal() { write!(stderr, "\r\x1b[K{line}") } else { writeln!(stderr, "{line}") };
    drop(printed.and_then(|()| stderr.flush()));
}

/// `count` divided by the seconds, rounded down.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a rate is shown rounded, and a cast saturates"
)]
pub(crate) fn per_second(count: u64, elapsed: Duration) -> u64 {
    (count as f64 / elapsed.as_secs_f64().max(0.001)) as u64
}
