//! What is to happen in a history, drawn from its seed: two accounts, what is bought and spent, what money goes
//! back, and a month that turns in the midst of it.
//!
//! Invariant: a plan doesn't depend on what is left out of it, so that a history can be shrunk.

use std::{collections::BTreeSet, fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use scrip_tests::stripe::Generation;

use crate::{faults::Fault, world::Without};

/// The month that turns.
const TURN: &str = "2026-12-01T00:00:00Z";
/// From a subscription's beginning to its renewal: October the 30th to November the 30th.
const RENEWAL: TimeDelta = TimeDelta::days(31);
/// How long a moment is, in which what happens may overlap.
const MOMENT_MS: u64 = 2_500;

/// A history, as it is written down: its seed, the actions and the faults that it goes without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    pub seed: u64,
    pub skipped: BTreeSet<usize>,
    pub without: Without,
}

/// What is to happen.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub start: DateTime<Utc>,
    /// When the month turns.
    pub turn: DateTime<Utc>,
    /// In which shapes the provider speaks.
    pub generation: Generation,
    pub without: Without,
    pub accounts: [String; 2],
    /// In order of their numbers.
    pub actions: Vec<Timed>,
}

/// An action and when it begins.
#[derive(Debug, Clone)]
pub struct Timed {
    pub number: usize,
    pub at: DateTime<Utc>,
    /// Whose it is, of the two.
    pub account: usize,
    pub action: Action,
}

/// Something that somebody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The account buys a plan or a pack.
    Buy(&'static str),
    /// It moves to a larger plan, and pays the difference.
    Upgrade(&'static str),
    /// It moves to a smaller one, which it pays from the next renewal on.
    Downgrade(&'static str),
    /// It ends its plan.
    Cancel,
    /// The next renewal's payment is declined.
    Decline,
    /// The provider renews what is due, and collects what was drafted an hour before.
    Bill,
    /// What was declined is paid after all.
    PayLate,
    /// Work is paid with credits.
    Debit { key: String, work: Work },
    /// Some of it, or all that is left, comes back.
    Reverse { key: String, debit: String, playground: Option<u64> },
    /// Somebody looks at balance and history.
    Look,
    /// Support gives the money of a purchase back.
    MoneyBack(Bought),
    /// Somebody does so at the provider, in percent of it.
    Refund(Bought, i64),
    /// That refund fails after all.
    RefundFails,
    /// The buyer's bank takes the money back.
    Dispute(Bought),
    /// And returns it.
    WinDispute,
    /// The scheduler says that the month has turned.
    Turn,
    /// The schedule of pending refunds.
    Sweep,
}

/// Which purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bought {
    Plan,
    Pack,
}

/// Work, and what it costs by the pricing page: playground, tune and tune image credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    pub operation: &'static str,
    pub price: [i64; 3],
}

const WORK: [Work; 7] = [
    Work { operation: r#"{"operation":"upscale","factor":4,"images":100}"#, price: [200, 0, 0] },
    Work { operation: r#"{"operation":"upscale","factor":2,"images":100}"#, price: [100, 0, 0] },
    Work {
        operation: r#"{"operation":"text_to_image","width":1024,"height":1024,"steps":150,"images":90}"#,
        price: [900, 0, 0],
    },
    Work {
        operation: r#"{"operation":"text_to_image","width":1024,"height":1024,"steps":150,"images":50}"#,
        price: [500, 0, 0],
    },
    Work { operation: r#"{"operation":"face_enhance"}"#, price: [1, 0, 0] },
    Work { operation: r#"{"operation":"train_tune","if_short":"refuse"}"#, price: [0, 1, 64] },
    Work { operation: r#"{"operation":"tune_images","prompts":8}"#, price: [0, 0, 64] },
];

/// What becomes of an account's money: what is done in the third moment, and what after the month's turn.
const STORIES: [(&[Action], &[Action]); 16] = [
    (&[], &[]),
    (&[], &[Action::MoneyBack(Bought::Plan)]),
    (&[Action::MoneyBack(Bought::Plan)], &[Action::MoneyBack(Bought::Plan)]),
    (&[Action::MoneyBack(Bought::Pack)], &[]),
    (&[Action::Refund(Bought::Pack, 100)], &[Action::MoneyBack(Bought::Pack)]),
    (&[Action::Refund(Bought::Pack, 30)], &[Action::Refund(Bought::Pack, 70)]),
    (&[Action::Dispute(Bought::Pack)], &[Action::WinDispute]),
    (&[Action::Dispute(Bought::Plan)], &[]),
    (&[Action::Dispute(Bought::Plan)], &[Action::WinDispute]),
    (&[Action::Upgrade("standard_monthly")], &[]),
    (&[Action::Upgrade("business_monthly")], &[Action::MoneyBack(Bought::Plan)]),
    (&[Action::Downgrade("basic_monthly")], &[]),
    (&[Action::Downgrade("basic_monthly")], &[Action::Upgrade("business_monthly")]),
    (&[Action::Cancel], &[]),
    (&[Action::Refund(Bought::Plan, 100)], &[]),
    (&[Action::Refund(Bought::Pack, 100)], &[Action::RefundFails]),
];

impl Plan {
    /// The plan of a history.
    pub fn of(name: &Name) -> Self {
        let mut rng = Rng::with_seed(name.seed);
        let turn: DateTime<Utc> = TURN.parse().expect("a time");
        // Most begin shortly before the month's turn; some a month earlier, so that a plan is renewed about then.
        let renews = rng.u8(..6) == 0;
        let (before, spread_ms) =
            if renews { (RENEWAL, 3 * 3_600_000) } else { (TimeDelta::minutes(90), 3_600_000) };
        let start = turn - before - TimeDelta::milliseconds(rng.i64(0..spread_ms));
        let mut draft = Draft { rng, actions: Vec::new() };
        for account in 0..2 {
            draft.account(account, start, turn, renews);
        }
        draft.add(0, turn, Action::Turn);
        if draft.rng.u8(..4) == 0 {
            draft.add(1, turn + TimeDelta::minutes(3), Action::Turn);
        }
        if draft.rng.u8(..4) == 0 {
            draft.add(0, turn + TimeDelta::minutes(40), Action::Sweep);
        }
        let Draft { mut rng, mut actions } = draft;
        let generation = if rng.bool() { Generation::Acacia } else { Generation::Basil };
        actions.retain(|action| !name.skipped.contains(&action.number));
        let accounts = [0, 1].map(|number| format!("s{}-{number}", name.seed));
        Self { seed: name.seed, start, turn, generation, without: name.without.clone(), accounts, actions }
    }
}

struct Draft {
    rng: Rng,
    actions: Vec<Timed>,
}

impl Draft {
    fn add(&mut self, account: usize, moment: DateTime<Utc>, action: Action) {
        let within = i64::try_from(self.rng.u64(..MOMENT_MS)).expect("it is small");
        let number = self.actions.len();
        let at = moment + TimeDelta::milliseconds(within);
        self.actions.push(Timed { number, at, account, action });
    }

    fn account(&mut self, account: usize, start: DateTime<Utc>, turn: DateTime<Utc>, renews: bool) {
        let (first, second) = STORIES[self.rng.usize(..STORIES.len())];
        let plan =
            ["basic_monthly", "basic_monthly", "standard_monthly", "business_monthly"][self.rng.usize(..4)];
        self.add(account, start, Action::Buy(plan));
        if self.rng.bool() || first.iter().chain(second).any(is_of_a_pack) {
            let pack = if self.rng.bool() { "tune_pack" } else { "avatar_pack" };
            self.add(account, start, Action::Buy(pack));
        }
        let third = start + TimeDelta::minutes(20);
        self.busy(account, start + TimeDelta::seconds(20), 3);
        for action in first {
            self.add(account, third, action.clone());
        }
        self.busy(account, third, 2);
        // Around midnight, on both sides.
        self.busy(account, turn - TimeDelta::milliseconds(1_250), 2);
        let last = turn + TimeDelta::minutes(10);
        for action in second {
            self.add(account, last, action.clone());
        }
        self.busy(account, last, 2);
        if renews {
            let renewed = start + RENEWAL + TimeDelta::seconds(10);
            let collected = renewed + TimeDelta::hours(1) + TimeDelta::seconds(5);
            self.add(account, renewed, Action::Bill);
            self.add(account, collected, Action::Bill);
            self.busy(account, collected, 2);
            // The money of a later upgrade is asked back while the renewal is paid.
            if self.rng.u8(..3) == 0 {
                self.add(account, renewed - TimeDelta::days(10), Action::Upgrade("business_monthly"));
                self.add(account, collected, Action::MoneyBack(Bought::Plan));
            } else if self.rng.bool() {
                self.add(account, third + TimeDelta::hours(2), Action::Decline);
                self.add(account, turn + TimeDelta::hours(30), Action::PayLate);
                self.busy(account, turn + TimeDelta::hours(30), 2);
            }
        }
    }

    /// What callers do in a moment: up to so many things.
    fn busy(&mut self, account: usize, moment: DateTime<Utc>, most: usize) {
        for _ in 0..self.rng.usize(..=most) {
            // Few keys: the same is used twice, for the same and for other work.
            let debit = format!("d{}", self.rng.u8(..6));
            let action = match self.rng.u8(..10) {
                0 => Action::Look,
                1 | 2 => {
                    let playground = [None, Some(50), Some(100), Some(200)][self.rng.usize(..4)];
                    Action::Reverse { key: format!("r{}", self.rng.u8(..4)), debit, playground }
                }
                _ => Action::Debit { key: debit, work: WORK[self.rng.usize(..WORK.len())] },
            };
            let is_twice = self.rng.u8(..4) == 0;
            if is_twice {
                self.add(account, moment, action.clone());
            }
            self.add(account, moment, action);
        }
    }
}

fn is_of_a_pack(action: &Action) -> bool {
    matches!(
        action,
        Action::MoneyBack(Bought::Pack) | Action::Refund(Bought::Pack, _) | Action::Dispute(Bought::Pack)
    )
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seed)?;
        let mut skipped = self.skipped.iter().copied().peekable();
        while let Some(first) = skipped.next() {
            let mut last = first;
            while skipped.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            if first == last { write!(f, "-{first}")? } else { write!(f, "-{first}..{last}")? }
        }
        if self.without.is_empty() {
            return Ok(());
        }
        let left: Vec<_> =
            Fault::ALL.iter().filter(|fault| !self.without.contains(fault)).map(Fault::to_string).collect();
        write!(f, "+{}", left.join("+"))
    }
}

impl FromStr for Name {
    type Err = String;

    /// Reads `17`; `17-3-5..9`, seed 17 without its actions 3 and 5 to 9; `17+Late+Throttled`, with no other faults
    /// than these; `17+`, without any.
    fn from_str(text: &str) -> Result<Self, String> {
        let none = |part: &str| format!("{part:?} in {text:?} is no seed, action or fault");
        let (seed, faults) = text.split_once('+').map_or((text, None), |(seed, faults)| (seed, Some(faults)));
        let mut parts = seed.split('-');
        let seed = parts.next().unwrap_or_default();
        let mut name = Self { seed: seed.parse().map_err(|_| none(seed))?, ..Self::default() };
        for part in parts {
            let (first, last) = part.split_once("..").unwrap_or((part, part));
            let number = |text: &str| text.parse::<usize>().map_err(|_| none(part));
            name.skipped.extend(number(first)?..=number(last)?);
        }
        let Some(faults) = faults else { return Ok(name) };
        name.without = Fault::ALL.iter().copied().collect();
        for part in faults.split('+').filter(|part| !part.is_empty()) {
            let fault = Fault::ALL.iter().find(|fault| fault.to_string() == part);
            name.without.remove(fault.ok_or_else(|| none(part))?);
        }
        Ok(name)
    }
}
