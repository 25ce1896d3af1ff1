//! HTTP between a client and the database: the parts of a request, and a recorder of exchanges.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use scrip_test_support::faults::through;
use serde_json::Value;

/// An answer of the database's.
pub fn answer(status: u16, body: String) -> HttpResponse {
    let status = StatusCode::try_from(status).expect("a status of HTTP's");
    HttpResponse::new(status, SdkBody::from(body))
}

/// A request's operation: `Query`, `TransactWriteItems`, …
pub fn operation(request: &HttpRequest) -> &str {
    request.headers().get("x-amz-target").unwrap_or_default().rsplit('.').next().unwrap_or_default()
}

/// The body of a request, as text.
pub fn text(request: &HttpRequest) -> String {
    request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned()
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
    /// An HTTP client whose exchanges are kept.
    pub fn http_client(&self) -> SharedHttpClient {
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
                let body = serde_json::from_slice(&whole).unwrap_or_default();
                exchanges.lock().unwrap_or_else(PoisonError::into_inner).push((operation, body));
                Ok(answer(status, String::from_utf8_lossy(&whole).into_owned()))
            })
        })
    }

    /// Takes the exchanges since the last call.
    pub fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.exchanges.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
