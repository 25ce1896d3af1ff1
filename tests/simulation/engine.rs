//! The database of a history: dynoxide in this process, or the DynamoDB that `SCRIP_TEST_DYNAMODB` names.
//!
//! Invariant: a call ends before anything else goes on, so that no clock of this machine has a say in the order.

use std::{
    sync::mpsc::{Sender, channel},
    thread,
};

use dynoxide::{Database, DynoxideError};
use scrip_local::template::Table;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// A database that holds the template's table.
pub struct Engine {
    kind: Kind,
    /// The table's name in it.
    pub table: String,
}

enum Kind {
    Embedded(Database),
    Remote(Sender<Request>),
}

/// Operation, body, and where the answer goes.
type Request = (String, String, Sender<(u16, String)>);

impl Engine {
    /// A database with an empty table. Where it is shared with others, the table has a name of its own.
    pub fn start(table: &Table, name: &str) -> Self {
        let remote = std::env::var("SCRIP_TEST_DYNAMODB").ok();
        let engine = match remote {
            None => {
                let kind = Kind::Embedded(Database::memory().expect("a database in memory"));
                Self { kind, table: table.name.clone() }
            }
            Some(url) => Self { kind: Kind::Remote(serve(url)), table: name.to_owned() },
        };
        let mut create = table.create.clone();
        create["TableName"] = json!(engine.table);
        let (status, answer) = engine.call("CreateTable", &create.to_string());
        assert_eq!(status, 200, "{answer}");
        engine
    }

    /// Carries out one request; the status and the body of its answer.
    pub fn call(&self, operation: &str, body: &str) -> (u16, String) {
        match &self.kind {
            Kind::Embedded(database) => embedded(database, operation, body),
            Kind::Remote(requests) => {
                // Equal seeds draw equal tokens, which it knows from the history that was played before. Nothing is
                // sent twice with one.
                let mut body: Value = serde_json::from_str(body).expect("the SDK's requests are JSON");
                body.as_object_mut().and_then(|body| body.remove("ClientRequestToken"));
                let (answer, answered) = channel();
                requests.send((operation.to_owned(), body.to_string(), answer)).expect("the thread runs");
                answered.recv().expect("the second engine answers")
            }
        }
    }

    /// Every item of the table, in DynamoDB's JSON.
    pub fn items(&self) -> Vec<Value> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let mut scan = json!({"TableName": self.table, "ConsistentRead": true});
            if let Some(start) = start.take() {
                scan["ExclusiveStartKey"] = start;
            }
            let (status, answer) = self.call("Scan", &scan.to_string());
            assert_eq!(status, 200, "{answer}");
            let mut page: Value = serde_json::from_str(&answer).expect("an answer is JSON");
            if let Value::Array(more) = page["Items"].take() {
                items.extend(more);
            }
            match page["LastEvaluatedKey"].take() {
                Value::Null => return items,
                next => start = Some(next),
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if matches!(self.kind, Kind::Remote(_)) {
            self.call("DeleteTable", &json!({"TableName": self.table}).to_string());
        }
    }
}

fn embedded(database: &Database, operation: &str, body: &str) -> (u16, String) {
    match operation {
        "Query" => answer(body, |request| database.query(request)),
        "GetItem" => answer(body, |request| database.get_item(request)),
        "PutItem" => answer(body, |request| database.put_item(request)),
        "UpdateItem" => answer(body, |request| database.update_item(request)),
        "TransactWriteItems" => answer(body, |request| database.transact_write_items(request)),
        "TransactGetItems" => answer(body, |request| database.transact_get_items(request)),
        "Scan" => answer(body, |request| database.scan(request)),
        "CreateTable" => answer(body, |request| database.create_table(request)),
        other => panic!("no function of ours asks for {other}"),
    }
}

fn answer<Input: DeserializeOwned, Output: Serialize>(
    body: &str,
    act: impl FnOnce(Input) -> Result<Output, DynoxideError>,
) -> (u16, String) {
    let request = serde_json::from_str(body).expect("the SDK's requests are well-formed");
    match act(request) {
        Ok(answer) => (200, serde_json::to_string(&answer).expect("an answer has a JSON form")),
        Err(error) => (error.status_code(), error.to_json()),
    }
}

/// A thread that asks the engine at that URL, one request after the other.
fn serve(url: String) -> Sender<Request> {
    /// The engine requires a signature and doesn't check it.
    const SIGNED: &str = "AWS4-HMAC-SHA256 \
                          Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let (requests, received) = channel::<Request>();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let http = reqwest::Client::new();
        for (operation, body, answer) in received {
            let request = http
                .post(&url)
                .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
                .header("content-type", "application/x-amz-json-1.0")
                .header("authorization", SIGNED)
                .body(body);
            let answered = runtime.block_on(async {
                let response = request.send().await?;
                Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
            });
            // The caller may be gone; an engine that doesn't answer ends the history.
            let Ok(answered) = answered else { return };
            drop(answer.send(answered));
        }
    });
    requests
}
