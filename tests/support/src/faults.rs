//! An HTTP client with scripted faults. The emulator of DynamoDB never conflicts, throttles or loses an answer, so this client
//! stands between it and its callers.
//!
//! Invariant: a request without a fault of its own passes unchanged, and every request is recorded.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// The fault of one request.
pub enum Fault {
    /// It passes.
    None,
    /// It never arrives.
    LostBefore,
    /// It is carried out, and its answer never arrives.
    LostAfter,
    /// It isn't sent, and this is the answer: status and body. The body may be malformed JSON.
    Answer(u16, String),
    /// Something else happens first; then it passes.
    Meanwhile(Box<dyn Future<Output = ()> + Send + Sync>),
    /// It is carried out; then something else happens before its answer arrives.
    Then(Box<dyn Future<Output = ()> + Send + Sync>),
    /// Its connection is lost, and the request itself arrives later, or never.
    Held(oneshot::Sender<(SharedHttpConnector, HttpRequest)>),
}

/// A request that is held back.
#[derive(Debug)]
pub struct HeldRequest(oneshot::Receiver<(SharedHttpConnector, HttpRequest)>);

impl HeldRequest {
    /// Lets the request arrive. Returns the status and the body of its answer, which its caller doesn't get; `None` if no
    /// request was held back.
    pub async fn arrive(self) -> Option<(u16, Value)> {
        let (connector, request) = self.0.await.ok()?;
        let answer = connector.call(request).await.ok()?;
        let status = answer.status().as_u16();
        let body = axum::body::Body::new(answer.into_body());
        let body = axum::body::to_bytes(body, usize::MAX).await.ok()?;
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

impl Fault {
    /// A transaction that was cancelled for these reasons, by position.
    #[must_use]
    pub fn cancelled(codes: &[&str]) -> Self {
        let reasons: Vec<_> =
            codes.iter().map(|code| json!({"Code": code, "Message": "by script"})).collect();
        let mut answer = error("TransactionCanceledException");
        answer["CancellationReasons"] = Value::Array(reasons);
        Self::Answer(400, answer.to_string())
    }

    /// An error of the service as a whole.
    #[must_use]
    pub fn service(status: u16, name: &str) -> Self {
        Self::Answer(status, error(name).to_string())
    }

    /// Something that happens before the request passes.
    pub fn meanwhile(what: impl Future<Output = ()> + Send + Sync + 'static) -> Self {
        Self::Meanwhile(Box::new(what))
    }

    /// Something that happens between the request and its answer.
    pub fn then(what: impl Future<Output = ()> + Send + Sync + 'static) -> Self {
        Self::Then(Box::new(what))
    }

    /// A request that arrives after its caller went on.
    #[must_use]
    pub fn held() -> (Self, HeldRequest) {
        let (sender, receiver) = oneshot::channel();
        (Self::Held(sender), HeldRequest(receiver))
    }
}

fn error(name: &str) -> Value {
    json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "by script"})
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::LostBefore => f.write_str("LostBefore"),
            Self::LostAfter => f.write_str("LostAfter"),
            Self::Answer(status, body) => write!(f, "Answer({status}, {body})"),
            Self::Meanwhile(_) => f.write_str("Meanwhile"),
            Self::Then(_) => f.write_str("Then"),
            Self::Held(_) => f.write_str("Held"),
        }
    }
}

/// The script: the faults of each operation (`Query`, `TransactWriteItems`, …) in order, and a log of the requests. Clones
/// share it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    shared: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    faults: BTreeMap<String, VecDeque<Fault>>,
    asked: Vec<(String, Value)>,
}

impl Faults {
    /// Adds a fault for the next request of an operation that has none yet.
    pub fn next(&self, operation: &str, fault: Fault) {
        self.with(|script| script.faults.entry(operation.to_owned()).or_default().push_back(fault));
    }

    /// Forgets the faults that are left.
    pub fn clear(&self) {
        self.with(|script| script.faults.clear());
    }

    /// The operations of the requests since the last call, in order.
    #[allow(clippy::must_use_candidate, reason = "also called to forget them")]
    pub fn asked(&self) -> Vec<String> {
        self.requests().into_iter().map(|(operation, _)| operation).collect()
    }

    /// The same, each with the body of its request.
    #[must_use]
    pub fn requests(&self) -> Vec<(String, Value)> {
        self.with(|script| std::mem::take(&mut script.asked))
    }

    /// An HTTP client that follows the script and passes the rest on.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        let faults = self.clone();
        through(move |inner, request| {
            let fault = faults.take(&request);
            let lost = || ConnectorError::io("the connection was lost, by script".into());
            HttpConnectorFuture::new(async move {
                match fault {
                    Fault::None => inner.call(request).await,
                    Fault::LostBefore => Err(lost()),
                    Fault::LostAfter => {
                        inner.call(request).await?;
                        Err(lost())
                    }
                    Fault::Answer(status, body) => {
                        let status = StatusCode::try_from(status)
                            .map_err(|invalid| ConnectorError::other(invalid.into(), None))?;
                        Ok(HttpResponse::new(status, SdkBody::from(body)))
                    }
                    Fault::Meanwhile(what) => {
                        Box::into_pin(what).await;
                        inner.call(request).await
                    }
                    Fault::Then(what) => {
                        let answer = inner.call(request).await;
                        Box::into_pin(what).await;
                        answer
                    }
                    Fault::Held(sender) => {
                        // Whether anyone lets it arrive is the test's choice.
                        drop(sender.send((inner, request)));
                        Err(lost())
                    }
                }
            })
        })
    }

    fn take(&self, request: &HttpRequest) -> Fault {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
        self.with(|script| {
            let fault = script.faults.get_mut(&operation).and_then(VecDeque::pop_front);
            script.asked.push((operation, body.unwrap_or_default()));
            fault.unwrap_or(Fault::None)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        act(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Act = dyn Fn(SharedHttpConnector, HttpRequest) -> HttpConnectorFuture + Send + Sync;

/// An HTTP client whose requests are handed to `act`, with the connector that would have sent them.
pub fn through(
    act: impl Fn(SharedHttpConnector, HttpRequest) -> HttpConnectorFuture + Send + Sync + 'static,
) -> SharedHttpClient {
    let inner = SharedHttpConnector::new(aws_smithy_http_client::Connector::builder().build_http());
    http_client(Connector { inner, act: Arc::new(act) })
}

/// An HTTP client that has that connector, whatever the settings.
#[must_use]
pub fn http_client(connector: impl HttpConnector + 'static) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
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

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
