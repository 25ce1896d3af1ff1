//! A debit, as its reversals see it.

use scrip_pricing::Credits;

use crate::Sequence;

/// What is known of a debit that may be reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebitRecord {
    /// The debit's entry.
    pub sequence: Sequence,
    /// What the debit took.
    pub taken: Credits,
    /// What came back so far, in all its reversals.
    pub reversed: Credits,
}
