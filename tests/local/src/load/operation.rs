//! What a request of the load is counted as.

use std::fmt;

/// A row of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// The price of work for an account.
    Quote,
    /// A debit that took credits.
    Debit,
    /// The same debit again, answered as before.
    Replay,
    /// A debit or hold that the balance doesn't cover: 402.
    Refusal,
    /// A hold that set credits aside.
    Hold,
    /// The capture of a hold, in part or whole.
    Capture,
    /// The release of a hold.
    Release,
    /// The reversal of a debit.
    Reversal,
    /// An account's balance.
    Balance,
    /// A page of an account's entries.
    Statement,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quote => "quote",
            Self::Debit => "debit",
            Self::Replay => "replay of a debit",
            Self::Refusal => "refusal (402)",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::Reversal => "reversal",
            Self::Balance => "balance",
            Self::Statement => "statement page",
        })
    }
}
