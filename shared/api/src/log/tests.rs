use std::sync::{Arc, Mutex};

use lambda_http::http::StatusCode;
use scrip_ledger::Fault;
use serde_json::{Value, json};

use super::*;
use crate::Code;

/// A writer into memory.
#[derive(Debug, Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The text that `act` writes to the log.
fn written(act: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    tracing::subscriber::with_default(subscriber(move || writer.clone()), act);
    String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
}

/// The lines that `act` logs.
fn logged(act: impl FnOnce()) -> Vec<Value> {
    written(act).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const RECORDED: &str =
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:0";
const NOT_RECORDED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";

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
            let line = LogLine {
                request_id: "request",
                trace_id: Some(RECORDED),
                route: "POST /v1/accounts/{account_id}/debits",
                account_id: "alice",
                result: &result,
                usage,
                elapsed: Duration::from_micros(1500),
            };
            write_line(&line, DateTime::UNIX_EPOCH);
        }
    });
    insta::assert_json_snapshot!(lines);
}

#[test]
fn a_line_within_a_request_names_the_request() {
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
fn logs_of_libraries_begin_at_warnings() {
    let lines = logged(|| {
        tracing::info!(target: "aws_config", "not logged");
        tracing::info_span!(target: "lambda_runtime", "not logged").in_scope(|| {
            tracing::error!(target: "lambda_runtime", "user handler panicked");
        });
        tracing::debug!("not logged");
    });
    assert_eq!(lines, [json!({"level": "ERROR", "message": "user handler panicked"})]);
}

/// The longest line that a debit may write.
const DEBIT_LINE_BYTES_MAX: usize = 600;

/// Ids have the length of UUIDs. `docs/costs.md` is computed from the second figure.
#[test]
fn a_debits_line_is_short() {
    let uuid = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
    let response = ApiResponse::json(StatusCode::CREATED, &json!({})).unwrap();
    let result = Ok(response.outcome("debited").attempted(Some(1)).about("text_to_image"));
    let bytes = |trace_id| {
        let line = LogLine {
            request_id: uuid,
            trace_id: Some(trace_id),
            route: "POST /v1/accounts/{account_id}/debits",
            account_id: uuid,
            result: &result,
            usage: Usage { requests: 3, read_half_units: 2, write_half_units: 4 },
            elapsed: Duration::from_micros(22_054),
        };
        written(|| write_line(&line, DateTime::UNIX_EPOCH)).trim_end().len()
    };
    assert!(bytes(RECORDED) <= DEBIT_LINE_BYTES_MAX, "{}", bytes(RECORDED));
    assert_eq!(bytes(NOT_RECORDED), measured("line_bytes"));
    assert_eq!(bytes(RECORDED) - bytes(NOT_RECORDED), measured("trace_id_bytes"));
}

#[test]
fn only_a_trace_that_is_recorded_is_named() {
    for (header, id) in [
        (RECORDED, Some("1-5759e988-bd862e3fe1be46a994272793")),
        ("Sampled=1;Root=1-0", Some("1-0")),
        (NOT_RECORDED, None),
        ("Root=1-0", None),
        ("Root=1-0;Sampled=?", None),
        ("Sampled=1", None),
        ("", None),
    ] {
        assert_eq!(recorded_trace_id(header), id, "{header}");
    }
}
