//! The entries of one decision while they are being made, each standing on the one before.
//!
//! Opening a journal makes what is due first, holds that expired and the month's turn, so every command sees the account
//! as of its moment and carries what was due in its own write. Entries are only made here: `balance`, `sequence` and time
//! can't disagree with what they follow.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Kind};

use crate::{
    Account, Change, CustomerId, DebitId, Entry, Event, OpenHold, Period, Purchase, PurchaseId, Refusal,
    Sequence, SubscriptionId, SubscriptionRecord, clawback::pay_owed,
};

/// What a command with a key comes to: at least its own entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// What was due before it, oldest first: appended with it, before it.
    pub due: Vec<Entry>,
    /// The command's own entry.
    pub entry: Entry,
    /// What else changes with them.
    pub records: Vec<Record>,
}

impl Posting {
    /// All its entries, oldest first; the command's own is the last.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.due.iter().chain([&self.entry])
    }
}

/// What a command without a key comes to: one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// The entries to append, oldest first; the command's own is the last, but for a refill that it made
    /// due. Empty where no credits and no plan change.
    pub entries: Vec<Entry>,
    /// What else changes with them.
    pub records: Vec<Record>,
}

/// What a decision changes beside the account's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// More of a debit or captured hold has been reversed.
    Reversed {
        /// Which debit or hold.
        debit_id: DebitId,
        /// Its entry.
        sequence: Sequence,
        /// Reversed in total before; the write fails where this is no longer so.
        before: Credits,
        /// Reversed in total after.
        after: Credits,
    },
    /// A purchase was made, or more became known of its money. The write fails where the record isn't the
    /// revision before.
    Purchase(Box<Purchase>),
    /// A subscription was paid for, or changed. The write fails where the record isn't the revision before.
    Subscription(Box<SubscriptionRecord>),
    /// A purchase was looked at and is as it was: it goes on to that revision. The write fails where the record isn't
    /// the revision before.
    SeenPurchase(PurchaseId, u64),
    /// The same of a subscription.
    SeenSubscription(SubscriptionId, u64),
    /// A customer of the provider's bought for this account first.
    Customer(CustomerId),
}

impl Record {
    /// Whether it says anything new, and isn't only a revision on.
    #[must_use]
    pub fn is_news(&self) -> bool {
        !matches!(self, Self::SeenPurchase(..) | Self::SeenSubscription(..))
    }
}

/// The entries made so far, and the account after them.
pub(crate) struct Journal {
    account: Account,
    entries: Vec<Entry>,
    /// The month of the account before them.
    opened_in: Period,
    now: DateTime<Utc>,
}

impl Journal {
    /// The month of the newest entry: later ones may have begun without one.
    pub(crate) fn written_month(&self) -> Period {
        self.entries.last().map_or(self.opened_in, |entry| entry.account.period)
    }

    /// Opens a journal on an account and makes what is due at that moment.
    pub(crate) fn open(account: &Account, now: DateTime<Utc>) -> Self {
        let mut journal = Self {
            account: account.clone(),
            entries: Vec::new(),
            opened_in: account.period,
            // Two functions' clocks may differ by seconds; an account's time never runs backwards, so a
            // late clock can't take it back into a month that is settled.
            now: now.max(account.updated_at),
        };
        journal.make_due();
        journal
    }

    /// Makes what is due, in the order of time: a hold that expires in the first moment of a month comes after the turn,
    /// so that its playground credits last for that month.
    fn make_due(&mut self) {
        while let Some(expired) = self.next_expired() {
            self.turn_month(Period::of(expired.expires_at));
            self.release_expired(&expired);
        }
        self.turn_month(Period::of(self.now));
    }

    /// The first of the open holds that are over.
    fn next_expired(&self) -> Option<OpenHold> {
        let expired = self.account.holds.iter().filter(|hold| hold.expires_at <= self.now);
        expired.min_by_key(|hold| (hold.expires_at, hold.sequence)).copied()
    }

    /// Gives back what a hold had set aside. The reference is the sequence of its entry: the account doesn't know its id.
    fn release_expired(&mut self, hold: &OpenHold) {
        let returned = self.returned(hold.credits);
        let event = Event::Release { hold_sequence: hold.sequence, offset: returned.offset, expired: true };
        let before = self.account.balance;
        let balance = before.checked_add(returned.given).expect("a balance has room for what is held");
        let reference = hold.sequence.to_string();
        self.push(event, Change::between(before, balance), balance, reference, |account| {
            account.close_hold(hold.sequence, &returned);
        });
    }

    /// What becomes of credits that come back from a hold: what is owed is paid first (rule 9).
    pub(crate) fn returned(&self, credits: Credits) -> Returned {
        let (given, still_owed) = pay_owed(self.account.owed, credits);
        Returned { given, offset: given.shortfall(credits), still_owed }
    }

    /// Settles the account for a month: an `expiry` entry for playground credits that were left,
    /// if any, then, with a plan that is paid into the month, a `refill` entry that sets them to the highest
    /// allowance. Nothing if that was done.
    ///
    /// What is due doesn't depend on when the first write of the month comes: a plan that was paid for at the month's first
    /// moment has its refill even if that write comes after the paid time. An account that is paid for late has had
    /// the month's expiry and no refill; the refill comes with the payment.
    fn turn_month(&mut self, period: Period) {
        let ended = self.account.period;
        if period <= ended {
            return;
        }
        // No entry by itself: the next one carries it.
        self.account.turn_month(period);
        if self.account.balance.playground() > 0 {
            self.set_playground(Event::Expiry, 0, ended.to_string(), |_| {});
        }
        let allowance = self.account.granted();
        if allowance > 0 {
            self.refill(allowance, |_| {});
        }
    }

    /// When its entries are made.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The sequence of the next entry.
    pub(crate) fn next_sequence(&self) -> Sequence {
        self.account.sequence.next()
    }

    /// The account after the entries made so far.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Makes the entries of a refill: what is left of the playground credits expires, and they are set to the
    /// allowance (rule 2).
    pub(crate) fn refill(&mut self, allowance: u64, update: impl FnOnce(&mut Account)) {
        let period = self.account.period.to_string();
        if self.account.balance.playground() > 0 {
            self.set_playground(Event::Expiry, 0, period.clone(), |_| {});
        }
        self.set_playground(Event::Refill, allowance, period, update);
    }

    /// Makes an entry and applies what it changes beside the balance.
    ///
    /// # Errors
    /// [`Refusal::BalanceLimit`] where a balance would leave its bounds.
    pub(crate) fn post(
        &mut self,
        event: Event,
        change: Change,
        reference: impl Into<String>,
        update: impl FnOnce(&mut Account),
    ) -> Result<(), Refusal> {
        let balance = change.apply(self.account.balance).ok_or(Refusal::BalanceLimit)?;
        self.push(event, change, balance, reference.into(), update);
        self.account.check_room()
    }

    /// Makes an entry that sets the playground balance, as the turn of a month does (rules 2 and 3). An
    /// allowance above what a balance has room for sets it to that.
    pub(crate) fn set_playground(
        &mut self,
        event: Event,
        playground: u64,
        reference: String,
        update: impl FnOnce(&mut Account),
    ) {
        let before = self.account.balance;
        let room = Credits::MAX_OF_A_KIND.saturating_sub(self.account.held().playground());
        let after = before.with_playground(playground.min(room));
        self.push(event, Change::between(before, after), after, reference, update);
    }

    fn push(
        &mut self,
        event: Event,
        change: Change,
        balance: Credits,
        reference: String,
        update: impl FnOnce(&mut Account),
    ) {
        let entry = self.make(event, change, balance, reference, update);
        // What a refill follows in the same write was not low for anyone.
        if let (Event::Refill, Some(Entry { event: Event::Expiry, low, .. })) =
            (&entry.event, self.entries.last_mut())
        {
            low.clear();
        }
        self.entries.push(entry);
    }

    fn make(
        &mut self,
        event: Event,
        change: Change,
        balance: Credits,
        reference: String,
        update: impl FnOnce(&mut Account),
    ) -> Entry {
        // The other half of this check is in the ledger, where entries are read.
        assert_eq!(
            change.apply(self.account.balance),
            Some(balance),
            "an entry's balance is the one before and its change"
        );
        let before = (self.account.balance, self.account.low_marks(self.account.updated_at));
        update(&mut self.account);
        self.account.balance = balance;
        self.account.sequence = self.account.sequence.next();
        self.account.updated_at = self.now;
        let low = fallen(before, (balance, self.account.low_marks(self.now)));
        Entry { event, change, reference, at: self.now, low, account: self.account.clone() }
    }

    /// Ends the journal with the entry of a command that has a key.
    ///
    /// # Errors
    /// As [`Journal::post`].
    pub(crate) fn close_with(
        mut self,
        event: Event,
        change: Change,
        reference: impl Into<String>,
        update: impl FnOnce(&mut Account),
    ) -> Result<Posting, Refusal> {
        let due = std::mem::take(&mut self.entries);
        let entry = self.make(
            event,
            change,
            change.apply(self.account.balance).ok_or(Refusal::BalanceLimit)?,
            reference.into(),
            update,
        );
        entry.account.check_room()?;
        Ok(Posting { due, entry, records: Vec::new() })
    }

    /// The entries as a decision.
    pub(crate) fn close(self, records: Vec<Record>) -> Decision {
        Decision { entries: self.entries, records }
    }
}

/// What becomes of credits that come back from a hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Returned {
    /// What the balance gets.
    pub(crate) given: Credits,
    /// What was set against what the account owes.
    pub(crate) offset: Credits,
    /// What the account owes after that.
    pub(crate) still_owed: Credits,
}

/// The kinds of which a balance was above its mark when it was written last, and has fallen to its mark or below it. A
/// plan that ends, and its mark with it, makes nothing low that was low before.
fn fallen((before, marks_before): (Credits, Credits), (after, marks_after): (Credits, Credits)) -> Vec<Kind> {
    let has_fallen = |kind: &Kind| {
        let (before, after) = (before.of(*kind), after.of(*kind));
        after < before && before > marks_before.of(*kind) && after <= marks_after.of(*kind)
    };
    Kind::ALL.into_iter().filter(has_fallen).collect()
}

impl Account {
    /// A balance always has room for what is held to come back: whatever would take that room is refused.
    fn check_room(&self) -> Result<(), Refusal> {
        self.balance.checked_add(self.held()).map(drop).ok_or(Refusal::BalanceLimit)
    }

    /// Ends an open hold.
    pub(crate) fn close_hold(&mut self, sequence: Sequence, returned: &Returned) {
        self.holds.retain(|hold| hold.sequence != sequence);
        self.owed = returned.still_owed;
    }

    /// The account as of now: with what is due counted in, a refill or expiry (rules 2 and 3) and holds that expired,
    /// though nothing was written, so the sequence stays.
    #[must_use]
    pub fn as_of(&self, now: DateTime<Utc>) -> Self {
        Self { sequence: self.sequence, ..Journal::open(self, now).account }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Subscription;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// An account of November on the basic plan, whose mark of playground credits is 200, a fifth of its 1,000; those of
    /// the others are 0 and 8.
    fn account(balance: Credits) -> Account {
        Account {
            balance,
            period: "2026-11".parse().unwrap(),
            subscriptions: vec![Subscription::of_basic(time("2027-06-01T00:00:00Z"))],
            ..Account::unseen(time("2026-11-20T00:00:00Z"))
        }
    }

    const NOVEMBER: &str = "2026-11-22T10:00:00Z";

    /// What an entry says is low that changes a balance by so much.
    fn low(account: &Account, change: Change) -> Vec<Kind> {
        let journal = Journal::open(account, time(NOVEMBER));
        journal.close_with(Event::Purchase, change, "test", |_| {}).unwrap().entry.low
    }

    #[test]
    fn the_entry_that_falls_to_a_mark_says_so_once() {
        use Kind::{Playground, Tune, TuneImage};
        let c = Credits::new;
        // balance, change -> low
        for (balance, change, expected) in [
            (c(202, 0, 0), Change::new(-1, 0, 0), &[][..]),
            (c(201, 0, 0), Change::new(-1, 0, 0), &[Playground]),
            (c(1000, 0, 0), Change::new(-1000, 0, 0), &[Playground]),
            (c(200, 0, 0), Change::new(-1, 0, 0), &[]),
            (c(190, 0, 0), Change::new(20, 0, 0), &[]),
            (c(0, 2, 0), Change::new(0, -1, 0), &[]),
            (c(0, 1, 0), Change::new(0, -1, 0), &[Tune]),
            (c(0, 0, 16), Change::new(0, 0, -8), &[TuneImage]),
            (c(0, 0, 17), Change::new(0, 0, -8), &[]),
            (c(0, 1, 64), Change::new(0, -1, -64), &[Tune, TuneImage]),
            (c(201, 1, 9), Change::new(-1, -1, -1), &[Playground, Tune, TuneImage]),
        ] {
            assert_eq!(low(&account(balance), change), expected, "{balance:?} {change:?}");
        }
        // Without a plan nothing is low before it is gone.
        let planless =
            |playground| Account { balance: c(playground, 0, 0), ..Account::unseen(time(NOVEMBER)) };
        assert_eq!(low(&planless(2), Change::new(-1, 0, 0)), []);
        assert_eq!(low(&planless(1), Change::new(-1, 0, 0)), [Playground]);
        // What raises a balance above its mark arms it again.
        let mut again = account(c(201, 0, 0));
        let mut lows = Vec::new();
        for change in [Change::new(-1, 0, 0), Change::new(900, 0, 0), Change::new(-1000, 0, 0)] {
            let journal = Journal::open(&again, time(NOVEMBER));
            let entry = journal.close_with(Event::Purchase, change, "test", |_| {}).unwrap().entry;
            lows.push(entry.low.len());
            again = entry.account;
        }
        assert_eq!(lows, [1, 0, 1]);
    }

    #[test]
    fn a_month_that_ends_is_low_unless_a_refill_follows() {
        let lows = |playground: u64, paid_through: &str| -> Vec<_> {
            let account = Account {
                subscriptions: vec![Subscription::of_basic(time(paid_through))],
                ..account(Credits::new(playground, 0, 0))
            };
            let entries = Journal::open(&account, time("2026-12-01T00:00:00Z")).close(Vec::new()).entries;
            entries.into_iter().map(|entry| (entry.event, entry.low)).collect()
        };
        let (paid, unpaid) = ("2027-06-01T00:00:00Z", "2026-12-01T00:00:00Z");
        assert_eq!(lows(500, paid), [(Event::Expiry, vec![]), (Event::Refill, vec![])]);
        assert_eq!(lows(500, unpaid), [(Event::Expiry, vec![Kind::Playground])]);
        // It was low before.
        assert_eq!(lows(200, unpaid), [(Event::Expiry, vec![])]);
    }
}
