//! Invocations of the function that turns the outbox's records into events: requests of API Gateway, and batches of an
//! EventBridge pipe.
//!
//! Invariant: neither can be mistaken for the other. A pipe sends a JSON array, even for a single record
//! (eb-pipes-batching-concurrency in EventBridge's guide). API Gateway sends an object, and a caller can't change that.

use lambda_http::{Error, LambdaEvent, Request};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{InvocationAnswer, request::event};

/// An invocation by API Gateway or by a pipe.
#[derive(Debug)]
pub enum OutboxInvocation {
    /// By API Gateway.
    Http(Box<Request>),
    /// By a pipe.
    Batch(Batch),
}

/// The records of a pipe's batch, as JSON.
#[derive(Debug)]
pub struct Batch {
    records: Vec<Box<RawValue>>,
    request_id: String,
}

impl OutboxInvocation {
    /// Reads an event.
    ///
    /// # Errors
    /// If it is neither a batch nor a request, or its body can't be decoded. The text is for operators.
    pub fn parse(event: LambdaEvent<Box<RawValue>>) -> Result<Self, Error> {
        let LambdaEvent { payload, context } = event;
        if payload.get().starts_with('[') {
            let records = serde_json::from_str(payload.get())?;
            return Ok(Self::Batch(Batch { records, request_id: context.request_id }));
        }
        let request = serde_json::from_str(payload.get())
            .map_err(|error| format!("neither a request of API Gateway nor a batch of a pipe: {error}"))?;
        Ok(Self::Http(Box::new(event::request(request, context)?)))
    }
}

impl Batch {
    /// Answers with an event for each record, in the order of the records. A batch that succeeds isn't logged, because the
    /// pipe counts it, and a line would cost half as much as the invocation.
    ///
    /// # Errors
    /// If a record can't be read as an entry. Then no event of the batch is sent, and the pipe sends the batch again.
    pub fn answer<Event: Serialize>(
        self,
        event_of: impl Fn(&str) -> Result<Event, scrip_ledger::Error>,
    ) -> Result<InvocationAnswer, Error> {
        let mut events = Vec::with_capacity(self.records.len());
        for record in &self.records {
            let event = event_of(record.get()).map_err(|error| {
                let (request_id, cause) = (self.request_id.as_str(), scrip_ledger::chain(&error));
                tracing::error!(request_id, cause, "a record can't become an event");
                "a record can't become an event: the log names it"
            })?;
            events.push(serde_json::to_value(event)?);
        }
        Ok(InvocationAnswer::Events(events))
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::Context;
    use serde_json::{Value, json};

    use super::*;

    fn parse(event: &str) -> Result<OutboxInvocation, String> {
        let payload = RawValue::from_string(event.to_owned()).unwrap();
        let event = LambdaEvent::new(payload, Context::default());
        OutboxInvocation::parse(event).map_err(|error| error.to_string())
    }

    /// A request of API Gateway.
    fn request() -> Value {
        json!({
            "version": "2.0", "routeKey": "POST /", "rawPath": "/", "rawQueryString": "", "headers": {"host": "h"},
            "requestContext": {"routeKey": "POST /", "stage": "$default", "timeEpoch": 0,
                "http": {"method": "POST", "path": "/", "protocol": "HTTP/1.1"}},
            "isBase64Encoded": false,
        })
    }

    #[test]
    fn an_array_is_a_batch_of_its_items() {
        for (event, records) in [
            ("[]", &[][..]),
            (r#"[{"eventName": "INSERT"}, 2]"#, &[r#"{"eventName": "INSERT"}"#, "2"]),
            ("\n [ \"a\" ]", &["\"a\""]),
            // A request of API Gateway's in an array is a record like any other.
            (&json!([request()]).to_string(), &[&request().to_string()]),
        ] {
            let parsed = parse(event);
            let Ok(OutboxInvocation::Batch(batch)) = parsed else { panic!("{event}: {parsed:?}") };
            assert_eq!(batch.records.iter().map(|record| record.get()).collect::<Vec<_>>(), records);
        }
    }

    #[test]
    fn an_array_that_a_caller_sends_through_the_gateway_makes_no_batch() {
        let records = r#"[{"eventName":"INSERT","dynamodb":{"NewImage":{}}}]"#;
        let mut event = request();
        assert!(matches!(parse(&event.to_string()), Ok(OutboxInvocation::Http(_))));
        event["body"] = records.into();
        event["rawPath"] = format!("/{records}").into();
        event["rawQueryString"] = records.into();
        event["headers"]["x-records"] = records.into();
        event["cookies"] = json!([records]);
        assert!(matches!(parse(&event.to_string()), Ok(OutboxInvocation::Http(_))));
    }

    #[test]
    fn any_other_event_is_refused() {
        for event in ["{}", "null", "7", r#""[]""#, r#"{"Records": []}"#] {
            let error = parse(event).unwrap_err();
            let words = "neither a request of API Gateway nor a batch of a pipe: ";
            assert!(error.starts_with(words), "{event}: {error}");
        }
    }

    #[test]
    fn a_batch_is_answered_in_full_or_fails() {
        let batch = || match parse("[1,2]") {
            Ok(OutboxInvocation::Batch(batch)) => batch,
            other => panic!("{other:?}"),
        };
        let answer = batch().answer(|record| Ok(json!({"was": record}))).unwrap();
        assert_eq!(serde_json::to_value(answer).unwrap(), json!([{"was": "1"}, {"was": "2"}]));
        let error = batch().answer(|record| match record {
            "1" => Ok(1),
            _ => Err(scrip_ledger::Error::KeyReused),
        });
        assert_eq!(error.unwrap_err().to_string(), "a record can't become an event: the log names it");
    }
}
