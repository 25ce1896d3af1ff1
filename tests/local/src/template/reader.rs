//! Reads what the document says, with its references resolved.

use super::{
    document::{
        ApiAuth, ApiProperties, CorsProperties, Document, FunctionProperties, Resource, RouteProperties,
        typed,
    },
    settings::{Access, Authorizer, Function, Route, Table, Template, TemplateError, error},
};
use crate::cors::{Cors, Lists};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};

/// The region the stack claims to be in.
pub const REGION: &str = "us-east-1";
/// The account the stack claims to belong to.
pub const AWS_ACCOUNT_ID: &str = "123456789012";

/// The stack's own name.
const STACK_NAME: &str = "local";

/// Parts of a table's definition that change nothing on one machine.
const TABLE_IGNORED: [&str; 6] = [
    "DeletionProtectionEnabled",
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    // There is no pipe here to read it.
    "StreamSpecification",
    "TableName",
    "Tags",
];
/// Parts of a table's definition that `CreateTable` takes as they are.
const TABLE_KNOWN: [&str; 5] =
    ["AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes"];

/// The document, and the parameter values that its references resolve to.
pub(super) struct Reader<'a> {
    pub(super) document: &'a Document,
    pub(super) parameters: &'a BTreeMap<&'a str, &'a str>,
}

impl Reader<'_> {
    pub(super) fn template(&self) -> Result<Template, TemplateError> {
        let (api_id, api) = self.the_only("AWS::Serverless::HttpApi")?;
        let api: ApiProperties = typed(api_id, api.clone())?;
        let cors = api.cors_configuration.as_ref().map(|cors| self.cors(api_id, cors)).transpose()?;
        let (mut functions, mut routes) = (Vec::new(), Vec::new());
        for (logical_id, resource) in &self.document.resources {
            if resource.r#type == "AWS::Serverless::Function" {
                let properties: FunctionProperties = typed(logical_id, resource.properties.clone())?;
                let function = self.function(logical_id, &properties)?;
                for (event, trigger) in
                    properties.events.iter().filter(|(_, event)| event.r#type == "HttpApi")
                {
                    let place = format!("{logical_id}.{event}");
                    routes.push(self.route(&place, &function.name, trigger, api_id, &api.auth)?);
                }
                functions.push(function);
            }
        }
        Ok(Template {
            functions,
            routes,
            authorizer: self.authorizer(api_id, &api.auth)?,
            cors,
            table: self.table()?,
        })
    }

    fn the_only(&self, kind: &str) -> Result<(&str, &Value), TemplateError> {
        let mut found = self.document.resources.iter().filter(|(_, resource)| resource.r#type == kind);
        match (found.next(), found.next()) {
            (Some((id, resource)), None) => Ok((id, &resource.properties)),
            (None, _) => error(format!("there is no {kind} in it")),
            (Some((one, _)), Some((other, _))) => {
                error(format!("{one} and {other} are both {kind}; the local stack supports one"))
            }
        }
    }

    fn function(&self, logical_id: &str, own: &FunctionProperties) -> Result<Function, TemplateError> {
        let global = &self.document.globals.function;
        let code_uri = own.code_uri.as_deref().unwrap_or_default();
        let name = match code_uri.trim_end_matches('/').strip_prefix("functions/") {
            Some(name) if !name.is_empty() && !name.contains('/') => name.to_owned(),
            _ => {
                return error(format!("{logical_id}: CodeUri `{code_uri}` is not `functions/<binary>/`"));
            }
        };
        let mut environment = BTreeMap::new();
        for (key, value) in global.environment.variables.iter().chain(&own.environment.variables) {
            if !self.names_a_queue(value) {
                environment.insert(key.clone(), self.resolve(&format!("{logical_id} {key}"), value)?);
            }
        }
        Ok(Function {
            logical_id: logical_id.to_owned(),
            name,
            environment,
            // SAM's own defaults.
            timeout: Duration::from_secs(own.timeout.or(global.timeout).unwrap_or(3)),
            memory_mb: own.memory_size.or(global.memory_size).unwrap_or(128),
        })
    }

    /// A route of the API, out of a function's event.
    fn route(
        &self,
        place: &str,
        function: &str,
        event: &Resource,
        api_id: &str,
        api: &ApiAuth,
    ) -> Result<Route, TemplateError> {
        let properties: RouteProperties = typed(place, event.properties.clone())?;
        if properties.api_id != Some(serde_json::json!({ "Ref": api_id })) {
            return error(format!("{place}: ApiId must be `!Ref {api_id}`"));
        }
        let method = properties.method.to_ascii_uppercase();
        if method == "ANY" || method == "*" || method == "OPTIONS" {
            return error(format!(
                "{place}: a route for any method, or for OPTIONS, is not supported by the local stack"
            ));
        }
        let whole_segments = properties.path.split('/').skip(1).all(|segment| {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(segment);
            !name.is_empty() && !name.contains(['{', '}', '+'])
        });
        if !properties.path.starts_with('/') || !whole_segments {
            return error(format!(
                "{place}: the path {} is not supported by the local stack",
                properties.path
            ));
        }
        let auth = properties.auth.unwrap_or_default();
        let access = match auth.authorizer.as_deref().or(api.default_authorizer.as_deref()) {
            None | Some("NONE") => Access::Public,
            Some(name) if api.authorizers.contains_key(name) => {
                let scopes = auth.authorization_scopes.iter().map(|scope| self.resolve(place, scope));
                Access::Token { scopes: scopes.collect::<Result<_, _>>()? }
            }
            Some(name) => return error(format!("{place}: {api_id} has no authorizer {name}")),
        };
        Ok(Route { method, path: properties.path, function: function.to_owned(), access })
    }

    fn authorizer(&self, api_id: &str, auth: &ApiAuth) -> Result<Authorizer, TemplateError> {
        let Some((name, properties)) =
            auth.authorizers.first_key_value().filter(|_| auth.authorizers.len() == 1)
        else {
            return error(format!("{api_id}: the local stack supports exactly one JWT authorizer"));
        };
        if properties.identity_source != "$request.header.Authorization" {
            return error(format!("{api_id}.{name}: IdentitySource must be $request.header.Authorization"));
        }
        let place = format!("{api_id}.{name}");
        Ok(Authorizer {
            issuer: self.resolve(&place, &properties.jwt_configuration.issuer)?,
            audience: self.list(&place, &properties.jwt_configuration.audience)?,
        })
    }

    fn cors(&self, api_id: &str, cors: &CorsProperties) -> Result<Cors, TemplateError> {
        let place = format!("{api_id} CorsConfiguration");
        let lists = Lists {
            origins: self.list(&place, &cors.allow_origins)?,
            methods: self.list(&place, &cors.allow_methods)?,
            headers: self.list(&place, &cors.allow_headers)?,
            exposed: self.list(&place, &cors.expose_headers)?,
        };
        Cors::new(lists, cors.max_age).map_err(|why| TemplateError(format!("{place}: {why}")))
    }

    fn table(&self) -> Result<Table, TemplateError> {
        let (logical_id, properties) = self.the_only("AWS::DynamoDB::Table")?;
        let name = self.physical_name(logical_id, properties)?;
        let mut create = Map::from_iter([("TableName".to_owned(), Value::String(name.clone()))]);
        for (key, value) in properties.as_object().into_iter().flatten() {
            if TABLE_KNOWN.contains(&key.as_str()) {
                create.insert(key.clone(), value.clone());
            } else if !TABLE_IGNORED.contains(&key.as_str()) {
                return error(format!("{logical_id}: {key} is not supported by the local stack"));
            }
        }
        Ok(Table { name, create: Value::Object(create) })
    }

    /// The text of a value: itself, or what its `Ref` or its `Fn::Sub` stands for.
    fn resolve(&self, place: &str, value: &Value) -> Result<String, TemplateError> {
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
            Value::Object(object) => match object.iter().next() {
                Some((function, Value::String(name))) if function == "Ref" => self.referred(place, name),
                Some((function, Value::String(text))) if function == "Fn::Sub" => {
                    self.substituted(place, text)
                }
                Some((function, _)) => {
                    error(format!("{place}: {function} is not supported by the local stack"))
                }
                None => error(format!("{place}: a string is expected")),
            },
            Value::Null | Value::Array(_) => error(format!("{place}: a string is expected")),
        }
    }

    /// A text with each `${Name}` in it as what that name refers to.
    fn substituted(&self, place: &str, text: &str) -> Result<String, TemplateError> {
        let (mut done, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                return error(format!("{place}: `{text}` has a `${{` without its end"));
            };
            done.push_str(before);
            done.push_str(&self.referred(place, name)?);
            rest = after;
        }
        Ok(done + rest)
    }

    /// The texts of a list: its own, or those of the `CommaDelimitedList` that its `Ref` refers to.
    fn list(&self, place: &str, value: &Value) -> Result<Vec<String>, TemplateError> {
        if let Value::Array(values) = value {
            return values.iter().map(|value| self.resolve(place, value)).collect();
        }
        let parameter = value["Ref"].as_str().and_then(|name| self.document.parameters.get(name));
        if parameter.is_none_or(|parameter| parameter.r#type != "CommaDelimitedList") {
            return error(format!("{place}: a list, or a CommaDelimitedList, is expected"));
        }
        Ok(self.resolve(place, value)?.split(',').map(|text| text.trim().to_owned()).collect())
    }

    /// Whether a value is the URL of a queue. The local stack has none, and a function whose variable is
    /// left out does the work itself.
    fn names_a_queue(&self, value: &Value) -> bool {
        let resource = value["Ref"].as_str().and_then(|name| self.document.resources.get(name));
        resource.is_some_and(|resource| resource.r#type == "AWS::SQS::Queue")
    }

    fn referred(&self, place: &str, name: &str) -> Result<String, TemplateError> {
        if let Some(value) = self.parameters.get(name) {
            return Ok((*value).to_owned());
        }
        if let Some(parameter) = self.document.parameters.get(name) {
            return match &parameter.default {
                Some(value) => self.resolve(name, value),
                None => error(format!("{place}: the parameter {name} has no value and no Default")),
            };
        }
        if let Some(resource) = self.document.resources.get(name) {
            return self.physical_name(name, &resource.properties);
        }
        match name {
            "AWS::Region" => Ok(REGION.to_owned()),
            "AWS::AccountId" => Ok(AWS_ACCOUNT_ID.to_owned()),
            "AWS::StackName" => Ok(STACK_NAME.to_owned()),
            _ => error(format!("{place}: !Ref {name} refers to nothing the local stack knows")),
        }
    }

    fn physical_name(&self, logical_id: &str, properties: &Value) -> Result<String, TemplateError> {
        match properties.get("TableName") {
            Some(name) => self.resolve(&format!("{logical_id} TableName"), name),
            None => Ok(logical_id.to_owned()),
        }
    }
}
