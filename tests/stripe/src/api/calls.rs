//! The calls that came: what each asked for, and how many there were.

use crate::{Stripe, call::Call};
use std::collections::BTreeMap;

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
