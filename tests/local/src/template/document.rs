//! The parts of a SAM template that the local stack reads, as they are written there.
//!
//! Invariant: where an unknown field could change what a request meets (the API, its routes and
//! authorizers), it is refused; what is known to change nothing here is named and not read.

use super::settings::TemplateError;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    pub(super) globals: Globals,
    #[serde(default)]
    pub(super) resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Parameter {
    pub(super) r#type: String,
    pub(super) default: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Globals {
    #[serde(default)]
    pub(super) function: FunctionProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Resource {
    pub(super) r#type: String,
    #[serde(default)]
    pub(super) properties: Value,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionProperties {
    pub(super) code_uri: Option<String>,
    pub(super) timeout: Option<u64>,
    pub(super) memory_size: Option<u32>,
    #[serde(default)]
    pub(super) environment: Environment,
    #[serde(default)]
    pub(super) events: BTreeMap<String, Resource>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Environment {
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RouteProperties {
    pub(super) api_id: Option<Value>,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) auth: Option<RouteAuth>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RouteAuth {
    pub(super) authorizer: Option<String>,
    #[serde(default)]
    pub(super) authorization_scopes: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ApiProperties {
    pub(super) auth: ApiAuth,
    pub(super) cors_configuration: Option<CorsProperties>,
    // What one caller at a time doesn't meet: throttling, metrics, the log.
    #[serde(rename = "AccessLogSettings")]
    _access_log_settings: Option<IgnoredAny>,
    #[serde(rename = "DefaultRouteSettings")]
    _default_route_settings: Option<IgnoredAny>,
    #[serde(rename = "RouteSettings")]
    _route_settings: Option<IgnoredAny>,
}

/// Lists are values here: any of them may be a reference to a parameter.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CorsProperties {
    pub(super) allow_origins: Value,
    pub(super) allow_methods: Value,
    pub(super) allow_headers: Value,
    pub(super) expose_headers: Value,
    pub(super) max_age: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ApiAuth {
    pub(super) default_authorizer: Option<String>,
    pub(super) authorizers: BTreeMap<String, AuthorizerProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AuthorizerProperties {
    pub(super) identity_source: String,
    pub(super) jwt_configuration: JwtConfiguration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JwtConfiguration {
    pub(super) issuer: Value,
    pub(super) audience: Value,
}

/// Reads a part of the document, found at a place, as its type.
pub(super) fn typed<T: DeserializeOwned>(place: &str, value: Value) -> Result<T, TemplateError> {
    serde_json::from_value(value).map_err(|why| TemplateError(format!("{place}: {why}")))
}
