//! A debit or captured hold, as its reversals see it.

use scrip_pricing::Credits;

use crate::Sequence;

/// What is known of a debit or captured hold that may be reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebitRecord {
    /// Its entry: of a hold the one that set the credits aside.
    pub sequence: Sequence,
    /// What it took.
    pub taken: Credits,
    /// What came back so far, in all its reversals.
    pub reversed: Credits,
}
