//! What makes a command happen once.

use crate::{AdjustmentId, DebitId, HoldId, ReversalId};

/// The key of a command: its kind, and the id that its caller chose. Unique in its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandKey {
    /// Of a debit.
    Debit(DebitId),
    /// Of a hold. A debit of the same id would have the same key: a captured hold is reversed by its id as a debit is, so
    /// an id names one of the two.
    Hold(HoldId),
    /// Of the capture or release of a hold, whichever comes first.
    Settlement(HoldId),
    /// Of a reversal.
    Reversal(ReversalId),
    /// Of an adjustment.
    Adjustment(AdjustmentId),
}

impl CommandKey {
    /// The name of the kind, as it is stored.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Debit(_) | Self::Hold(_) => "debit",
            Self::Settlement(_) => "settlement",
            Self::Reversal(_) => "reversal",
            Self::Adjustment(_) => "adjustment",
        }
    }

    /// The id that the caller chose.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Debit(id) => id.as_str(),
            Self::Hold(id) | Self::Settlement(id) => id.as_str(),
            Self::Reversal(id) => id.as_str(),
            Self::Adjustment(id) => id.as_str(),
        }
    }
}
