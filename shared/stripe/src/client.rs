//! The HTTP client of Stripe's API, which is made at the first call.

use std::{
    env, fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};

/// The largest answer that is read, in bytes. A page of fifty events of 300 KB each, as large invoices make, is below it.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A function that sends a request and reads the whole answer; `None` if none came.
pub type Transport = Box<dyn Fn(Request<Full<Bytes>>) -> Exchange + Send + Sync>;

/// The future of a request's answer.
pub type Exchange = Pin<Box<dyn Future<Output = Option<(StatusCode, Bytes)>> + Send>>;

/// The error that the variable `STRIPE_API_BASE` is not set.
#[derive(Debug, thiserror::Error)]
#[error("set STRIPE_API_BASE, as https://api.stripe.com")]
pub struct BaseUrlUnset;

/// A client of Stripe's API. [`Client::api`] makes calls with it.
pub struct Client {
    transport: Transport,
    base_url: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client of the API at `STRIPE_API_BASE`.
    ///
    /// # Errors
    /// If the variable is not set.
    ///
    /// # Examples
    /// ```no_run
    /// let client = scrip_stripe::Client::from_env()?;
    /// # Ok::<(), scrip_stripe::BaseUrlUnset>(())
    /// ```
    pub fn from_env() -> Result<Self, BaseUrlUnset> {
        env::var("STRIPE_API_BASE").map(|base_url| Self::new(&base_url)).map_err(|_| BaseUrlUnset)
    }

    /// Makes a client of the API at that URL, over TLS with the machine's root certificates. The certificates are read and
    /// a connection is made at the first call, because most starts of a function don't need them.
    ///
    /// # Examples
    /// ```
    /// let client = scrip_stripe::Client::new("https://api.stripe.com");
    /// ```
    #[must_use]
    pub fn new(base_url: &str) -> Self {
        Self::over(network(), base_url)
    }

    /// Makes a client that sends its requests through `transport` instead of the network, for tests.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use scrip_stripe::{Client, Error};
    /// # use tokio::time::Instant;
    /// // A transport that loses every request.
    /// let client = Client::over(Box::new(|_| Box::pin(async { None })), "https://stripe.test");
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let api = client.api("rk_test_123", Instant::now() + Duration::from_secs(20));
    /// assert!(matches!(api.charge("ch_1").await, Err(Error::Unreachable)));
    /// # });
    /// ```
    #[must_use]
    pub fn over(transport: Transport, base_url: &str) -> Self {
        Self { transport, base_url: base_url.trim_end_matches('/').to_owned() }
    }

    /// The API's URL, without a slash at its end.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Sends a request and reads the whole answer; `None` if none came.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Option<(StatusCode, Bytes)> {
        (self.transport)(request).await
    }
}

fn network() -> Transport {
    let client = Arc::new(OnceLock::new());
    Box::new(move |request| {
        let client = Arc::clone(&client);
        Box::pin(async move {
            let client = if let Some(client) = client.get() {
                client
            } else {
                // A connector that can't be made now may be at the next call.
                let made = connector()?;
                client.get_or_init(|| made)
            };
            let answer = client.request(request).await.ok()?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await.ok()?;
            Some((status, body.to_bytes()))
        })
    })
}

/// A client with the machine's root certificates; `None` if it has none.
fn connector() -> Option<HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider).ok()?;
    // The local stack's model of Stripe speaks plain HTTP on loopback.
    let https = builder.https_or_http().enable_http1().build();
    Some(HttpClient::builder(TokioExecutor::new()).build(https))
}
