//! Compares each account's ledger with what its callers were answered.
//!
//! Invariant: an account is right if its entries have no gap and add up to its balance, if its callers' commands are
//! among them as often as they were answered, no more and no less, and if nothing is left on hold.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{
    accounts::{Bookings, LoadAccount},
    client::{Client, Request},
    tally::WrongAnswer,
};
use crate::statement::{self, KINDS};

/// The kinds of entry that callers' commands write.
const COMMANDS: [&str; 5] = ["debit", "hold", "capture", "release", "reversal"];
/// Entries of a page, as many as the API gives, and the most pages of an account.
const PAGE_ENTRIES: usize = 100;
const PAGES_MAX: usize = 10_000;

/// Reads an account and all of its entries, and compares.
pub(super) async fn check(client: &Client, account: &LoadAccount) -> Result<(), WrongAnswer> {
    let held = read(client, account, "").await?;
    let mut entries = Vec::new();
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let mut page = read(client, account, &format!("/entries?limit={PAGE_ENTRIES}{cursor}")).await?;
        if let Value::Array(newest_first) = page["entries"].take() {
            entries.extend(newest_first);
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={}", utf8_percent_encode(next, NON_ALPHANUMERIC));
    }
    let oldest_first: Vec<_> = entries.iter().rev().collect();
    compare(&oldest_first, &held, account.bookings())
        .map_err(|why| WrongAnswer(format!("the account {}: {why}", account.id)))
}

async fn read(client: &Client, account: &LoadAccount, below: &str) -> Result<Value, WrongAnswer> {
    let request = Request { path: account.path(below), token: &account.token, key: None, body: None };
    let answer = client.send(&request).await?;
    if answer.status == 200 {
        return Ok(answer.json);
    }
    Err(WrongAnswer(format!("{}: {} {}", request.path, answer.status, answer.text)))
}

fn compare(oldest_first: &[&Value], account: &Value, booked: Bookings) -> Result<(), String> {
    statement::check(oldest_first, &account["balance"])?;
    let mut found = Bookings::default();
    let of_commands = |entry: &&&Value| entry["kind"].as_str().is_some_and(|kind| COMMANDS.contains(&kind));
    for entry in oldest_first.iter().filter(of_commands) {
        found.give(&entry["credits"]);
    }
    if found != booked {
        return Err(format!(
            "{} commands were answered, that changed {:?}; the ledger has {}, that changed {:?}",
            booked.commands, booked.changes, found.commands, found.changes
        ));
    }
    if KINDS.iter().any(|kind| account["held"][*kind].as_i64() != Some(0)) {
        return Err(format!("{} is still held", account["held"]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn credits(playground: i64) -> Value {
        json!({"playground": playground, "tune": 0, "tune_image": 0})
    }

    #[test]
    fn a_ledger_is_right_if_it_has_each_answered_command_once() {
        let entry = |sequence: u64, kind: &str, change: i64, after: i64| json!({"sequence": sequence, "kind": kind, "credits": credits(change), "balance": credits(after)});
        let entries = [
            entry(1, "purchase", 100, 100),
            entry(2, "debit", -4, 96),
            entry(3, "hold", -6, 90),
            entry(4, "capture", 2, 92),
            entry(5, "refill", 8, 100),
        ];
        let account = |balance, held| json!({"balance": credits(balance), "held": credits(held)});
        let booked = |commands, change| Bookings { commands, changes: [change, 0, 0] };
        let entries: Vec<_> = entries.iter().collect();
        for (account, booked, wrong) in [
            (account(100, 0), booked(3, -8), None),
            (account(100, 0), booked(2, -8), Some("2 commands were answered")),
            (account(100, 0), booked(3, -7), Some("the ledger has 3")),
            (account(100, 1), booked(3, -8), Some("is still held")),
            (account(99, 0), booked(3, -8), Some("the account has 99")),
            (json!({}), booked(3, -8), Some("the account has null")),
        ] {
            let compared = compare(&entries, &account, booked);
            match (&compared, wrong) {
                (Ok(()), None) => {}
                (Err(why), Some(part)) => assert!(why.contains(part), "{why}"),
                _ => panic!("{account} {booked:?}: {compared:?}"),
            }
        }
    }
}
