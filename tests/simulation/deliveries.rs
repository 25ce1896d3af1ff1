//! What comes by itself, twice and late: the provider's events, the scheduler's, and the messages of its queue.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use scrip_local::stack::WEBHOOK_SECRET;
use scrip_stripe_model::{Event, signature};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    faults::Fault,
    functions::{Function, FunctionInput, Reply},
    provider::STALE_MAX,
    request::Request,
    scheduler::lock,
    world::World,
};

/// The provider gives up an event that isn't taken by then.
const GIVEN_UP: TimeDelta = TimeDelta::days(3);
/// How long the gateway waits for a function.
const GATEWAY_TIME: Duration = Duration::from_secs(30);
/// A schedule that isn't taken by then never will be.
const ATTEMPTS_MAX: u32 = 60;
/// How often a message of the queue is delivered.
const DELIVERIES_MAX: u32 = 5;
/// The longest that an event waits before it is delivered for the first time.
const LATE_MS: u64 = 20 * 60 * 1000;
const STRIPE: &str = "POST /v1/webhooks/stripe";

impl World {
    /// Delivers events of the provider, each by itself, until it is taken.
    pub fn tell(self: &Arc<Self>, events: Vec<Event>) {
        if !events.is_empty() {
            lock(&self.memory).keep_state(self.now(), self.stripe.state());
        }
        for event in events {
            let copies = 1 + u64::from(self.happens(Fault::DeliveredTwice));
            for _ in 0..copies {
                let (world, event) = (Arc::clone(self), event.clone());
                self.scheduler.spawn(async move { world.deliver(&event).await });
            }
        }
    }

    async fn deliver(self: &Arc<Self>, event: &Event) {
        let most_ms = if self.happens(Fault::DeliveredLate) { LATE_MS } else { 2_000 };
        // Stripe sends an event once what it is about can be read.
        sleep(STALE_MAX + Duration::from_millis(self.draw(most_ms))).await;
        let made = self.now();
        for attempt in 0.. {
            if self.now() - made > GIVEN_UP {
                assert!(self.plan.outage.is_some(), "never taken: {event:?}");
                return;
            }
            if self.is_down() {
                self.happened(Fault::WebhookDown);
            } else if self.is_taken(event, attempt).await {
                self.stripe.mark_delivered(event.id());
                return;
            }
            // As the provider does: soon at first, then every hour.
            let most_ms = 4_000 << attempt.min(10);
            sleep(Duration::from_millis(1_000 + self.draw(most_ms))).await;
        }
    }

    async fn is_taken(self: &Arc<Self>, event: &Event, attempt: u32) -> bool {
        let (body, at) = (event.body(), self.now_at(Function::Webhook));
        let signature = signature::sign(&[WEBHOOK_SECRET], self.now(), &body);
        let headers = vec![("stripe-signature", signature)];
        let request = Request { headers, ..Request::plain(Function::Webhook, STRIPE, body) };
        let asked = FunctionInput::Http(Box::new(request.made(at, attempt)));
        // The gateway waits no longer; the function goes on.
        let Ok(reply) = timeout(GATEWAY_TIME, self.invoke(Function::Webhook, asked)).await else {
            return false;
        };
        let Reply::Answered(status, _, body) = reply else { return false };
        self.note(("event", status));
        assert_ne!(body["code"], "internal", "a bug: {event:?}");
        status == 200
    }

    /// The recovery command: what it did, if it answered.
    pub async fn recover(self: &Arc<Self>, command: &Value) -> Option<Value> {
        let mut event = json!({"command": "recover", "time": self.now_at(Function::Webhook)});
        for (name, value) in command.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
        let Reply::Answered(status, _, body) =
            self.invoke(Function::Webhook, FunctionInput::Event(event)).await
        else {
            return None;
        };
        self.note(("recovery", status));
        assert_ne!(body["code"], "internal", "a bug: {command} {body}");
        (status == 200).then_some(body)
    }

    /// Whether nothing gets to the webhook.
    fn is_down(&self) -> bool {
        let now = self.now();
        let is_within = self.plan.outage.is_some_and(|(from, until)| from <= now && now < until);
        is_within && !self.plan.without.contains(&Fault::WebhookDown)
    }

    /// The scheduler's event of a month's turn, and the queue's messages that come of it.
    pub async fn turn(self: &Arc<Self>, month: DateTime<Utc>) {
        let event = json!({"source": "aws.scheduler", "time": month});
        for attempt in 0..ATTEMPTS_MAX {
            let reply = self.invoke(Function::Refill, FunctionInput::Event(event.clone())).await;
            self.work_off();
            if let Reply::Answered(_, _, answer) = reply {
                let period = month.format("%Y-%m").to_string();
                assert_eq!(answer["period"], period, "another month than the event's: {answer}");
                return;
            }
            sleep(Duration::from_secs(60 * u64::from(attempt.min(5) + 1))).await;
        }
        panic!("the month never turned");
    }

    /// Delivers what lies in the queue. The shards that hold no account of the history's are left out: there is
    /// nothing in them.
    fn work_off(self: &Arc<Self>) {
        let messages = std::mem::take(&mut *lock(&self.queued));
        let shards: Vec<_> = {
            let audit = lock(&self.audit);
            self.plan.accounts.iter().filter_map(|account| audit.book(account).shard).collect()
        };
        for message in messages {
            let work: Value = serde_json::from_str(&message).expect("a message is JSON");
            if work["shard"].as_u64().is_some_and(|shard| !shards.contains(&shard)) {
                continue;
            }
            let copies = 1 + u64::from(self.happens(Fault::DeliveredTwice));
            for _ in 0..copies {
                let (world, message) = (Arc::clone(self), message.clone());
                self.scheduler.spawn(async move { world.work(&message).await });
            }
        }
    }

    async fn work(self: &Arc<Self>, message: &str) {
        sleep(Duration::from_millis(self.draw(3_000))).await;
        let batch = json!({"Records": [{"messageId": "one", "body": message}]});
        // A message that isn't done by then lies in the dead-letter queue, until an operator moves it back.
        for _ in 0..DELIVERIES_MAX {
            let reply = self.invoke(Function::Refill, FunctionInput::Event(batch.clone())).await;
            self.work_off();
            if reply == Reply::Answered(200, false, json!({"batchItemFailures": []})) {
                return;
            }
            sleep(Duration::from_secs(90)).await;
        }
    }

    /// The hourly schedule of pending refunds.
    pub async fn sweep(self: &Arc<Self>) {
        let event = json!({"command": "complete_pending_refunds", "time": self.now_at(Function::Refund)});
        // It is called again in an hour anyway.
        self.invoke(Function::Refund, FunctionInput::Event(event)).await;
    }
}
