//! A client of the shared stack, the way a caller would use it.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Months, TimeDelta, Utc};
use reqwest::{Client, Method, RequestBuilder};
use scrip_ledger::Ledger;
use scrip_local::{Stack, clock, seed};
use serde_json::{Value, json};

use crate::support;

/// An answer of the API.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null if it isn't JSON.
    pub json: Value,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Asserts an RFC 9457 problem of that status and code, complete and with advice.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text);
        assert_eq!(self.json["type"], json!(format!("urn:scrip:problem:{code}")));
        assert_eq!(self.json["status"], json!(status));
        assert!(self.json["title"].as_str().is_some_and(|title| !title.is_empty()), "{}", self.text);
        assert!(self.json["detail"].as_str().is_some_and(|detail| detail.len() > 15), "{}", self.text);
        self
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

/// Credits as the API writes them.
pub fn credits(playground: i64, tune: i64, tune_image: i64) -> Value {
    json!({"playground": playground, "tune": tune, "tune_image": tune_image})
}

/// An account that no other test uses, and a token for it.
pub struct Api {
    pub stack: &'static Stack,
    pub account: String,
    http: Client,
    token: Option<String>,
    at: Option<DateTime<Utc>>,
}

/// All that can be done on one's own account.
const OWN_SCOPES: [&str; 3] = ["credits:read", "credits:debit", "credits:settle"];

static ACCOUNTS: AtomicU32 = AtomicU32::new(0);

impl Api {
    /// A new account with nothing in it; a backend calls with a token of that account.
    pub fn new() -> Self {
        let stack = support::stack();
        let account = format!("account-{}", ACCOUNTS.fetch_add(1, Ordering::Relaxed));
        let api = Self { stack, account, http: Client::new(), token: None, at: None };
        let own = api.account.clone();
        api.with_token(&own, &OWN_SCOPES)
    }

    /// A new account on a monthly plan, bought now.
    pub async fn on_plan(sku: &'static str) -> Self {
        let api = Self::new();
        api.buy(sku).await;
        api
    }

    /// A new account with that many playground credits: a basic plan, of which the rest is spent.
    pub async fn with_playground(credits: usize) -> Self {
        let api = Self::on_plan("basic_monthly").await;
        let spent = 1000 - credits;
        for (number, images) in std::iter::repeat_n(100, spent / 100).chain([spent % 100]).enumerate() {
            if images > 0 {
                api.debit(&format!("setup-{number}"), &enhance(images)).await.is(201);
            }
        }
        api
    }

    /// Buys once more, through the ledger.
    pub async fn buy(&self, sku: &'static str) {
        let now = self.at.unwrap_or_else(clock::now);
        self.buy_at(sku, now, now.checked_add_months(Months::new(12)).unwrap()).await;
    }

    pub async fn buy_at(&self, sku: &'static str, now: DateTime<Utc>, paid_through: DateTime<Utc>) {
        let ledger = self.ledger();
        seed::buy(&ledger, (&self.account, sku), sku, paid_through, now).await.unwrap();
    }

    /// The ledger, past the functions.
    pub fn ledger(&self) -> Ledger {
        seed::ledger(self.stack)
    }

    /// Calls with another token.
    pub fn with_token(mut self, subject: &str, scopes: &[&str]) -> Self {
        self.token = Some(self.stack.tokens().issue(subject, scopes, TimeDelta::hours(1)));
        self
    }

    /// Calls at another time.
    pub fn at(mut self, time: &str) -> Self {
        self.at = Some(time.parse().unwrap());
        self
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.stack.base_url()));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(at) = self.at {
            request = request.header("local-time", at.to_rfc3339());
        }
        request
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Reply {
        let mut request = self.request(Method::POST, path).json(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        send(request).await
    }

    /// The path of this account, with something behind it.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/accounts/{}{rest}", self.account)
    }

    pub async fn debit(&self, key: &str, body: &Value) -> Reply {
        self.post(&self.path("/debits"), Some(key), body).await
    }

    pub async fn reverse(&self, debit: &str, key: &str, body: &Value) -> Reply {
        self.post(&self.path(&format!("/debits/{debit}/reversals")), Some(key), body).await
    }

    pub async fn hold(&self, key: &str, body: &Value) -> Reply {
        self.post(&self.path("/holds"), Some(key), body).await
    }

    pub async fn capture(&self, hold: &str, body: &Value) -> Reply {
        self.post(&self.path(&format!("/holds/{hold}/capture")), None, body).await
    }

    pub async fn release(&self, hold: &str) -> Reply {
        self.post(&self.path(&format!("/holds/{hold}/release")), None, &json!({})).await
    }

    /// A hold as it stands.
    pub async fn held_work(&self, hold: &str) -> Reply {
        self.get(&self.path(&format!("/holds/{hold}"))).await
    }

    pub async fn quote(&self, body: &Value) -> Reply {
        self.post(&self.path("/quotes"), None, body).await
    }

    pub async fn balance(&self) -> Value {
        let reply = self.get(&self.path("")).await;
        reply.is(200).json["balance"].clone()
    }

    /// The balance, and what is held.
    pub async fn balance_and_held(&self) -> (Value, Value) {
        let reply = self.get(&self.path("")).await;
        let shown = &reply.is(200).json;
        (shown["balance"].clone(), shown["held"].clone())
    }

    /// The whole ledger, oldest first, checked: no gaps, and each balance is the one below plus the change.
    pub async fn statement(&self) -> Vec<Value> {
        let mut entries = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&self.path(&format!("/entries?limit=100{cursor}"))).await;
            entries.extend(page.is(200).json["entries"].as_array().unwrap().iter().cloned());
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        entries.reverse();
        let mut balance = [0; 3];
        for (index, entry) in entries.iter().enumerate() {
            assert_eq!(entry["sequence"], json!(index + 1));
            for (kind, sum) in ["playground", "tune", "tune_image"].into_iter().zip(&mut balance) {
                *sum += entry["credits"][kind].as_i64().unwrap();
                assert_eq!(entry["balance"][kind], json!(*sum), "{entry}");
                assert!(*sum >= 0, "{entry}");
            }
        }
        entries
    }
}

pub async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply { status, headers, text, json }
}

/// An operation that costs that many playground credits: 1 for each image.
pub fn enhance(images: usize) -> Value {
    json!({"operation": "face_enhance", "images": images})
}
