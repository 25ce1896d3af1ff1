//! What a function is invoked with: a request of API Gateway, or a command of a schedule or an operator.

use std::time::Instant;

use lambda_http::{
    Body, Context, Error, LambdaEvent, Request, RequestExt, Response,
    aws_lambda_events::apigw::ApiGatewayV2httpResponse, request::LambdaRequest,
};
use scrip_ledger::Usage;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::{
    ApiResponse, Problem, clock,
    log::{self, Line},
};

/// An invocation of a function that has commands too.
#[derive(Debug)]
pub enum Invocation<Command> {
    /// By API Gateway.
    Http(Box<Request>),
    /// By a schedule or an operator, who may invoke the function itself: the command, and whose invocation it is.
    Command(Command, Box<Context>),
}

/// What it answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum InvocationAnswer {
    /// To API Gateway.
    Http(Box<ApiGatewayV2httpResponse>),
    /// To the one who commanded.
    Command(Value),
}

/// Enough of an event to tell which of the two it is.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    command: Option<&'a RawValue>,
}

impl<Command: DeserializeOwned> Invocation<Command> {
    /// Reads an event. One with a `command` is a command; API Gateway's events have none.
    ///
    /// # Errors
    /// If it is neither of the two, in words for the operator.
    pub fn parse(event: LambdaEvent<Box<RawValue>>) -> Result<Self, Error> {
        let LambdaEvent { payload, context } = event;
        let is_command =
            serde_json::from_str::<Kind<'_>>(payload.get()).is_ok_and(|kind| kind.command.is_some());
        if is_command {
            let command = serde_json::from_str(payload.get())
                .map_err(|error| format!("the command can't be read: {error}"))?;
            return Ok(Self::Command(command, Box::new(context)));
        }
        let request: LambdaRequest = serde_json::from_str(payload.get())
            .map_err(|error| format!("neither a request of API Gateway nor a command: {error}"))?;
        Ok(Self::Http(Box::new(Request::from(request).with_lambda_context(context))))
    }
}

impl From<Response<Body>> for InvocationAnswer {
    fn from(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let mut answer = ApiGatewayV2httpResponse::default();
        answer.status_code = head.status.as_u16().into();
        answer.headers = head.headers;
        answer.body = Some(body);
        Self::Http(Box::new(answer))
    }
}

/// Ends a command: logs what came of it, and answers with the body. A refusal's body is the problem.
///
/// # Errors
/// If it could not be carried out now, so that Lambda invokes the function again.
pub fn finish_command(
    name: &str,
    context: &Context,
    started: Instant,
    result: Result<ApiResponse, Problem>,
    usage: Usage,
) -> Result<InvocationAnswer, Error> {
    let line = Line {
        request_id: &context.request_id,
        trace_id: context.xray_trace_id.as_deref(),
        route: name,
        account_id: "",
        result: &result,
        usage,
        elapsed: started.elapsed(),
    };
    log::finished(&line, clock::now());
    match result {
        Ok(response) => Ok(InvocationAnswer::Command(response.into_json())),
        Err(problem) if problem.code().status() >= 500 => {
            Err(format!("{name} failed: {}", problem.code().as_str()).into())
        }
        Err(problem) => Ok(InvocationAnswer::Command(problem.body())),
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
        let Invocation::Command(command, _) = parsed else { panic!("{parsed:?}") };
        assert_eq!(command, Command::Tidy { room: "attic".to_owned() });
    }

    #[test]
    fn an_unknown_command_is_refused_with_those_that_are_known() {
        let error = parse(&json!({"command": "sing"})).unwrap_err();
        assert!(
            error.starts_with("the command can't be read: unknown variant `sing`, expected `tidy`"),
            "{error}"
        );
        let error = parse(&json!({"command": "tidy"})).unwrap_err();
        assert!(error.starts_with("the command can't be read: missing field `room`"), "{error}");
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
        for event in [json!({}), json!(null), json!("tidy"), json!({"Records": []})] {
            let error = parse(&event).unwrap_err();
            assert!(
                error.starts_with("neither a request of API Gateway nor a command: "),
                "{event}: {error}"
            );
        }
    }
}
