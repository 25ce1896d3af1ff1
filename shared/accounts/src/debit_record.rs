//! The part of a debit or captured hold that its reversals need.

use scrip_pricing::Credits;

use crate::Sequence;

/// The state of a debit or captured hold that may be reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebitRecord {
    /// The sequence of its entry. For a hold it is the entry that set the credits aside.
    pub sequence: Sequence,
    /// The credits that it took.
    pub taken: Credits,
    /// The credits that all its reversals gave back so far.
    pub reversed: Credits,
}
