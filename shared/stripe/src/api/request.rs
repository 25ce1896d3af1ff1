//! Requests in the form that Stripe takes: parameters in the query of a GET or DELETE, or in the form of a POST.

use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{API_VERSION, Error};

/// The characters that are percent-encoded: all but RFC 3986's unreserved ones.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.').remove(b'~');

/// A request to Stripe's API, from which an HTTP request is built.
pub(super) struct ApiRequest<'a> {
    pub(super) method: Method,
    /// The segments of the path after `/v1`.
    pub(super) path: &'a [&'a str],
    pub(super) parameters: Parameters,
    pub(super) idempotency_key: Option<&'a str>,
}

/// Encoded parameters in order; a name may occur more than once.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(String);

impl Parameters {
    /// Adds a parameter.
    pub(super) fn set(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.extend(utf8_percent_encode(name, ENCODED));
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, ENCODED));
        self
    }

    /// Adds a parameter if it has a value.
    pub(super) fn set_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// Asks for a whole related object instead of its id.
    pub(super) fn expand(self, field: &str) -> Self {
        self.set("expand[]", field)
    }

    /// Sets how many items a page has.
    pub(super) fn limit(self, items: u32) -> Self {
        self.set("limit", &items.to_string())
    }
}

/// Parameters with one to begin with.
pub(super) fn parameter(name: &str, value: &str) -> Parameters {
    Parameters::default().set(name, value)
}

/// Parameters that expand one field.
pub(super) fn expand(field: &str) -> Parameters {
    Parameters::default().expand(field)
}

impl ApiRequest<'_> {
    /// Builds the HTTP request.
    ///
    /// # Errors
    /// [`Error::Missing`] if a segment of the path can't be an id, [`Error::Unreachable`] if the API's URL is invalid.
    pub(super) fn build(
        &self,
        base_url: &str,
        authorization: HeaderValue,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let mut uri = format!("{base_url}/v1");
        for part in self.path {
            // Without the id, the path would be that of another endpoint.
            if matches!(*part, "" | "." | "..") {
                return Err(Error::Missing);
            }
            uri.push('/');
            uri.extend(utf8_percent_encode(part, ENCODED));
        }
        let Parameters(parameters) = &self.parameters;
        let is_form = self.method == Method::POST;
        if !is_form && !parameters.is_empty() {
            uri.push('?');
            uri.push_str(parameters);
        }
        let mut request = Request::builder()
            .method(&self.method)
            .uri(uri)
            .header(header::AUTHORIZATION, authorization)
            .header("Stripe-Version", API_VERSION);
        if let Some(key) = self.idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let mut body = Bytes::new();
        if is_form {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            body = Bytes::from(parameters.clone());
        }
        request.body(Full::new(body)).map_err(|_| Error::Unreachable)
    }
}
