//! Sending events to a webhook, as orderly or disorderly as Stripe does.
//!
//! Invariant: the same seed gives the same order. An event that isn't answered with 2xx is sent again in
//! the next round, with a signature of that round's time, until the rounds are used up.

use crate::gateway::LOCAL_TIME;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use fastrand::Rng;
use reqwest::Client;
use scrip_stripe_model::{Event, Stripe, signature};
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take before the attempt counts as failed.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

/// A webhook.
#[derive(Debug, Clone)]
pub struct Endpoint {
    url: String,
    secrets: Vec<String>,
    client: Client,
    /// The provider that marks its events as delivered.
    stripe: Option<Stripe>,
}

/// In which order and how often events are sent.
#[derive(Debug, Clone)]
pub struct Course {
    /// Shuffles each round by this seed; none keeps the order.
    pub shuffle: Option<u64>,
    /// How often each event is sent in the first round.
    pub copies: usize,
    /// How many rounds there are.
    pub rounds_max: u32,
    /// How much time passes between rounds.
    pub round_time: TimeDelta,
}

impl Default for Course {
    fn default() -> Self {
        Self { shuffle: None, copies: 1, rounds_max: 5, round_time: TimeDelta::minutes(10) }
    }
}

impl Course {
    /// The events of a round, in the order in which they are sent; copies are made in the first only.
    #[must_use]
    pub fn round(&self, events: &[Event], round: u32) -> Vec<Event> {
        let copies = if round == 0 { self.copies } else { 1 };
        let mut sent = vec![events; copies].concat();
        if let Some(seed) = self.shuffle {
            Rng::with_seed(seed.wrapping_add(u64::from(round))).shuffle(&mut sent);
        }
        sent
    }
}

/// One attempt and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The event.
    pub event: Event,
    /// In which round, from 0.
    pub round: u32,
    /// The answer's status; none if there was no answer.
    pub status: Option<u16>,
    /// The answer's body; null if it isn't JSON.
    pub answer: Value,
}

impl Attempt {
    /// Whether Stripe is content.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Endpoint {
    /// A webhook at a URL with its signing secrets: several while they are rotated.
    ///
    /// # Panics
    /// When no HTTP client can be made.
    #[must_use]
    pub fn new(url: &str, secrets: &[&str]) -> Self {
        let client = Client::builder().timeout(ANSWER_TIME_MAX).build().expect("an HTTP client");
        let secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        Self { url: url.to_owned(), secrets, client, stripe: None }
    }

    /// The same of a Stripe account, which then knows which of its events could not be delivered.
    #[must_use]
    pub fn of(self, stripe: &Stripe) -> Self {
        Self { stripe: Some(stripe.clone()), ..self }
    }

    /// Sends one event at that time. The local gateway gets the time as well.
    pub async fn send(&self, event: &Event, sent_at: DateTime<Utc>) -> Attempt {
        self.attempt(event.clone(), 0, sent_at).await
    }

    /// Sends events until each is delivered or the rounds are used up, one at a time. Returns every
    /// attempt in order; the last of an event has its outcome.
    pub async fn deliver(&self, events: &[Event], course: &Course, sent_at: DateTime<Utc>) -> Vec<Attempt> {
        let mut attempts: Vec<Attempt> = Vec::new();
        let (mut waiting, mut sent_at) = (events.to_vec(), sent_at);
        for round in 0..course.rounds_max {
            let sent = course.round(&waiting, round);
            let first = attempts.len();
            for event in sent {
                attempts.push(self.attempt(event, round, sent_at).await);
            }
            // An event stays if any copy of it failed: Stripe can't know that another got through.
            let failed = |event: &Event| {
                attempts[first..].iter().any(|attempt| attempt.event == *event && !attempt.is_delivered())
            };
            waiting.retain(failed);
            if waiting.is_empty() {
                break;
            }
            sent_at += course.round_time;
        }
        attempts
    }

    async fn attempt(&self, event: Event, round: u32, sent_at: DateTime<Utc>) -> Attempt {
        let body = event.body();
        let secrets: Vec<_> = self.secrets.iter().map(String::as_str).collect();
        let request = self
            .client
            .post(&self.url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header(signature::HEADER, signature::sign(&secrets, sent_at, &body))
            .header(LOCAL_TIME, sent_at.to_rfc3339_opts(SecondsFormat::Millis, true))
            .body(body);
        let (status, answer) = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                (Some(status), response.json().await.unwrap_or_default())
            }
            Err(_) => (None, Value::Null),
        };
        let attempt = Attempt { event, round, status, answer };
        if let Some(stripe) = self.stripe.as_ref().filter(|_| attempt.is_delivered()) {
            stripe.mark_delivered(attempt.event.id());
        }
        attempt
    }
}
