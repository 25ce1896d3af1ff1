//! The caller's account and scopes, from the claims of its token (docs/identity.md). Without claims, nothing is
//! allowed.
//!
//! Identity providers differ in three ways: the claim that names the account (`sub`, Cognito's `username`, a custom claim),
//! the claim that lists scopes (`scope` or `scp`, as a string or a list), and the prefix of scopes (Cognito:
//! `<resource server>/`).

use std::{collections::HashMap, env, sync::OnceLock};

use lambda_http::Error;
use scrip_accounts::CallerId;

use crate::{Code, Problem};

/// An action that a token may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Quotes for, balance and entries of an account.
    Read,
    /// Debits and holds. Safe to give to an end user.
    Debit,
    /// Reversals, captures and releases. Never for an end user, who could make work free with it.
    Settle,
    /// Money-back refunds, on any account.
    Refund,
    /// Adjustments, on any account.
    Adjust,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "credits:read",
            Self::Debit => "credits:debit",
            Self::Settle => "credits:settle",
            Self::Refund => "credits:refund",
            Self::Adjust => "credits:adjust",
        }
    }
}

/// The scope that extends others from one's own account to any.
const ANY_ACCOUNT: &str = "credits:any-account";

/// The claims that may list scopes. A token may have one or both.
const SCOPE_CLAIMS: [&str; 2] = ["scope", "scp"];

/// The format of the tokens of a deployment's issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenFormat {
    /// The claim that names the account.
    account_claim: String,
    /// The prefix of each scope.
    scope_prefix: String,
}

impl Default for TokenFormat {
    fn default() -> Self {
        Self { account_claim: "sub".to_owned(), scope_prefix: String::new() }
    }
}

static FORMAT: OnceLock<TokenFormat> = OnceLock::new();

/// Reads the format of tokens from the variables `ACCOUNT_CLAIM` and `SCOPE_PREFIX`, once for all calls.
///
/// # Errors
/// If one of them is malformed. The function must not start then, because it couldn't check callers.
pub(crate) fn read_format() -> Result<(), Error> {
    let format = TokenFormat::from_variables(variable("ACCOUNT_CLAIM")?, variable("SCOPE_PREFIX")?)?;
    FORMAT.get_or_init(|| format);
    Ok(())
}

/// The format that was read at the start, or the default if none was, as in tests.
pub(crate) fn format() -> &'static TokenFormat {
    FORMAT.get_or_init(TokenFormat::default)
}

fn variable(name: &str) -> Result<Option<String>, Error> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("{name} isn't text").into()),
    }
}

impl TokenFormat {
    /// Makes the format from the variables' values, or the default of a variable that isn't set.
    fn from_variables(account_claim: Option<String>, scope_prefix: Option<String>) -> Result<Self, Error> {
        let default = Self::default();
        let format = Self {
            account_claim: account_claim.unwrap_or(default.account_claim),
            scope_prefix: scope_prefix.unwrap_or(default.scope_prefix),
        };
        // The characters that RFC 6749 allows in a scope, except for the brackets that enclose lists.
        let is_name =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"[\\]".contains(&byte));
        if format.account_claim.is_empty() || !is_name(&format.account_claim) {
            return Err("set ACCOUNT_CLAIM to the name of the claim that names the account".into());
        }
        if !is_name(&format.scope_prefix) {
            return Err("set SCOPE_PREFIX to what the names of scopes begin with, or to nothing".into());
        }
        Ok(format)
    }

    fn full_name(&self, scope: &str) -> String {
        format!("{}{scope}", self.scope_prefix)
    }
}

/// The claims of a verified token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'a> {
    claims: &'a HashMap<String, String>,
    format: &'a TokenFormat,
}

impl<'a> Caller<'a> {
    /// Makes the caller of those claims.
    ///
    /// # Errors
    /// `unauthenticated` if there are none.
    pub(crate) fn new(
        claims: Option<&'a HashMap<String, String>>,
        format: &'a TokenFormat,
    ) -> Result<Self, Problem> {
        let unauthenticated =
            || Problem::new(Code::Unauthenticated, "Send a valid token: Authorization: Bearer <token>.");
        Ok(Self { claims: claims.ok_or_else(unauthenticated)?, format })
    }

    /// Checks that the token has the scope of an action.
    ///
    /// # Errors
    /// `forbidden` if it doesn't.
    pub(crate) fn check_scope(self, action: Scope) -> Result<(), Problem> {
        if self.has(action.as_str()) {
            return Ok(());
        }
        let detail = format!("The token lacks the scope {}.", self.format.full_name(action.as_str()));
        Err(Problem::new(Code::Forbidden, detail))
    }

    /// Checks that the token is for that account, or allows that action on any.
    ///
    /// # Errors
    /// `forbidden` on another's account, whether or not it exists.
    pub(crate) fn check_account(self, action: Scope, account_id: &str) -> Result<(), Problem> {
        let own = self.claims.get(&self.format.account_claim);
        let is_own = own.is_some_and(|own| !own.is_empty() && own == account_id);
        if is_own || matches!(action, Scope::Refund | Scope::Adjust) || self.has(ANY_ACCOUNT) {
            return Ok(());
        }
        let any_account = self.format.full_name(ANY_ACCOUNT);
        let detail = format!("The token is for another account. A backend needs the scope {any_account}.");
        Err(Problem::new(Code::Forbidden, detail))
    }

    /// The id of the caller: always the claim `sub`, even if another claim names the account.
    ///
    /// # Errors
    /// `forbidden` if the token names no subject.
    pub(crate) fn id(self) -> Result<CallerId, Problem> {
        let subject = self.claims.get("sub").map(String::as_str).unwrap_or_default();
        CallerId::parse(subject).map_err(|invalid| {
            Problem::new(Code::Forbidden, format!("The token's claim sub {invalid}: it is recorded."))
        })
    }

    fn has(self, scope: &str) -> bool {
        let claims = SCOPE_CLAIMS.iter().filter_map(|claim| self.claims.get(*claim));
        let mut held = claims.flat_map(|claim| scopes(claim));
        held.any(|held| held.strip_prefix(self.format.scope_prefix.as_str()) == Some(scope))
    }
}

/// The scopes of a claim, which are separated by spaces. If the token has a list, an HTTP API encloses it in brackets. A
/// claim with only one bracket is malformed and has no scopes.
fn scopes(claim: &str) -> impl Iterator<Item = &str> {
    let words = match claim.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(list) => list.unwrap_or_default(),
        None if claim.ends_with(']') => "",
        None => claim,
    };
    words.split(' ').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests;
