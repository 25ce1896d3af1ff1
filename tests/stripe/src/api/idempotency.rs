//! Answers kept for idempotency keys.
//!
//! Invariant: within 24 hours a key stands for one request and one answer, an error as much as a success.

use super::reply::Reply;
use crate::{account::Account, call::Call, error::ApiError, history::StoredAnswer};
use chrono::TimeDelta;
use serde_json::Value;

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);

impl Account {
    /// The kept answer for a key, or the refusal of another request with it; none if the key is free.
    pub(super) fn replay(&mut self, key: &str, call: &Call) -> Option<Result<Reply, ApiError>> {
        let now = self.now;
        self.stored.retain(|_, stored| now - stored.since < KEPT);
        let stored = self.stored.get(key)?;
        if stored.path != call.path || stored.parameters != sorted(call) {
            return Some(Err(ApiError::key_reused(key)));
        }
        let replayed_from = Some(stored.request_id.clone());
        Some(Ok(Reply { status: stored.status, body: stored.body.clone(), replayed_from }))
    }

    /// Keeps an answer, unless the key keeps one already.
    pub(super) fn keep(&mut self, key: &str, call: &Call, request_id: &str, status: u16, body: &Value) {
        self.stored.entry(key.to_owned()).or_insert_with(|| StoredAnswer {
            path: call.path.clone(),
            parameters: sorted(call),
            request_id: request_id.to_owned(),
            status,
            body: body.clone(),
            since: self.now,
        });
    }
}

fn sorted(call: &Call) -> Vec<(String, String)> {
    let mut parameters = call.parameters.clone();
    parameters.sort();
    parameters
}
