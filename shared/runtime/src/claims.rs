//! Who calls, and what they may do (contract, section 2). Fails closed: no claims, no service.

use std::collections::HashMap;

use crate::{Code, Problem};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Quotes for, balance and entries of an account.
    Read,
    /// Debits and reversals.
    Debit,
    /// Money-back refunds, on any account.
    Refund,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "credits:read",
            Self::Debit => "credits:debit",
            Self::Refund => "credits:refund",
        }
    }
}

/// Lifts the action of another scope from one's own account to any.
const ANY_ACCOUNT: &str = "credits:any-account";

/// Checks that the claims of a verified token allow an action on an account.
///
/// # Errors
/// `unauthenticated` without claims; `forbidden` without the scope, or on another's account without
/// `credits:any-account`. Says nothing of whether the account exists.
pub(crate) fn authorize(
    claims: Option<&HashMap<String, String>>,
    action: Scope,
    account: &str,
) -> Result<(), Problem> {
    let Some(claims) = claims else {
        return Err(Problem::new(
            Code::Unauthenticated,
            "Send a valid token: Authorization: Bearer <token>.",
        ));
    };
    let scopes = claims.get("scope").map_or("", String::as_str);
    let has = |wanted: &str| scopes.split(' ').any(|scope| scope == wanted);
    if !has(action.as_str()) {
        let detail = format!("The token lacks the scope {}.", action.as_str());
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let is_own = claims.get("sub").is_some_and(|sub| !sub.is_empty() && sub == account);
    if is_own || action == Scope::Refund || has(ANY_ACCOUNT) {
        return Ok(());
    }
    Err(Problem::new(
        Code::Forbidden,
        "The token is for another account. A backend needs the scope credits:any-account.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_scope_of_the_action_on_ones_own_account_or_any() {
        const OWN: Option<&str> = Some("alice");
        const OTHER: Option<&str> = Some("bob");
        for (sub, scope, action, allowed) in [
            (OWN, Some("credits:read"), Scope::Read, true),
            (OWN, Some("openid credits:read credits:debit"), Scope::Read, true),
            (OWN, Some("credits:read"), Scope::Debit, false),
            (OWN, Some("credits:debit"), Scope::Read, false),
            (OWN, Some("credits:any-account"), Scope::Read, false),
            (OWN, Some("credits:reads"), Scope::Read, false),
            (OWN, Some("CREDITS:READ"), Scope::Read, false),
            (OWN, Some(""), Scope::Read, false),
            (OWN, None, Scope::Read, false),
            (OTHER, Some("credits:read"), Scope::Read, false),
            (OTHER, Some("credits:read credits:any-account"), Scope::Read, true),
            (OTHER, Some("credits:debit credits:any-account"), Scope::Read, false),
            (None, Some("credits:read"), Scope::Read, false),
            (Some(""), Some("credits:read"), Scope::Read, false),
            (None, Some("credits:read credits:any-account"), Scope::Read, true),
            (OTHER, Some("credits:refund"), Scope::Refund, true),
            (OWN, Some("credits:debit credits:any-account"), Scope::Refund, false),
            (OTHER, Some("credits:refund"), Scope::Debit, false),
        ] {
            let pair =
                |name: &str, value: Option<&str>| value.map(|value| (name.to_owned(), value.to_owned()));
            let claims = pair("sub", sub).into_iter().chain(pair("scope", scope)).collect();
            let verdict = authorize(Some(&claims), action, "alice");
            assert_eq!(verdict.is_ok(), allowed, "{sub:?} {scope:?} {action:?}");
        }
        let problem = authorize(None, Scope::Read, "alice").unwrap_err();
        assert_eq!(problem.code(), Code::Unauthenticated);
    }
}
