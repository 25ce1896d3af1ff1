//! Looks at every entry for what it does to holds: each ends once, what was captured and what came back are what was
//! held, and what expired comes back before anything else.
//!
//! Invariant: nothing here is computed by the code under test. What is open after an entry is what was open before it and
//! the entry's own step.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;

use crate::{
    account_at::{OpenHold, month},
    action::{Action, End, Work},
    entry::{Amounts, Entry, amounts, sum},
};

/// How many holds may be open at a time.
pub const OPEN_MAX: usize = 16;

/// The holds of an account.
#[derive(Default)]
pub struct Holds {
    /// The holds that callers ask for, by key: the work, and for how many seconds.
    asked: BTreeMap<String, Vec<(Work, i64)>>,
    /// How callers end them.
    ends_asked: BTreeMap<String, Vec<End>>,
    /// Those that were made, by their entries.
    made: BTreeMap<i64, HoldRecord>,
}

/// A hold that was made.
struct HoldRecord {
    key: String,
    operation: Value,
    hold: OpenHold,
    is_over: bool,
}

impl Holds {
    /// Takes an action of the plan.
    pub fn ask(&mut self, action: &Action) {
        match action {
            Action::Hold { key, work, seconds } => {
                self.asked.entry(key.clone()).or_default().push((*work, *seconds));
            }
            Action::End { hold, end, .. } => self.ends_asked.entry(hold.clone()).or_default().push(*end),
            _ => {}
        }
    }

    /// Looks at the next entry.
    ///
    /// # Panics
    /// If something is wrong with it.
    pub fn check(&mut self, entry: &Entry, last: Option<&Entry>) {
        let before = last.map(Entry::open_holds).unwrap_or_default();
        if let Some(last) = last {
            check_due(entry, last, &before);
        }
        let after = match entry.kind.as_str() {
            "hold" => self.opened(entry, before),
            "capture" | "release" => self.ended(entry, before),
            _ => before,
        };
        assert_eq!(entry.open_holds(), after, "other holds are open: {entry:?}");
        assert!(after.len() <= OPEN_MAX, "too many holds: {entry:?}");
    }

    fn opened(&mut self, entry: &Entry, mut open: Vec<OpenHold>) -> Vec<OpenHold> {
        let Entry { sequence, credits, reference, item, .. } = entry;
        let asked = self.asked.get(reference).map_or(&[][..], Vec::as_slice);
        let of_it = asked.iter().filter(|(work, _)| work.is_of(&item["operation"]));
        let is_asked = of_it.into_iter().any(|(work, seconds)| {
            let expires_at = entry.at + TimeDelta::seconds(*seconds);
            *credits == work.price.map(|price| -price) && entry.expires_at() == expires_at
        });
        assert!(is_asked, "that hold was not asked for: {entry:?}");
        let hold = OpenHold {
            sequence: *sequence,
            credits: credits.map(|taken| -taken),
            expires_at: entry.expires_at(),
        };
        let (key, operation) = (reference.clone(), item["operation"].clone());
        self.made.insert(*sequence, HoldRecord { key, operation, hold: hold.clone(), is_over: false });
        open.push(hold);
        open
    }

    fn ended(&mut self, entry: &Entry, mut open: Vec<OpenHold>) -> Vec<OpenHold> {
        let Entry { kind, credits, reference, item, .. } = entry;
        let sequence = item["hold_sequence"].as_i64().unwrap_or_default();
        let made = self.made.get_mut(&sequence).unwrap_or_else(|| panic!("ends no hold: {entry:?}"));
        assert!(!made.is_over, "a hold ends twice: {entry:?}");
        made.is_over = true;
        let is_expired = item["expired"] == true;
        let named = if is_expired { sequence.to_string() } else { made.key.clone() };
        assert_eq!(*reference, named, "another hold's name: {entry:?}");
        assert!(credits.iter().all(|kind| *kind >= 0), "a hold's end takes: {entry:?}");
        let captured = amounts(&item["captured"]);
        let all = sum(captured, entry.came_back());
        assert_eq!(all, made.hold.credits, "credits of a hold are lost or doubled: {entry:?}");
        let is_in_time = entry.at < made.hold.expires_at;
        assert_ne!(is_in_time, is_expired, "ended at the wrong time: {entry:?}");
        let mut asked = self.ends_asked.get(&made.key).into_iter().flatten();
        let is_asked = asked
            .any(|end| end.kind() == kind && end.takes(&made.operation, made.hold.credits) == Some(captured));
        assert!(is_asked || (is_expired && kind == "release"), "that end was not asked for: {entry:?}");
        assert!(kind == "capture" || captured == [0; 3], "a release takes: {entry:?}");
        if kind == "capture" {
            check_work(entry, made, captured);
        }
        open.retain(|hold| hold.sequence != sequence);
        open
    }
}

/// The captured work is the held work, in the number of pieces that were made.
fn check_work(entry: &Entry, made: &HoldRecord, captured: Amounts) {
    let (held, done) = (&made.operation, &entry.item["operation"]);
    let mut whole = held.clone();
    if let (Some((unit, _)), Some((_, count))) = (pieces(held), pieces(done)) {
        whole[unit] = count.into();
        assert_eq!(part(made.hold.credits, count, held), captured, "not its price: {entry:?}");
    }
    assert_eq!(*done, whole, "other work than was held: {entry:?}");
}

/// What expired comes back before anything else happens, in the order of time: a month turns before what expires in it
/// comes back.
fn check_due(entry: &Entry, last: &Entry, before: &[OpenHold]) {
    let over = before.iter().filter(|hold| hold.expires_at <= entry.at);
    let Some(first) = over.min_by_key(|hold| (hold.expires_at, hold.sequence)) else { return };
    let month = month(first.expires_at).max(last.period.clone());
    let is_next = match entry.kind.as_str() {
        "release" => {
            let is_first = entry.item["expired"] == true && entry.item["hold_sequence"] == first.sequence;
            // A turn that leaves no entry had nothing to expire, and no allowance to give.
            let has_expired = last.period < month && last.balance[0] == 0;
            let is_turning = has_expired || (last.kind == "expiry" && last.reference < last.period);
            let has_turned = last.period == month || has_expired;
            is_first && has_turned && (!is_turning || entry.allowance(&month) == 0)
        }
        "expiry" => last.period < month,
        "refill" => last.period < month || last.kind == "expiry",
        _ => false,
    };
    assert!(is_next && entry.period == month, "a hold is over and isn't back: {first:?} {entry:?}");
}

/// What an operation makes that can be paid for one by one: images or prompts, and how many. None of training.
pub fn pieces(operation: &Value) -> Option<(&'static str, i64)> {
    if operation["operation"] == "train_tune" {
        return None;
    }
    ["images", "prompts"].into_iter().find_map(|unit| Some((unit, operation[unit].as_i64()?)))
}

/// The price of so many pieces of an operation, by its price in all.
fn part(all: Amounts, count: i64, operation: &Value) -> Amounts {
    let whole = pieces(operation).map_or(1, |(_, whole)| whole);
    all.map(|kind| kind * count / whole)
}

impl End {
    /// The kind of entry that it makes.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Whole | Self::Part(..) => "capture",
            Self::Release => "release",
        }
    }

    /// What it takes of a hold of that work and so many credits; `None` if it is more than is held, or can't be taken by
    /// the piece.
    pub fn takes(self, operation: &Value, held: Amounts) -> Option<Amounts> {
        match self {
            Self::Whole => Some(held),
            Self::Release => Some([0; 3]),
            Self::Part(unit, count) => {
                let (of, whole) = pieces(operation)?;
                (of == unit && count <= whole).then(|| part(held, count, operation))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use serde_json::json;

    use super::*;
    use crate::action::When;

    const FOUR: &str = r#"{"operation":"upscale","factor":4,"images":4}"#;

    fn asked() -> Holds {
        let work = Work { operation: FOUR, price: [8, 0, 0] };
        let mut holds = Holds::default();
        for key in ["a", "b"] {
            holds.ask(&Action::Hold { key: key.to_owned(), work, seconds: 60 });
            for end in [End::Part("images", 3), End::Release] {
                holds.ask(&Action::End { hold: key.to_owned(), end, when: When::Now });
            }
        }
        holds
    }

    fn credits(playground: i64) -> Value {
        json!({"playground": playground, "tune": 0, "tune_image": 0})
    }

    /// The items of an account that holds twice: the first is captured in part, with an offset, and the second expires as
    /// the month turns.
    fn log() -> Vec<Value> {
        let operation = |images: i64| json!({"operation": "upscale", "factor": 4, "images": images});
        let open = |sequence: i64, expires_at: &str| json!({"sequence": sequence, "credits": {"playground": 8}, "expires_at": expires_at});
        let (first, second) = ("2026-11-30T23:59:50Z", "2026-12-01T00:00:00Z");
        vec![
            json!({"kind": "purchase", "credits": credits(20), "balance": credits(20), "period": "2026-11",
                   "at": "2026-11-30T23:50:00Z", "reference": "p"}),
            json!({"kind": "hold", "credits": credits(-8), "balance": credits(12), "period": "2026-11",
                   "at": "2026-11-30T23:58:50Z", "reference": "a", "operation": operation(4),
                   "expires_at": first, "holds": [open(2, first)]}),
            json!({"kind": "hold", "credits": credits(-8), "balance": credits(4), "period": "2026-11",
                   "at": "2026-11-30T23:59:00Z", "reference": "b", "operation": operation(4),
                   "expires_at": second, "holds": [open(2, first), open(3, second)]}),
            json!({"kind": "capture", "credits": credits(1), "balance": credits(5), "period": "2026-11",
                   "at": "2026-11-30T23:59:49.999Z", "reference": "a", "operation": operation(3),
                   "hold_sequence": 2, "captured": credits(6), "offset": credits(1), "holds": [open(3, second)]}),
            json!({"kind": "expiry", "credits": credits(-5), "balance": credits(0), "period": "2026-12",
                   "at": "2026-12-01T00:00:07Z", "reference": "2026-11", "holds": [open(3, second)]}),
            json!({"kind": "refill", "credits": credits(1000), "balance": credits(1000), "period": "2026-12",
                   "at": "2026-12-01T00:00:07Z", "reference": "2026-12", "holds": [open(3, second)]}),
            json!({"kind": "release", "credits": credits(8), "balance": credits(1008), "period": "2026-12",
                   "at": "2026-12-01T00:00:07Z", "reference": "3", "hold_sequence": 3, "offset": credits(0),
                   "expired": true, "subscriptions": [{"allowance": 1000, "paid_through": "2026-12-30T12:00:00Z"}]}),
        ]
    }

    /// Why a log doesn't pass, if it doesn't.
    fn audit(log: Vec<Value>) -> Option<String> {
        let mut holds = asked();
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut last = None;
            for (at, mut item) in log.into_iter().enumerate() {
                item["sequence"] = json!(at + 1);
                let entry = Entry::read(item);
                holds.check(&entry, last.as_ref());
                last = Some(entry);
            }
        }));
        let panic = checked.err()?;
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
    }

    #[test]
    fn a_log_that_was_tampered_with_does_not_pass() {
        type Tamper = fn(&mut Vec<Value>);
        assert_eq!(audit(log()), None);
        let table: [(&str, Tamper); 23] = [
            ("that hold was not asked for", |log| log[1]["credits"] = credits(-7)),
            ("that hold was not asked for", |log| log[1]["reference"] = json!("c")),
            ("that hold was not asked for", |log| log[1]["expires_at"] = json!("2026-11-30T23:59:51Z")),
            ("that hold was not asked for", |log| log[1]["operation"]["factor"] = json!(2)),
            ("other holds are open", |log| log[1]["holds"] = json!([])),
            ("other holds are open", |log| log[2]["holds"][0]["credits"] = json!({"playground": 7})),
            ("other holds are open", |log| log[3]["holds"] = log[2]["holds"].clone()),
            ("other holds are open", |log| log[4]["holds"] = json!([])),
            ("credits of a hold are lost or doubled", |log| log[3]["credits"] = credits(2)),
            ("credits of a hold are lost or doubled", |log| log[3]["offset"] = credits(0)),
            ("credits of a hold are lost or doubled", |log| log[6]["credits"] = credits(7)),
            ("another hold's name", |log| log[3]["reference"] = json!("b")),
            ("ends no hold", |log| log[3]["hold_sequence"] = json!(1)),
            ("not its price", |log| log[3]["operation"]["images"] = json!(2)),
            ("other work than was held", |log| log[3]["operation"]["factor"] = json!(2)),
            ("that end was not asked for", |log| {
                log[3]["captured"] = credits(4);
                log[3]["credits"] = credits(3);
            }),
            // One that ends at the moment at which it is over.
            ("a hold is over and isn't back", |log| log[3]["at"] = json!("2026-11-30T23:59:50Z")),
            ("ended at the wrong time", |log| {
                log[3] = json!({"kind": "release", "credits": credits(8), "period": "2026-11",
                                "at": "2026-11-30T23:59:49Z", "reference": "2", "hold_sequence": 2,
                                "expired": true, "holds": log[3]["holds"].clone()});
            }),
            ("a hold ends twice", |log| {
                let again = log[3].clone();
                log.insert(4, again);
            }),
            // A hold that expires in the month's first moment comes back after the turn.
            ("a hold is over and isn't back", |log| log.swap(5, 6)),
            ("a hold is over and isn't back", |log| log.swap(4, 6)),
            ("a hold is over and isn't back", |log| {
                log.remove(6);
                log.push(log[5].clone());
            }),
            ("a hold is over and isn't back", |log| log[6]["expired"] = json!(false)),
        ];
        for (number, (why, tamper)) in table.into_iter().enumerate() {
            let mut log = log();
            tamper(&mut log);
            let found = audit(log);
            assert!(found.as_ref().is_some_and(|found| found.contains(why)), "{number} {why}: {found:?}");
        }
    }
}
