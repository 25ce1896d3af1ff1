//! Looks at every entry when it is written: that it follows the one before, and is what its kind may be.
//!
//! Invariant: nothing here is computed by the code under test. Prices are the plan's, allowances the pricing
//! page's, and the account after an entry is checked against the one before.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    account_at::AccountAt,
    entry::{Amounts, Entry, amounts, plain, sum},
    holds::Holds,
    plan::{Action, Plan, Work},
    request::CALLER,
};

/// The kinds of entries that follow money which went or came back.
const MONEY_MOVES: [&str; 4] = ["refund", "dispute", "refund_failed", "dispute_won"];

/// The kinds of entries that work makes, and support.
pub const WORK_KINDS: [&str; 6] = ["debit", "hold", "capture", "release", "reversal", "adjustment"];

/// The entries of each account, checked as they are written.
pub struct Audit {
    accounts: BTreeMap<String, Book>,
}

/// The entries of one account, and what callers ask for.
#[derive(Default)]
pub struct Book {
    /// Its entries, oldest first, each with the step at which it was written.
    pub entries: Vec<(u64, Entry)>,
    /// The shard of the due index that it is listed in.
    pub shard: Option<u64>,
    /// The debits that callers ask for.
    asked: BTreeMap<String, Vec<Work>>,
    /// The adjustments that support asks for.
    asked_adjustments: BTreeMap<String, Vec<Amounts>>,
    adjustments: BTreeSet<String>,
    holds: Holds,
    /// The credits that each debit and captured hold took, and those that came back. A hold that isn't captured took
    /// nothing yet.
    debits: BTreeMap<String, (Amounts, Amounts)>,
    reversals: BTreeSet<String>,
    /// The purchases that granted credits.
    purchases: BTreeSet<String>,
    /// The purchases that have a record.
    records: BTreeSet<String>,
    /// The sum of all credits that were ever owed.
    owed: Amounts,
    /// Playground credits of the newest month that work took or that are held, less those that came back.
    used: i64,
}

impl Audit {
    /// Of the accounts of a plan.
    pub fn new(plan: &Plan) -> Self {
        let mut accounts: BTreeMap<String, Book> =
            plan.accounts.iter().map(|account| (account.clone(), Book::default())).collect();
        for timed in &plan.actions {
            let Some(book) = accounts.get_mut(&plan.accounts[timed.account]) else { continue };
            book.holds.ask(&timed.action);
            match &timed.action {
                Action::Debit { key, work } => book.asked.entry(key.clone()).or_default().push(*work),
                Action::Adjust { key, credits } => {
                    book.asked_adjustments.entry(key.clone()).or_default().push(*credits);
                }
                _ => {}
            }
        }
        Self { accounts }
    }

    /// The entries of an account.
    pub fn book(&self, account: &str) -> &Book {
        &self.accounts[account]
    }

    /// Checks a transaction that was carried out.
    ///
    /// # Panics
    /// If something is wrong with it.
    pub fn written(&mut self, request: &Value, step: u64) {
        let mut touched = BTreeMap::<String, Vec<Entry>>::new();
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
                    touched.entry(account.to_owned()).or_default().push(Entry::read(item.clone()));
                }
                key => {
                    let purchase = key.strip_prefix("PURCHASE#").map(str::to_owned);
                    book.records.extend(purchase);
                }
            }
        }
        for (account, mut entries) in touched {
            entries.sort_by_key(|entry| entry.sequence);
            let book = self.accounts.get_mut(&account).expect("it was there");
            for (at, entry) in entries.iter().enumerate() {
                book.check(entry);
                book.check_owed(entry);
                let next = entries.get(at + 1).map(|next| next.kind.as_str());
                book.count(entry, next == Some("refill"));
                book.entries.push((step, entry.clone()));
            }
            book.check_month();
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

    /// The entry that made a debit or hold with that key, and its step.
    pub fn keyed(&self, key: &str) -> Option<&(u64, Entry)> {
        let is_it =
            |entry: &Entry| ["debit", "hold"].contains(&entry.kind.as_str()) && entry.reference == key;
        self.entries.iter().find(|(_, entry)| is_it(entry))
    }

    /// The entry that made a hold, and its step.
    pub fn hold(&self, key: &str) -> Option<&(u64, Entry)> {
        self.keyed(key).filter(|(_, entry)| entry.kind == "hold")
    }

    /// The entry by which a caller ended a hold, and its step.
    pub fn end_of_hold(&self, key: &str) -> Option<&(u64, Entry)> {
        let is_end = |entry: &Entry| {
            entry.kind == "capture" || (entry.kind == "release" && entry.item["expired"] != true)
        };
        self.entries.iter().find(|(_, entry)| is_end(entry) && entry.reference == key)
    }

    /// The credits that a debit or captured hold took, and the step at which it did.
    pub fn taken(&self, key: &str) -> Option<(u64, Amounts)> {
        let (step, entry) = self.keyed(key)?;
        if entry.kind == "debit" {
            return Some((*step, entry.credits.map(|taken| -taken)));
        }
        let (step, entry) = self.end_of_hold(key).filter(|(_, entry)| entry.kind == "capture")?;
        Some((*step, amounts(&entry.item["captured"])))
    }

    /// Whether at some time between two steps the account, at that moment, had less than that.
    pub fn was_short_of(&self, price: Amounts, steps: (u64, u64), now: DateTime<Utc>) -> bool {
        let is_short = |had: AccountAt| (0..3).any(|kind| had.balance[kind] < price[kind]);
        self.between(steps, now).any(is_short)
    }

    /// The account at that moment, by each of its states between two steps.
    pub fn between(&self, (from, to): (u64, u64), now: DateTime<Utc>) -> impl Iterator<Item = AccountAt> {
        let before = self.entries.iter().rfind(move |(step, _)| *step < from).map(|(_, entry)| entry);
        let since = self.entries.iter().filter(move |(step, _)| (from..=to).contains(step));
        std::iter::once(before)
            .chain(since.map(|(_, entry)| Some(entry)))
            .map(move |head| AccountAt::of(head, now))
    }

    /// Checks an entry against the one before and against the rules of its kind.
    fn check(&mut self, entry: &Entry) {
        self.check_sequence(entry);
        self.holds.check(entry, self.entries.last().map(|(_, entry)| entry));
        match entry.kind.as_str() {
            kind if WORK_KINDS.contains(&kind) => self.check_work(entry),
            "expiry" | "refill" => self.check_turn(entry),
            _ => self.check_purchase(entry),
        }
        if MONEY_MOVES.contains(&entry.kind.as_str()) {
            self.check_money_move(entry);
        }
    }

    /// An entry follows the one before: in its sequence, its balance and its time.
    fn check_sequence(&self, entry: &Entry) {
        let Entry { sequence, credits, balance, .. } = entry;
        let last = self.head();
        let before = last.map_or([0; 3], |last| last.balance);
        assert_eq!(*sequence, last.map_or(1, |last| last.sequence + 1), "a gap in the sequences: {entry:?}");
        assert_eq!(*balance, sum(before, *credits), "the balance isn't the sum: {entry:?} after {before:?}");
        assert!(balance.iter().all(|kind| *kind >= 0), "below zero: {entry:?}");
        if let Some(last) = last {
            assert!(last.at <= entry.at && last.period <= entry.period, "time runs backwards: {entry:?}");
        }
    }

    /// Work and support: each entry was asked for, takes its price, and happens once.
    fn check_work(&mut self, entry: &Entry) {
        let Entry { kind, credits, reference, .. } = entry;
        let none = [0; 3];
        match kind.as_str() {
            "debit" => {
                let asked = self.asked.get(reference).map_or(&[][..], Vec::as_slice);
                let is_it = |work: &&Work| work.is_of(&entry.item["operation"]);
                let work = asked.iter().find(is_it).unwrap_or_else(|| panic!("not asked for: {entry:?}"));
                assert_eq!(*credits, work.price.map(|price| -price), "not its price: {entry:?}");
                let earlier = self.debits.insert(reference.clone(), (work.price, none));
                assert_eq!(earlier, None, "taken twice: {entry:?}");
            }
            "hold" => {
                let earlier = self.debits.insert(reference.clone(), (none, none));
                assert_eq!(earlier, None, "taken twice: {entry:?}");
            }
            "capture" => {
                let (taken, _) = self.debits.get_mut(reference).expect("a capture has a hold");
                *taken = amounts(&entry.item["captured"]);
            }
            "release" => {}
            "reversal" => {
                let debit = entry.item["debit_id"].as_str().expect("a reversal names its debit");
                let (taken, back) = self.debits.get_mut(debit).expect("a reversal has a debit");
                *back = sum(*back, entry.came_back());
                let within = (0..3).all(|kind| credits[kind] >= 0 && back[kind] <= taken[kind]);
                assert!(within, "more came back than was taken: {entry:?}");
                assert!(self.reversals.insert(reference.clone()), "given back twice: {entry:?}");
            }
            "adjustment" => {
                let asked = self.asked_adjustments.get(reference);
                assert!(asked.is_some_and(|asked| asked.contains(credits)), "not asked for: {entry:?}");
                assert!(self.adjustments.insert(reference.clone()), "adjusted twice: {entry:?}");
                let (by, reason) = (&entry.item["by"], &entry.item["reason"]);
                assert_eq!((by, reason), (&CALLER.into(), &"goodwill".into()), "{entry:?}");
            }
            _ => unreachable!("no kind of work: {entry:?}"),
        }
    }

    /// The month's turn: what was left expires, and the allowance is given.
    fn check_turn(&self, entry: &Entry) {
        let Entry { kind, credits, reference, .. } = entry;
        if kind == "refill" {
            assert!(credits[0] > 0 && credits[1..] == [0, 0], "{entry:?}");
            return;
        }
        let is_turn = self.head().is_some_and(|last| last.period < entry.period);
        let is_all = *credits == [-self.head().map_or(0, |last| last.balance[0]), 0, 0];
        let is_some = credits[0] < 0 && credits[1..] == [0, 0] && *reference == entry.period;
        assert!(if is_turn { is_all } else { is_some }, "not what was left: {entry:?}");
    }

    /// Purchases and their money: a grant happens once, and each kind moves credits in its own direction.
    fn check_purchase(&mut self, entry: &Entry) {
        let Entry { kind, credits, reference, .. } = entry;
        match kind.as_str() {
            "purchase" => {
                let is_new = self.purchases.insert(reference.clone());
                assert!(is_new, "granted twice: {entry:?}");
                assert!(credits.iter().all(|kind| *kind >= 0), "{entry:?}");
            }
            "refund" | "dispute" => assert!(credits.iter().all(|kind| *kind <= 0), "{entry:?}"),
            "refund_failed" | "dispute_won" => assert!(credits.iter().all(|kind| *kind >= 0), "{entry:?}"),
            "subscription" => assert_eq!(*credits, [0; 3], "{entry:?}"),
            _ => panic!("an unknown kind: {entry:?}"),
        }
    }

    /// The moves of a purchase's money never add up to more than it granted.
    fn check_money_move(&self, entry: &Entry) {
        let Entry { credits, reference, .. } = entry;
        assert!(self.records.contains(reference), "no record of that purchase: {entry:?}");
        let moved = self.moved_by(reference).chain([*credits]).fold([0; 3], sum);
        let granted = self.entries.iter().map(|(_, entry)| entry);
        let granted = granted.filter(|entry| entry.kind == "purchase" && entry.reference == *reference);
        let granted = granted.map(|entry| entry.credits).fold([0; 3], sum);
        // A reversal may have paid what was owed before the money came back.
        let within = (1..3).all(|kind| (-granted[kind]..=self.owed[kind]).contains(&moved[kind]));
        assert!(within, "moves more than was bought: {entry:?}");
    }

    /// Credits that can't be taken back are owed, and credits that come back pay that first (docs/rules.md, rule 9).
    fn check_owed(&self, entry: &Entry) {
        let last = self.head();
        let has_turned = last.is_some_and(|last| last.period < entry.period);
        for kind in 0..3 {
            let before = if kind == 0 && has_turned { 0 } else { last.map_or(0, |last| last.owed[kind]) };
            let after = entry.owed[kind];
            assert!(after >= 0, "{entry:?}");
            assert!(after <= before || entry.balance[kind] == 0, "owed, and not taken: {entry:?}");
            let comes_back = ["reversal", "capture", "release", "refund_failed", "dispute_won"];
            let comes_back = comes_back.contains(&entry.kind.as_str());
            assert!(after >= before || comes_back, "nothing pays what is owed: {entry:?}");
            let is_work = WORK_KINDS.contains(&entry.kind.as_str());
            let offset = entry.came_back()[kind] - entry.credits[kind];
            assert!(!is_work || after == before - offset, "another offset: {entry:?}");
            let is_first = entry.credits[kind] <= 0 || after == 0;
            assert!(!comes_back || is_first, "given before what is owed was paid: {entry:?}");
        }
    }

    fn count(&mut self, entry: &Entry, is_before_refill: bool) {
        if self.head().is_some_and(|last| last.period < entry.period) {
            self.used = 0;
        }
        let before = self.head().map_or([0; 3], |last| last.owed);
        self.owed = sum(self.owed, [0, 1, 2].map(|kind| (entry.owed[kind] - before[kind]).max(0)));
        match entry.kind.as_str() {
            // Support's credits count as if work had taken less, held credits as if work had taken them.
            "debit" | "hold" | "adjustment" => self.used -= entry.credits[0],
            "reversal" | "capture" | "release" => self.used -= entry.came_back()[0],
            // Credits that came back in this month, and were left when the late-paid refill came.
            "expiry" if is_before_refill && entry.reference == entry.period => self.used -= entry.credits[0],
            _ => {}
        }
    }

    /// The credits that are left, owed and used of the month add up to those that its plans granted.
    fn check_month(&self) {
        let Some(head) = self.head() else { return };
        let granted = head.balance[0] - head.owed[0] + self.used;
        assert_eq!(granted, head.backed(), "the month doesn't add up: {head:?}");
    }

    /// Playground credits of the newest month that work took, less those that came back.
    pub fn used(&self) -> i64 {
        self.used
    }

    /// What refunds and disputes of a purchase moved and made owed: what comes back to an account that owes pays that first,
    /// also what is owed of another purchase.
    pub fn gone_by(&self, purchase: &str) -> Amounts {
        let mut owed = [0; 3];
        let mut gone = [0; 3];
        for (_, entry) in &self.entries {
            if MONEY_MOVES.contains(&entry.kind.as_str()) && entry.reference == purchase {
                let more = [0, 1, 2].map(|kind| entry.owed[kind] - owed[kind]);
                gone = sum(gone, sum(entry.credits, more.map(|more| -more)));
            }
            owed = entry.owed;
        }
        gone
    }

    /// The credits that refunds and disputes of a purchase moved so far.
    pub fn moved_by(&self, purchase: &str) -> impl Iterator<Item = Amounts> {
        let of_it =
            self.entries.iter().map(|(_, entry)| entry).filter(move |entry| {
                entry.reference == purchase && MONEY_MOVES.contains(&entry.kind.as_str())
            });
        of_it.map(|entry| entry.credits)
    }
}
