//! The state of a client: what it knows, what it does next, and what its caller is answered.

use scrip_accounts::{Decision, Refusal};

use crate::{
    call::Call,
    item::{Row, Shared, digest},
    related::RelatedItems,
};

/// The answer to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Carried out now, by that entry.
    Appended(u64),
    /// Carried out before, by that entry.
    Replayed(u64),
    /// Only a record changed.
    Recorded,
    /// Nothing was written: there is nothing to do, or it is refused.
    Unwritten(NoWrite),
    /// The key was used for another request.
    KeyReused,
    /// The hold was captured or released by another request: the digest of the refusal.
    Settled(u64),
    /// A program from before claims found a claim.
    Failed,
    /// The money went back.
    Refunded,
    /// It didn't, and the credits are back.
    ProviderRefused,
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoWrite {
    Unchanged,
    /// By the digest of the refusal.
    Refused(u64),
    PaymentTaken,
    OutdatedFacts,
}

impl NoWrite {
    /// The reason why a decision writes nothing, if it doesn't.
    pub fn of(decided: &Result<Decision, Refusal>) -> Option<Self> {
        match decided {
            Ok(decision) if *decision == Decision::default() => Some(Self::Unchanged),
            Ok(_) => None,
            Err(Refusal::PaymentTaken) => Some(Self::PaymentTaken),
            Err(Refusal::OutdatedFacts) => Some(Self::OutdatedFacts),
            Err(refusal) => Some(Self::Refused(digest(refusal))),
        }
    }
}

/// The state of a client: what it knows, and what it does next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Its caller has not called, or has seen it crash and is about to call again.
    Uncalled,
    /// A command with a key.
    Call(Call),
    /// A look: reads the records of its subject.
    Before,
    /// A look: reads the payment, or the subscription, from the provider.
    Facts,
    /// A look at the subscription: reads its invoices.
    Invoices,
    /// Reads the refunds and disputes of the payments.
    Money,
    /// A look: reads the account that the customer first bought for.
    Customer,
    /// A planted fault: reads the records after the provider.
    RecordsLast,
    /// Reads the newest entry.
    Head,
    /// Reads what else it decides from; decides.
    Related(Read),
    /// Sends the transaction.
    Append(Read, Shared<RelatedItems>),
    /// Waits for the transaction's answer.
    Waiting(Answer),
    /// A program from before claims: reads the operation that exists.
    LookUp,
    /// A program from before claims: makes sure of a refusal.
    Confirm(Read, NoWrite),
    /// A refund: reads what its purchase is now, before or after the provider was asked.
    Purchase { is_asked: bool },
    /// A refund: asks the provider.
    Ask { attempt: u32 },
    /// A plan's refund: asks the provider whether a later period was paid.
    Payer,
    /// A plan's refund: has the provider end the subscription.
    End,
    /// Was answered.
    Done(Answer),
}

/// The newest entry, as far as a client knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Read {
    pub head: Option<Row>,
    pub how: ReadKind,
}

/// The way in which a client knows an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadKind {
    /// It read the newest entry.
    Newest,
    /// It has read every entry that may carry its key.
    Verified,
    /// A lost race carried it.
    Carried,
}
