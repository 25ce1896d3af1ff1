//! The state of the API: its keys, and the log of the calls.
//!
//! Invariant: every call is logged, whatever its answer is.

use super::{call::Call, permissions::Keys};

/// The state of the API: its keys, and the log of the calls.
#[derive(Debug, Default)]
pub struct ApiState {
    pub log: CallLog,
    pub keys: Keys,
}

/// The log of the calls.
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
