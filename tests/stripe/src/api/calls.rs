//! The calls that came: what each asked for, and how many there were.
//!
//! Invariant: every call is recorded, whatever becomes of it.

use crate::Stripe;
use std::collections::BTreeMap;

/// A request to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `POST`, say.
    pub method: String,
    /// `/v1/refunds`, say.
    pub path: String,
    /// The parameters in order, of the body or the query.
    pub parameters: Vec<(String, String)>,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The header `Stripe-Version`.
    pub version: Option<String>,
}

impl Call {
    /// What is called, whichever object it is about: `POST /v1/refunds`, `DELETE /v1/subscriptions`.
    #[must_use]
    pub fn operation(&self) -> String {
        let resource: Vec<_> = self.path.split('/').take(3).collect();
        format!("{} {}", self.method, resource.join("/"))
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Everything that it asks to expand.
    pub(super) fn expansions(&self) -> impl Iterator<Item = &str> {
        let expands = self.parameters.iter().filter(|(name, _)| name.starts_with("expand["));
        expands.map(|(_, field)| field.as_str())
    }
}

/// The record of the calls.
#[derive(Debug, Default)]
pub struct CallLog {
    calls: Vec<Call>,
    /// Method, path and query of each since the last reset.
    requests: Vec<String>,
}

impl CallLog {
    pub fn add(&mut self, call: Call, request: String) {
        self.calls.push(call);
        self.requests.push(request);
    }
}

impl Stripe {
    /// The calls since this was asked last, in order.
    #[allow(clippy::must_use_candidate, reason = "also called to forget them")]
    pub fn calls(&self) -> Vec<Call> {
        self.with_desk(|desk| std::mem::take(&mut desk.log.calls))
    }

    /// How many calls came since the last [`Stripe::reset_requests`], failed ones too.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.with_desk(|desk| desk.log.requests.len())
    }

    /// The calls since the last [`Stripe::reset_requests`] in order, each as method, path and query:
    /// `GET /v1/invoices?subscription=sub_1`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.with_desk(|desk| desk.log.requests.clone())
    }

    /// How often each call came since the last [`Stripe::reset_requests`], by method, path and query.
    #[must_use]
    pub fn requests_by_path(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in self.requests() {
            *counts.entry(request).or_default() += 1;
        }
        counts
    }

    /// Begins to count and record calls from nothing. [`Stripe::calls`] keeps its own.
    pub fn reset_requests(&self) {
        self.with_desk(|desk| desk.log.requests.clear());
    }
}
