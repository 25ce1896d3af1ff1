//! The network between the functions and the services that they call, and all that goes wrong there.
//!
//! Invariant: the audit sees whatever takes effect before any caller gets its answer.

use std::{future::pending, sync::Arc, time::Duration};

use scrip_local::stack::{API_KEY, API_KEY_PARAMETER, WEBHOOK_SECRET, WEBHOOK_SECRET_PARAMETER};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    faults::Fault,
    functions::INVOCATION,
    scheduler::{lock, turn},
    world::World,
};

/// How late what is [`Fault::Late`] is carried out: after a function's patience of two seconds.
const LATE_MS: std::ops::Range<u64> = 2_000..12_000;

/// How long a call, or its answer, is on its way at most.
const TRAVEL_MS_MAX: u64 = 40;

impl World {
    /// Answers a request to AWS.
    pub async fn aws(self: &Arc<Self>, target: &str, body: String) -> Option<(u16, String)> {
        self.travel().await;
        self.may_crash(Fault::CrashBefore).await;
        let (service, operation) = target.split_once('.').unwrap_or_default();
        let (answer, is_done) = match service {
            "AmazonSSM" => (Some((200, parameter(&body))), true),
            "AmazonSQS" => (Some((200, self.enqueue(&body))), true),
            _ => self.database(operation, body).await,
        };
        if is_done {
            self.may_crash(Fault::CrashAfter).await;
        }
        self.travel().await;
        answer
    }

    /// A request on its way: another goes first, or time passes.
    pub async fn travel(&self) {
        match self.draw(2) {
            0 => turn().await,
            _ => sleep(Duration::from_millis(self.draw(TRAVEL_MS_MAX))).await,
        }
    }

    /// Kills the function that calls, if so it is drawn.
    pub async fn may_crash(&self, fault: Fault) {
        if let Ok(invocation) = INVOCATION.try_with(Arc::clone)
            && self.happens(fault)
        {
            invocation.kill();
            pending::<()>().await;
        }
    }

    /// The database's answer, if there is one, and whether the request was carried out.
    async fn database(self: &Arc<Self>, operation: &str, body: String) -> (Option<(u16, String)>, bool) {
        if let Some(refusal) = self.refusal(operation, &body) {
            return (Some(refusal), false);
        }
        if self.is_drawn(Fault::Late) {
            let (world, operation, late_ms) = (Arc::clone(self), operation.to_owned(), self.draw_late());
            self.scheduler.spawn(async move {
                sleep(Duration::from_millis(late_ms)).await;
                world.carry_out(&operation, &body);
                if is_write(&operation) {
                    world.happened(Fault::Late);
                }
            });
            return pending().await;
        }
        let (answer, is_written) = self.carry_out(operation, &body);
        if operation == "Query" && body.contains("\"IndexName\"") {
            return (Some((answer.0, self.index_says(&body, answer.1))), true);
        }
        if self.is_drawn(Fault::AnswerLost) {
            if is_written {
                self.happened(Fault::AnswerLost);
            }
            return (None, true);
        }
        (Some(answer), true)
    }

    /// Why the database doesn't do what is asked, if it doesn't.
    fn refusal(&self, operation: &str, body: &str) -> Option<(u16, String)> {
        let is_transaction = operation.starts_with("Transact");
        let is_single_write = is_write(operation) && !is_transaction;
        if self.happens(Fault::ErrorBefore) {
            return Some(error(500, "InternalServerError"));
        }
        if self.happens(Fault::Throttled) {
            let names = ["ThrottlingException", "ProvisionedThroughputExceededException"];
            return Some(match self.draw(3) {
                2 if is_transaction => self.cancelled(body, "ThrottlingError"),
                number => error(400, names[usize::from(number == 1)]),
            });
        }
        if is_transaction && self.happens(Fault::TransactionConflict) {
            return Some(self.cancelled(body, "TransactionConflict"));
        }
        if is_single_write && self.happens(Fault::TransactionConflict) {
            return Some(error(400, "TransactionConflictException"));
        }
        (operation == "TransactWriteItems" && self.happens(Fault::TransactionInProgress))
            .then(|| error(400, "TransactionInProgressException"))
    }

    /// An answer of the due index, which may be its answer to the same query before, or nothing yet.
    fn index_says(&self, body: &str, true_answer: String) -> String {
        const NOTHING: &str = r#"{"Items":[],"Count":0,"ScannedCount":0}"#;
        let question = question(body);
        let stale = lock(&self.index).get(&question).cloned().unwrap_or_else(|| NOTHING.to_owned());
        let listed = |answer: &str| {
            let answer: Value = serde_json::from_str(answer).expect("an answer is JSON");
            answer["Count"].clone()
        };
        let is_stale = listed(&stale) != listed(&true_answer) && self.happens(Fault::StaleRead);
        if is_stale {
            return stale;
        }
        lock(&self.index).insert(question, true_answer.clone());
        true_answer
    }

    fn draw_late(&self) -> u64 {
        LATE_MS.start + self.draw(LATE_MS.end - LATE_MS.start)
    }

    /// Lets the database do it: its answer, and whether something was written.
    fn carry_out(&self, operation: &str, body: &str) -> ((u16, String), bool) {
        let (status, answer) = self.engine.call(operation, body);
        self.note((operation, status));
        let is_written = is_write(operation) && status == 200;
        if is_written {
            let mut request: Value = serde_json::from_str(body).expect("the functions' requests are JSON");
            if operation == "PutItem" {
                request = json!({"TransactItems": [{"Put": {"Item": request["Item"]}}]});
            }
            lock(&self.audit).written(&request, self.step());
            request.sort_all_objects();
            self.note(request["TransactItems"].to_string().replace(&self.engine.table, "table"));
            self.may_crowd(&request);
        }
        ((status, answer), is_written)
    }

    /// A transaction that is cancelled by one of its items.
    fn cancelled(&self, body: &str, code: &str) -> (u16, String) {
        let request: Value = serde_json::from_str(body).expect("the functions' requests are JSON");
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
        let request: Value = serde_json::from_str(body).expect("the functions' requests are JSON");
        let entries = request["Entries"].as_array().cloned().unwrap_or_default();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        lock(&self.queued).extend(entries.iter().map(|entry| text(entry, "MessageBody")));
        let sent = entries.iter().map(
            |entry| json!({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": "unchecked"}),
        );
        json!({"Successful": sent.collect::<Vec<_>>(), "Failed": []}).to_string()
    }
}

/// Whether an operation writes.
fn is_write(operation: &str) -> bool {
    matches!(operation, "TransactWriteItems" | "PutItem" | "UpdateItem")
}

fn error(status: u16, name: &str) -> (u16, String) {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "drawn"});
    (status, body.to_string())
}

/// A query of the index, in one form for any order of its fields.
fn question(body: &str) -> String {
    let mut request: Value = serde_json::from_str(body).expect("the functions' requests are JSON");
    request.sort_all_objects();
    request.to_string()
}

fn parameter(body: &str) -> String {
    let request: Value = serde_json::from_str(body).expect("the functions' requests are JSON");
    let value = match request["Name"].as_str() {
        Some(WEBHOOK_SECRET_PARAMETER) => WEBHOOK_SECRET,
        Some(API_KEY_PARAMETER) => API_KEY,
        name => panic!("no function of ours reads {name:?}"),
    };
    json!({"Parameter": {"Name": request["Name"], "Type": "SecureString", "Value": value}}).to_string()
}
