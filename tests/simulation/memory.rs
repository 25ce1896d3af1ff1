//! What the outside world remembers of a history.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::request::Request;

/// A purchase at the provider.
#[derive(Debug, Clone)]
pub struct Sale {
    pub account: usize,
    pub sku: &'static str,
    pub purchase: String,
    pub charge: String,
    pub subscription: Option<String>,
    pub at: DateTime<Utc>,
}

/// What the outside world remembers of a history.
#[derive(Debug, Default)]
pub struct Memory {
    /// What was sold, oldest first.
    pub sales: Vec<Sale>,
    /// The answer that each debit and reversal got, by account, key and request.
    pub answered: BTreeMap<(usize, &'static str, String, String), (Request, Value)>,
    /// What was refunded and disputed at the provider: account and id.
    pub refunds: Vec<(usize, String)>,
    pub disputes: Vec<(usize, String)>,
    /// How often something was asked, and asked again.
    pub asked: u64,
    pub asked_again: u64,
}
