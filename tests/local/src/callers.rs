//! Those who call a fresh local stack, and their tokens.

use chrono::TimeDelta;

use crate::tokens::Tokens;

/// The demo account whose user calls.
pub const USER: &str = "demo-standard";
/// How long the demo's tokens last.
const TOKEN_LIFETIME: TimeDelta = TimeDelta::days(7);

/// The tokens of those who call a fresh local stack.
#[derive(Debug)]
pub struct Callers {
    /// [`USER`], on the own account.
    pub user: String,
    /// The product's backend, on any account.
    pub backend: String,
    /// Support, for refunds on any account.
    pub support: String,
}

/// Issues the tokens of those who call.
#[must_use]
pub fn callers(tokens: &Tokens) -> Callers {
    let issue = |subject: &str, scopes: &[&str]| tokens.issue(subject, scopes, TOKEN_LIFETIME);
    Callers {
        user: issue(USER, &["credits:read", "credits:debit"]),
        backend: issue(
            "demo-backend",
            &["credits:read", "credits:debit", "credits:settle", "credits:any-account"],
        ),
        support: issue("demo-support", &["credits:refund"]),
    }
}
