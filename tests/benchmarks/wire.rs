//! What stands between the SDK and the database.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

type Act = dyn Fn(SharedHttpConnector, HttpRequest) -> HttpConnectorFuture + Send + Sync;

/// A client whose requests are handed to `act`, with the connector that would have sent them.
pub fn through(
    act: impl Fn(SharedHttpConnector, HttpRequest) -> HttpConnectorFuture + Send + Sync + 'static,
) -> SharedHttpClient {
    let inner = aws_smithy_http_client::Builder::new().build_http();
    SharedHttpClient::new(Client { inner, act: Arc::new(act) })
}

/// What an answer of the database's looks like.
pub fn answer(status: u16, body: String) -> HttpResponse {
    let status = StatusCode::try_from(status).expect("a status of HTTP's");
    HttpResponse::new(status, SdkBody::from(body))
}

/// What a request asks for: `Query`, `TransactWriteItems`, …
pub fn operation(request: &HttpRequest) -> &str {
    request.headers().get("x-amz-target").unwrap_or_default().rsplit('.').next().unwrap_or_default()
}

/// The body of a request.
pub fn body(request: &HttpRequest) -> Value {
    request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// Every exchange that passed: the operation, and the body of the answer.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    exchanges: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Recorder {
    /// A client whose exchanges are kept.
    pub fn client(&self) -> SharedHttpClient {
        let exchanges = Arc::clone(&self.exchanges);
        through(move |inner, request| {
            let exchanges = Arc::clone(&exchanges);
            HttpConnectorFuture::new(async move {
                let operation = operation(&request).to_owned();
                let mut response = inner.call(request).await?;
                let status = response.status().as_u16();
                let whole =
                    axum::body::to_bytes(axum::body::Body::new(response.take_body()), usize::MAX).await;
                let whole = whole.unwrap_or_default();
                let told = serde_json::from_slice(&whole).unwrap_or_default();
                exchanges.lock().unwrap_or_else(PoisonError::into_inner).push((operation, told));
                Ok(answer(status, String::from_utf8_lossy(&whole).into_owned()))
            })
        })
    }

    /// What passed since this was asked last.
    pub fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.exchanges.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Client {
    inner: SharedHttpClient,
    act: Arc<Act>,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, act: Arc::clone(&self.act) })
    }
}

struct Connector {
    inner: SharedHttpConnector,
    act: Arc<Act>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        (self.act)(self.inner.clone(), request)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
