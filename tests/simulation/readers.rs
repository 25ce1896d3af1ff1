//! Readers, once nothing goes wrong any more: what accounts have now and as of later, how holds ended, and what work took, must
//! agree with the log.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::{
    account_at::{AccountAt, month},
    audit::Book,
    callers::ACCOUNT,
    cases::Case,
    entry::{Amounts, Entry, amounts, sum},
    functions::{Function, FunctionInput, Reply},
    holders::check_shown_hold,
    request::{Answer, Request},
    scheduler::lock,
    world::World,
};

const USAGE: &str = "GET /v1/accounts/{account_id}/usage";

impl World {
    /// Reads everything that holds have a part in.
    pub async fn read_all(self: &Arc<Self>) {
        for account in self.plan.accounts.clone() {
            let head = lock(&self.audit).book(&account).head().cloned();
            let Some(head) = head else { continue };
            self.read_account(&account, &head).await;
            self.read_holds(&account, &head).await;
            for by in ["day", "operation"] {
                self.read_usage(&account, by).await;
            }
            self.count_cases(&account);
        }
    }

    /// Reads an account now, just before and when each hold that is open expires, and as the next month turns: the
    /// credits are back though nothing is written.
    async fn read_account(self: &Arc<Self>, account: &str, head: &Entry) {
        let (now, holds) = (self.now(), head.open_holds());
        let last = holds.iter().map(|hold| hold.expires_at).max();
        let ends =
            holds.iter().flat_map(|hold| [hold.expires_at - TimeDelta::milliseconds(1), hold.expires_at]);
        let later = ends.filter(|at| *at > now).chain([now, self.plan.turn + TimeDelta::days(31)]);
        for at in later.collect::<Vec<_>>() {
            let answer = self.read(&Request::read(account, ACCOUNT, String::new()), at).await;
            let has = (amounts(&answer.body["balance"]), amounts(&answer.body["held"]));
            let expected = AccountAt::of(Some(head), at);
            assert_eq!(has, (expected.balance, expected.held), "as of {at}: {answer:?} {head:?}");
            if last.is_some_and(|last| last <= at) {
                check_back(&answer.body, head, at);
            }
        }
    }

    /// Reads the newest holds and those that are open, now and when these expire.
    async fn read_holds(self: &Arc<Self>, account: &str, head: &Entry) {
        let (now, open) = (self.now(), head.open_holds());
        let holds: Vec<_> = {
            let audit = lock(&self.audit);
            let entries = audit.book(account).entries.iter().map(|(_, entry)| entry);
            entries.filter(|entry| entry.kind == "hold").cloned().collect()
        };
        let newest = holds.iter().rev().take(2).map(|hold| (hold, now));
        let is_open = |hold: &&Entry| open.iter().any(|open| open.sequence == hold.sequence);
        let over = holds.iter().filter(is_open).map(|hold| (hold, hold.expires_at().max(now)));
        for (hold, at) in newest.chain(over) {
            let answer = self.read(&Request::shown_hold(account, &hold.reference), at).await;
            let audit = lock(&self.audit);
            let case = check_shown_hold(audit.book(account), &hold.reference, &answer);
            assert!(case.is_some(), "not found, and there: {answer:?} {hold:?}");
            let is_back = open.iter().all(|open| open.sequence != hold.sequence || open.expires_at > at);
            assert!(is_back || case == Some(Case::SeenExpired), "{answer:?} {hold:?}");
        }
    }

    /// Reads what work took by day since the history began, and by operation since the month turned.
    async fn read_usage(self: &Arc<Self>, account: &str, by: &'static str) {
        let from = if by == "day" { self.plan.start - TimeDelta::days(1) } else { self.plan.turn };
        let (from, to) = (from.date_naive(), (self.now() + TimeDelta::days(1)).date_naive());
        let query = format!("from={from}&to={to}&by={by}");
        let answer = self.read(&Request::read(account, USAGE, query), self.now()).await;
        let rows = answer.body["rows"].as_array().cloned().unwrap_or_default();
        let row = |row: &Value| {
            let used = WorkTotal {
                spent: amounts(&row["spent"]),
                returned: amounts(&row["returned"]),
                jobs: row["jobs"].as_i64().unwrap_or_default(),
            };
            (row[by].as_str().unwrap_or_default().to_owned(), used)
        };
        let shown: BTreeMap<_, _> = rows.iter().map(row).collect();
        let audit = lock(&self.audit);
        let is_within = |entry: &&Entry| entry.at.date_naive() >= from && entry.at.date_naive() <= to;
        assert_eq!(shown, used(audit.book(account), is_within, by), "{answer:?}");
    }

    /// Reads as of a time. Nothing goes wrong any more.
    async fn read(self: &Arc<Self>, request: &Request, at: DateTime<Utc>) -> Answer {
        let from = self.step();
        let made = request.made(at, 0);
        let reply = self.invoke(Function::Quote, FunctionInput::Http(Box::new(made))).await;
        let Reply::Answered(status, is_replay, body) = reply else { panic!("no answer: {request:?}") };
        self.note((request.route, status));
        assert_eq!(status, 200, "{request:?} {body}");
        Answer { status, is_replay, body, steps: (from, self.step()), at, unanswered: 0 }
    }

    /// Counts the ways of holds that only the log shows.
    fn count_cases(&self, account: &str) {
        let audit = lock(&self.audit);
        let book = audit.book(account);
        let mut last: Option<&Entry> = None;
        for (_, entry) in &book.entries {
            if entry.item["expired"] == true {
                self.came_up(Case::Expired);
                let is_it = |hold: &&(u64, Entry)| entry.item["hold_sequence"] == hold.1.sequence;
                let hold = book.entries.iter().find(is_it);
                if hold.is_some_and(|(_, hold)| hold.period < entry.period) {
                    self.came_up(Case::ExpiredNextMonth);
                }
            }
            if ["capture", "release"].contains(&entry.kind.as_str()) && entry.came_back() != entry.credits {
                self.came_up(Case::PaidOwed);
            }
            let is_open = last.is_some_and(|last| !last.open_holds().is_empty());
            if is_open && entry.kind == "debit" {
                self.came_up(Case::TakenBeside);
            }
            let of_hold = entry.item["debit_id"].as_str().is_some_and(|key| book.hold(key).is_some());
            if entry.kind == "reversal" && of_hold {
                self.came_up(Case::CaptureReversed);
            }
            last = Some(entry);
        }
    }
}

/// All that was held is back, or paid what was owed: nothing of it is lost, whatever the month's turn took.
fn check_back(body: &Value, head: &Entry, at: DateTime<Utc>) {
    let set_aside = head.open_holds().iter().map(|hold| hold.credits).fold([0; 3], sum);
    assert_eq!(amounts(&body["held"]), [0; 3], "still held at {at}: {body} {head:?}");
    let kinds = if month(at) > head.period { 1..3 } else { 0..3 };
    for kind in kinds {
        let has = amounts(&body["balance"])[kind];
        let due = (head.balance[kind] + set_aside[kind] - head.owed[kind]).max(head.balance[kind]);
        assert_eq!(has, due, "not back at {at}: {body} {head:?}");
    }
}

/// The credits that work took and gave back.
#[derive(Debug, Default, PartialEq, Eq)]
struct WorkTotal {
    spent: Amounts,
    returned: Amounts,
    jobs: i64,
}

/// The totals of work by the log, for each day or operation.
fn used(book: &Book, is_within: impl Fn(&&Entry) -> bool, by: &str) -> BTreeMap<String, WorkTotal> {
    let mut rows = BTreeMap::<String, WorkTotal>::new();
    for entry in book.entries.iter().map(|(_, entry)| entry).filter(is_within) {
        let (taken, returned) = match entry.kind.as_str() {
            "debit" => (Some(entry.credits.map(|taken| -taken)), [0; 3]),
            "capture" => (Some(amounts(&entry.item["captured"])), [0; 3]),
            "reversal" => (None, entry.came_back()),
            _ => continue,
        };
        let debit = entry.item["debit_id"].as_str().and_then(|key| book.keyed(key));
        let work = debit.map_or(entry, |(_, debit)| debit);
        let operation = work.item["operation"]["operation"].as_str().unwrap_or_default();
        let row = if by == "day" { entry.at.date_naive().to_string() } else { operation.to_owned() };
        let row = rows.entry(row).or_default();
        row.spent = sum(row.spent, taken.unwrap_or_default());
        row.returned = sum(row.returned, returned);
        row.jobs += i64::from(taken.is_some());
    }
    rows
}
