//! Faults that somebody might build into the protocol. The model has to find each of them.

/// A protocol that is wrong in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// A command's key isn't written down.
    NoOperation,
    /// Whether a command was carried out is looked up before its transaction, not in it.
    CheckedBefore,
    /// What is refused isn't looked up first.
    Unconfirmed,
    /// What is refused is looked up by a plain read.
    PlainlyConfirmed,
    /// A record is written whatever revision there is.
    UnguardedRecord,
    /// A refill adds to what was left.
    AddingRefill,
    /// Each time the provider is asked, it is by a new key.
    ChangingKey,
    /// The provider's facts are read before the records' revisions.
    FactsFirst,
    /// Facts are written over other revisions than were read before them.
    UncheckedRevision,
    /// A look that changes nothing raises no revision.
    IdleLook,
    /// Of several packs one is granted.
    DroppedQuantity,
    /// The account that a customer bought for first is overwritten.
    OverwrittenCustomer,
    /// What couldn't be taken back isn't owed.
    ForgottenOwed,
}
