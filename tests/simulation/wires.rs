//! What lies between the functions and what they call, and all that goes wrong there.
//!
//! Invariant: whatever takes effect is seen by the audit before anybody learns of it.

use std::{
    future::pending,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::body::to_bytes;
use refund_function::{Exchange, Transport};
use scrip_tests::{
    stack::{API_KEY, API_KEY_PARAMETER, WEBHOOK_SECRET, WEBHOOK_SECRET_PARAMETER},
    stripe::{ApiError, Fault as Answer},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    faults::Fault,
    functions::INVOCATION,
    scheduler::{lock, turn},
    world::World,
};

/// How late what is [`Fault::Late`] is carried out: after the SDK's patience of two seconds.
const LATE_MS: std::ops::Range<u64> = 2_000..12_000;

impl World {
    /// Answers a call of the AWS SDK.
    pub async fn aws(self: &Arc<Self>, target: &str, body: String) -> Option<(u16, String)> {
        turn().await;
        self.may_crash(Fault::CrashBefore).await;
        let (service, operation) = target.split_once('.').unwrap_or_default();
        let answer = match service {
            "AmazonSSM" => Some((200, parameter(&body))),
            "AmazonSQS" => Some((200, self.enqueue(&body))),
            _ => self.database(operation, body).await,
        };
        self.may_crash(Fault::CrashAfter).await;
        turn().await;
        answer
    }

    /// Kills the function that calls, if so it is drawn.
    async fn may_crash(&self, fault: Fault) {
        if let Ok(invocation) = INVOCATION.try_with(Arc::clone)
            && self.happens(fault)
        {
            invocation.kill();
            pending::<()>().await;
        }
    }

    async fn database(self: &Arc<Self>, operation: &str, body: String) -> Option<(u16, String)> {
        let (is_write, is_transaction) =
            (operation == "TransactWriteItems", operation.starts_with("Transact"));
        if self.happens(Fault::ErrorBefore) {
            return Some(error(500, "InternalServerError"));
        }
        if self.happens(Fault::Throttled) {
            let names = ["ThrottlingException", "ProvisionedThroughputExceededException"];
            return Some(match self.draw(3) {
                2 if is_transaction => self.cancelled(&body, "ThrottlingError"),
                number => error(400, names[usize::from(number == 1)]),
            });
        }
        if is_transaction && self.happens(Fault::TransactionConflict) {
            return Some(self.cancelled(&body, "TransactionConflict"));
        }
        if is_write && self.happens(Fault::TransactionInProgress) {
            return Some(error(400, "TransactionInProgressException"));
        }
        if self.happens(Fault::Late) {
            let (world, operation, late_ms) = (Arc::clone(self), operation.to_owned(), self.draw_late());
            self.scheduler.spawn(async move {
                sleep(Duration::from_millis(late_ms)).await;
                world.carry_out(&operation, &body);
            });
            return pending().await;
        }
        if operation == "Query" && body.contains("\"IndexName\"") {
            let stale = lock(&self.index).get(&question(&body)).cloned();
            if let Some(stale) = stale.filter(|_| self.happens(Fault::StaleRead)) {
                return Some((200, stale));
            }
            let (status, answer) = self.carry_out(operation, &body);
            lock(&self.index).insert(question(&body), answer.clone());
            return Some((status, answer));
        }
        let answer = self.carry_out(operation, &body);
        // Nobody reads it: the connection is gone.
        (!self.happens(Fault::AnswerLost)).then_some(answer)
    }

    fn draw_late(&self) -> u64 {
        LATE_MS.start + self.draw(LATE_MS.end - LATE_MS.start)
    }

    fn carry_out(&self, operation: &str, body: &str) -> (u16, String) {
        let (status, answer) = self.engine.call(operation, body);
        self.note((operation, status));
        if operation == "TransactWriteItems" && status == 200 {
            let mut request: Value = serde_json::from_str(body).expect("the SDK's requests are JSON");
            lock(&self.audit).written(&request, self.step());
            request.sort_all_objects();
            self.note(request["TransactItems"].to_string().replace(&self.engine.table, "table"));
        }
        (status, answer)
    }

    /// A transaction that is cancelled by one of its items.
    fn cancelled(&self, body: &str, code: &str) -> (u16, String) {
        let request: Value = serde_json::from_str(body).expect("the SDK's requests are JSON");
        let items = request["TransactItems"].as_array().map_or(1, Vec::len);
        let to_blame = self.draw(items as u64);
        let reasons: Vec<_> = (0..items as u64)
            .map(|item| json!({"Code": if item == to_blame { code } else { "None" }, "Message": "drawn"}))
            .collect();
        let (status, body) = error(400, "TransactionCanceledException");
        let mut body: Value = serde_json::from_str(&body).expect("it was JSON");
        body["CancellationReasons"] = json!(reasons);
        (status, body.to_string())
    }

    fn enqueue(&self, body: &str) -> String {
        let request: Value = serde_json::from_str(body).expect("the SDK's requests are JSON");
        let entries = request["Entries"].as_array().cloned().unwrap_or_default();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        lock(&self.queued).extend(entries.iter().map(|entry| text(entry, "MessageBody")));
        let sent = entries.iter().map(
            |entry| json!({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": "unchecked"}),
        );
        json!({"Successful": sent.collect::<Vec<_>>(), "Failed": []}).to_string()
    }

    /// The way to the provider's API.
    pub fn transport(self: &Arc<Self>) -> Transport {
        let world = Arc::downgrade(self);
        Box::new(move |request| -> Exchange {
            let world = Weak::clone(&world);
            Box::pin(async move {
                let world = world.upgrade()?;
                let (head, body) = request.into_parts();
                let request = axum::extract::Request::from_parts(head, axum::body::Body::new(body));
                let answer = world.provider(request).await?;
                Some((http::StatusCode::from_u16(answer.0).ok()?, answer.1.into()))
            })
        })
    }

    async fn provider(self: &Arc<Self>, request: axum::extract::Request) -> Option<(u16, Vec<u8>)> {
        turn().await;
        self.may_crash(Fault::CrashBefore).await;
        let answer = self.provider_answers(request).await;
        self.may_crash(Fault::CrashAfter).await;
        turn().await;
        answer
    }

    async fn provider_answers(self: &Arc<Self>, request: axum::extract::Request) -> Option<(u16, Vec<u8>)> {
        let asks_for_money = request.method() == http::Method::POST;
        let resource: Vec<_> = request.uri().path().split('/').take(3).collect();
        let operation = format!("{} {}", request.method(), resource.join("/"));
        let mut key = API_KEY;
        if self.happens(Fault::StripeRequestLost) {
            return None;
        }
        if self.happens(Fault::StripeHangs) {
            return pending().await;
        }
        if asks_for_money && self.happens(Fault::StripeRefuses) {
            let refusal = ApiError::refused("charge_disputed", "The charge is disputed.");
            self.stripe.fault(&operation, Answer::Answer(refusal));
        } else if self.happens(Fault::StripeFails) {
            self.stripe.fault(&operation, Answer::Answer(ApiError::broken()));
        } else if self.happens(Fault::StripeBusy) {
            let busy = if self.draw(2) == 0 { ApiError::rate_limited() } else { ApiError::key_in_use() };
            self.stripe.fault(&operation, Answer::Answer(busy));
        } else if self.happens(Fault::StripeLocksOut) {
            key = "another key";
        }
        let answer = self.ask_provider(request, key).await;
        (!self.happens(Fault::StripeAnswerLost)).then_some(answer)
    }

    /// Asks the provider, past all faults but those that are scripted.
    pub async fn ask_provider(
        self: &Arc<Self>,
        request: axum::extract::Request,
        key: &str,
    ) -> (u16, Vec<u8>) {
        self.bill();
        let answer = self.stripe.answer(request, &format!("Bearer {key}")).await;
        self.tell(self.stripe.take_events());
        let status = answer.status().as_u16();
        self.note(status);
        let body = to_bytes(answer.into_body(), usize::MAX).await.expect("the fake's answers are whole");
        (status, body.to_vec())
    }
}

fn error(status: u16, name: &str) -> (u16, String) {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "drawn"});
    (status, body.to_string())
}

/// What is asked of the index, however its fields are ordered.
fn question(body: &str) -> String {
    let mut request: Value = serde_json::from_str(body).expect("the SDK's requests are JSON");
    request.sort_all_objects();
    request.to_string()
}

fn parameter(body: &str) -> String {
    let request: Value = serde_json::from_str(body).expect("the SDK's requests are JSON");
    let value = match request["Name"].as_str() {
        Some(WEBHOOK_SECRET_PARAMETER) => WEBHOOK_SECRET,
        Some(API_KEY_PARAMETER) => API_KEY,
        name => panic!("no function of ours reads {name:?}"),
    };
    json!({"Parameter": {"Name": request["Name"], "Type": "SecureString", "Value": value}}).to_string()
}
