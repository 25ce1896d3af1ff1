//! The journal: it makes the entries of one decision, each from the account after the one before.
//!
//! A journal first makes the entries that are due: those of expired holds and of the month's turn. So every command
//! sees the account at its own time, and its write includes the due entries. Entries are made only here, so balance,
//! sequence and time always follow from the entry before.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Kind};

use crate::{
    Account, Change, CustomerId, DebitId, Entry, Event, OpenHold, Period, Purchase, PurchaseId, Refusal,
    Sequence, SubscriptionId, SubscriptionRecord, clawback::pay_owed,
};

/// The decision of a command with a key. It has at least the command's own entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The entries that were due, oldest first. They are appended before the command's own, in the same write.
    pub due: Vec<Entry>,
    /// The command's own entry.
    pub entry: Entry,
    /// The records that change in the same write.
    pub records: Vec<Record>,
}

impl Posting {
    /// All entries, oldest first. The last is the command's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{Account, Command, CommandState, Debit, DebitId, EntryKind};
    /// use scrip_pricing::Credits;
    ///
    /// let request = serde_json::from_str(r#"{"operation":"download"}"#)?;
    /// let november = "2026-11-20T00:00:00Z".parse().unwrap();
    /// let account = Account { balance: Credits::new(40, 0, 0), ..Account::unseen(november) };
    /// let december = CommandState::of_account(&account, "2026-12-01T00:00:00Z".parse().unwrap());
    /// let posting = Debit { id: DebitId::parse("job-1")?, request }.decide(&december).unwrap();
    /// // The playground credits of November expire before the debit.
    /// let kinds: Vec<_> = posting.entries().map(|entry| entry.event.kind()).collect();
    /// assert_eq!(kinds, [EntryKind::Expiry, EntryKind::Debit]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.due.iter().chain([&self.entry])
    }
}

/// The decision of a command without a key. It is written in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// The entries to append, oldest first. The list is empty if neither credits nor a plan change.
    pub entries: Vec<Entry>,
    /// The records that change in the same transaction.
    pub records: Vec<Record>,
}

/// A change of a record, in addition to the account's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A debit or captured hold was reversed, in whole or in part.
    Reversed {
        /// The debit or hold.
        debit_id: DebitId,
        /// The sequence of its entry.
        sequence: Sequence,
        /// The total reversed before. The write fails if it has changed since.
        before: Credits,
        /// The total reversed after.
        after: Credits,
    },
    /// A purchase was made, or its refunds or disputes changed. The write fails unless the stored record is at the
    /// revision before.
    Purchase(Box<Purchase>),
    /// A subscription was paid for, or changed. The write fails unless the stored record is at the revision before.
    Subscription(Box<SubscriptionRecord>),
    /// A purchase was read and is unchanged, and only its revision is raised, to this one. The write fails unless the
    /// stored record is at the revision before.
    SeenPurchase(PurchaseId, u64),
    /// The same for a subscription.
    SeenSubscription(SubscriptionId, u64),
    /// A customer bought for the first time, and for this account.
    Customer(CustomerId),
}

impl Record {
    /// Whether it changes more than a revision.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{CustomerId, PurchaseId, Record};
    ///
    /// assert!(Record::Customer(CustomerId::parse("cus_1")?).is_news());
    /// assert!(!Record::SeenPurchase(PurchaseId::parse("pi_1")?, 2).is_news());
    /// # Ok::<(), scrip_accounts::InvalidId>(())
    /// ```
    #[must_use]
    pub fn is_news(&self) -> bool {
        !matches!(self, Self::SeenPurchase(..) | Self::SeenSubscription(..))
    }
}

/// The entries made so far, and the account after them.
pub(crate) struct Journal {
    account: Account,
    entries: Vec<Entry>,
    /// The account's month before these entries.
    opened_in: Period,
    now: DateTime<Utc>,
}

impl Journal {
    /// The month of the newest entry. The account may be in a later month that began without an entry.
    pub(crate) fn written_month(&self) -> Period {
        self.entries.last().map_or(self.opened_in, |entry| entry.account.period)
    }

    /// Opens a journal on an account and makes the entries that are due at a given time.
    pub(crate) fn open(account: &Account, now: DateTime<Utc>) -> Self {
        let mut journal = Self {
            account: account.clone(),
            entries: Vec::new(),
            opened_in: account.period,
            // The clocks of two functions may differ by seconds. An account's time never runs backwards, so a clock
            // that is behind can't take it back into the month before.
            now: now.max(account.updated_at),
        };
        journal.make_due();
        journal
    }

    /// Makes the due entries in the order of time. A hold that expires in the first moment of a month comes after the
    /// turn, so its playground credits last for that month.
    fn make_due(&mut self) {
        while let Some(expired) = self.next_expired() {
            self.turn_month(Period::of(expired.expires_at));
            self.release_expired(&expired);
        }
        self.turn_month(Period::of(self.now));
    }

    /// The hold that expired first, among the open ones.
    fn next_expired(&self) -> Option<OpenHold> {
        let expired = self.account.holds.iter().filter(|hold| hold.expires_at <= self.now);
        expired.min_by_key(|hold| (hold.expires_at, hold.sequence)).copied()
    }

    /// Gives back the credits of an expired hold. The entry's reference is the sequence of the hold's entry, because
    /// the account doesn't know the hold's id.
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

    /// Splits credits that come back from a hold: owed credits are paid first (rule 9).
    pub(crate) fn returned(&self, credits: Credits) -> CreditReturn {
        let (given, still_owed) = pay_owed(self.account.owed, credits);
        CreditReturn { given, offset: given.shortfall(credits), still_owed }
    }

    /// Moves the account to a month; does nothing if it is there already.
    ///
    /// Playground credits that are left expire, with an `expiry` entry. If a plan is paid into the month, a `refill`
    /// entry then sets them to the highest allowance.
    ///
    /// The result doesn't depend on the time of the month's first write: a plan that was paid for at the month's first
    /// moment gets its refill even if that write comes after the paid time. An account whose plan is paid for late has
    /// only the expiry; the refill comes with the payment.
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

    /// The time of its entries.
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

    /// Makes the entries of a refill: playground credits that are left expire, and the balance is set to the allowance
    /// (rule 2).
    pub(crate) fn refill(&mut self, allowance: u64, update: impl FnOnce(&mut Account)) {
        let period = self.account.period.to_string();
        if self.account.balance.playground() > 0 {
            self.set_playground(Event::Expiry, 0, period.clone(), |_| {});
        }
        self.set_playground(Event::Refill, allowance, period, update);
    }

    /// Makes an entry. `update` changes the rest of the account.
    ///
    /// # Errors
    /// [`Refusal::BalanceLimit`] if a balance would leave its bounds.
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

    /// Makes an entry that sets the playground balance, as the month's turn does (rules 2 and 3). A number above the
    /// limit of a balance is reduced to it.
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
        // An expiry that a refill follows in the same write leaves no balance low.
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
        // The other half of this check is in the ledger, which reads entries.
        assert_eq!(
            change.apply(self.account.balance),
            Some(balance),
            "an entry's balance is the one before plus its change"
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
    /// Those of [`Journal::post`].
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

/// The parts of credits that come back from a hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CreditReturn {
    /// The credits that the balance gets.
    pub(crate) given: Credits,
    /// The credits that pay owed ones.
    pub(crate) offset: Credits,
    /// The credits that are still owed after that.
    pub(crate) still_owed: Credits,
}

/// The kinds whose balance was above its mark in the entry before and fell to the mark or below it.
///
/// A kind that was low before is not reported again if a plan ends and its mark falls too.
fn fallen((before, marks_before): (Credits, Credits), (after, marks_after): (Credits, Credits)) -> Vec<Kind> {
    let has_fallen = |kind: &Kind| {
        let (before, after) = (before.of(*kind), after.of(*kind));
        after < before && before > marks_before.of(*kind) && after <= marks_after.of(*kind)
    };
    Kind::ALL.into_iter().filter(has_fallen).collect()
}

impl Account {
    /// Refuses a balance without room for the credits of open holds, which may come back.
    fn check_room(&self) -> Result<(), Refusal> {
        self.balance.checked_add(self.held()).map(drop).ok_or(Refusal::BalanceLimit)
    }

    /// Ends an open hold.
    pub(crate) fn close_hold(&mut self, sequence: Sequence, returned: &CreditReturn) {
        self.holds.retain(|hold| hold.sequence != sequence);
        self.owed = returned.still_owed;
    }

    /// The account at a given time: expired holds and a refill or expiry that is due (rules 2 and 3) are counted in.
    ///
    /// Nothing is written, so the sequence stays.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Account;
    /// use scrip_pricing::Credits;
    ///
    /// let november = "2026-11-20T00:00:00Z".parse().unwrap();
    /// let account = Account { balance: Credits::new(40, 1, 64), ..Account::unseen(november) };
    /// let december = account.as_of("2026-12-01T00:00:00Z".parse().unwrap());
    /// // Without a plan, playground credits expire at the month's end.
    /// assert_eq!(december.balance, Credits::new(0, 1, 64));
    /// ```
    #[must_use]
    pub fn as_of(&self, now: DateTime<Utc>) -> Self {
        Self { sequence: self.sequence, ..Journal::open(self, now).account }
    }
}

#[cfg(test)]
mod tests;
