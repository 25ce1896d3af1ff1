//! What the functions print: kept in memory for tests, and shown when someone is watching.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// How many lines are kept; older ones are forgotten first.
const KEPT_LINES_MAX: usize = 10_000;

/// The lines the functions wrote to their standard output and error, oldest first.
#[derive(Debug)]
pub struct Logs {
    shown: bool,
    kept: Mutex<VecDeque<(String, String)>>,
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
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES_MAX {
            kept.pop_front();
        }
        kept.push_back((function.to_owned(), line));
    }

    /// Every line of one function that is still kept, oldest first.
    #[must_use]
    pub fn of(&self, function: &str) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|(of, _)| of == function).map(|(_, line)| line.clone()).collect()
    }

    /// The newest line that has all of these texts in it, and its function.
    #[must_use]
    pub fn find(&self, texts: &[&str]) -> Option<(String, String)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(|(_, line)| texts.iter().all(|text| line.contains(text))).cloned()
    }
}
