//! The Lambda Runtime API: where an instance asks for its next invocation and hands in the outcome.
//!
//! Invariant: each instance has a base path of its own (`/<function>/<instance>`), so that the stack
//! knows who holds what. Everything below it is as
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html> says.

use crate::{
    clock,
    invocations::{AssignedInvocation, FunctionError, Invocations, uuid},
    template::{AWS_ACCOUNT_ID, REGION},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::Response,
    routing::{get, post},
};
use ring::rand::SystemRandom;
use scrip_stripe_model::server::{self, Server};
use serde_json::{Value, json};
use std::{io, sync::Arc};

/// Lambda's limit for the answer of a synchronous invocation.
const ANSWER_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The API, on a port of its own.
#[derive(Debug)]
pub struct RuntimeApi {
    server: Server,
}

impl RuntimeApi {
    /// Starts the API on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(invocations: &Arc<Invocations>) -> io::Result<Self> {
        let base = "/{function}/{instance}/2018-06-01/runtime";
        let router = Router::new()
            .route(&format!("{base}/invocation/next"), get(next))
            .route(&format!("{base}/invocation/{{request}}/response"), post(response))
            .route(&format!("{base}/invocation/{{request}}/error"), post(error))
            .route(&format!("{base}/init/error"), post(init_error))
            .with_state(Arc::clone(invocations));
        Ok(Self { server: Server::start(server::loopback(0).await?, router)? })
    }

    /// The URL below which instances find the API: `<url>/<function>/<instance>` is what one of them is
    /// given as `AWS_LAMBDA_RUNTIME_API`. Lambda's has no scheme; a URI with a path needs one.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Frees the port. Instances that are still there end, since they can't ask for work any more.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

type Calls = State<Arc<Invocations>>;

async fn next(State(calls): Calls, Path((function, instance)): Path<(String, u64)>) -> Response {
    match calls.take(&function, instance).await {
        Some(invocation) => invocation_response(&function, invocation),
        None => refused(StatusCode::FORBIDDEN, "InvalidStateTransition"),
    }
}

fn invocation_response(function: &str, invocation: AssignedInvocation) -> Response {
    let now = clock::now();
    let deadline_ms = u128::from(now.timestamp_millis().unsigned_abs()) + invocation.timeout.as_millis();
    let unique = uuid(&SystemRandom::new()).replace('-', "");
    let trace = format!("Root=1-{:08x}-{};Sampled=0", now.timestamp(), &unique[..24]);
    let arn = format!("arn:aws:lambda:{REGION}:{AWS_ACCOUNT_ID}:function:{function}");
    Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header("lambda-runtime-aws-request-id", invocation.request_id)
        .header("lambda-runtime-deadline-ms", deadline_ms.to_string())
        .header("lambda-runtime-invoked-function-arn", arn)
        .header("lambda-runtime-trace-id", trace)
        .body(Body::from(invocation.event))
        .expect("header values made of plain text")
}

async fn response(
    State(calls): Calls,
    Path((function, instance, request)): Path<(String, u64, String)>,
    body: Body,
) -> Response {
    let Ok(bytes) = to_bytes(body, ANSWER_BYTES_MAX).await else {
        let message = format!("Exceeded maximum allowed payload size ({ANSWER_BYTES_MAX} bytes).");
        let error_type = "Function.ResponseSizeTooLarge".to_owned();
        let outcome = Err(FunctionError::Reported { error_type, message });
        return if calls.finish(&function, instance, &request, outcome) {
            refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")
        } else {
            refused(StatusCode::BAD_REQUEST, "InvalidRequestID")
        };
    };
    let outcome = serde_json::from_slice(&bytes).map_err(|_| FunctionError::NotJson);
    accepted_if(calls.finish(&function, instance, &request, outcome))
}

async fn error(
    State(calls): Calls,
    Path((function, instance, request)): Path<(String, u64, String)>,
    body: Body,
) -> Response {
    accepted_if(calls.finish(&function, instance, &request, Err(reported(body).await)))
}

async fn init_error(
    State(calls): Calls,
    Path((function, instance)): Path<(String, u64)>,
    body: Body,
) -> Response {
    calls.failed_at_start(&function, instance, reported(body).await);
    accepted_if(true)
}

async fn reported(body: Body) -> FunctionError {
    let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    FunctionError::Reported { error_type: text("errorType"), message: text("errorMessage") }
}

fn accepted_if(held: bool) -> Response {
    if held {
        json_response(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
    } else {
        refused(StatusCode::BAD_REQUEST, "InvalidRequestID")
    }
}

fn refused(status: StatusCode, error_type: &str) -> Response {
    json_response(status, &json!({ "errorType": error_type, "errorMessage": error_type }))
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    response.body(Body::from(body.to_string())).expect("a plain response")
}
