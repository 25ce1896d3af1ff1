//! One line of JSON for each call: who, what, what came of it, how long. Never a token, a key or a body.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Answer, Problem};

/// What is said of a call.
pub(crate) struct Line<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) route: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) result: &'a Result<Answer, Problem>,
    pub(crate) elapsed: Duration,
}

/// Writes a line about something that is no call: an object, whose `level` and `message` say what it is.
pub fn event(line: &Value) {
    println!("{line}");
}

/// Writes the line to standard output, which Lambda keeps.
pub(crate) fn log(line: &Line<'_>) {
    let (level, status, outcome) = match line.result {
        Ok(answer) => ("info", answer.status().as_u16(), answer.outcome),
        Err(problem) if problem.cause().is_some() => {
            ("error", problem.code().status(), problem.code().as_str())
        }
        Err(problem) => ("info", problem.code().status(), problem.code().as_str()),
    };
    let attempts = line.result.as_ref().ok().and_then(|answer| answer.attempts);
    let cause = line.result.as_ref().err().and_then(Problem::cause);
    let line = json!({
        "level": level,
        "request_id": line.request_id,
        "route": line.route,
        "account_id": line.account_id,
        "status": status,
        "outcome": outcome,
        "attempts": attempts,
        "cause": cause,
        "elapsed_us": u64::try_from(line.elapsed.as_micros()).unwrap_or(u64::MAX),
    });
    println!("{line}");
}
