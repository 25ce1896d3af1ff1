//! What goes wrong in a history, how often, and how often it did.

use std::{collections::BTreeMap, fmt};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $per_mille:literal,)*) => {
        /// One thing that goes wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// How often it happens, of a thousand times that it could.
            pub fn per_mille(self) -> u32 {
                match self { $(Self::$name => $per_mille,)* }
            }
        }
    };
}

faults! {
    /// The database fails before it does anything.
    ErrorBefore 12,
    /// It wrote, and its answer is lost. (A read's is lost as often, and not counted.)
    AnswerLost 40,
    /// A write is carried out after the function gave up waiting, or fails then, since another was first.
    Late 30,
    /// A transaction has the items that another, or a single write, is about.
    TransactionConflict 25,
    /// So says the database of a transaction that it believes to be running already.
    TransactionInProgress 15,
    /// A key was claimed, and before its entry is written many others are: mostly dozens, now and then thousands.
    Crowd 18,
    /// Too many requests, of the table or of one item.
    Throttled 15,
    /// An index that has yet to hear of the newest writes.
    StaleRead 250,
    /// The function is killed before a call.
    CrashBefore 10,
    /// The function is killed after a call was carried out, before it knows.
    CrashAfter 12,
    /// The caller stops waiting; the function goes on.
    CallerGone 150,
    /// The caller's token has expired: the gateway refuses it, and the caller gets another.
    TokenExpired 40,
    /// A function's clock is up to ten minutes off.
    ClockSkew 500,
    /// An event, or a message of a queue, is delivered twice at once.
    DeliveredTwice 80,
    /// An event is delivered after one that was made later.
    DeliveredLate 150,
    /// Nothing gets to the webhook, for hours or days. (In one history of eight, then always.)
    WebhookDown 0,
    /// The provider answers a read after seconds, with what was true when it was asked.
    StripeSlow 30,
    /// It answers a read with what was true a moment ago, before the last change.
    StripeStale 200,
    /// It fails.
    ReadFails 12,
    /// It has had too many calls, or another request holds the object.
    ReadBusy 20,
    /// The question or its answer is lost.
    ReadLost 15,
    /// A read is never answered.
    ReadHangs 5,
    /// A read's key isn't taken.
    ReadLockedOut 5,
    /// The provider refuses what changes something.
    StripeRefuses 215,
    /// The provider fails, and says so to every repetition of a day.
    StripeFails 285,
    /// The provider has had too many calls, or another with the same key runs.
    StripeBusy 370,
    /// The provider doesn't take the key.
    StripeLocksOut 180,
    /// The provider did what was asked, and its answer is lost.
    StripeAnswerLost 720,
    /// The request never reaches the provider.
    StripeRequestLost 130,
    /// The provider doesn't answer.
    StripeHangs 150,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How often each fault happened, or each case.
#[derive(Debug, Clone)]
pub struct Counts<Kind>(BTreeMap<Kind, u64>);

impl<Kind> Default for Counts<Kind> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<Kind: Ord + Copy> Counts<Kind> {
    /// Counts one.
    pub fn add(&mut self, kind: Kind) {
        self.merge(kind, 1);
    }

    /// Adds those of others.
    pub fn merge(&mut self, kind: Kind, count: u64) {
        *self.0.entry(kind).or_default() += count;
    }

    /// How often it happened.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0.get(&kind).copied().unwrap_or_default()
    }
}
