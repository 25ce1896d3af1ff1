//! The items of the table and their keys, as far as the protocol can tell them apart.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

use scrip_accounts::{Account, CommandKey, Entry, Period, Purchase, PurchaseId, SubscriptionRecord};
use scrip_pricing::Credits;

/// An account, by its place in the world.
pub type AccountNumber = u8;

/// An item's key, as `shared/ledger/src/keys.rs` has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    Entry(AccountNumber, u64),
    /// The claim of a command's key.
    Claim(AccountNumber, String),
    Purchase(AccountNumber, PurchaseId),
    Subscription,
    Payment(String),
    Customer,
    Due(AccountNumber),
}

/// An item.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// An entry, and the digest of the request if a command with a key made it.
    Entry(Entry, Option<u64>),
    Claim(Claim),
    Purchase(Purchase),
    Subscription(AccountNumber, SubscriptionRecord),
    Owner(AccountNumber),
    Due(Period),
}

/// The claim of a key (`shared/ledger/src/items/claim.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Claim {
    /// No entry up to this one carries the key. None in a row from before claims.
    pub from: Option<u64>,
    /// The entry that carries the key, if the row names it.
    pub sequence: Option<u64>,
    /// The digest of the request: in a row from before claims.
    pub request: Option<u64>,
    /// The credits of the debit that came back.
    pub reversed: Credits,
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

impl<T: fmt::Debug + Default> Default for Shared<T> {
    fn default() -> Self {
        Self::new(T::default())
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
        if let Item::Entry(entry, _) = &**self { Some(entry) } else { None }
    }

    pub fn account(&self) -> Option<&Account> {
        self.entry().map(|entry| &entry.account)
    }

    /// The sequence of an entry.
    pub fn sequence(&self) -> Option<u64> {
        self.account().map(|account| account.sequence.get())
    }

    /// The digest of the request that an entry was made for.
    pub fn request(&self) -> Option<u64> {
        if let Item::Entry(_, request) = &**self { *request } else { None }
    }

    /// Whether it is the entry that carries a key.
    pub fn is_of(&self, key: &CommandKey) -> bool {
        self.entry().is_some_and(|entry| entry.is_of(key))
    }

    pub fn claim(&self) -> Option<&Claim> {
        if let Item::Claim(claim) = &**self { Some(claim) } else { None }
    }

    pub fn purchase(&self) -> Option<&Purchase> {
        if let Item::Purchase(purchase) = &**self { Some(purchase) } else { None }
    }

    pub fn subscription(&self) -> Option<(AccountNumber, &SubscriptionRecord)> {
        if let Item::Subscription(account_number, record) = &**self {
            Some((*account_number, record))
        } else {
            None
        }
    }

    pub fn owner(&self) -> Option<AccountNumber> {
        if let Item::Owner(account_number) = &**self { Some(*account_number) } else { None }
    }
}

impl Claim {
    /// No entry up to this one carries the key.
    pub fn from(&self) -> u64 {
        self.from.or(self.sequence.map(|sequence| sequence - 1)).expect("a claim says where to look")
    }
}

/// The sequence of the newest entry, as it was read: 0 if there was none.
pub fn sequence(head: Option<&Row>) -> u64 {
    head.and_then(Row::sequence).unwrap_or_default()
}

/// Tells values apart by all that they show.
pub fn digest(value: &impl fmt::Debug) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{value:?}").hash(&mut hasher);
    hasher.finish()
}
