//! Looks at every entry when it is written: that it follows the one before, and is what its kind may be.
//!
//! Invariant: nothing here is computed by the code under test. Prices are the plan's, allowances the pricing
//! page's, and the account after an entry is checked against the one before.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;

use crate::plan::{Action, Plan, Work};

/// Credits: playground, tune, tune image.
pub type Amounts = [i64; 3];

/// What was written of each account.
pub struct Audit {
    accounts: BTreeMap<String, Book>,
}

/// What was written of one account.
#[derive(Default)]
pub struct Book {
    /// Its entries, oldest first, each with the step at which it was written.
    pub entries: Vec<(u64, Entry)>,
    /// The shard of the due index that it is listed in.
    pub shard: Option<u64>,
    /// The debits that callers ask for.
    asked: BTreeMap<String, Vec<Work>>,
    /// What each debit took, and what of it came back.
    debits: BTreeMap<String, (Amounts, Amounts)>,
    reversals: BTreeSet<String>,
    purchases: BTreeSet<String>,
    refilled: BTreeSet<String>,
}

/// An entry, as it lies in the table.
#[derive(Debug, Clone)]
pub struct Entry {
    pub sequence: i64,
    pub kind: String,
    pub credits: Amounts,
    pub balance: Amounts,
    pub period: String,
    pub reference: String,
    pub at: DateTime<Utc>,
    pub item: Value,
}

impl Audit {
    /// Of the accounts of a plan.
    pub fn new(plan: &Plan) -> Self {
        let mut accounts: BTreeMap<String, Book> =
            plan.accounts.iter().map(|account| (account.clone(), Book::default())).collect();
        for timed in &plan.actions {
            if let Action::Debit { key, work } = &timed.action
                && let Some(book) = accounts.get_mut(&plan.accounts[timed.account])
            {
                book.asked.entry(key.clone()).or_default().push(*work);
            }
        }
        Self { accounts }
    }

    /// What was written of an account.
    pub fn book(&self, account: &str) -> &Book {
        &self.accounts[account]
    }

    /// Looks at a transaction that was carried out.
    ///
    /// # Panics
    /// Where something is wrong with it.
    pub fn written(&mut self, request: &Value, step: u64) {
        for write in request["TransactItems"].as_array().into_iter().flatten() {
            let item = plain(&write["Put"]["Item"]);
            let Some(account) = item["pk"].as_str().and_then(|key| key.strip_prefix("ACCOUNT#")) else {
                continue;
            };
            let book = self.accounts.get_mut(account).expect("no account is made up");
            match item["sk"].as_str().unwrap_or_default() {
                "DUE" => {
                    let shard = item["due"].as_str().and_then(|due| due.split_once('#'));
                    book.shard = shard.and_then(|(_, shard)| shard.parse().ok());
                }
                key if key.starts_with("ENTRY#") => {
                    let entry = Entry::read(item);
                    book.check(&entry);
                    book.entries.push((step, entry));
                }
                _ => {}
            }
        }
    }
}

impl Book {
    /// The newest entry.
    pub fn head(&self) -> Option<&Entry> {
        self.entries.last().map(|(_, entry)| entry)
    }

    /// The entry that a debit made.
    pub fn debit(&self, key: &str) -> Option<&(u64, Entry)> {
        self.entries.iter().find(|(_, entry)| entry.kind == "debit" && entry.reference == key)
    }

    /// Whether at some time between two steps the account, at that moment, had less than that.
    pub fn was_short_of(&self, price: Amounts, steps: (u64, u64), now: DateTime<Utc>) -> bool {
        let is_short = |had: Amounts| (0..3).any(|kind| had[kind] < price[kind]);
        self.spendable_between(steps, now).any(is_short)
    }

    /// Whether at some time between two steps an account looked at, at that moment, had that.
    pub fn had(&self, balance: Amounts, steps: (u64, u64), now: DateTime<Utc>) -> bool {
        self.spendable_between(steps, now).any(|had| had == balance)
    }

    /// What could be spent, at that moment, of what the account was between two steps.
    fn spendable_between(&self, (from, to): (u64, u64), now: DateTime<Utc>) -> impl Iterator<Item = Amounts> {
        let before = self.entries.iter().rfind(move |(step, _)| *step < from).map(|(_, entry)| entry);
        let since = self.entries.iter().filter(move |(step, _)| (from..=to).contains(step));
        std::iter::once(before)
            .chain(since.map(|(_, entry)| Some(entry)))
            .map(move |head| spendable(head, now))
    }

    fn check(&mut self, entry: &Entry) {
        let Entry { sequence, kind, credits, balance, reference, .. } = entry;
        let unseen = [0; 3];
        let last = self.head();
        let before = last.map_or(unseen, |last| last.balance);
        assert_eq!(*sequence, last.map_or(1, |last| last.sequence + 1), "a gap in the sequences: {entry:?}");
        assert_eq!(*balance, sum(before, *credits), "the balance isn't the sum: {entry:?} after {before:?}");
        assert!(balance.iter().all(|kind| *kind >= 0), "below zero: {entry:?}");
        if let Some(last) = last {
            assert!(last.at <= entry.at && last.period <= entry.period, "time runs backwards: {entry:?}");
        }
        match kind.as_str() {
            "debit" => {
                let asked = self.asked.get(reference).unwrap_or_else(|| panic!("nobody asked: {entry:?}"));
                let is_it = |work: &&Work| {
                    let operation: Value = serde_json::from_str(work.operation).expect("it is JSON");
                    let asked = operation.as_object().expect("it is an object");
                    asked.iter().all(|(name, value)| entry.item["operation"][name] == *value)
                };
                let work = asked.iter().find(is_it).unwrap_or_else(|| panic!("nobody asked: {entry:?}"));
                assert_eq!(*credits, work.price.map(|price| -price), "not its price: {entry:?}");
                let earlier = self.debits.insert(reference.clone(), (work.price, unseen));
                assert_eq!(earlier, None, "taken twice: {entry:?}");
            }
            "reversal" => {
                let debit = entry.item["debit_id"].as_str().expect("a reversal names its debit");
                let (taken, back) = self.debits.get_mut(debit).expect("a reversal has a debit");
                *back = sum(*back, *credits);
                let within = (0..3).all(|kind| credits[kind] >= 0 && back[kind] <= taken[kind]);
                assert!(within, "more came back than was taken: {entry:?}");
                assert!(self.reversals.insert(reference.clone()), "given back twice: {entry:?}");
            }
            "expiry" => assert_eq!(*credits, [-before[0], 0, 0], "not all that was left: {entry:?}"),
            "refill" => {
                let allowance = allowance(&entry.item["subscription"]["plan"]);
                assert_eq!(balance[0], allowance, "a refill sets the allowance: {entry:?}");
                assert_eq!(entry.period, *reference, "{entry:?}");
                assert!(self.refilled.insert(reference.clone()), "refilled twice: {entry:?}");
            }
            "purchase" => {
                let is_new = self.purchases.insert(reference.clone());
                assert!(is_new, "granted twice: {entry:?}");
                let is_a_pack = [[0, 1, 64], [0, 0, 104]].contains(credits);
                let of_a_plan = credits[1..] == [0, 0]
                    && (0..=allowance(&entry.item["subscription"]["plan"])).contains(&credits[0]);
                assert!(is_a_pack || of_a_plan, "nothing sold gives that: {entry:?}");
            }
            "refund" | "dispute" => assert!(credits.iter().all(|kind| *kind <= 0), "{entry:?}"),
            "refund_failed" | "dispute_won" => assert!(credits.iter().all(|kind| *kind >= 0), "{entry:?}"),
            "subscription" => assert_eq!(*credits, unseen, "{entry:?}"),
            _ => panic!("an unknown kind: {entry:?}"),
        }
        if matches!(kind.as_str(), "refund" | "dispute" | "refund_failed" | "dispute_won") {
            // A payment that brings the month's refill grants nothing by itself.
            let is_of_it = |earlier: &Entry| {
                ["purchase", "subscription"].contains(&earlier.kind.as_str())
                    && earlier.reference == *reference
            };
            let is_known = self.entries.iter().any(|(_, earlier)| is_of_it(earlier));
            assert!(is_known, "nobody bought that: {entry:?}");
            let moved = self.moved_by(reference).chain([*credits]).fold(unseen, sum);
            let granted = self.entries.iter().map(|(_, entry)| entry);
            let granted = granted.filter(|entry| entry.kind == "purchase" && entry.reference == *reference);
            let granted = granted.map(|entry| entry.credits).fold(unseen, sum);
            let within = (1..3).all(|kind| (-granted[kind]..=0).contains(&moved[kind]));
            assert!(within, "moves more than was bought: {entry:?}");
        }
    }

    /// What refunds and disputes of a purchase moved so far.
    pub fn moved_by(&self, purchase: &str) -> impl Iterator<Item = Amounts> {
        let moves = ["refund", "dispute", "refund_failed", "dispute_won"];
        let of_it = self
            .entries
            .iter()
            .map(|(_, entry)| entry)
            .filter(move |entry| entry.reference == purchase && moves.contains(&entry.kind.as_str()));
        of_it.map(|entry| entry.credits)
    }
}

/// What could be spent at a moment, the month's turn counted in (rules 2 to 4).
fn spendable(head: Option<&Entry>, now: DateTime<Utc>) -> Amounts {
    let Some(head) = head else { return [0; 3] };
    let now = now.max(head.at);
    let month = format!("{:04}-{:02}", now.year(), now.month());
    let first: DateTime<Utc> = format!("{month}-01T00:00:00Z").parse().expect("a month's first moment");
    let plan = &head.item["subscription"];
    let ends = ["paid_until", "ended_at", "withdrawn_at"].map(|end| plan[end].as_str());
    let is_paid = !plan.is_null()
        && ends.iter().flatten().all(|end| end.parse::<DateTime<Utc>>().is_ok_and(|end| end > first));
    let [playground, tune, tune_image] = head.balance;
    let has_turned = month > head.period;
    let is_refilled = !has_turned && head.item["granted"] != 0;
    let playground = match (is_paid && !is_refilled, has_turned) {
        (true, _) => allowance_of(plan),
        (false, true) => 0,
        (false, false) => playground,
    };
    [playground, tune, tune_image]
}

fn allowance_of(subscription: &Value) -> i64 {
    allowance(&subscription["plan"])
}

/// What a plan gives each month, by the pricing page.
pub fn allowance(plan: &Value) -> i64 {
    match plan.as_str() {
        Some("basic") => 1000,
        Some("standard") => 2500,
        Some("business") => 6000,
        plan => panic!("no plan of a history's: {plan:?}"),
    }
}

/// The sum of two.
pub fn sum(one: Amounts, other: Amounts) -> Amounts {
    [0, 1, 2].map(|kind| one[kind] + other[kind])
}

/// Credits as they are written.
pub fn amounts(credits: &Value) -> Amounts {
    ["playground", "tune", "tune_image"].map(|kind| credits[kind].as_i64().unwrap_or_default())
}

impl Entry {
    fn read(item: Value) -> Self {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        Self {
            sequence: item["sequence"].as_i64().unwrap_or_default(),
            kind: text("kind"),
            credits: amounts(&item["credits"]),
            balance: amounts(&item["balance"]),
            period: text("period"),
            reference: text("reference"),
            at: text("at").parse().expect("an entry has a time"),
            item,
        }
    }
}

/// An item without DynamoDB's types around each value.
pub fn plain(item: &Value) -> Value {
    let fields = item.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), plain_value(value))).collect()
}

fn plain_value(value: &Value) -> Value {
    let typed = value.as_object().and_then(|typed| typed.iter().next());
    match typed.map(|(kind, value)| (kind.as_str(), value)) {
        Some(("N", number)) => number.as_str().and_then(|number| number.parse().ok()).unwrap_or_default(),
        Some(("M", map)) => plain(map),
        Some(("L", list)) => list.as_array().into_iter().flatten().map(plain_value).collect(),
        Some(("S" | "BOOL", value)) => value.clone(),
        _ => Value::Null,
    }
}
