//! The stack, the payment provider, the time, and the counts.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use reqwest::Method;
use scrip_local::{
    Options, Stack,
    delivery::{Course, Endpoint},
    seed::{self, Callers},
    stack::{API_KEY, WEBHOOK_SECRET},
};
use scrip_stripe_model::{
    Event, Generation, Stripe,
    server::{self, Server},
};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{PLANS, book::Book};
use crate::api::{Reply, send};

/// When it begins, and how much later it is after each kill: it ends in November.
const BEGIN: &str = "2026-07-20T00:00:00Z";
const TIME_PER_KILL: TimeDelta = TimeDelta::hours(14);
/// How many processes run for each function.
const INSTANCES: usize = 3;
/// How often a client asks for the same.
const ATTEMPTS_MAX: u32 = 100;
/// How often the provider sends an event, and how long after the last time: it is all within the hour in
/// which an event may wait for an earlier one.
const ROUNDS_MAX: u32 = 100;
const ROUND_TIME: TimeDelta = TimeDelta::seconds(30);

/// Everything that the clients share.
pub struct World {
    pub stack: Stack,
    pub stripe: Stripe,
    pub accounts: Vec<Book>,
    pub tally: Tally,
    /// The events that fell due at the provider and are still to be delivered.
    due: Mutex<Vec<Event>>,
    /// The events that were delivered.
    delivered: Mutex<Vec<Event>>,
    provider: Server,
    webhook: Endpoint,
    http: reqwest::Client,
    callers: Callers,
    /// How many were killed: the time.
    kills: AtomicU32,
    /// How many requests had an answer, also one of a function that was killed.
    answers: watch::Sender<u32>,
    is_over: AtomicBool,
}

/// A request that may be made again.
#[derive(Debug, Clone)]
pub struct Command {
    pub path: String,
    pub key: Option<String>,
    /// A `GET` has none.
    pub body: Option<Value>,
}

impl Command {
    pub fn get(path: String) -> Self {
        Self { path, key: None, body: None }
    }

    pub fn post(path: String, key: Option<String>, body: Value) -> Self {
        Self { path, key, body: Some(body) }
    }
}

impl World {
    pub async fn start(seed: u64) -> Self {
        let stripe = Stripe::new(&format!("kills-{seed}"), Generation::Basil, BEGIN.parse().unwrap());
        let provider = stripe.serve(server::loopback(0).await.unwrap(), API_KEY).unwrap();
        let stripe_api_base = Some(format!("http://{}", provider.address()));
        let options = Options { instances: INSTANCES, stripe_api_base, ..Options::default() };
        let stack = Stack::start(options).await.unwrap();
        let webhook = Endpoint::new(&format!("{}/v1/webhooks/stripe", stack.base_url()), &[WEBHOOK_SECRET]);
        let accounts = (0..PLANS.len()).map(|number| Book::new(format!("account-{number}"))).collect();
        let callers = seed::callers(stack.tokens());
        Self {
            stack,
            stripe,
            accounts,
            tally: Tally::default(),
            due: Mutex::default(),
            delivered: Mutex::default(),
            provider,
            webhook,
            http: reqwest::Client::new(),
            callers,
            kills: AtomicU32::new(0),
            answers: watch::Sender::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        let kills = i32::try_from(self.kills.load(Ordering::SeqCst)).unwrap();
        BEGIN.parse::<DateTime<Utc>>().unwrap() + TIME_PER_KILL * kills
    }

    /// Waits until so many more requests had an answer, or the last kill was made.
    pub async fn answers(&self, count: u32) {
        let mut answers = self.answers.subscribe();
        let enough = *answers.borrow() + count;
        answers.wait_for(|answers| *answers >= enough || self.is_over()).await.expect("the sender is here");
    }

    /// An instance was killed.
    pub fn killed(&self) {
        self.kills.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends the run: no instance is killed any more.
    pub fn last_kill(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.answers.send_modify(|_| {});
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Asks until there is an answer that asking again doesn't change.
    pub async fn ask(&self, command: &Command) -> Reply {
        self.tally.add("commands");
        for _ in 0..ATTEMPTS_MAX {
            let reply = self.ask_once(command).await;
            self.answers.send_modify(|answers| *answers += 1);
            match reply.status {
                // The provider's answer is still to be had.
                202 => self.tally.add("pending"),
                500 | 503 => self.tally.add("retries"),
                502 | 504.. => panic!("{command:?}: {}", reply.text),
                _ => return reply,
            }
        }
        panic!("{command:?} has no answer after {ATTEMPTS_MAX} attempts");
    }

    async fn ask_once(&self, command: &Command) -> Reply {
        let method = if command.body.is_some() { Method::POST } else { Method::GET };
        let is_refund = command.path.ends_with("/refund");
        let token = if is_refund { &self.callers.support } else { &self.callers.backend };
        let url = format!("{}{}", self.stack.base_url(), command.path);
        let mut request = self.http.request(method, url).bearer_auth(token);
        request = request.header("local-time", self.now().to_rfc3339());
        if let Some(body) = &command.body {
            request = request.json(body);
        }
        if let Some(key) = &command.key {
            request = request.header("idempotency-key", key);
        }
        send(request).await
    }

    /// Sets the provider's clock; what falls due by that, renewals, waits for [`World::take_events`].
    pub fn set_provider(&self) {
        let mut due = self.due.lock().unwrap();
        due.extend(self.stripe.advance_to(self.now().max(self.stripe.now())));
    }

    /// Takes the events that fell due at the provider, and those that calls of its API caused.
    pub fn take_events(&self) -> Vec<Event> {
        let due = std::mem::take(&mut *self.due.lock().unwrap());
        [due, self.stripe.take_events()].concat()
    }

    /// Delivers events in any order, each until it is taken, at the time at which they were made.
    pub async fn deliver(&self, events: &[Event], rng: &mut Rng) {
        self.delivered.lock().unwrap().extend_from_slice(events);
        for at_once in events.chunk_by(|one, next| one.created() == next.created()) {
            let made_at = DateTime::from_timestamp(at_once[0].created(), 0).unwrap();
            let course = Course {
                shuffle: Some(rng.u64(..)),
                copies: rng.usize(1..=2),
                rounds_max: ROUNDS_MAX,
                round_time: ROUND_TIME,
            };
            let attempts = self.webhook.deliver(at_once, &course, made_at).await;
            for event in at_once {
                self.tally.add("events");
                let last = attempts.iter().rfind(|attempt| attempt.event == *event).unwrap();
                assert!(last.is_delivered(), "{last:?}");
                // Everything that is paid here has a SKU.
                assert_ne!(last.answer["outcome"], "parked", "{last:?}");
            }
            let again = attempts.iter().filter(|attempt| !attempt.is_delivered()).count();
            self.tally.add_many("redeliveries", again);
        }
    }

    /// Settles every account for the current month, as the queue of the schedule does, and again if one failed.
    pub async fn settle_month(&self) {
        let period = self.now().format("%Y-%m").to_string();
        let record = |book: &Book| {
            let body = json!({"period": period, "account_id": book.account}).to_string();
            json!({"messageId": book.account, "body": body})
        };
        let batch = json!({"Records": self.accounts.iter().map(record).collect::<Vec<_>>()});
        for _ in 0..ATTEMPTS_MAX {
            match self.stack.invoke("monthly-refill", batch.clone()).await {
                Ok(answer) if answer == json!({"batchItemFailures": []}) => return self.tally.add("batches"),
                _ => self.tally.add("batches again"),
            }
        }
        panic!("the month isn't settled after {ATTEMPTS_MAX} attempts");
    }

    /// The invoices of an account that were paid, renewals too.
    pub fn invoices(&self, account: &str) -> Vec<String> {
        let delivered = self.delivered.lock().unwrap();
        let invoices = delivered.iter().filter(|event| event.kind() == "invoice.paid").map(Event::object);
        let is_its =
            |invoice: &&Value| invoice["parent"]["subscription_details"]["metadata"]["account_id"] == account;
        invoices.filter(is_its).map(|invoice| invoice["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The provider gave money back once for each purchase whose refund was answered to a client, and nothing else.
    pub fn paid_back_once(&self) {
        let delivered = self.delivered.lock().unwrap();
        let refunded = delivered.iter().filter(|event| event.kind() == "charge.refunded");
        let mut paid_back: Vec<&str> =
            refunded.map(|event| event.object()["payment_intent"].as_str().unwrap()).collect();
        let mut answered: Vec<String> = self.accounts.iter().flat_map(Book::refunded_payments).collect();
        paid_back.sort_unstable();
        answered.sort_unstable();
        assert_eq!(paid_back, answered);
        self.tally.add_many("refunds", answered.len());
    }

    pub async fn stop(self) {
        self.stack.stop().await;
        self.provider.stop().await;
    }
}

/// How often each thing happened.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<String, usize>>);

impl Tally {
    pub fn add(&self, what: &str) {
        self.add_many(what, 1);
    }

    pub fn add_many(&self, what: &str, count: usize) {
        *self.0.lock().unwrap().entry(what.to_owned()).or_default() += count;
    }

    /// How many kills interrupted an invocation.
    pub fn in_flight(&self) -> u32 {
        self.0.lock().unwrap().get("kills in flight").copied().unwrap_or_default().try_into().unwrap()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.0.lock().unwrap();
        f.write_str(
            &counted.iter().map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", "),
        )
    }
}
