//! Faults that a change might build into the protocol. The model has to find each of them.

/// A protocol that is wrong in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// The entries after an existing claim aren't read.
    NoScan,
    /// The claim is written after the entry.
    ClaimAfterAppend,
    /// A claim names an entry that comes after the newest that was read.
    NewerFrom,
    /// A claim is raised to the newest entry, and what is before that isn't read.
    RaisedUnread,
    /// The entry that a lost race carries isn't compared with the own key.
    UncheckedCarried,
    /// An entry is sent though the claim's put wasn't answered.
    UnansweredClaim,
    /// After a write that wasn't answered only the newest entry is read.
    NewestReread,
    /// The request's hash is in the claim, and the entry's isn't compared.
    HashInClaim,
    /// A claim of another request is taken for its entry.
    ReusedByClaim,
    /// A refusal isn't confirmed by a read.
    Unconfirmed,
    /// A refusal is confirmed by plain reads instead of a transaction.
    PlainlyConfirmed,
    /// A claim that is found on looking up a refusal isn't followed.
    ConfirmedWithoutClaim,
    /// An entry that a lost race carried is refused on.
    RefusedOnCarried,
    /// The claim of what is refused is deleted.
    DeletedClaim,
    /// A second attempt decides by another price.
    ImpureDecision,
    /// A reversal is written whatever came back of the debit before.
    UncappedReversal,
    /// A debit is looked for in the first entry after its claim only.
    OneEntryRead,
    /// A refusal is confirmed without the claims that were read beside it.
    ConfirmedWithoutOthers,
    /// The capture or release of a hold is written without a claim.
    UnclaimedSettlement,
    /// A hold's expiry is answered before it is written.
    UnwrittenExpiry,
    /// A hold is looked for among the newest entries only.
    RecentHoldsOnly,
    /// A hold is reversed however it ended.
    IgnoredSettlement,
    /// A hold that ends stays open.
    UnclosedHold,
    /// A hold takes nothing from the balance.
    SpendableHold,
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
    /// Credits that couldn't be taken back aren't owed.
    ForgottenOwed,
}
