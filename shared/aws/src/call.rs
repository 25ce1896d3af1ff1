//! One request to a service, and its answer.

use std::{
    env, fmt,
    pin::Pin,
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
    body::SdkBody,
    config_bag::{ConfigBag, FrozenLayer},
    error::metadata::ProvideErrorMetadata,
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
const BACKOFF_MS: u64 = 100;

/// One service of AWS's. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Service {
    name: &'static str,
    url: String,
    region: String,
    identity: Identity,
    connector: SharedHttpConnector,
    protocol: FrozenLayer,
    attempts: u32,
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
        let (name, protocol) = (kind.name(), kind.protocol());
        Self { name, url, region, identity, connector, protocol, attempts: 1 }
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
    /// What the SDK's client would say. What was lost on the way, or came too late, may have been carried out.
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
        form.push_shared_layer(self.protocol.clone());
        if let Some(of_operation) = operation.config() {
            form.push_shared_layer(of_operation);
        }
        let mut request =
            self.write(&mut form, Input::erase(input)).map_err(SdkError::construction_failure)?;
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
            sleep(Duration::from_millis(fastrand::u64(..=BACKOFF_MS << (attempt - 1)))).await;
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
            let request = self.sign(request, SystemTime::now()).map_err(SdkError::construction_failure)?;
            let response = match timeout(ATTEMPT_TIMEOUT, exchange(&self.connector, request)).await {
                Ok(exchanged) => exchanged?,
                Err(elapsed) => return Err(SdkError::timeout_error(elapsed)),
            };
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

    /// The request with its signature.
    fn sign(&self, mut request: HttpRequest, now: SystemTime) -> Result<HttpRequest, BoxError> {
        let parameters = aws_sigv4::sign::v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name(self.name)
            .time(now)
            .settings(SigningSettings::default())
            .build()?;
        let body = SignableBody::Bytes(request.body().bytes().unwrap_or_default());
        let signable = SignableRequest::new(request.method(), request.uri(), request.headers().iter(), body)?;
        let (instructions, _) = sign(signable, &SigningParams::V4(parameters))?.into_parts();
        for header in instructions.into_parts().0 {
            let mut value = HeaderValue::from_str(header.value())?;
            value.set_sensitive(header.sensitive());
            request.headers_mut().insert(header.name(), value);
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
async fn exchange(
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
