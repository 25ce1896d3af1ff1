//! What a call is answered, before it is written as HTTP.

use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
    /// The id of the request that was answered first, where this is its answer again.
    pub(super) replayed_from: Option<String>,
}
