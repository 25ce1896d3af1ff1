//! A month of one account, played through the HTTP API.
//!
//! Invariant: the script is a fixed table of requests and the statuses they must have; one that is
//! answered otherwise ends the demo with an error. Each request carries its own time (`Local-Time`),
//! so the month takes a second, and the demo tells the same story on any day.

mod script;

use crate::{Stack, clock, gateway, statement};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use credits::Period;
use reqwest::{Client, Method};
use script::{ACCOUNT_URL, At, Request, SCRIPT, Step};
use serde_json::Value;

/// The account that is played: the standard plan and a tune pack, bought on the 3rd.
pub const ACCOUNT: &str = "demo-month";
/// The scopes that the month needs.
const SCOPES: [&str; 2] = ["credits:read", "credits:debit"];

/// The first moment of the month that is played: last month, so that its turn has come.
#[must_use]
pub fn month() -> DateTime<Utc> {
    Period::of(clock::now()).previous().start()
}

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The API could not be reached.
    #[error("the API does not answer: {0}")]
    Http(#[from] reqwest::Error),
    /// A step was not answered as it must be.
    #[error("{step}: {expected} was expected, but the answer is {got}\n{body}")]
    Unexpected {
        /// What the step does.
        step: &'static str,
        /// What the script says.
        expected: String,
        /// What came.
        got: String,
        /// The body of the answer.
        body: String,
    },
    /// The ledger does not add up.
    #[error("the statement does not add up: {0}")]
    Statement(String),
}

/// Plays the script and prints each step, then the statement.
///
/// # Errors
/// When a step is not answered as the script says, or the statement does not add up.
pub async fn play(stack: &Stack) -> Result<(), DemoError> {
    let token = stack.tokens().issue(ACCOUNT, &SCOPES, TimeDelta::hours(1));
    let api = Api { client: Client::new(), base_url: stack.base_url(), token };
    let month = month();
    println!("A month of {ACCOUNT} (standard plan and a tune pack, bought on the 3rd):\n");
    let mut last = Value::Null;
    for step in &SCRIPT {
        last = api.take(step, month).await?;
    }

    let entries = format!("{ACCOUNT_URL}/entries?limit=100");
    let read = Step {
        at: At::NextMonth,
        says: "read the ledger",
        request: Request::Get(""),
        status: 200,
        replayed: false,
        show: |body| format!("{} entries", body["entries"].as_array().map_or(0, Vec::len)),
    };
    let page = api.take_at(&read, month, &entries).await?;
    let entries = statement::oldest_first(&page).map_err(DemoError::Statement)?;
    println!("\n{}\n", statement::table(&entries));
    println!("{}", statement::check(&entries, &last["balance"]).map_err(DemoError::Statement)?);
    Ok(())
}

struct Api<'a> {
    client: Client,
    base_url: &'a str,
    token: String,
}

impl Api<'_> {
    async fn take(&self, step: &Step, month: DateTime<Utc>) -> Result<Value, DemoError> {
        let (Request::Get(path) | Request::Ask(path, _) | Request::Do(path, ..)) = step.request;
        self.take_at(step, month, path).await
    }

    async fn take_at(&self, step: &Step, month: DateTime<Utc>, path: &str) -> Result<Value, DemoError> {
        let at = step.at.within(month).to_rfc3339_opts(SecondsFormat::Secs, true);
        let method = if matches!(step.request, Request::Get(_)) { Method::GET } else { Method::POST };
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base_url))
            .bearer_auth(&self.token)
            .header(gateway::LOCAL_TIME, &at);
        if let Request::Do(_, key, _) = step.request {
            request = request.header("idempotency-key", key);
        }
        if let Request::Ask(_, body) | Request::Do(_, _, body) = step.request {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let replayed = answer.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
        let text = answer.text().await?;
        if (status, replayed) != (step.status, step.replayed) {
            return Err(DemoError::Unexpected {
                step: step.says,
                expected: outcome(step.status, step.replayed),
                got: outcome(status, replayed),
                body: text,
            });
        }
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        println!("{at}  {:<52}  {status}  {}", step.says, (step.show)(&body));
        Ok(body)
    }
}

fn outcome(status: u16, replayed: bool) -> String {
    format!("{status}{}", if replayed { ", a replay" } else { "" })
}
