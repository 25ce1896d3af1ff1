//! What is to happen in a history, drawn from its seed: two accounts, what is bought and spent, what money goes
//! back, and a month that turns in the midst of it.
//!
//! Invariant: a plan doesn't depend on what is left out of it, so that a history can be shrunk.

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use scrip_stripe_model::Generation;

pub use crate::{
    action::{Action, Cart, Naming, PurchaseKind, Work},
    name::Name,
};
use crate::{
    action::{STORIES, WORK, is_of_a_pack},
    entry::Amounts,
    offers::{STICKERS, STORAGE},
    world::SkippedFaults,
};

/// The month that turns.
const TURN: &str = "2026-12-01T00:00:00Z";
/// From a subscription's beginning to its renewal: October the 30th to November the 30th.
const RENEWAL: TimeDelta = TimeDelta::days(31);
/// The credits that support gives and takes.
const ADJUSTMENTS: [Amounts; 5] = [[40, 0, 0], [-30, 0, 0], [0, 1, 8], [-100, 1, 0], [5, 0, -8]];
/// The difference of the seed of holds from the seed of everything else.
const JOBS: u64 = 0x3c6e_f372_fe94_f82b;
/// How long a moment is, in which what happens may overlap.
const MOMENT_MS: u64 = 2_500;

/// The plan of a history.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub start: DateTime<Utc>,
    /// When the month turns.
    pub turn: DateTime<Utc>,
    /// In which shapes the provider speaks.
    pub generation: Generation,
    /// When nothing gets to the webhook, if ever.
    pub outage: Option<(DateTime<Utc>, DateTime<Utc>)>,
    pub without: SkippedFaults,
    pub accounts: [String; 2],
    /// In order of their numbers.
    pub actions: Vec<TimedAction>,
}

/// An action and when it begins.
#[derive(Debug, Clone)]
pub struct TimedAction {
    pub number: usize,
    pub at: DateTime<Utc>,
    /// Its account, 0 or 1.
    pub account: usize,
    pub action: Action,
}

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
        let outage = draft.outage(start);
        if outage.is_some() || draft.rng.u8(..4) == 0 {
            draft.add(0, turn + TimeDelta::hours(30), Action::Recover);
        }
        let Draft { mut rng, actions } = draft;
        // Drawn apart, after all else: the other actions stay what a seed made of them before there were adjustments.
        let mut support = Draft { rng: Rng::with_seed(!name.seed), actions };
        for account in 0..2 {
            support.adjustments(account, start, turn);
        }
        // And after these, holds.
        let mut jobs = Draft { rng: Rng::with_seed(name.seed ^ JOBS), actions: support.actions };
        for account in 0..2 {
            jobs.jobs(account, start, turn);
        }
        let mut actions = jobs.actions;
        let generation = Generation::EVERY[rng.usize(..Generation::EVERY.len())];
        actions.retain(|action| !name.skipped.contains(&action.number));
        let accounts = [0, 1].map(|number| format!("s{}-{number}", name.seed));
        let without = name.without.clone();
        Self { seed: name.seed, start, turn, generation, outage, without, accounts, actions }
    }
}

/// A plan while it is drawn.
pub struct Draft {
    pub rng: Rng,
    pub actions: Vec<TimedAction>,
}

impl Draft {
    /// Adds an action that begins within a moment.
    pub fn add(&mut self, account: usize, moment: DateTime<Utc>, action: Action) {
        let within = i64::try_from(self.rng.u64(..MOMENT_MS)).expect("it is small");
        self.add_at(account, moment + TimeDelta::milliseconds(within), action);
    }

    /// Adds an action that begins at a time.
    pub fn add_at(&mut self, account: usize, at: DateTime<Utc>, action: Action) {
        let number = self.actions.len();
        self.actions.push(TimedAction { number, at, account, action });
    }

    fn account(&mut self, account: usize, start: DateTime<Utc>, turn: DateTime<Utc>, renews: bool) {
        let (first, second) = STORIES[self.rng.usize(..STORIES.len())];
        let cart = self.plan_cart();
        self.add(account, start, Action::Buy(cart));
        if self.rng.bool() || first.iter().chain(second).any(is_of_a_pack) {
            let cart = self.pack_cart();
            self.add(account, start, Action::Buy(cart));
        }
        let third = start + TimeDelta::minutes(20);
        self.busy(account, start + TimeDelta::seconds(20), 3);
        for action in first {
            self.add(account, third, action.clone());
        }
        self.busy(account, third, 2);
        if self.rng.u8(..8) == 0 {
            // Beside the first, and the one that is meant from then on.
            let cart = self.plan_cart();
            self.add(account, third + TimeDelta::minutes(5), Action::Buy(cart));
        }
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
                self.add(account, collected, Action::MoneyBack(PurchaseKind::Plan));
            } else if self.rng.bool() {
                self.add(account, third + TimeDelta::hours(2), Action::Decline);
                self.add(account, turn + TimeDelta::hours(30), Action::PayLate);
                self.busy(account, turn + TimeDelta::hours(30), 2);
            }
        }
    }

    fn plan_cart(&mut self) -> Cart {
        let plan =
            ["basic_monthly", "basic_monthly", "standard_monthly", "business_monthly"][self.rng.usize(..4)];
        let mut items = vec![(plan, if self.rng.u8(..6) == 0 { self.rng.i64(2..4) } else { 1 })];
        match self.rng.u8(..10) {
            0 => items.push(("tune_pack", 1)),
            1 => items.insert(0, ("avatar_pack", 2)),
            2 => items.push((STORAGE, 1)),
            3 => items.push((STICKERS, 2)),
            _ => {}
        }
        self.cart(items)
    }

    fn pack_cart(&mut self) -> Cart {
        let pack = if self.rng.bool() { "tune_pack" } else { "avatar_pack" };
        let mut items = vec![(pack, if self.rng.u8(..3) == 0 { self.rng.i64(2..5) } else { 1 })];
        match self.rng.u8(..8) {
            0 => items.push(("avatar_pack", 1)),
            1 => items.insert(0, (STORAGE, 3)),
            2 => items.push((STICKERS, 1)),
            3 if self.rng.bool() => items = vec![(STORAGE, 1)],
            _ => {}
        }
        let cart = self.cart(items);
        let is_alone = cart.items.len() == 1 && cart.items[0].0 == pack && self.rng.u8(..6) == 0;
        Cart { is_alone, ..cart }
    }

    fn cart(&mut self, items: Vec<(&'static str, i64)>) -> Cart {
        let naming = match self.rng.u8(..6) {
            0 => Naming::Reference,
            1 => Naming::OfOtherCustomer,
            _ => Naming::Metadata,
        };
        Cart { items, naming, has_invoice: self.rng.u8(..5) == 0, is_alone: false }
    }

    /// Days in which nothing gets to the webhook, in one history of eight.
    fn outage(&mut self, start: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let from = start + TimeDelta::minutes(self.rng.i64(-10..150));
        let until = from + TimeDelta::hours(self.rng.i64(2..100));
        (self.rng.u8(..8) == 0).then_some((from, until))
    }

    /// Support adjusts an account now and then, by few keys: some twice, and for other credits.
    fn adjustments(&mut self, account: usize, start: DateTime<Utc>, turn: DateTime<Utc>) {
        let minutes = |minutes| TimeDelta::minutes(minutes);
        for moment in [start + minutes(1), start + minutes(20), turn, turn + minutes(10)] {
            while self.rng.u8(..3) == 0 {
                let key = format!("a{}", self.rng.u8(..3));
                let credits = ADJUSTMENTS[self.rng.usize(..ADJUSTMENTS.len())];
                self.add(account, moment, Action::Adjust { key, credits });
            }
        }
    }

    /// Draws up to so many actions of callers in a moment.
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
