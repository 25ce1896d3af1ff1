//! The entries of one decision while they are being made, each standing on the one before.
//!
//! Opening a journal settles the month first, so every command sees the account as of its moment and
//! carries what was due in its own write. Entries are only made here: `balance`, `sequence` and time
//! can't disagree with what they follow.

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;

use crate::{
    Account, Change, CustomerId, DebitId, Entry, Event, Period, Purchase, PurchaseId, Refusal, Sequence,
    SubscriptionId, SubscriptionRecord,
};

/// What a command with a key comes to: at least its own entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// What the month's turn made due, oldest first: appended with it, before it.
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
    /// More of a debit has been reversed.
    Reversed {
        /// Which debit.
        debit_id: DebitId,
        /// The debit's entry.
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
    now: DateTime<Utc>,
}

impl Journal {
    /// Opens a journal on an account and settles what is due at that moment.
    pub(crate) fn open(account: &Account, now: DateTime<Utc>) -> Self {
        let mut journal = Self {
            account: account.clone(),
            entries: Vec::new(),
            // Two functions' clocks may differ by seconds; an account's time never runs backwards, so a
            // late clock can't take it back into a month that is settled.
            now: now.max(account.updated_at),
        };
        journal.settle();
        journal
    }

    /// Settles the account for the journal's month: an `expiry` entry for playground credits that were left,
    /// if any, then, with a plan that is paid into the month, a `refill` entry that sets them to the highest
    /// allowance. Nothing if that was done.
    ///
    /// What is due doesn't depend on when the first write of the month comes: a plan that was paid for at the month's first
    /// moment has its refill even if that write comes after the paid time. An account that is paid for late has had
    /// the month's expiry and no refill; the refill comes with the payment.
    fn settle(&mut self) {
        let ended = self.account.period;
        let period = Period::of(self.now);
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
        Ok(())
    }

    /// Makes an entry that sets the playground balance, as the turn of a month does (rules 2 and 3). An
    /// allowance above what a balance may hold sets it to that.
    pub(crate) fn set_playground(
        &mut self,
        event: Event,
        playground: u64,
        reference: String,
        update: impl FnOnce(&mut Account),
    ) {
        let before = self.account.balance;
        let after = before.with_playground(playground.min(Credits::MAX_OF_A_KIND));
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
        update(&mut self.account);
        self.account.balance = balance;
        self.account.sequence = self.account.sequence.next();
        self.account.updated_at = self.now;
        Entry { event, change, reference, at: self.now, account: self.account.clone() }
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
        Ok(Posting { due, entry, records: Vec::new() })
    }

    /// The entries as a decision.
    pub(crate) fn close(self, records: Vec<Record>) -> Decision {
        Decision { entries: self.entries, records }
    }
}

impl Account {
    /// The account as of now: with the refill or expiry that is due counted in (rules 2 and 3), though
    /// nothing was written, so the sequence stays.
    #[must_use]
    pub fn as_of(&self, now: DateTime<Utc>) -> Self {
        Self { sequence: self.sequence, ..Journal::open(self, now).account }
    }
}
