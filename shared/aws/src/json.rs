//! An operation by its name, in JSON: for services of which one operation is used. The SDK's crate of a service brings
//! all that may go wrong in it, and thousands of addresses to put right at each start.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::context::{Error, Input, Output},
        orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
        result::SdkError,
        ser_de::{
            DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer,
        },
    },
};
use aws_smithy_types::{
    body::SdkBody,
    config_bag::{ConfigBag, Layer},
    error::ErrorMetadata,
};
use serde_json::Value;

use crate::Service;

impl Service {
    /// Asks for an operation, as the service's API reference has it: its name, its input and what it answers. An
    /// error has the service's code and message.
    ///
    /// # Errors
    /// As [`Service::call`].
    pub async fn ask(
        &self,
        operation: &str,
        input: Value,
    ) -> Result<Value, SdkError<ErrorMetadata, HttpResponse>> {
        let (service, version) = self.kind().dialect();
        let writer = Writer {
            target: format!("{service}.{operation}"),
            content_type: format!("application/x-amz-json-{version}"),
        };
        let mut form = Layer::new("JSON");
        form.store_put(SharedRequestSerializer::new(writer));
        form.store_put(SharedResponseDeserializer::new(Reader));
        self.exchange(ConfigBag::of_layers([form]), Input::erase(input)).await
    }
}

#[derive(Debug)]
struct Writer {
    target: String,
    content_type: String,
}

impl SerializeRequest for Writer {
    fn serialize_input(&self, input: Input, _: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        let input: Value = input.downcast().map_err(|_| "the input isn't JSON")?;
        let body = serde_json::to_vec(&input)?;
        let length = body.len().to_string();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        let headers = request.headers_mut();
        headers.insert("content-type", self.content_type.clone());
        headers.insert("content-length", length);
        headers.insert("x-amz-target", self.target.clone());
        Ok(request)
    }
}

#[derive(Debug)]
struct Reader;

impl DeserializeResponse for Reader {
    fn deserialize_nonstreaming_with_config(
        &self,
        answer: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let body = serde_json::from_slice::<Value>(answer.body().bytes().unwrap_or_default());
        if answer.status().is_success() {
            return body.map(Output::erase).map_err(OrchestratorError::other);
        }
        // What isn't JSON is no service's: a proxy's page. Its status says enough.
        let body = body.unwrap_or_default();
        let text = |names: [&str; 2]| names.into_iter().find_map(|name| body[name].as_str());
        let mut error = ErrorMetadata::builder();
        if let Some(code) = text(["__type", "code"]) {
            // `com.amazonaws.ssm#ParameterNotFound`
            error = error.code(code.rsplit('#').next().unwrap_or(code));
        }
        if let Some(message) = text(["message", "Message"]) {
            error = error.message(message);
        }
        Err(OrchestratorError::operation(Error::erase(error.build())))
    }
}
