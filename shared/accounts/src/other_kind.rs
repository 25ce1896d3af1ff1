//! An entry that isn't what it was read as.

/// An entry of another kind than is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the entry is of another kind")]
pub struct OtherKind;
