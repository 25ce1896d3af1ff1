//! What the load came to, for people.

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use hdrhistogram::Histogram;
use std::{fmt, time::Duration};

use super::{
    operation::Operation,
    prices::{Prices, Units},
    tally::{Counts, Row, WrongAnswer},
};

/// How many wrong answers are shown.
const SHOWN_WRONG_MAX: usize = 5;

/// What the load came to.
#[derive(Debug)]
pub struct Report {
    pub(super) setting: Setting,
    pub(super) elapsed: Duration,
    pub(super) counts: Counts,
    pub(super) prices: Prices,
}

/// Who called what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) callers: u16,
    pub(super) accounts: usize,
    /// Processes of all functions.
    pub(super) processes: usize,
}

impl Report {
    /// How many requests were answered.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.counts.requests()
    }

    /// How many requests of an operation were answered.
    #[must_use]
    pub fn of(&self, operation: Operation) -> u64 {
        self.counts.of(operation)
    }

    /// How many requests have no log line, so that their units are unknown.
    #[must_use]
    pub fn unlogged(&self) -> u64 {
        self.counts.unlogged()
    }

    /// The answers, and the accounts, that are not what they must be.
    #[must_use]
    pub fn wrong(&self) -> &[WrongAnswer] {
        &self.counts.wrong
    }

    /// The write and read units of one request of an operation, on average; none if none was answered.
    #[must_use]
    pub fn units_of(&self, operation: Operation) -> Option<(f64, f64)> {
        let units = units(self.counts.rows.get(&operation)?)?;
        Some((units.write, units.read))
    }

    fn per_second(&self, requests: u64) -> f64 {
        count(requests) / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn operations(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header([
            "operation",
            "requests",
            "a second",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "max ms",
            "function\np50 ms",
            "write\nunits",
            "read\nunits",
            "DynamoDB,\na million",
        ]);
        let mut all = Row::default();
        for (operation, row) in &self.counts.rows {
            all.add(row);
            table.add_row(self.row(&operation.to_string(), row));
        }
        table.add_row(self.row("all", &all));
        for column in 1..11 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }

    fn row(&self, name: &str, row: &Row) -> Vec<String> {
        let mut cells = vec![name.to_owned(), grouped(row.latency.len())];
        cells.push(format!("{:.1}", self.per_second(row.latency.len())));
        cells.extend([50.0, 90.0, 99.0, 100.0].map(|percentile| ms(&row.latency, percentile)));
        cells.push(ms(&row.in_function, 50.0));
        match units(row) {
            Some(units) => {
                cells.extend([format!("{:.2}", units.write), format!("{:.2}", units.read)]);
                cells.push(format!("${:.3}", self.prices.dynamodb_usd(units)));
            }
            None => cells.extend(["", "", ""].map(str::to_owned)),
        }
        cells
    }

    fn million(&self) -> Option<Table> {
        let units = units(self.counts.rows.get(&Operation::Debit)?)?;
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["a million debits", "", "list price"]);
        let lines = self.prices.million_debits(units);
        let sum: f64 = lines.iter().map(|line| line.usd).sum();
        for line in lines {
            table.add_row([line.part.to_owned(), line.amount, format!("${:.2}", line.usd)]);
        }
        table.add_row(["together".to_owned(), "without logs and metrics".to_owned(), format!("${sum:.2}")]);
        if let Some(column) = table.column_mut(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        Some(table)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { callers, accounts, processes } = self.setting;
        let requests = self.requests();
        writeln!(
            f,
            "{callers} callers on {accounts} accounts for {:.1} s: {} requests, {:.0} a second.\n\n{}\n",
            self.elapsed.as_secs_f64(),
            grouped(requests),
            self.per_second(requests),
            self.operations(),
        )?;
        let sum = |of: &dyn Fn(&Row) -> f64| self.counts.rows.values().map(of).sum::<f64>();
        let retries: u64 = self.counts.rows.values().map(|row| row.retries).sum();
        writeln!(
            f,
            "Refused for lack of credits (402): {}. Appends tried again, because another came first: {}.",
            grouped(self.of(Operation::Refusal)),
            grouped(retries),
        )?;
        writeln!(
            f,
            "Consumed in all: {:.1} write units, {:.1} read units.",
            sum(&|row| row.write_units),
            sum(&|row| row.read_units),
        )?;
        if self.unlogged() > 0 {
            writeln!(f, "Without a log line, so without units: {}.", grouped(self.unlogged()))?;
        }
        if let Some(million) = self.million() {
            writeln!(f, "\n{million}\n")?;
        }
        writeln!(
            f,
            "Measured here: units, which DynamoDB counts by the same rules on AWS. Prices: tests/costs/prices.toml.\n\
             Latencies are of this machine, which {processes} function processes, the database and the callers share: \
             not of AWS\n(docs/benchmarks.md). Logs, metrics and a month without calls: docs/costs.md."
        )?;
        if cfg!(debug_assertions) {
            writeln!(
                f,
                "This build compiles fast and runs slowly. An optimised one takes minutes to compile:\n\
                 cargo run --release --package scrip-local -- --load {callers}"
            )?;
        }
        for wrong in self.wrong().iter().take(SHOWN_WRONG_MAX) {
            write!(f, "\nWrong: {wrong}")?;
        }
        Ok(())
    }
}

/// What a request of a row consumed, on average.
fn units(row: &Row) -> Option<Units> {
    let logged = row.in_function.len();
    let average = |sum: f64| sum / count(logged);
    (logged > 0).then(|| Units { write: average(row.write_units), read: average(row.read_units) })
}

fn ms(us: &Histogram<u64>, percentile: f64) -> String {
    let time = Duration::from_micros(us.value_at_percentile(percentile));
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

fn count(requests: u64) -> f64 {
    u32::try_from(requests).map_or(f64::MAX, f64::from)
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, load::log_line::LogLine, load::tally::Tally};

    fn report(counts: Counts) -> Report {
        let setting = Setting { callers: 2, accounts: 16, processes: 10 };
        let prices = Prices::read(&Options::default().root).unwrap();
        Report { setting, elapsed: Duration::from_secs(2), counts, prices }
    }

    #[test]
    fn a_report_shows_rates_percentiles_units_and_dollars() {
        let tally = Tally::default();
        for number in 1..=100 {
            let request_id = number.to_string();
            tally.answer(Operation::Debit, &request_id, Duration::from_millis(number));
            let (write_units, read_units) = (2.0, 1.0);
            let attempts = Some(if number == 1 { 2 } else { 1 });
            tally.log(LogLine { request_id, write_units, read_units, attempts, elapsed_us: 3_000 });
        }
        tally.answer(Operation::Refusal, "refused", Duration::from_millis(1));
        let text = report(tally.lock().clone()).to_string();
        for part in [
            "2 callers on 16 accounts for 2.0 s: 101 requests, 50 a second.",
            "Refused for lack of credits (402): 1. Appends tried again, because another came first: 1.",
            "Consumed in all: 201.0 write units, 100.0 read units.",
            "Without a log line, so without units: 1.",
            "2.01 write units, 1.00 read units: measured here",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let debits = text.lines().find(|line| line.contains(" debit ")).unwrap();
        let cells: Vec<_> = debits.split(['│', '┆']).map(str::trim).collect();
        let expected =
            ["debit", "100", "50.0", "50.0", "90.0", "99.0", "100.0", "3.0", "2.01", "1.00", "$1.381"];
        assert_eq!(cells[1..12], expected, "{text}");
    }

    #[test]
    fn a_report_of_nothing_says_so() {
        let text = report(Counts::default()).to_string();
        assert!(text.contains("0 requests, 0 a second."), "{text}");
    }

    #[test]
    fn what_is_wrong_is_shown() {
        let mut counts = Counts::default();
        counts.wrong.push(WrongAnswer("/v1/accounts/a/debits: 500".to_owned()));
        let text = report(counts).to_string();
        assert!(text.ends_with("Wrong: /v1/accounts/a/debits: 500"), "{text}");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
