//! One request to a service, and its answer.

use std::{
    env, fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{HttpConnector, SharedHttpConnector},
        identity::Identity,
        interceptors::context::{Error, Input, Output},
        orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
        result::SdkError,
        runtime_plugin::RuntimePlugin,
        ser_de::{
            DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer,
        },
    },
};
use aws_smithy_types::{
    DateTime, body::SdkBody, config_bag::ConfigBag, date_time::Format, error::metadata::ProvideErrorMetadata,
};
use http::HeaderValue;
use http_body_util::BodyExt;
use tokio::time::{sleep, timeout};

use crate::Kind;

/// The services answer in milliseconds; what hasn't come by then is given up.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// Where Lambda's runtime puts the trace of the call that is being answered, and the header in which it goes on.
const TRACE: (&str, &str) = ("_X_AMZN_TRACE_ID", "x-amzn-trace-id");
/// At most so long is waited before a second attempt, twice as long before a third.
const BACKOFF_MS_FIRST: u64 = 100;
/// A service refuses what was signed five minutes ago. A clock that is off by more than this is taken for wrong.
const SKEW_SECONDS_MAX: i64 = 240;

/// One service of AWS's. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Service {
    kind: Kind,
    url: String,
    region: String,
    identity: Identity,
    connector: SharedHttpConnector,
    attempts: u32,
    /// How many seconds the service's clock is ahead of this one, where this one is wrong.
    skew: Arc<AtomicI64>,
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<Output, SdkError<Error, HttpResponse>>> + Send + 'a>>;

impl Service {
    pub(crate) fn new(
        kind: Kind,
        url: String,
        region: String,
        identity: Identity,
        connector: SharedHttpConnector,
    ) -> Self {
        Self { kind, url, region, identity, connector, attempts: 1, skew: Arc::default() }
    }

    /// The service, asked up to so often where an answer is lost, or says that asking again may help. By itself it is
    /// asked once: who must know whether something was written looks first.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Asks for an operation. The operation is the SDK's `Query`, say; its input, `O` and `E` are those that the SDK has
    /// for that one.
    ///
    /// # Errors
    /// As the SDK's client has them. What was lost on the way, or came too late, may have been carried out.
    ///
    /// # Panics
    /// Where the types are another operation's.
    pub async fn call<O, E>(
        &self,
        operation: &impl RuntimePlugin,
        input: impl fmt::Debug + Send + Sync + 'static,
    ) -> Result<O, SdkError<E, HttpResponse>>
    where
        O: fmt::Debug + Send + Sync + 'static,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let mut form = ConfigBag::base();
        if let Some(of_operation) = operation.config() {
            form.push_shared_layer(of_operation);
        }
        self.exchange(form, Input::erase(input)).await
    }

    /// Which service it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Writes a request in that form, sends it, and reads the answer, as often as it takes.
    pub(crate) async fn exchange<O, E>(
        &self,
        mut form: ConfigBag,
        input: Input,
    ) -> Result<O, SdkError<E, HttpResponse>>
    where
        O: fmt::Debug + Send + Sync + 'static,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let mut request = self.write(&mut form, input).map_err(SdkError::construction_failure)?;
        let mut attempt = 1;
        loop {
            let again = if attempt < self.attempts { request.try_clone() } else { None };
            let error = match self.send(&form, request).await {
                Ok(output) => return Ok(output.downcast().expect("the operation's output")),
                Err(error) => {
                    error.map_service_error(|error| error.downcast().expect("the operation's error"))
                }
            };
            request = match again {
                Some(again) if is_transient(&error) => again,
                _ => return Err(error),
            };
            sleep(Duration::from_millis(fastrand::u64(..=BACKOFF_MS_FIRST << (attempt - 1)))).await;
            attempt += 1;
        }
    }

    /// The request, as it is sent but for its signature. The trace isn't signed: it may change on the way.
    fn write(&self, form: &mut ConfigBag, input: Input) -> Result<HttpRequest, BoxError> {
        let writer = form.load::<SharedRequestSerializer>().cloned();
        let mut request =
            writer.ok_or("the operation has no form for requests")?.serialize_input(input, form)?;
        request.uri_mut().set_endpoint(&self.url)?;
        if let Some(trace) = env::var(TRACE.0).ok().and_then(|trace| HeaderValue::try_from(trace).ok()) {
            request.headers_mut().insert(TRACE.1, trace);
        }
        Ok(request)
    }

    /// One attempt. Boxed: the future is a page long, and would be in that of each function's start.
    fn send<'a>(&'a self, form: &'a ConfigBag, request: HttpRequest) -> Sent<'a> {
        Box::pin(async move {
            let request = self.sign(request, self.now()).map_err(SdkError::construction_failure)?;
            let response = match timeout(ATTEMPT_TIMEOUT, transmit(&self.connector, request)).await {
                Ok(exchanged) => exchanged?,
                Err(elapsed) => return Err(SdkError::timeout_error(elapsed)),
            };
            if !response.status().is_success() {
                self.learn_time(&response);
            }
            read(form, &response).map_err(|error| {
                if !error.is_operation_error() {
                    return SdkError::response_error(error, response);
                }
                let mut said = None;
                drop(error.map_operation_error(|error| said = Some(error)));
                SdkError::service_error(said.expect("an operation's error"), response)
            })
        })
    }

    /// The time as the service has it.
    fn now(&self) -> SystemTime {
        let (now, skew) = (SystemTime::now(), self.skew.load(Ordering::Relaxed));
        let by = Duration::from_secs(skew.unsigned_abs());
        if skew < 0 { now - by } else { now + by }
    }

    /// Reads of a refusal what time it is, so that a function whose clock is wrong is refused once: at its start.
    fn learn_time(&self, refusal: &HttpResponse) {
        let told =
            refusal.headers().get("date").and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        if let Some(told) = told {
            let ahead = told.secs() - DateTime::from(SystemTime::now()).secs();
            self.skew.store(if ahead.abs() > SKEW_SECONDS_MAX { ahead } else { 0 }, Ordering::Relaxed);
        }
    }

    /// The request with its signature.
    fn sign(&self, mut request: HttpRequest, now: SystemTime) -> Result<HttpRequest, BoxError> {
        let parameters = aws_sigv4::sign::v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name(self.kind.name())
            .time(now)
            .settings(SigningSettings::default())
            .build()?;
        let body = SignableBody::Bytes(request.body().bytes().unwrap_or_default());
        let signable = SignableRequest::new(request.method(), request.uri(), request.headers().iter(), body)?;
        let (instructions, _) = sign(signable, &SigningParams::V4(parameters))?.into_parts();
        for header in instructions.into_parts().0 {
            request.headers_mut().insert(header.name(), HeaderValue::from_str(header.value())?);
        }
        Ok(request)
    }
}

/// What an answer says.
fn read(form: &ConfigBag, answer: &HttpResponse) -> Result<Output, OrchestratorError<Error>> {
    let reader = form.load::<SharedResponseDeserializer>();
    let reader = reader.ok_or_else(|| OrchestratorError::other("the operation has no form for answers"))?;
    reader.deserialize_nonstreaming_with_config(answer, form)
}

/// Sends a request, and reads the whole answer.
async fn transmit(
    connector: &SharedHttpConnector,
    request: HttpRequest,
) -> Result<HttpResponse, SdkError<Error, HttpResponse>> {
    let mut response = connector.call(request).await.map_err(SdkError::dispatch_failure)?;
    match response.take_body().collect().await {
        Ok(body) => {
            *response.body_mut() = SdkBody::from(body.to_bytes());
            Ok(response)
        }
        Err(why) => Err(SdkError::response_error(why, response)),
    }
}

/// Whether nothing is known to be wrong with what was asked.
fn is_transient<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(service) => {
            service.raw().status().is_server_error()
                || service.err().code().is_some_and(|code| code.contains("Thrott"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
