//! Who takes the calls of the API: its keys, and the record of what came.
//!
//! Invariant: every call is recorded, whatever becomes of it.

use super::{call::Call, permissions::Keys};

/// Who takes the calls: the keys, and the record of what came.
#[derive(Debug, Default)]
pub struct Desk {
    pub log: CallLog,
    pub keys: Keys,
}

/// The record of the calls.
#[derive(Debug, Default)]
pub struct CallLog {
    pub calls: Vec<Call>,
    /// Method, path and query of each since the last reset.
    pub requests: Vec<String>,
}

impl CallLog {
    pub fn add(&mut self, call: Call, request: String) {
        self.calls.push(call);
        self.requests.push(request);
    }
}
