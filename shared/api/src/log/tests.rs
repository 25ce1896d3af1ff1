use std::sync::{Arc, Mutex};

use lambda_http::http::StatusCode;
use scrip_ledger::Fault;
use serde_json::{Value, json};

use super::*;
use crate::Code;

/// Keeps what is written.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that something logs.
fn logged(act: impl FnOnce()) -> Vec<Value> {
    let kept = Kept::default();
    let writer = kept.clone();
    tracing::subscriber::with_default(subscriber(move || writer.clone()), act);
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_request_is_one_line_with_what_it_took() {
    let response = ApiResponse::json(StatusCode::CREATED, &json!({"secret": "body"})).unwrap();
    let response = response.outcome("debited").attempted(Some(2)).about("upscale");
    let refused = Problem::new(Code::InsufficientCredits, "Nothing was taken.");
    let busy =
        Problem::from(scrip_ledger::Error::TryAgain { attempts: 10, last: Fault::Throttled, source: None });
    let usage = Usage { requests: 2, read_half_units: 3, write_half_units: 8 };
    let lines = logged(|| {
        for result in [Ok(response), Err(refused.attempted(1)), Err(busy)] {
            let line = Line {
                request_id: "request",
                trace_id: Some("Root=1-0"),
                route: "POST /v1/accounts/{account_id}/debits",
                account_id: "alice",
                result: &result,
                usage,
                elapsed: Duration::from_micros(1500),
            };
            finished(&line, DateTime::UNIX_EPOCH);
        }
    });
    insta::assert_json_snapshot!(lines);
}

#[test]
fn a_line_inside_of_a_request_names_it() {
    let lines = logged(|| {
        let span = tracing::info_span!("request", request_id = "r", account_id = tracing::field::Empty);
        span.record("account_id", "alice");
        span.in_scope(|| tracing::error!(purchase_id = "pi_1", "refund stuck"));
    });
    let expected = json!({
        "level": "ERROR", "message": "refund stuck", "purchase_id": "pi_1",
        "span": {"name": "request", "request_id": "r", "account_id": "alice"},
    });
    assert_eq!(lines, [expected]);
}

#[test]
fn libraries_are_heard_from_warnings_on() {
    let lines = logged(|| {
        tracing::info!(target: "aws_config", "not logged");
        tracing::info_span!(target: "lambda_runtime", "not logged").in_scope(|| {
            tracing::error!(target: "lambda_runtime", "user handler panicked");
        });
        tracing::debug!("not logged");
    });
    assert_eq!(lines, [json!({"level": "ERROR", "message": "user handler panicked"})]);
}
