//! A request as Stripe takes it: parameters in the query of a GET or DELETE, in the form of a POST.

use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{API_VERSION, Error};

/// What is written as %XX: everything but letters, digits and what no URL gives a meaning.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.').remove(b'~');

/// A request, before it is one of HTTP's.
pub(super) struct ApiRequest<'a> {
    pub(super) method: Method,
    /// What follows `/v1`, part by part.
    pub(super) path: &'a [&'a str],
    pub(super) parameters: Parameters,
    pub(super) idempotency_key: Option<&'a str>,
}

/// Parameters by name, in order; a name may come more than once.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(String);

impl Parameters {
    /// With a parameter more.
    pub(super) fn set(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.extend(utf8_percent_encode(name, ENCODED));
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, ENCODED));
        self
    }

    /// With a parameter more, if there is a value for it.
    pub(super) fn set_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// With all of a related object instead of its id.
    pub(super) fn expand(self, field: &str) -> Self {
        self.set("expand[]", field)
    }

    /// With that many items a page.
    pub(super) fn limit(self, items: u32) -> Self {
        self.set("limit", &items.to_string())
    }
}

/// One parameter.
pub(super) fn parameter(name: &str, value: &str) -> Parameters {
    Parameters::default().set(name, value)
}

/// One field that is expanded.
pub(super) fn expand(field: &str) -> Parameters {
    Parameters::default().expand(field)
}

impl ApiRequest<'_> {
    /// The HTTP request.
    ///
    /// # Errors
    /// [`Error::Missing`] if a part of the path can be no id, [`Error::Unreachable`] if the URL of the API is none.
    pub(super) fn build(
        &self,
        base_url: &str,
        authorization: HeaderValue,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let mut uri = format!("{base_url}/v1");
        for part in self.path {
            // Without its id, an object's path is another endpoint's.
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
