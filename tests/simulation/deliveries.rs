//! What comes by itself, twice and late: the provider's events, the scheduler's, and the messages of its queue.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use scrip_tests::{
    stack::WEBHOOK_SECRET,
    stripe::{Event, signature},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    faults::Fault,
    functions::{Asked, Function, Reply},
    request::Request,
    scheduler::lock,
    world::World,
};

/// An event, or a schedule, that isn't taken by then never will be.
const ATTEMPTS_MAX: u32 = 60;
/// How often a message of the queue is delivered.
const DELIVERIES_MAX: u32 = 5;
/// The longest that an event waits before it is delivered for the first time.
const LATE_MS: u64 = 20 * 60 * 1000;
const STRIPE: &str = "POST /v1/webhooks/stripe";

impl World {
    /// Delivers events of the provider, each by itself, until it is taken.
    pub fn tell(self: &Arc<Self>, events: Vec<Event>) {
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
        sleep(Duration::from_millis(self.draw(most_ms))).await;
        for attempt in 0..ATTEMPTS_MAX {
            let (body, at) = (event.body(), self.now_at(Function::Webhook));
            let signature = signature::sign(&[WEBHOOK_SECRET], self.now(), &body);
            let headers = vec![("stripe-signature", signature)];
            let request = Request { headers, ..Request::plain(Function::Webhook, STRIPE, body) };
            let reply =
                self.invoke(Function::Webhook, Asked::Http(Box::new(request.made(at, attempt)))).await;
            if let Reply::Answered(status, _, body) = reply {
                self.note(("event", status));
                assert_ne!(body["code"], "internal", "a bug: {event:?}");
                if status == 200 {
                    return;
                }
            }
            // As the provider does: soon at first, then every hour.
            let most_ms = 4_000 << attempt.min(10);
            sleep(Duration::from_millis(1_000 + self.draw(most_ms))).await;
        }
        panic!("never taken: {event:?}");
    }

    /// The scheduler's event of a month's turn, and the queue's messages that come of it.
    pub async fn turn(self: &Arc<Self>, month: DateTime<Utc>) {
        let event = json!({"source": "aws.scheduler", "time": month});
        for attempt in 0..ATTEMPTS_MAX {
            let reply = self.invoke(Function::Refill, Asked::Event(event.clone())).await;
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
        // What isn't done by then lies in the dead-letter queue, until somebody moves it back.
        for _ in 0..DELIVERIES_MAX {
            let reply = self.invoke(Function::Refill, Asked::Event(batch.clone())).await;
            self.work_off();
            if reply == Reply::Answered(200, false, json!({"batchItemFailures": []})) {
                return;
            }
            sleep(Duration::from_secs(90)).await;
        }
    }

    /// The hourly schedule of pending refunds.
    pub async fn sweep(self: &Arc<Self>) {
        let request = Request::plain(Function::Refund, "SWEEP pending-refunds", "{}".to_owned());
        // It is called again in an hour anyway.
        let made = request.made(self.now_at(Function::Refund), 0);
        self.invoke(Function::Refund, Asked::Http(Box::new(made))).await;
    }
}
