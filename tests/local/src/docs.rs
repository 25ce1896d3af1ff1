//! The API's document, and the page on which a person reads it and tries the API: `/docs`, beside the local
//! gateway. No deployment has them.
//!
//! The page is Swagger UI, which its package brings whole, so that it works offline. What is ours of it fills in the
//! token of a demo account: the tokens are for pages of this stack only, and no other site can put `/docs` in a frame.

use crate::{
    callers::{Callers, USER, callers},
    own_pages::for_own_pages,
    tokens::Tokens,
    yaml,
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderName, header},
    middleware,
    response::Html,
    routing::get,
};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use swagger_ui_dist::{ApiDefinition, OpenApiSource};

/// The document as it is written.
pub const YAML: &str = include_str!("../../../shared/openapi.yaml");

const PAGE: &str = include_str!("docs/page.html");
/// The page's header: in a frame of another site, a click could be led to a request with a token.
const POLICY: [(HeaderName, &str); 1] = [(header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'")];

/// The document.
///
/// # Panics
/// Where `shared/openapi.yaml` isn't YAML.
#[must_use]
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| yaml::load(YAML).expect("shared/openapi.yaml is YAML"));
    &DOCUMENT
}

/// `/docs`, the document as `/openapi.yaml` and `/openapi.json`, and the tokens that the page offers.
///
/// # Panics
/// As [`document`].
pub fn router(tokens: Arc<Tokens>) -> Router {
    static JSON: LazyLock<String> =
        LazyLock::new(|| yaml::to_json(YAML).expect("shared/openapi.yaml is YAML"));
    let json: &'static String = &JSON;
    let files = ApiDefinition {
        uri_prefix: "/docs/ui",
        api_definition: OpenApiSource::Uri("/openapi.json"),
        title: Some("Scrip: the API"),
    };
    Router::new()
        .route("/docs/tokens", get(issue))
        .route_layer(middleware::from_fn(for_own_pages))
        .route("/docs", get(|| async { (POLICY, Html(PAGE)) }))
        .route("/openapi.yaml", get(|| async { ([(header::CONTENT_TYPE, "application/yaml")], YAML) }))
        .route(
            "/openapi.json",
            get(|| async { ([(header::CONTENT_TYPE, "application/json")], json.as_str()) }),
        )
        .with_state(tokens)
        .merge(swagger_ui_dist::generate_routes(files))
}

/// The tokens of those who call, for the page to offer.
async fn issue(State(tokens): State<Arc<Tokens>>) -> Json<Value> {
    let Callers { user, backend, support } = callers(&tokens);
    Json(json!([
        {"name": format!("{}, a user", USER), "token": user},
        {"name": "a backend, any account", "token": backend},
        {"name": "support, refunds", "token": support},
    ]))
}
