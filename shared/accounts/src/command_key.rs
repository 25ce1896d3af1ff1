//! The key by which a command is carried out at most once.

use crate::{AdjustmentId, DebitId, HoldId, ReversalId};

/// The key of a command: its kind, and the id that its caller chose. It is unique within its account.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{CommandKey, DebitId, HoldId};
///
/// let debit = CommandKey::Debit(DebitId::parse("job-1")?);
/// assert_eq!((debit.kind(), debit.id()), ("debit", "job-1"));
/// // Debits and holds share their keys.
/// assert_eq!(CommandKey::Hold(HoldId::parse("job-1")?).kind(), "debit");
/// # Ok::<(), scrip_accounts::InvalidId>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandKey {
    /// The key of a debit.
    Debit(DebitId),
    /// The key of a hold. A debit with the same id has the same key: a captured hold is reversed by its id, like a
    /// debit, so an id must name only one of the two.
    Hold(HoldId),
    /// The key of the capture or release of a hold, whichever comes first.
    Settlement(HoldId),
    /// The key of a reversal.
    Reversal(ReversalId),
    /// The key of an adjustment.
    Adjustment(AdjustmentId),
}

impl CommandKey {
    /// The name of the kind, as it is stored.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{CommandKey, HoldId};
    ///
    /// let capture = CommandKey::Settlement(HoldId::parse("job-1")?);
    /// assert_eq!(capture.kind(), "settlement");
    /// # Ok::<(), scrip_accounts::InvalidId>(())
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::{CommandKey, DebitId};
    ///
    /// assert_eq!(CommandKey::Debit(DebitId::parse("job-1")?).id(), "job-1");
    /// # Ok::<(), scrip_accounts::InvalidId>(())
    /// ```
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
