//! Pages of other origins: what the gateway answers them by itself, and which headers it adds.
//!
//! Invariant: with a configuration the gateway alone speaks of origins, as on AWS. It answers every `OPTIONS`
//! with 204 before any function or authorizer, and what a function says of origins is dropped.

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
        header::{self, InvalidHeaderValue},
    },
};

/// The CORS headers that an API sends to pages of other origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// The origins that may call: names, `https://*` for all of a scheme, `*` for all.
    origins: Vec<String>,
    /// The headers of the answer to a preflight.
    preflight: Vec<(HeaderName, HeaderValue)>,
    /// The header of every other answer.
    exposed: Option<(HeaderName, HeaderValue)>,
}

/// The lists of a `CorsConfiguration`.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// `AllowOrigins`.
    pub origins: Vec<String>,
    /// `AllowMethods`.
    pub methods: Vec<String>,
    /// `AllowHeaders`.
    pub headers: Vec<String>,
    /// `ExposeHeaders`.
    pub exposed: Vec<String>,
}

impl Cors {
    /// The headers of a configuration; `max_age` is in seconds.
    ///
    /// # Errors
    /// If a header can't hold it.
    pub fn new(lists: Lists, max_age: Option<u32>) -> Result<Self, InvalidHeaderValue> {
        let joined = |name: HeaderName, values: &[String]| {
            let value = (!values.is_empty()).then(|| HeaderValue::from_str(&values.join(",")));
            value.transpose().map(|value| value.map(|value| (name, value)))
        };
        let methods = joined(header::ACCESS_CONTROL_ALLOW_METHODS, &lists.methods)?;
        let headers = joined(header::ACCESS_CONTROL_ALLOW_HEADERS, &lists.headers)?;
        let max_age = max_age.map(|seconds| (header::ACCESS_CONTROL_MAX_AGE, seconds.into()));
        Ok(Self {
            origins: lists.origins,
            preflight: methods.into_iter().chain(headers).chain(max_age).collect(),
            exposed: joined(header::ACCESS_CONTROL_EXPOSE_HEADERS, &lists.exposed)?,
        })
    }

    /// The answer to an `OPTIONS`: without CORS headers if it is no preflight, or another origin's.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let asked = request.get(header::ORIGIN).filter(|_| {
            // A preflight says what it is for.
            request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        });
        if let Some(allowed) = asked.and_then(|origin| self.allowed(origin)) {
            response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            response.headers_mut().extend(self.preflight.clone());
        }
        response
    }

    /// Puts the configuration's headers in the place of the function's.
    pub fn replace(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        for name in [
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            header::ACCESS_CONTROL_MAX_AGE,
        ] {
            answer.remove(name);
        }
        if let Some(allowed) = origin.and_then(|origin| self.allowed(origin)) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            answer.extend(self.exposed.clone());
        }
    }

    /// `Access-Control-Allow-Origin` for an origin; none if it may not call.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.origins.iter().any(|allowed| allowed == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        let text = origin.to_str().ok()?;
        let is_allowed = self.origins.iter().any(|allowed| {
            allowed == text || allowed.strip_suffix("://*").is_some_and(|scheme| is_of(scheme, text))
        });
        is_allowed.then(|| origin.clone())
    }
}

fn is_of(scheme: &str, origin: &str) -> bool {
    origin.strip_prefix(scheme).is_some_and(|rest| rest.starts_with("://"))
}
