//! The table, as far as the protocol can tell: what is atomic, what isn't, and why nothing is written.
//!
//! Single items are read whole, and one put with its condition is one moment. A transaction checks all its conditions
//! and then writes all or nothing, but what it wrote becomes visible to plain reads item by item, in any order; until
//! an item is visible, any other write of it conflicts. That is all that DynamoDB promises.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use scrip_accounts::{Account, Entry};

use crate::{
    item::{AccountNumber, Claim, Item, Key, Row},
    write::{Cancellation, Change, Condition, Slot, Write},
};

/// An item that a plain read still sees as it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct HiddenItem {
    was: Option<Row>,
    by: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    rows: BTreeMap<Key, Row>,
    hidden: BTreeMap<Key, HiddenItem>,
    /// The sum of the rows' digests, so that a state is hashed fast.
    digest: u64,
}

impl Hash for Table {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
        self.hidden.hash(state);
    }
}

impl Table {
    /// A plain read of one item.
    pub fn get(&self, key: &Key) -> Option<Row> {
        match self.hidden.get(key) {
            Some(hidden) => hidden.was.clone(),
            None => self.rows.get(key).cloned(),
        }
    }

    /// The query of the newest entry: what is visible of a transaction may be any part of it.
    pub fn head(&self, account_number: AccountNumber) -> Option<Row> {
        self.visible(account_number, 0).next_back().map(|(_, row)| row.clone())
    }

    /// The same query of some more of the newest entries, newest first.
    pub fn recent(&self, account_number: AccountNumber, limit: usize) -> impl Iterator<Item = &Row> {
        self.visible(account_number, 0).rev().take(limit).map(|(_, row)| row)
    }

    /// The query of the entries after one, oldest first; `None` if a gap shows that a transaction is seen in part.
    pub fn scan(&self, account_number: AccountNumber, from: u64) -> Option<Vec<Row>> {
        let numbered = self.visible(account_number, from).zip(from + 1..);
        let follows = |((key, row), expected): ((&Key, &Row), u64)| {
            (*key == Key::Entry(account_number, expected)).then(|| row.clone())
        };
        numbered.map(follows).collect()
    }

    fn visible(
        &self,
        account_number: AccountNumber,
        from: u64,
    ) -> impl DoubleEndedIterator<Item = (&Key, &Row)> {
        let entries =
            self.rows.range(Key::Entry(account_number, from + 1)..=Key::Entry(account_number, u64::MAX));
        entries.filter(|(key, _)| !self.hidden.contains_key(key))
    }

    /// `TransactGetItems`: the items as of one moment; `None` while one of them is being written.
    pub fn snapshot(&self, keys: &[&Key]) -> Option<Vec<Option<Row>>> {
        let is_written = |key: &&&Key| self.hidden.contains_key(**key);
        let read = || keys.iter().map(|key| self.rows.get(key).cloned()).collect();
        keys.iter().find(is_written).is_none().then(read)
    }

    /// One write by itself, or `TransactWriteItems`, by a client.
    ///
    /// # Errors
    /// Why nothing was written.
    pub fn write(&mut self, writes: &[Write], by: usize, is_torn: bool) -> Result<(), Cancellation> {
        let (mut waits, mut taken, mut raced, mut newest) = (false, false, false, None);
        for Write { slot, key, condition, .. } in writes {
            let row = self.rows.get(key);
            if self.hidden.contains_key(key) {
                waits = true;
            } else if !condition.holds(row) {
                match (slot, row) {
                    (Slot::Claim, Some(row)) => return Err(Cancellation::Exists(row.clone())),
                    (Slot::Entry, _) => (raced, newest) = (true, row.cloned()),
                    (Slot::Record, _) => raced = true,
                    (Slot::Owner, _) => taken = true,
                    (Slot::Claim | Slot::Unconditional, _) => unreachable!("it has no condition"),
                }
            }
        }
        match () {
            () if taken => return Err(Cancellation::Taken),
            () if waits => return Err(Cancellation::Conflict),
            () if raced => return Err(Cancellation::Raced(newest)),
            () => {}
        }
        // No reader reads the others by themselves.
        let is_read = |slot: Slot| matches!(slot, Slot::Claim | Slot::Entry | Slot::Record);
        let is_put = |write: &&Write| is_read(write.slot) && write.change != Change::Check;
        let is_torn = is_torn && writes.iter().filter(is_put).count() > 1;
        for Write { slot, key, change, .. } in writes {
            let before = self.rows.get(key).cloned();
            if is_torn && is_read(*slot) && *change != Change::Check {
                self.hidden.insert(key.clone(), HiddenItem { was: before.clone(), by });
            }
            let after = change.after(before.as_ref());
            if after != before {
                self.set(key, after);
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &Key, row: Option<Row>) {
        let digest = |row: &Row| {
            let mut hasher = DefaultHasher::new();
            (key, row).hash(&mut hasher);
            hasher.finish()
        };
        let after = row.as_ref().map(digest).unwrap_or_default();
        let before = match row {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(key),
        };
        let before = before.as_ref().map(digest).unwrap_or_default();
        self.digest = self.digest.wrapping_sub(before).wrapping_add(after);
    }

    /// Deletes an item: what the protocol never does.
    pub fn delete(&mut self, key: &Key) {
        self.set(key, None);
    }

    /// The items that a client's transaction wrote and that aren't visible yet.
    pub fn hidden_by(&self, client: Option<usize>) -> impl Iterator<Item = &Key> {
        let is_by = move |hidden: &HiddenItem| client.is_none_or(|client| hidden.by == client);
        self.hidden.iter().filter(move |(_, hidden)| is_by(hidden)).map(|(key, _)| key)
    }

    /// Whether an item isn't visible yet.
    pub fn is_hidden(&self, key: &Key) -> bool {
        self.hidden.contains_key(key)
    }

    /// An item becomes visible.
    pub fn show(&mut self, key: &Key) {
        self.hidden.remove(key);
    }

    /// The clients change places.
    pub fn rename(&mut self, swapped: impl Fn(usize) -> usize) {
        self.hidden.values_mut().for_each(|hidden| hidden.by = swapped(hidden.by));
    }

    /// The item as it was written, visible or not: properties are about this.
    pub fn written(&self, key: &Key) -> Option<&Row> {
        self.rows.get(key)
    }

    pub fn all(&self) -> impl Iterator<Item = (&Key, &Row)> {
        self.rows.iter()
    }

    /// The items of an account as those of another, by payments of its own.
    pub fn copy(&mut self, from: AccountNumber, to: AccountNumber) {
        let own = |entry: &Entry| Entry { reference: format!("{to}'s {}", entry.reference), ..entry.clone() };
        let copied = |(key, row): (&Key, &Row)| match key {
            Key::Entry(account_number, number) if *account_number == from => {
                Some((Key::Entry(to, *number), Row::new(Item::Entry(own(row.entry()?), row.request()))))
            }
            Key::Claim(account_number, name) if *account_number == from => {
                Some((Key::Claim(to, name.replacen('#', &format!("#{to}'s "), 1)), row.clone()))
            }
            Key::Due(account_number) if *account_number == from => Some((Key::Due(to), row.clone())),
            _ => None,
        };
        let own: Vec<_> = self.rows.iter().filter_map(copied).collect();
        for (key, row) in own {
            self.set(&key, Some(row));
        }
    }

    /// The account's entries that were written, oldest first, each as its row and with the number in its key.
    pub fn rows(&self, account_number: AccountNumber) -> impl DoubleEndedIterator<Item = (u64, &Row)> {
        let rows = self.rows.range(Key::Entry(account_number, 0)..=Key::Entry(account_number, u64::MAX));
        rows.filter_map(
            |(key, row)| if let Key::Entry(_, number) = key { Some((*number, row)) } else { None },
        )
    }

    /// The account's entries that were written, oldest first, each with the number in its key.
    pub fn entries(&self, account_number: AccountNumber) -> impl DoubleEndedIterator<Item = (u64, &Entry)> {
        self.rows(account_number).filter_map(|(number, row)| Some((number, row.entry()?)))
    }

    /// The newest entry that was written.
    pub fn newest(&self, account_number: AccountNumber) -> Option<&Row> {
        self.rows(account_number).next_back().map(|(_, row)| row)
    }

    /// The account as it was written last.
    pub fn account(&self, account_number: AccountNumber) -> Option<&Account> {
        self.newest(account_number).and_then(Row::account)
    }
}

impl Change {
    /// The item after it.
    fn after(&self, before: Option<&Row>) -> Option<Row> {
        let changed = |change: &dyn Fn(&mut Item)| {
            let mut item = Item::clone(before.expect("its condition holds"));
            change(&mut item);
            Some(Row::new(item))
        };
        let claimed = |change: &dyn Fn(&Claim) -> Claim| {
            changed(&|item| {
                if let Item::Claim(claim) = item {
                    *claim = change(claim);
                }
            })
        };
        match self {
            Self::Put(item) => Some(Row::new(Item::clone(item))),
            Self::Keep(item) => before.cloned().or_else(|| Some(Row::new(Item::clone(item)))),
            Self::Reverse(reversed, sequence) => {
                claimed(&|claim| Claim { reversed: *reversed, sequence: Some(*sequence), ..*claim })
            }
            Self::RaiseClaim(from) => claimed(&|claim| Claim { from: Some(*from), ..*claim }),
            Self::RaiseRevision => changed(&|item| match item {
                Item::Purchase(purchase) => purchase.revision += 1,
                Item::Subscription(_, record) => record.revision += 1,
                _ => unreachable!("it has a revision"),
            }),
            Self::Delete => None,
            Self::Check => before.cloned(),
        }
    }
}

impl Condition {
    fn holds(self, row: Option<&Row>) -> bool {
        match (self, row.map(|row| &**row)) {
            (Self::Anything, _) | (Self::Absent | Self::OwnedBy(_), None) | (Self::Present, Some(_)) => true,
            (Self::Revision(before), Some(Item::Purchase(purchase))) => purchase.revision == before,
            (Self::Revision(before), Some(Item::Subscription(_, record))) => record.revision == before,
            (Self::OwnedBy(account_number), Some(Item::Owner(owner))) => *owner == account_number,
            (Self::Reversed(before), Some(Item::Claim(claim))) => claim.reversed == before,
            (Self::Absent | Self::Present | Self::Revision(_) | Self::OwnedBy(_) | Self::Reversed(_), _) => {
                false
            }
        }
    }
}
