//! The error of reading an entry as an outcome of another kind.

/// The entry is of another kind than the requested outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the entry is of another kind")]
pub struct OtherKind;
