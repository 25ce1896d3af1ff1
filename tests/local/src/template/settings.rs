//! What the local stack takes from the template.

use crate::cors::Cors;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// Everything the local stack takes from the template.
#[derive(Debug, Clone)]
pub struct Template {
    /// Every `AWS::Serverless::Function`, ordered by logical id.
    pub functions: Vec<Function>,
    /// Every `HttpApi` event of every function.
    pub routes: Vec<Route>,
    /// The issuer and audience of the tokens that the API accepts.
    pub authorizer: Authorizer,
    /// The CORS headers for pages of other origins, if the template configures any.
    pub cors: Option<Cors>,
    /// The one `AWS::DynamoDB::Table`.
    pub table: Table,
}

/// One function and the settings Lambda would give it.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its key under `Resources`.
    pub logical_id: String,
    /// The binary it runs: the last segment of `CodeUri: functions/<name>/`.
    pub name: String,
    /// Its environment variables, references resolved.
    pub environment: BTreeMap<String, String>,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// Its memory in MB; in the function's environment, not enforced.
    pub memory_mb: u32,
}

/// One route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, …
    pub method: String,
    /// `/v1/accounts/{account_id}`; a parameter is a whole segment.
    pub path: String,
    /// The binary that answers.
    pub function: String,
    /// The callers that the gateway admits.
    pub access: Access,
}

impl Route {
    /// `GET /v1/catalog`: how API Gateway names the route.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The access rule of a route, which the gateway checks before it calls the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Nothing (`Authorizer: NONE`).
    Public,
    /// A valid token that holds at least one of these scopes; any valid token if there are none.
    Token {
        /// The route's `AuthorizationScopes`.
        scopes: Vec<String>,
    },
}

/// The JWT authorizer of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorizer {
    /// The value that `iss` must have.
    pub issuer: String,
    /// The values of which `aud` must be or contain one.
    pub audience: Vec<String>,
}

/// The table, as `CreateTable` wants it.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name on the local stack: `TableName`, else its logical id.
    pub name: String,
    /// The body of a `CreateTable` request.
    pub create: Value,
}

/// Why a template can't be used: the place in it and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub(super) String);

/// The error that says this.
pub(super) fn error<T>(message: String) -> Result<T, TemplateError> {
    Err(TemplateError(message))
}
