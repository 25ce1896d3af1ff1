//! What makes a command happen once.

use crate::{AdjustmentId, DebitId, ReversalId};

/// The key of a command: its kind, and the id that its caller chose. Unique in its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandKey {
    /// Of a debit.
    Debit(DebitId),
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
            Self::Debit(_) => "debit",
            Self::Reversal(_) => "reversal",
            Self::Adjustment(_) => "adjustment",
        }
    }

    /// The id that the caller chose.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Debit(id) => id.as_str(),
            Self::Reversal(id) => id.as_str(),
            Self::Adjustment(id) => id.as_str(),
        }
    }
}
