//! What was measured, and whether it is within its bounds.

use std::{process::ExitCode, time::Duration};

use comfy_table::{Table, presets::ASCII_MARKDOWN};

/// A figure.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The measured quantity, and its comparison.
    pub what: String,
    /// The figure.
    pub value: f64,
    /// In what: `×`, `MB`.
    pub unit: &'static str,
    /// The bound of its value.
    pub bound: Bound,
    /// The values from which it was computed, as text.
    pub from: String,
}

/// The bound of a figure.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// Nothing: it is shown for information.
    None,
}

impl Figure {
    fn is_kept(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.value <= bound,
            Bound::AtLeast(bound) => self.value >= bound,
            Bound::None => true,
        }
    }

    fn row(&self) -> [String; 5] {
        let bound = match self.bound {
            Bound::AtMost(bound) => format!("≤ {bound} {}", self.unit),
            Bound::AtLeast(bound) => format!("≥ {bound} {}", self.unit),
            Bound::None => String::new(),
        };
        let kept = if self.is_kept() { "yes" } else { "NO" };
        let value = format!("{} {}", short(self.value), self.unit);
        [self.what.clone(), value, bound, kept.to_owned(), self.from.clone()]
    }
}

/// Prints the figures as a table; fails if one misses its bound.
pub fn report(figures: &[Figure]) -> ExitCode {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["what", "measured", "bound", "kept", "from"]);
    for figure in figures {
        table.add_row(figure.row());
    }
    eprintln!("\n{table}");
    let missed = figures.iter().filter(|figure| !figure.is_kept()).count();
    if missed == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!("\n{missed} of {} figures miss their bound", figures.len());
    ExitCode::FAILURE
}

/// Three digits that count.
pub fn short(value: f64) -> String {
    let decimals = match value.abs() {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// The time that half of them were within.
pub fn median(times: &[Duration]) -> Duration {
    percentile(times, 50)
}

/// The time within which that percentage of the times are.
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

/// A time as text, in µs.
pub fn micros(time: Duration) -> String {
    format!("{} µs", short(time.as_secs_f64() * 1e6))
}

/// A time as text, in ms.
pub fn millis(time: Duration) -> String {
    format!("{} ms", short(time.as_secs_f64() * 1e3))
}

/// The middle one of some values.
pub fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
