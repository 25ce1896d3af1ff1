//! The accounts that the load plays on, and what was answered for each.

use chrono::{Months, TimeDelta};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use tokio::task::JoinSet;

use crate::{
    Stack, clock,
    seed::{self, SeedError},
    statement::KINDS,
};

/// How many accounts there are for each caller, and at least and at most.
const PER_CALLER: u16 = 2;
const COUNT_MIN: u16 = 16;
const COUNT_MAX: u16 = 256;
/// Each of so many is short: it has no playground credits.
const SHORT_EVERY: u16 = 8;
/// What is bought for them at once.
const BOUGHT_AT_ONCE: usize = 16;
/// Longer than the longest load.
const TOKEN_LIFETIME: TimeDelta = TimeDelta::hours(2);

/// An account of the load.
#[derive(Debug)]
pub(super) struct LoadAccount {
    pub(super) id: String,
    /// Its user's: reads and debits.
    pub(super) token: String,
    booked: Mutex<Bookings>,
}

/// What the answers of an account's commands come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bookings {
    /// How many commands were carried out, each once.
    pub(super) commands: u64,
    /// What they changed of each of [`KINDS`].
    pub(super) changes: [i64; 3],
}

impl Bookings {
    /// Counts a command that gave these credits.
    pub(super) fn give(&mut self, credits: &Value) {
        self.book(credits, 1);
    }

    /// Counts a command that took these credits.
    pub(super) fn take(&mut self, credits: &Value) {
        self.book(credits, -1);
    }

    fn book(&mut self, credits: &Value, sign: i64) {
        self.commands += 1;
        for (change, kind) in self.changes.iter_mut().zip(KINDS) {
            *change += sign * credits[kind].as_i64().unwrap_or_default();
        }
    }
}

impl LoadAccount {
    /// A path below the account's own.
    pub(super) fn path(&self, below: &str) -> String {
        format!("/v1/accounts/{}{below}", self.id)
    }

    pub(super) fn book(&self, book: impl FnOnce(&mut Bookings)) {
        book(&mut self.booked.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn bookings(&self) -> Bookings {
        *self.booked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many accounts so many callers play on.
fn count(callers: u16) -> u16 {
    callers.saturating_mul(PER_CALLER).clamp(COUNT_MIN, COUNT_MAX)
}

/// Adds the accounts to the ledger: most with a custom plan, each eighth with a pack and no playground credits.
pub(super) async fn open(stack: &Stack, callers: u16) -> Result<Vec<LoadAccount>, SeedError> {
    let now = clock::now();
    let next_year = now.checked_add_months(Months::new(12)).unwrap_or(now);
    let mut buying = JoinSet::new();
    let mut accounts = Vec::new();
    for number in 0..count(callers) {
        let id = format!("load-{number:03}");
        let sku = if number % SHORT_EVERY == 0 { "tune_pack" } else { "custom" };
        let (ledger, buyer) = (seed::ledger(stack), id.clone());
        buying.spawn(async move { seed::buy(&ledger, (&buyer, "load"), sku, next_year, now).await });
        let token = stack.tokens().issue(&id, &["credits:read", "credits:debit"], TOKEN_LIFETIME);
        accounts.push(LoadAccount { id, token, booked: Mutex::default() });
        if buying.len() == BOUGHT_AT_ONCE {
            finish_one(&mut buying).await?;
        }
    }
    while !buying.is_empty() {
        finish_one(&mut buying).await?;
    }
    Ok(accounts)
}

async fn finish_one<T: 'static>(buying: &mut JoinSet<Result<T, SeedError>>) -> Result<(), SeedError> {
    match buying.join_next().await {
        Some(Ok(bought)) => bought.map(drop),
        Some(Err(why)) => std::panic::resume_unwind(why.into_panic()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn there_are_two_accounts_for_each_caller_within_bounds() {
        for (callers, expected) in [(1, 16), (8, 16), (9, 18), (64, 128), (128, 256), (256, 256)] {
            assert_eq!(count(callers), expected, "{callers}");
        }
    }

    #[test]
    fn what_was_answered_adds_up() {
        let mut bookings = Bookings::default();
        bookings.take(&json!({"playground": 4, "tune": 1, "tune_image": 0}));
        bookings.give(&json!({"playground": 3, "tune": 0, "tune_image": 0}));
        assert_eq!(bookings, Bookings { commands: 2, changes: [-1, -1, 0] });
    }
}
