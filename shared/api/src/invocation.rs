//! Invocations of a function and their answers: a request of API Gateway, or a command of a schedule or an operator.

use std::time::Instant;

use lambda_http::{
    Body, Context, Error, LambdaEvent, Request, Response,
    aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse},
    lambda_runtime, service_fn,
};
use scrip_ledger::Ledger;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use tracing::{Instrument, info_span};

use crate::{
    ApiResponse, Problem, clock,
    log::{self, LogLine},
    request::event,
};

/// Runs a function that serves only requests of API Gateway. Unlike `lambda_http::run`, it doesn't panic at any input of a
/// caller.
///
/// # Errors
/// If Lambda's runtime API fails.
pub async fn run_http<Answer>(answer: impl Fn(Request) -> Answer) -> Result<(), Error>
where
    Answer: Future<Output = Response<Body>>,
{
    let handle = async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
        let response = answer(event::request(event.payload, event.context)?).await;
        Ok::<_, Error>(InvocationAnswer::from(response))
    };
    lambda_runtime::run(service_fn(handle)).await
}

/// An invocation by API Gateway, or of a command.
#[derive(Debug)]
pub enum Invocation<Command> {
    /// By API Gateway.
    Http(Box<Request>),
    /// By a schedule, or by an operator who may invoke the function directly.
    Command(Box<CommandInvocation<Command>>),
}

/// The invocation of a command.
#[derive(Debug)]
pub struct CommandInvocation<Command> {
    command: Result<Command, Problem>,
    context: Context,
    started: Instant,
}

/// The answer to an invocation.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum InvocationAnswer {
    /// To API Gateway.
    Http(Box<ApiGatewayV2httpResponse>),
    /// To a schedule or an operator: the command's summary, or its problem.
    Command(Value),
    /// To a pipe: an event for each of its records.
    Events(Vec<Value>),
}

/// The keys of an event that distinguish a command from a request. An event of API Gateway has a `requestContext` and no
/// `command`, and a caller can't change its keys.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventKeys<'a> {
    #[serde(borrow)]
    command: Option<&'a RawValue>,
    #[serde(borrow)]
    request_context: Option<&'a RawValue>,
}

impl<Command: DeserializeOwned> Invocation<Command> {
    /// Reads an event.
    ///
    /// # Errors
    /// If it is neither a command nor a request, or its body can't be decoded. The text is for operators.
    pub fn parse(event: LambdaEvent<Box<RawValue>>) -> Result<Self, Error> {
        let LambdaEvent { payload, context } = event;
        let is_command = serde_json::from_str::<EventKeys<'_>>(payload.get())
            .is_ok_and(|keys| keys.command.is_some() && keys.request_context.is_none());
        if is_command {
            let command = serde_json::from_str(payload.get())
                .map_err(|error| Problem::invalid(format!("The command is invalid: {error}.")));
            let invocation = CommandInvocation { command, context, started: Instant::now() };
            return Ok(Self::Command(Box::new(invocation)));
        }
        let request = serde_json::from_str(payload.get())
            .map_err(|error| format!("neither a request of API Gateway nor a command: {error}"))?;
        Ok(Self::Http(Box::new(event::request(request, context)?)))
    }
}

impl<Command> CommandInvocation<Command> {
    /// Carries out the command, logs its result and its use of the ledger, and answers.
    ///
    /// # Errors
    /// If it can't be carried out now, so that Lambda invokes the function again.
    pub async fn answer(
        self,
        ledger: &Ledger,
        carry_out: impl AsyncFnOnce(Command) -> Result<ApiResponse, Problem>,
    ) -> Result<InvocationAnswer, Error> {
        let request_id = self.context.request_id.as_str();
        let span = info_span!("command", request_id);
        let result = match self.command {
            Ok(command) => carry_out(command).instrument(span).await,
            Err(problem) => Err(problem),
        };
        let line = LogLine {
            request_id,
            trace_id: self.context.xray_trace_id.as_deref(),
            route: "command",
            account_id: "",
            result: &result,
            usage: ledger.take_usage(),
            elapsed: self.started.elapsed(),
        };
        log::write_line(&line, clock::now());
        match result {
            Ok(response) => Ok(InvocationAnswer::Command(response.into_json())),
            Err(problem) if problem.code().status() >= 500 => {
                Err(format!("the command failed: {}", problem.code().as_str()).into())
            }
            Err(problem) => Ok(InvocationAnswer::Command(problem.body())),
        }
    }
}

impl From<Response<Body>> for InvocationAnswer {
    fn from(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let mut answer = ApiGatewayV2httpResponse::default();
        answer.status_code = head.status.as_u16().into();
        answer.headers = head.headers;
        answer.is_base64_encoded = matches!(body, Body::Binary(_));
        // Absent, not null, if there is none.
        answer.body = Some(body).filter(|body| *body != Body::Empty);
        Self::Http(Box::new(answer))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "command", rename_all = "snake_case")]
    enum Command {
        Tidy { room: String },
    }

    fn parse(event: &Value) -> Result<Invocation<Command>, String> {
        let payload = RawValue::from_string(event.to_string()).unwrap();
        let event = LambdaEvent::new(payload, Context::default());
        Invocation::parse(event).map_err(|error| error.to_string())
    }

    #[test]
    fn an_event_with_a_command_is_a_command() {
        let parsed = parse(&json!({"command": "tidy", "room": "attic"})).unwrap();
        let Invocation::Command(invocation) = parsed else { panic!("{parsed:?}") };
        assert_eq!(invocation.command.unwrap(), Command::Tidy { room: "attic".to_owned() });
    }

    #[test]
    fn a_command_that_cannot_be_read_is_a_problem_that_says_why() {
        for (event, why) in [
            (json!({"command": "sing"}), "unknown variant `sing`, expected `tidy`"),
            (json!({"command": "tidy"}), "missing field `room`"),
            (json!({"command": 1}), "invalid type"),
        ] {
            let Invocation::Command(invocation) = parse(&event).unwrap() else { panic!("{event}") };
            let detail = invocation.command.unwrap_err().body()["detail"].to_string();
            assert!(detail.starts_with("\"The command is invalid: ") && detail.contains(why), "{detail}");
        }
    }

    #[test]
    fn other_events_are_requests_or_refused() {
        let request = json!({
            "version": "2.0", "routeKey": "GET /", "rawPath": "/", "rawQueryString": "", "headers": {"host": "h"},
            "requestContext": {"routeKey": "GET /", "stage": "$default", "timeEpoch": 0,
                "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1"}},
            "isBase64Encoded": false,
        });
        assert!(matches!(parse(&request), Ok(Invocation::Http(_))));
        // A caller can't turn a request into a command by any part of it.
        let mut named = request.clone();
        named["body"] = json!({"command": "tidy", "room": "attic"}).to_string().into();
        named["headers"]["command"] = "tidy".into();
        named["rawQueryString"] = "command=tidy".into();
        assert!(matches!(parse(&named), Ok(Invocation::Http(_))));
        named["command"] = "tidy".into();
        assert!(matches!(parse(&named), Ok(Invocation::Http(_))));
        for event in [json!({}), json!(null), json!("tidy"), json!({"Records": []})] {
            let error = parse(&event).unwrap_err();
            assert!(
                error.starts_with("neither a request of API Gateway nor a command: "),
                "{event}: {error}"
            );
        }
    }
}
