//! The entries of one account: each must follow the one before.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scrip_accounts::{Change, Entry, EntryKind, Event, Period, Sequence, SubscriptionId};
use scrip_pricing::Credits;

use super::problem::Problem;

/// The order in which the items of an account come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// That of their keys, as the table is read: an entry that is not there will not come.
    Sorted,
    /// Any, as of an export's files: entries that come early are kept until those before them come.
    Any,
}

/// What is kept of an entry until the next one comes.
#[derive(Debug)]
pub(super) struct Link {
    sequence: Sequence,
    /// `None` if the entry can't be read.
    state: Option<Box<LinkState>>,
}

/// The account after an entry, as far as it is checked.
#[derive(Debug)]
pub(super) struct LinkState {
    kind: EntryKind,
    change: Change,
    offset: Credits,
    at: DateTime<Utc>,
    period: Period,
    balance: Credits,
    owed: Credits,
    pub(super) due_after: Option<Period>,
    pub(super) subscriptions: Vec<SubscriptionId>,
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
            Event::Reversal { offset, .. } => offset,
            _ => Credits::ZERO,
        };
        Self {
            kind: entry.event.kind(),
            change: entry.change,
            offset,
            at: entry.at,
            period: account.period,
            balance: account.balance,
            owed: account.owed,
            due_after: account.due_after(),
            subscriptions: account.subscriptions.iter().map(|subscription| subscription.id.clone()).collect(),
        }
    }

    /// What is wrong with it as the first entry of an account.
    fn problem_of_first(&self) -> Option<Problem> {
        (self.change.apply(Credits::ZERO) != Some(self.balance)).then_some(Problem::WrongSum)
    }

    /// What is wrong with it after another entry.
    fn problems_after<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = Problem> + 'a {
        let wrong_sum = self.change.apply(before.balance) != Some(self.balance);
        // Playground credits owed are forgotten at the month's turn (rule 9).
        let is_new_month = self.period != before.period;
        let owed = if is_new_month { before.owed.with_playground(0) } else { before.owed };
        let wrong_owed = match self.kind {
            EntryKind::Reversal => owed.checked_sub(self.offset) != Some(self.owed),
            EntryKind::Debit | EntryKind::Adjustment => self.owed != owed,
            // Money came, went back or came again, or never should have: what is owed of it changes in the same entry.
            EntryKind::Expiry
            | EntryKind::Purchase
            | EntryKind::Subscription
            | EntryKind::Refill
            | EntryKind::Refund
            | EntryKind::RefundFailed
            | EntryKind::Dispute
            | EntryKind::DisputeWon => false,
        };
        [
            wrong_sum.then_some(Problem::WrongSum),
            (self.at < before.at).then_some(Problem::TimeBackwards),
            (self.period < before.period).then_some(Problem::MonthBackwards),
            wrong_owed.then_some(Problem::WrongOwed),
        ]
        .into_iter()
        .flatten()
    }
}

/// The entries of an account that were seen.
#[derive(Debug, Default)]
pub(super) struct History {
    newest: Option<Link>,
    waiting: BTreeMap<Sequence, Link>,
    /// Whether an entry is missing or can't be read: then what rests on all of them is not known.
    has_holes: bool,
}

impl History {
    /// Takes an entry, and adds what is wrong with it and with those that waited for it.
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

    /// Adds what is wrong with entries that still wait for others: these are missing.
    pub(super) fn finish(&mut self, found: &mut Vec<(Sequence, Problem)>) {
        while let Some((_, link)) = self.waiting.pop_first() {
            self.append(link, found);
        }
    }

    /// Whether every entry up to the newest was read.
    pub(super) fn is_whole(&self) -> bool {
        !self.has_holes
    }

    /// The newest entry that was seen.
    pub(super) fn newest_sequence(&self) -> Sequence {
        self.newest.as_ref().map_or(Sequence::NONE, |newest| newest.sequence)
    }

    /// The account after the newest entry; `None` if there is none, or it can't be read.
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
                None => found.extend(state.problem_of_first().map(|problem| (link.sequence, problem))),
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
