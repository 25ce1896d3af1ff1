//! A month of one account, played through the HTTP API and the provider's fake.
//!
//! Invariant: the script is a fixed table of requests and the statuses they must have; one that is
//! answered otherwise ends the demo with an error. Each request carries its own time (`Local-Time`),
//! so the month takes a second, and the demo tells the same story on any day.

mod format;
mod script;

use crate::{
    Stack, clock, gateway,
    invocations::FunctionError,
    shop::{SentEvent, Shop, ShopError},
    statement,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::{Client, RequestBuilder};
use scrip_accounts::Period;
use script::{LEDGER, Request, SCRIPT, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The account that is played.
pub const ACCOUNT: &str = "demo-month";
/// The scopes that the month needs: those of a backend, which gives credits back too.
const SCOPES: [&str; 3] = ["credits:read", "credits:debit", "credits:settle"];

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
        /// The step's description.
        step: &'static str,
        /// The status that the script expects.
        expected: String,
        /// The status that came.
        got: String,
        /// The body of the answer.
        body: String,
    },
    /// The shop doesn't sell it.
    #[error("the shop: {0}")]
    Shop(#[from] ShopError),
    /// The refill failed.
    #[error("the monthly refill: {0}")]
    Refill(#[from] FunctionError),
    /// The ledger does not add up.
    #[error("the statement does not add up: {0}")]
    Statement(String),
}

/// Plays the script and prints each step, then the statement.
///
/// # Errors
/// When a step is not answered as the script says, or the statement does not add up.
pub async fn play(stack: &Stack, shop: &Shop) -> Result<(), DemoError> {
    let month = month();
    let mut player = Player {
        stack,
        shop,
        client: Client::new(),
        token: stack.tokens().issue(ACCOUNT, &SCOPES, TimeDelta::hours(1)),
        support_token: stack.tokens().issue("support", &["credits:refund"], TimeDelta::hours(1)),
        purchases: BTreeMap::new(),
    };
    println!("A month of {ACCOUNT}:\n");
    let mut last = Value::Null;
    for step in &SCRIPT {
        last = player.take(step, month).await?;
    }
    let page = player.take(&LEDGER, month).await?;
    let entries = statement::oldest_first(&page).map_err(DemoError::Statement)?;
    println!("\n{}\n", statement::table(&entries));
    println!("{}", statement::check(&entries, &last["balance"]).map_err(DemoError::Statement)?);
    Ok(())
}

/// Plays the script.
struct Player<'a> {
    stack: &'a Stack,
    shop: &'a Shop,
    client: Client,
    token: String,
    support_token: String,
    /// The purchase's id by SKU.
    purchases: BTreeMap<&'static str, String>,
}

/// The answer of a step.
struct Answer {
    status: u16,
    replayed: bool,
    body: Value,
}

impl Player<'_> {
    async fn take(&mut self, step: &Step, month: DateTime<Utc>) -> Result<Value, DemoError> {
        let time = step.at.within(month);
        let at = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        self.shop.set_now(time);
        let Answer { status, replayed, body } = self.request(&step.request, &at).await?;
        if (status, replayed) != (step.status, step.replayed) {
            return Err(DemoError::Unexpected {
                step: step.says,
                expected: outcome(step.status, step.replayed),
                got: outcome(status, replayed),
                body: body.to_string(),
            });
        }
        println!("{at}  {:<52}  {status}  {}", step.says, (step.show)(&body));
        Ok(body)
    }

    async fn request(&mut self, request: &Request, at: &str) -> Result<Answer, DemoError> {
        let url = |path: &str| format!("{}{path}", self.stack.base_url());
        let (token, json) = (&self.token, ("content-type", "application/json"));
        let request = match *request {
            Request::Get(path) => self.client.get(url(path)).bearer_auth(token),
            Request::Ask(path, body) => {
                self.client.post(url(path)).bearer_auth(token).header(json.0, json.1).body(body)
            }
            Request::Do(path, key, body) => {
                let request = self.client.post(url(path)).bearer_auth(token).header("idempotency-key", key);
                request.header(json.0, json.1).body(body)
            }
            Request::Refund(sku) => {
                let purchase = self.purchases.get(sku).map(String::as_str).unwrap_or_default();
                let path = format!("/v1/accounts/{ACCOUNT}/purchases/{purchase}/refund");
                let body = json!({ "reason": "changed their mind" });
                self.client.post(url(&path)).bearer_auth(&self.support_token).json(&body)
            }
            Request::Buy(sku) => {
                let sale = self.shop.buy(ACCOUNT, sku).await?;
                self.purchases.extend(sale.purchase_id.clone().map(|id| (sku, id)));
                return Ok(Answer::of_events(&sale.events, json!(sale)));
            }
            Request::DeliverEvents => {
                let events = self.shop.deliver_new().await;
                return Ok(Answer::of_events(&events, json!({ "events": events })));
            }
            Request::Refill => {
                let counts = self.stack.invoke("monthly-refill", json!({ "time": at })).await?;
                // Lambda's own status if the function doesn't fail.
                return Ok(Answer { status: 200, replayed: false, body: counts });
            }
        };
        Answer::receive(request.header(gateway::LOCAL_TIME, at)).await
    }
}

impl Answer {
    async fn receive(request: RequestBuilder) -> Result<Self, DemoError> {
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let replayed = answer.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Self { status, replayed, body })
    }

    /// The answers to some events: the status of the first that the webhook didn't take, or 200.
    fn of_events(events: &[SentEvent], body: Value) -> Self {
        let refused = events.iter().find(|event| !event.is_delivered());
        let status = refused.map_or(200, |event| event.status.unwrap_or_default());
        Self { status, replayed: false, body }
    }
}

fn outcome(status: u16, replayed: bool) -> String {
    format!("{status}{}", if replayed { ", a replay" } else { "" })
}
