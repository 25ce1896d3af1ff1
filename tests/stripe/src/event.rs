//! An event as Stripe sends it.
//!
//! Invariant: the body of an event never changes, however often it is delivered.

use serde_json::{Value, json};

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(Value);

impl Event {
    /// An event from its JSON, one that was altered for a test, say.
    #[must_use]
    pub fn from_json(json: Value) -> Self {
        Self(json)
    }

    /// The whole of it.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// The bytes that are sent and signed: indented, as Stripe's are.
    #[must_use]
    pub fn body(&self) -> String {
        format!("{:#}", self.0)
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

    pub(super) fn with_id(&self, id: &str) -> Self {
        let mut json = self.0.clone();
        json["id"] = json!(id);
        Self(json)
    }
}
