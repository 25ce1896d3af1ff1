//! The table, as far as the protocol can tell: what is atomic, what isn't, and why a write is cancelled.
//!
//! Single items are read whole. A transaction checks all its conditions and then writes all or nothing, but what
//! it wrote becomes visible to plain reads item by item, in any order; until all of it is, another transaction
//! that touches it conflicts. That is all that DynamoDB promises.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

use scrip_accounts::{Account, DebitRecord, Entry, Period, Purchase, PurchaseId, SubscriptionRecord};
use scrip_pricing::Credits;

/// Whose account.
pub type Who = u8;

/// An item's key, as `shared/ledger/src/keys.rs` has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    Entry(Who, u64),
    Operation(Who, String),
    Purchase(Who, PurchaseId),
    Subscription,
    Payment(String),
    Customer,
    Due(Who),
}

/// An item.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Entry(Entry),
    Operation { sequence: u64, request: u64, debit: Option<DebitRecord> },
    Purchase(Purchase),
    Subscription(Who, SubscriptionRecord),
    Owner(Who),
    Due(Period),
}

/// A value that many states share. It is compared by its digest, so that a state is hashed fast.
pub struct Shared<T>(Arc<T>, u64);

/// An item that was written.
pub type Row = Shared<Item>;

impl<T: fmt::Debug> Shared<T> {
    pub fn new(value: T) -> Self {
        let digest = digest(&value);
        Self(Arc::new(value), digest)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), self.1)
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.1 == other.1
    }
}

impl<T> Eq for Shared<T> {}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.1);
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Row {
    pub fn entry(&self) -> Option<&Entry> {
        if let Item::Entry(entry) = &**self { Some(entry) } else { None }
    }

    pub fn account(&self) -> Option<&Account> {
        self.entry().map(|entry| &entry.account)
    }

    pub fn purchase(&self) -> Option<&Purchase> {
        if let Item::Purchase(purchase) = &**self { Some(purchase) } else { None }
    }

    pub fn subscription(&self) -> Option<(Who, &SubscriptionRecord)> {
        if let Item::Subscription(who, record) = &**self { Some((*who, record)) } else { None }
    }

    pub fn debit(&self) -> Option<DebitRecord> {
        if let Item::Operation { debit, .. } = &**self { *debit } else { None }
    }

    pub fn owner(&self) -> Option<Who> {
        if let Item::Owner(who) = &**self { Some(*who) } else { None }
    }
}

/// Tells values apart by all that they show.
pub fn digest(value: &impl fmt::Debug) -> u64 {
    struct Digest(DefaultHasher);
    impl fmt::Write for Digest {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut digest = Digest(DefaultHasher::new());
    write!(digest, "{value:?}").expect("hashing doesn't fail");
    digest.0.finish()
}

/// What a write of a transaction is for (`cancellation.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Operation,
    Entry,
    Record,
    Owner,
    Unconditional,
}

/// Under which condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Anything,
    Absent,
    Revision(u64),
    OwnedBy(Who),
    /// A debit of which that much came back.
    Reversed(Credits),
}

/// What is done to the item.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Put(Box<Item>),
    /// Written unless there is one.
    Keep(Box<Item>),
    /// More of a debit came back.
    Reverse(Credits),
    /// A record goes a revision on.
    Raise,
    Delete,
    Check,
}

/// One write of a transaction.
#[derive(Debug, Clone)]
pub struct Write {
    pub slot: Slot,
    pub key: Key,
    pub change: Change,
    pub condition: Condition,
}

/// Why nothing was written (`cancellation.rs`), in the order in which the ledger heeds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancelled {
    Retry,
    Taken,
    Wait,
    Raced(Option<Row>),
}

/// An item that a plain read still sees as it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Hidden {
    was: Option<Row>,
    by: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Table {
    rows: BTreeMap<Key, Row>,
    hidden: BTreeMap<Key, Hidden>,
}

impl Table {
    /// A plain, consistent read of one item.
    pub fn get(&self, key: &Key) -> Option<Row> {
        match self.hidden.get(key) {
            Some(hidden) => hidden.was.clone(),
            None => self.rows.get(key).cloned(),
        }
    }

    /// The query of the newest entry: what is visible of a transaction may be any part of it.
    pub fn head(&self, who: Who) -> Option<Row> {
        let entries = self.rows.range(Key::Entry(who, 0)..=Key::Entry(who, u64::MAX));
        entries.rev().find(|(key, _)| !self.hidden.contains_key(key)).map(|(_, row)| row.clone())
    }

    /// `TransactGetItems`: the items as of one moment; `None` while one of them is being written.
    pub fn snapshot(&self, keys: &[&Key]) -> Option<Vec<Option<Row>>> {
        let is_written = |key: &&&Key| self.hidden.contains_key(**key);
        let read = || keys.iter().map(|key| self.rows.get(key).cloned()).collect();
        keys.iter().find(is_written).is_none().then(read)
    }

    /// `TransactWriteItems`, by a client.
    pub fn transact(&mut self, writes: Vec<Write>, by: usize, is_torn: bool) -> Result<(), Cancelled> {
        let (mut waits, mut taken, mut raced, mut newest) = (false, false, false, None);
        for Write { slot, key, condition, .. } in &writes {
            let row = self.rows.get(key);
            if self.hidden.contains_key(key) {
                waits = true;
            } else if !condition.holds(row) {
                match slot {
                    Slot::Operation => return Err(Cancelled::Retry),
                    Slot::Entry => (raced, newest) = (true, row.cloned()),
                    Slot::Record => raced = true,
                    Slot::Owner => taken = true,
                    Slot::Unconditional => unreachable!("it has no condition"),
                }
            }
        }
        match () {
            () if taken => return Err(Cancelled::Taken),
            () if waits => return Err(Cancelled::Wait),
            () if raced => return Err(Cancelled::Raced(newest)),
            () => {}
        }
        // Nobody reads the others by themselves.
        let is_read = |slot: Slot| matches!(slot, Slot::Operation | Slot::Entry | Slot::Record);
        let is_put = |write: &&Write| is_read(write.slot) && write.change != Change::Check;
        let is_torn = is_torn && writes.iter().filter(is_put).count() > 1;
        for Write { slot, key, change, .. } in writes {
            if is_torn && is_read(slot) && change != Change::Check {
                self.hidden.insert(key.clone(), Hidden { was: self.rows.get(&key).cloned(), by });
            }
            match change {
                Change::Put(item) => drop(self.rows.insert(key, Row::new(*item))),
                Change::Keep(item) => drop(self.rows.entry(key).or_insert_with(|| Row::new(*item))),
                Change::Reverse(reversed) => self.reverse(key, reversed),
                Change::Raise => self.raise(key),
                Change::Delete => drop(self.rows.remove(&key)),
                Change::Check => {}
            }
        }
        Ok(())
    }

    fn raise(&mut self, key: Key) {
        let mut item = self.rows.get(&key).map(|row| Item::clone(row));
        match &mut item {
            Some(Item::Purchase(purchase)) => purchase.revision += 1,
            Some(Item::Subscription(_, record)) => record.revision += 1,
            _ => unreachable!("it has a revision"),
        }
        self.rows.extend(item.map(|item| (key, Row::new(item))));
    }

    fn reverse(&mut self, key: Key, reversed: Credits) {
        if let Some(Item::Operation { sequence, request, debit: Some(debit) }) =
            self.rows.get(&key).map(|row| &**row)
        {
            let debit = Some(DebitRecord { reversed, ..*debit });
            let item = Item::Operation { sequence: *sequence, request: *request, debit };
            self.rows.insert(key, Row::new(item));
        }
    }

    /// What a client's transaction wrote and isn't visible yet.
    pub fn hidden_by(&self, client: Option<usize>) -> impl Iterator<Item = &Key> {
        let is_by = move |hidden: &Hidden| client.is_none_or(|client| hidden.by == client);
        self.hidden.iter().filter(move |(_, hidden)| is_by(hidden)).map(|(key, _)| key)
    }

    /// An item becomes visible.
    pub fn show(&mut self, key: &Key) {
        self.hidden.remove(key);
    }

    /// The clients change places.
    pub fn rename(&mut self, swapped: impl Fn(usize) -> usize) {
        self.hidden.values_mut().for_each(|hidden| hidden.by = swapped(hidden.by));
    }

    /// What was written, visible or not: the truth that properties are about.
    pub fn written(&self, key: &Key) -> Option<&Row> {
        self.rows.get(key)
    }

    pub fn all(&self) -> impl Iterator<Item = (&Key, &Row)> {
        self.rows.iter()
    }

    /// What an account has, for another account as well: by payments of its own.
    pub fn copy(&mut self, from: Who, to: Who) {
        let own = |entry: &Entry| Entry { reference: format!("{to}'s {}", entry.reference), ..entry.clone() };
        let copied = |(key, row): (&Key, &Row)| match key {
            Key::Entry(who, number) if *who == from => {
                Some((Key::Entry(to, *number), Row::new(Item::Entry(own(row.entry()?)))))
            }
            Key::Due(who) if *who == from => Some((Key::Due(to), row.clone())),
            _ => None,
        };
        let own: Vec<_> = self.rows.iter().filter_map(copied).collect();
        self.rows.extend(own);
    }

    /// The account's entries that were written, oldest first, each with the number in its key.
    pub fn entries(&self, who: Who) -> impl DoubleEndedIterator<Item = (u64, &Entry)> {
        let rows = self.rows.range(Key::Entry(who, 0)..=Key::Entry(who, u64::MAX));
        rows.filter_map(|(key, row)| match key {
            Key::Entry(_, number) => row.entry().map(|entry| (*number, entry)),
            _ => None,
        })
    }

    /// The account as it was written last.
    pub fn account(&self, who: Who) -> Option<&Account> {
        self.entries(who).next_back().map(|(_, entry)| &entry.account)
    }
}

impl Condition {
    fn holds(self, row: Option<&Row>) -> bool {
        match (self, row.map(|row| &**row)) {
            (Self::Anything, _) | (Self::Absent | Self::OwnedBy(_), None) => true,
            (Self::Revision(before), Some(Item::Purchase(purchase))) => purchase.revision == before,
            (Self::Revision(before), Some(Item::Subscription(_, record))) => record.revision == before,
            (Self::OwnedBy(who), Some(Item::Owner(owner))) => *owner == who,
            (Self::Reversed(before), Some(Item::Operation { debit: Some(debit), .. })) => {
                debit.reversed == before
            }
            (Self::Absent | Self::Revision(_) | Self::OwnedBy(_) | Self::Reversed(_), _) => false,
        }
    }
}
