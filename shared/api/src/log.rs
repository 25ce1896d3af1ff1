//! Logs: a line of JSON for each request or invocation, and for other facts that an operator must know. No line has a token,
//! key, signature or body in it.

use std::{io, panic, time::Duration};

use chrono::{DateTime, Utc};
use lambda_http::Error;
use scrip_accounts::{AccountId, EventId};
use scrip_ledger::Usage;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Registry,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{ApiResponse, Metric, Problem, metrics};

/// Sends logs to standard output, which Lambda stores: Scrip's own from level `info`, those of libraries from `warn`, and
/// panics. `main` calls it first, so that errors of the runtime are logged too. A second call does nothing.
pub fn init_tracing() {
    if subscriber(io::stdout).try_init().is_ok() {
        panic::set_hook(Box::new(|panic| {
            let (text, location) = (panic.payload_as_str(), panic.location().map(ToString::to_string));
            tracing::error!(location, cause = text, "panicked");
        }));
    }
}

fn subscriber<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let levels = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("scrip", LevelFilter::INFO)
        // It logs each failed connection as an error, though the request is retried.
        .with_target("aws_smithy_runtime::client::http::connection_poisoning", LevelFilter::OFF);
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_target(false);
    Registry::default().with(levels).with(lines.without_time().with_writer(writer))
}

/// The line of a request or a command that has ended.
#[derive(Debug)]
pub(crate) struct LogLine<'a> {
    pub(crate) request_id: &'a str,
    /// The trace header. The line has the trace's id if the trace is recorded.
    pub(crate) trace_id: Option<&'a str>,
    /// The route; `command` for a command.
    pub(crate) route: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) result: &'a Result<ApiResponse, Problem>,
    pub(crate) usage: Usage,
    pub(crate) elapsed: Duration,
}

/// Logs an event at a level, with the fields of a line.
macro_rules! event {
    ($level:ident, $line:ident, $status:ident, $outcome:ident, $attempts:ident) => {{
        let response = $line.result.as_ref().ok();
        let account_id = response.and_then(|response| response.account_id.as_ref());
        tracing::$level!(
            request_id = $line.request_id,
            trace_id = $line.trace_id.and_then(recorded_trace_id),
            route = $line.route,
            account_id = account_id.map_or($line.account_id, AccountId::as_str),
            event_id = response.and_then(|response| response.event_id.as_ref()).map(EventId::as_str),
            operation = response.and_then(|response| response.operation),
            status = $status,
            outcome = $outcome,
            attempts = $attempts,
            requests = $line.usage.requests,
            read_units = units($line.usage.read_half_units),
            write_units = units($line.usage.write_half_units),
            cause = $line.result.as_ref().err().and_then(Problem::cause),
            elapsed_us = u64::try_from($line.elapsed.as_micros()).unwrap_or(u64::MAX),
        )
    }};
}

/// Writes the line of a request or a command, and its metrics as of a time.
pub(crate) fn write_line(line: &LogLine<'_>, at: DateTime<Utc>) {
    let mut counted = Vec::new();
    let attempts = match line.result {
        Ok(response) => {
            let (status, outcome, attempts) =
                (response.status().as_u16(), response.outcome, response.attempts);
            event!(info, line, status, outcome, attempts);
            counted.extend(response.metrics.iter().cloned());
            attempts
        }
        Err(problem) => {
            let (status, code, attempts) =
                (problem.code().status(), problem.code().as_str(), problem.attempts());
            if status >= 500 {
                event!(error, line, status, code, attempts);
                counted.push(Metric::failure(code));
            } else {
                event!(info, line, status, code, attempts);
                counted.push(Metric::refusal(code));
            }
            attempts
        }
    };
    counted.extend(attempts.map(Metric::append_attempts));
    metrics::print(&counted, at);
}

/// Writes the line of an invocation by a schedule or a queue.
pub fn log_invocation<T>(
    (request_id, trace_id): (&str, Option<&str>),
    usage: Usage,
    result: &Result<T, Error>,
) {
    let trace_id = trace_id.and_then(recorded_trace_id);
    let (requests, read_units, write_units) =
        (usage.requests, units(usage.read_half_units), units(usage.write_half_units));
    match result {
        Ok(_) => {
            tracing::info!(request_id, trace_id, outcome = "done", requests, read_units, write_units);
        }
        Err(error) => {
            let cause = error.to_string();
            tracing::error!(
                request_id,
                trace_id,
                outcome = "failed",
                requests,
                read_units,
                write_units,
                cause
            );
        }
    }
}

/// The id in a trace header, `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…;Sampled=1`, if X-Ray records the trace. If
/// it doesn't, there is a header too, but no trace to find by its id.
fn recorded_trace_id(header: &str) -> Option<&str> {
    let field = |name: &str| {
        let mut fields = header.split(';').filter_map(|field| field.trim().split_once('='));
        fields.find_map(|(field, value)| (field == name).then_some(value))
    };
    field("Sampled").filter(|sampled| *sampled == "1").and_then(|_| field("Root"))
}

/// Capacity units from half units: 1, 1.5, 2.
fn units(halves: u64) -> f64 {
    u32::try_from(halves).map_or(f64::MAX, f64::from) / 2.0
}

/// A number of `tests/costs/measured.toml`, from which `docs/costs.md` is computed.
#[cfg(test)]
pub(crate) fn measured(name: &str) -> usize {
    let inputs = include_str!("../../../tests/costs/measured.toml");
    let line = inputs.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
    line.unwrap().split('#').next().unwrap().trim().parse().unwrap()
}

#[cfg(test)]
mod tests;
