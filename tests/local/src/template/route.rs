//! A route of the API, out of a function's event.

use super::{
    Access, Reader, Route, TemplateError,
    document::{ApiAuth, Resource, RouteProperties},
    error, typed,
};

pub(super) fn route(
    reader: &Reader<'_>,
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
        return error(format!("{place}: the path {} is not supported by the local stack", properties.path));
    }
    let auth = properties.auth.unwrap_or_default();
    let access = match auth.authorizer.as_deref().or(api.default_authorizer.as_deref()) {
        None | Some("NONE") => Access::Public,
        Some(name) if api.authorizers.contains_key(name) => {
            let scopes = auth.authorization_scopes.iter().map(|scope| reader.resolve(place, scope));
            Access::Token { scopes: scopes.collect::<Result<_, _>>()? }
        }
        Some(name) => return error(format!("{place}: {api_id} has no authorizer {name}")),
    };
    Ok(Route { method, path: properties.path, function: function.to_owned(), access })
}
