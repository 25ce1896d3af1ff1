//! An event as Stripe sends it.
//!
//! Invariant: the body of an event never changes, however often it is delivered.

use std::sync::Arc;

use serde_json::Value;

/// One event. Cheap to clone; clones share its JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(Arc<Value>);

impl Event {
    /// An event from its JSON, one that was altered for a test, say.
    #[must_use]
    pub fn from_json(json: Value) -> Self {
        Self(Arc::new(json))
    }

    /// The whole of it.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// The bytes that are sent and signed: indented, as Stripe's are.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::to_string_pretty(self.json()).unwrap_or_default()
    }

    /// `evt_…`
    #[must_use]
    pub fn id(&self) -> &str {
        self.0["id"].as_str().unwrap_or_default()
    }

    /// `invoice.paid`, say.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0["type"].as_str().unwrap_or_default()
    }

    /// When it was made, in seconds since 1970.
    #[must_use]
    pub fn created(&self) -> i64 {
        self.0["created"].as_i64().unwrap_or_default()
    }

    /// What it is about, as it was then.
    #[must_use]
    pub fn object(&self) -> &Value {
        &self.0["data"]["object"]
    }
}
