//! Checks the entries of one account: each must follow from the one before.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scrip_accounts::{Account, Change, Entry, Event, OpenHold, Period, Sequence, SubscriptionId};
use scrip_pricing::Credits;

use super::problem::Problem;

/// The order in which the items of an account are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By key, as from a table. An entry that is skipped is missing.
    Sorted,
    /// Any order, as from an export's files. Entries that come early are kept until those before them come.
    Any,
}

/// The part of an entry that is kept until the next one comes.
#[derive(Debug)]
pub(super) struct Link {
    sequence: Sequence,
    /// `None` if the entry can't be read.
    state: Option<Box<LinkState>>,
}

/// The part of the account after an entry that is checked.
#[derive(Debug)]
pub(super) struct LinkState {
    /// The owed credits that the entry pays; `None` for kinds of entries that may change them by any amount.
    offset: Option<Credits>,
    change: Change,
    step: HoldStep,
    holds: Vec<OpenHold>,
    at: DateTime<Utc>,
    period: Period,
    balance: Credits,
    owed: Credits,
    pub(super) due_after: Option<Period>,
    pub(super) subscriptions: Vec<SubscriptionId>,
}

/// The change that an entry makes to the open holds.
#[derive(Debug)]
enum HoldStep {
    /// It opens a hold.
    Opens(OpenHold),
    /// It ends the hold of that entry, which had set these credits aside.
    Ends(Sequence, Option<Credits>, HoldEnd),
    /// It leaves them unchanged.
    Leaves,
}

/// The end of a hold: by its caller before it expires, or by its expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HoldEnd {
    Caller,
    Expiry,
}

impl HoldStep {
    fn of(entry: &Entry) -> Self {
        let returned = |offset: Credits| entry.change.given().checked_add(offset);
        match entry.event {
            Event::Hold { expires_at, .. } => Self::Opens(OpenHold {
                sequence: entry.account.sequence,
                credits: entry.change.taken(),
                expires_at,
            }),
            Event::Capture { hold_sequence, captured, offset, .. } => {
                let set_aside = returned(offset).and_then(|returned| returned.checked_add(captured));
                Self::Ends(hold_sequence, set_aside, HoldEnd::Caller)
            }
            Event::Release { hold_sequence, offset, expired } => {
                let end = if expired { HoldEnd::Expiry } else { HoldEnd::Caller };
                Self::Ends(hold_sequence, returned(offset), end)
            }
            _ => Self::Leaves,
        }
    }

    /// Whether this step leads from the holds `before` to those `after`.
    fn leads(&self, before: &[OpenHold], after: &[OpenHold], at: DateTime<Utc>) -> bool {
        match self {
            Self::Opens(opened) => {
                after.split_last() == Some((opened, before)) && after.len() <= Account::HOLDS_MAX
            }
            Self::Ends(sequence, set_aside, end) => {
                let (ended, others): (Vec<&OpenHold>, Vec<&OpenHold>) =
                    before.iter().partition(|hold| hold.sequence == *sequence);
                let is_in_time = |hold: &OpenHold| (hold.expires_at <= at) == (*end == HoldEnd::Expiry);
                let is_one =
                    matches!(ended[..], [hold] if Some(hold.credits) == *set_aside && is_in_time(hold));
                is_one && others.into_iter().eq(after.iter())
            }
            Self::Leaves => before == after,
        }
    }
}

impl Link {
    pub(super) fn new(sequence: Sequence, entry: Option<&Entry>) -> Self {
        Self { sequence, state: entry.map(|entry| Box::new(LinkState::of(entry))) }
    }
}

impl LinkState {
    fn of(entry: &Entry) -> Self {
        let account = &entry.account;
        let offset = match entry.event {
            Event::Reversal { offset, .. }
            | Event::Capture { offset, .. }
            | Event::Release { offset, .. } => Some(offset),
            Event::Debit { .. } | Event::Hold { .. } | Event::Adjustment { .. } => Some(Credits::ZERO),
            // These entries follow payments, refunds, disputes or corrections, and may change the owed credits too.
            Event::Expiry
            | Event::Purchase
            | Event::Subscription
            | Event::Refill
            | Event::Refund { .. }
            | Event::RefundFailed
            | Event::Dispute { .. }
            | Event::DisputeWon => None,
        };
        Self {
            offset,
            change: entry.change,
            step: HoldStep::of(entry),
            holds: account.holds.clone(),
            at: entry.at,
            period: account.period,
            balance: account.balance,
            owed: account.owed,
            due_after: account.due_after(),
            subscriptions: account.subscriptions.iter().map(|subscription| subscription.id.clone()).collect(),
        }
    }

    /// Its problems as the first entry of an account.
    fn problems_of_first(&self) -> impl Iterator<Item = Problem> {
        let wrong_sum = self.change.apply(Credits::ZERO) != Some(self.balance);
        let wrong_holds = !self.step.leads(&[], &self.holds, self.at);
        [wrong_sum.then_some(Problem::WrongSum), wrong_holds.then_some(Problem::WrongHolds)]
            .into_iter()
            .flatten()
    }

    /// Its problems after another entry.
    fn problems_after<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = Problem> + 'a {
        let wrong_sum = self.change.apply(before.balance) != Some(self.balance);
        // Owed playground credits are forgotten at the month's turn (docs/rules.md, rule 9).
        let is_new_month = self.period != before.period;
        let owed = if is_new_month { before.owed.with_playground(0) } else { before.owed };
        let wrong_owed = self.offset.is_some_and(|offset| owed.checked_sub(offset) != Some(self.owed));
        let wrong_holds = !self.step.leads(&before.holds, &self.holds, self.at);
        [
            wrong_sum.then_some(Problem::WrongSum),
            (self.at < before.at).then_some(Problem::TimeBackwards),
            (self.period < before.period).then_some(Problem::MonthBackwards),
            wrong_owed.then_some(Problem::WrongOwed),
            wrong_holds.then_some(Problem::WrongHolds),
        ]
        .into_iter()
        .flatten()
    }
}

/// The entries of an account that were read.
#[derive(Debug, Default)]
pub(super) struct History {
    newest: Option<Link>,
    waiting: BTreeMap<Sequence, Link>,
    /// Whether an entry is missing or can't be read. Then nothing that depends on all entries is known.
    has_holes: bool,
}

impl History {
    /// Takes an entry, and adds its problems and those of entries that waited for it.
    pub(super) fn take(&mut self, link: Link, order: Order, found: &mut Vec<(Sequence, Problem)>) {
        let expected = self.newest_sequence().next();
        if link.sequence < expected {
            found.push((link.sequence, Problem::Repeated));
        } else if link.sequence > expected && order == Order::Any {
            let sequence = link.sequence;
            if self.waiting.insert(sequence, link).is_some() {
                found.push((sequence, Problem::Repeated));
            }
        } else {
            self.append(link, found);
            while self.waiting.first_key_value().map(|(next, _)| *next) == Some(self.newest_sequence().next())
            {
                let next = self.waiting.pop_first();
                if let Some((_, link)) = next {
                    self.append(link, found);
                }
            }
        }
    }

    /// Adds the problems of entries that still wait for missing ones.
    pub(super) fn finish(&mut self, found: &mut Vec<(Sequence, Problem)>) {
        while let Some((_, link)) = self.waiting.pop_first() {
            self.append(link, found);
        }
    }

    /// Whether every entry up to the newest was read.
    pub(super) fn is_whole(&self) -> bool {
        !self.has_holes
    }

    /// The sequence of the newest entry that was read.
    pub(super) fn newest_sequence(&self) -> Sequence {
        self.newest.as_ref().map_or(Sequence::NONE, |newest| newest.sequence)
    }

    /// The account after the newest entry; `None` if there is no entry, or it can't be read.
    pub(super) fn newest(&self) -> Option<&LinkState> {
        self.newest.as_ref()?.state.as_deref()
    }

    fn append(&mut self, link: Link, found: &mut Vec<(Sequence, Problem)>) {
        let expected = self.newest_sequence().next();
        if link.sequence > expected {
            let last = Sequence::new(link.sequence.get().saturating_sub(1));
            found.push((expected, Problem::MissingEntries(last)));
            self.has_holes = true;
        } else if let Some(state) = &link.state {
            match &self.newest {
                None => found.extend(state.problems_of_first().map(|problem| (link.sequence, problem))),
                Some(Link { state: Some(before), .. }) => {
                    found.extend(state.problems_after(before).map(|problem| (link.sequence, problem)));
                }
                Some(Link { state: None, .. }) => {}
            }
        }
        self.has_holes |= link.state.is_none();
        self.newest = Some(link);
    }
}
