//! One line of JSON for each call: who, what, what came of it, what it took. Never a token, a key, a signature or
//! a body.

use std::time::Duration;

use accounts::{AccountId, EventId};
use chrono::{DateTime, Utc};
use lambda_http::Error;
use ledger::Usage;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Answer, Problem, clock,
    metrics::{self, Metric},
};

/// What is said of a call.
pub(crate) struct Line<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) route: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) at: DateTime<Utc>,
    pub(crate) result: &'a Result<Answer, Problem>,
    pub(crate) usage: Usage,
    pub(crate) elapsed: Duration,
}

/// What the line about a call says.
#[derive(Serialize)]
struct Said<'a> {
    level: &'static str,
    request_id: &'a str,
    trace_id: Option<&'a str>,
    route: &'a str,
    account_id: &'a str,
    event_id: Option<&'a EventId>,
    operation: Option<&'static str>,
    status: u16,
    outcome: &'static str,
    attempts: Option<u32>,
    requests: u64,
    read_units: Value,
    write_units: Value,
    cause: Option<&'a str>,
    elapsed_us: u64,
}

/// Writes a line about something that is no call: an object, whose `level` and `message` say what it is.
pub fn event(line: &impl Serialize) {
    // As text first: shown by itself it is written in pieces of a few characters.
    let line = serde_json::to_string(line).unwrap_or_else(|why| why.to_string());
    println!("{line}");
}

/// The same, with metrics.
pub fn counted(line: &Value, metrics: &[Metric]) {
    print(line, metrics, clock::now());
}

/// Writes the line about an invocation that is no request of the gateway's: what came of it, what it took.
pub fn invocation<T>((request_id, trace_id): (&str, Option<&str>), usage: Usage, result: &Result<T, Error>) {
    let (level, outcome) = if result.is_ok() { ("info", "done") } else { ("error", "failed") };
    event(&json!({
        "level": level,
        "request_id": request_id,
        "trace_id": trace_id,
        "outcome": outcome,
        "requests": usage.requests,
        "read_units": units(usage.read_half_units),
        "write_units": units(usage.write_half_units),
        "cause": result.as_ref().err().map(ToString::to_string),
    }));
}

/// Writes the line to standard output, which Lambda keeps.
pub(crate) fn log(line: &Line<'_>) {
    let (said, metrics) = told(line);
    print(&said, &metrics, line.at);
}

fn print(line: &impl Serialize, metrics: &[Metric], at: DateTime<Utc>) {
    if metrics.is_empty() {
        return event(line);
    }
    match serde_json::to_value(line) {
        Ok(line) => metrics::lines(line, metrics, at).iter().for_each(event),
        Err(why) => event(&why.to_string()),
    }
}

fn told<'a>(line: &Line<'a>) -> (Said<'a>, Vec<Metric>) {
    let mut metrics = Vec::new();
    let (level, status, outcome, attempts) = match line.result {
        Ok(answer) => {
            metrics.extend(answer.metrics.iter().cloned());
            ("info", answer.status().as_u16(), answer.outcome, answer.attempts)
        }
        Err(problem) => {
            let (status, code) = (problem.code().status(), problem.code().as_str());
            let is_ours = status >= 500;
            metrics.push(if is_ours { Metric::failure(code) } else { Metric::refusal(code) });
            (if is_ours { "error" } else { "info" }, status, code, problem.attempts())
        }
    };
    metrics.extend(attempts.map(Metric::append_attempts));
    let answer = line.result.as_ref().ok();
    let account_id = answer.and_then(|answer| answer.account_id.as_ref());
    let said = Said {
        level,
        request_id: line.request_id,
        trace_id: line.trace_id,
        route: line.route,
        account_id: account_id.map_or(line.account_id, AccountId::as_str),
        event_id: answer.and_then(|answer| answer.event_id.as_ref()),
        operation: answer.and_then(|answer| answer.operation),
        status,
        outcome,
        attempts,
        requests: line.usage.requests,
        read_units: units(line.usage.read_half_units),
        write_units: units(line.usage.write_half_units),
        cause: line.result.as_ref().err().and_then(Problem::cause),
        elapsed_us: u64::try_from(line.elapsed.as_micros()).unwrap_or(u64::MAX),
    };
    (said, metrics)
}

/// Capacity as DynamoDB counts it: 1, 1.5, 2.
fn units(halves: u64) -> Value {
    if halves.is_multiple_of(2) {
        json!(halves / 2)
    } else {
        json!(u32::try_from(halves).map_or(0.0, f64::from) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::StatusCode;
    use ledger::{Error, Fault};

    use super::*;
    use crate::Code;

    #[test]
    fn a_call_is_one_line_with_what_it_took() {
        let answer = Answer::json(StatusCode::CREATED, &json!({"secret": "body"})).unwrap();
        let answer =
            answer.executed("debited", 2, false).about("upscale").counting([Metric::debit("upscale")]);
        let refused = Problem::new(Code::InsufficientCredits, "Nothing was taken.");
        let busy = Problem::from(Error::TryAgain { attempts: 10, last: Fault::Throttled });
        let usage = Usage { requests: 2, read_half_units: 3, write_half_units: 8 };
        let mut told = Vec::new();
        for result in [Ok(answer), Err(refused.attempted(1)), Err(busy)] {
            let line = Line {
                request_id: "request",
                trace_id: Some("Root=1-0"),
                route: "POST /v1/accounts/{account_id}/debits",
                account_id: "alice",
                at: DateTime::UNIX_EPOCH,
                result: &result,
                usage,
                elapsed: Duration::from_micros(1500),
            };
            let (said, metrics) = super::told(&line);
            told.extend(metrics::lines(serde_json::to_value(said).unwrap(), &metrics, line.at));
        }
        insta::assert_json_snapshot!(told);
    }
}
