//! One request of the load, and its answer.

use reqwest::header::HeaderMap;
use serde_json::Value;
use std::time::{Duration, Instant};

use super::tally::WrongAnswer;

/// Longer than the gateway waits for a function.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(40);

/// Calls the API as a product would.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base_url: String,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request<'a> {
    pub(super) path: String,
    pub(super) token: &'a str,
    pub(super) key: Option<&'a str>,
    /// With one it is a POST.
    pub(super) body: Option<Value>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: HeaderMap,
    /// The body as it came.
    pub(super) text: String,
    /// The body as JSON; null if it is none.
    pub(super) json: Value,
    pub(super) elapsed: Duration,
}

impl Client {
    pub(super) fn new(base_url: &str) -> Self {
        Self { http: reqwest::Client::new(), base_url: base_url.to_owned() }
    }

    /// Sends a request once.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Answer, WrongAnswer> {
        let Request { path, token, key, body } = request;
        let url = format!("{}{path}", self.base_url);
        let mut sent = match body {
            Some(body) => self.http.post(url).json(body),
            None => self.http.get(url),
        };
        if let Some(key) = key {
            sent = sent.header("idempotency-key", *key);
        }
        let sent_at = Instant::now();
        let answer = async {
            let answer = sent.bearer_auth(token).timeout(ANSWER_TIME_MAX).send().await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let text = answer.text().await?;
            let elapsed = sent_at.elapsed();
            let json = serde_json::from_str(&text).unwrap_or_default();
            Ok::<_, reqwest::Error>(Answer { status, headers, text, json, elapsed })
        };
        answer.await.map_err(|why| WrongAnswer(format!("{path}: no answer: {why}")))
    }
}

impl Answer {
    /// The gateway's id of the request; empty without one.
    pub(super) fn request_id(&self) -> &str {
        self.header("apigw-requestid")
    }

    pub(super) fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == "true"
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
