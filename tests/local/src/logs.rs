//! What the functions print: kept in memory for tests, and shown when someone is watching.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many lines are kept; older ones are forgotten first.
const KEPT_LINES_MAX: usize = 10_000;

/// The lines the functions wrote to their standard output and error, oldest first.
#[derive(Debug)]
pub struct Logs {
    shown: bool,
    kept: Mutex<KeptLines>,
}

#[derive(Debug, Default)]
struct KeptLines {
    /// A function and its line.
    lines: VecDeque<(String, String)>,
    /// How many lines there were in all.
    added: u64,
}

impl Logs {
    /// Keeps lines, and prints them to standard error as they come if `shown`.
    #[must_use]
    pub fn new(shown: bool) -> Self {
        Self { shown, kept: Mutex::default() }
    }

    /// Adds one line of one function.
    pub fn add(&self, function: &str, line: String) {
        if self.shown {
            eprintln!("{function} | {line}");
        }
        let mut kept = self.lock();
        if kept.lines.len() == KEPT_LINES_MAX {
            kept.lines.pop_front();
        }
        kept.lines.push_back((function.to_owned(), line));
        kept.added += 1;
    }

    /// Every line of one function that is still kept, oldest first.
    #[must_use]
    pub fn of(&self, function: &str) -> Vec<String> {
        let kept = self.lock();
        kept.lines.iter().filter(|(of, _)| of == function).map(|(_, line)| line.clone()).collect()
    }

    /// The newest line that has all of these texts in it, and its function.
    #[must_use]
    pub fn find(&self, texts: &[&str]) -> Option<(String, String)> {
        let kept = self.lock();
        kept.lines.iter().rev().find(|(_, line)| texts.iter().all(|text| line.contains(text))).cloned()
    }

    /// The lines that came after the first `count`, as far as they are still kept, and how many there are in all now.
    #[must_use]
    pub fn since(&self, count: u64) -> (Vec<String>, u64) {
        let kept = self.lock();
        let new = usize::try_from(kept.added.saturating_sub(count)).unwrap_or(usize::MAX);
        let known = kept.lines.len().saturating_sub(new);
        (kept.lines.iter().skip(known).map(|(_, line)| line.clone()).collect(), kept.added)
    }

    fn lock(&self) -> MutexGuard<'_, KeptLines> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
