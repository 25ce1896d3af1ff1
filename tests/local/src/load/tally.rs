//! Counts what was answered, how long it took, and what it took of DynamoDB.
//!
//! Invariant: a request counts once. Its answer and its log line come in any order, and are matched by the request's id.

use hdrhistogram::Histogram;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{log_line::LogLine, operation::Operation};

/// The longest time that is kept apart from longer ones, and the digits of each that are kept.
const TIME_MAX: Duration = Duration::from_mins(1);
const DIGITS: u8 = 3;
/// The write units of a put whose condition fails. DynamoDB charges it and doesn't state it.
const FAILED_PUT_UNITS: f64 = 1.0;
/// The same of the transaction of a reversal, of two items.
const FAILED_TRANSACTION_UNITS: f64 = 4.0;
/// The load ends after so many wrong answers: more say nothing new.
const WRONG_MAX: usize = 20;

/// An answer that is not what it must be, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongAnswer(pub String);

impl fmt::Display for WrongAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What all callers count in.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Mutex<Counts>,
}

/// What was counted so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) rows: BTreeMap<Operation, Row>,
    pub(super) wrong: Vec<WrongAnswer>,
    /// Answers without a log line yet, and lines without an answer.
    waiting: HashMap<String, Half>,
}

/// The requests of one operation.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Microseconds from sending the request to having its answer.
    pub(super) latency: Histogram<u64>,
    /// Microseconds in the function.
    pub(super) in_function: Histogram<u64>,
    pub(super) write_units: f64,
    pub(super) read_units: f64,
    /// Appends that were tried again, since another had come first.
    pub(super) retries: u64,
}

/// The half of a request that came first.
#[derive(Debug, Clone)]
enum Half {
    Answer(Operation),
    Line(LogLine),
}

impl Default for Row {
    fn default() -> Self {
        let highest = u64::try_from(TIME_MAX.as_micros()).unwrap_or(u64::MAX);
        let histogram = || Histogram::new_with_bounds(1, highest, DIGITS).expect("bounds that are in order");
        let (latency, in_function) = (histogram(), histogram());
        Self { latency, in_function, write_units: 0.0, read_units: 0.0, retries: 0 }
    }
}

impl Row {
    /// Adds another row's requests to its own.
    pub(super) fn add(&mut self, other: &Self) {
        // All have the same bounds.
        let _ = self.latency.add(&other.latency);
        let _ = self.in_function.add(&other.in_function);
        self.write_units += other.write_units;
        self.read_units += other.read_units;
        self.retries += other.retries;
    }

    fn log(&mut self, operation: Operation, line: &LogLine) {
        let retries = line.attempts.unwrap_or(1).saturating_sub(1);
        self.in_function.saturating_record(line.elapsed_us);
        self.write_units += line.write_units + unstated_units(operation, retries);
        self.read_units += line.read_units;
        self.retries += u64::from(retries);
    }
}

/// The write units of what failed on the way: each append that another came before, and the claim of a replay, whose key
/// is there already.
///
/// An approximation: every retry counts as one failed put. A month's turn, which is a transaction, and entries over 1 KB
/// are not distinguished.
fn unstated_units(operation: Operation, retries: u32) -> f64 {
    let retries = f64::from(retries);
    match operation {
        Operation::Reversal => FAILED_TRANSACTION_UNITS * retries,
        Operation::Replay => FAILED_PUT_UNITS * (1.0 + retries),
        _ => FAILED_PUT_UNITS * retries,
    }
}

impl Counts {
    pub(super) fn requests(&self) -> u64 {
        self.rows.values().map(|row| row.latency.len()).sum()
    }

    pub(super) fn of(&self, operation: Operation) -> u64 {
        self.rows.get(&operation).map_or(0, |row| row.latency.len())
    }

    /// How many answers have no log line yet.
    pub(super) fn unlogged(&self) -> u64 {
        self.rows.values().map(|row| row.latency.len() - row.in_function.len()).sum()
    }
}

impl Tally {
    pub(super) fn answer(&self, operation: Operation, request_id: &str, elapsed: Duration) {
        let mut counts = self.lock();
        let line = counts.waiting.remove(request_id);
        let row = counts.rows.entry(operation).or_default();
        row.latency.saturating_record(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
        if let Some(Half::Line(line)) = line {
            row.log(operation, &line);
        } else {
            counts.waiting.insert(request_id.to_owned(), Half::Answer(operation));
        }
    }

    pub(super) fn log(&self, line: LogLine) {
        let mut counts = self.lock();
        match counts.waiting.remove(&line.request_id) {
            Some(Half::Answer(operation)) => counts.rows.entry(operation).or_default().log(operation, &line),
            _ => drop(counts.waiting.insert(line.request_id.clone(), Half::Line(line))),
        }
    }

    pub(super) fn wrong(&self, wrong: WrongAnswer) {
        self.lock().wrong.push(wrong);
    }

    /// Whether so much is wrong that the load ends.
    pub(super) fn has_failed(&self) -> bool {
        self.lock().wrong.len() >= WRONG_MAX
    }

    /// The counts as they are now.
    pub(super) fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(request_id: &str, attempts: Option<u32>) -> LogLine {
        let request_id = request_id.to_owned();
        LogLine { request_id, write_units: 2.0, read_units: 1.5, attempts, elapsed_us: 900 }
    }

    #[test]
    fn a_request_counts_once_whichever_half_comes_first() {
        let tally = Tally::default();
        let ms = Duration::from_millis;
        tally.answer(Operation::Debit, "a", ms(2));
        tally.log(line("b", Some(3)));
        let counts = tally.lock().clone();
        assert_eq!((counts.requests(), counts.unlogged()), (1, 1));
        tally.log(line("a", None));
        tally.answer(Operation::Debit, "b", ms(4));
        tally.answer(Operation::Balance, "c", ms(1));
        // Of a request that isn't the load's.
        tally.log(line("z", Some(9)));
        let counts = tally.lock();
        assert_eq!((counts.of(Operation::Debit), counts.of(Operation::Balance)), (2, 1));
        assert_eq!((counts.requests(), counts.unlogged()), (3, 1));
        let debits = &counts.rows[&Operation::Debit];
        assert_eq!((debits.write_units, debits.read_units, debits.retries), (6.0, 3.0, 2));
    }

    #[test]
    fn writes_that_fail_are_counted_though_no_answer_states_them() {
        for (operation, attempts, write_units) in [
            (Operation::Debit, Some(1), 2.0),
            (Operation::Debit, Some(3), 4.0),
            (Operation::Replay, None, 3.0),
            (Operation::Reversal, Some(2), 6.0),
            (Operation::Balance, None, 2.0),
        ] {
            let tally = Tally::default();
            tally.answer(operation, "a", Duration::from_millis(1));
            tally.log(line("a", attempts));
            assert_eq!((operation, tally.lock().rows[&operation].write_units), (operation, write_units));
        }
    }

    #[test]
    fn percentiles_are_those_of_all_answers() {
        let tally = Tally::default();
        for number in 1..=1000 {
            tally.answer(Operation::Quote, &number.to_string(), Duration::from_micros(number * 100));
        }
        let counts = tally.lock();
        let latency = &counts.rows[&Operation::Quote].latency;
        for (percentile, ms) in [(50.0, 50.0), (90.0, 90.0), (99.0, 99.0), (100.0, 100.0)] {
            let us = latency.value_at_percentile(percentile);
            assert!((Duration::from_micros(us).as_secs_f64() * 1e3 - ms).abs() < 0.1, "{percentile}: {us}");
        }
    }

    #[test]
    fn twenty_wrong_answers_end_it() {
        let tally = Tally::default();
        for number in 0..WRONG_MAX {
            assert!(!tally.has_failed(), "{number}");
            tally.wrong(WrongAnswer("a debit: 500".to_owned()));
        }
        assert!(tally.has_failed());
    }
}
