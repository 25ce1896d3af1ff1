//! The refill with a queue: messages for shards and accounts, and those that must come again.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::{Json, Router, extract::State, routing::post};
use scrip_local::seed;
use scrip_monthly_refill::{Queue, RefillFunction};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{NOVEMBER, PLENTY, kinds, stack, subscribe, time};

#[tokio::test]
async fn a_batch_reports_item_by_item_what_must_come_again() {
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    subscribe(&ledger, "paid", "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    let record = |id: &str, body: &str| json!({"messageId": id, "body": body});
    let shards = (0..16)
        .map(|shard| record(&format!("{shard}"), &format!(r#"{{"period":"2026-11","shard":{shard}}}"#)));
    let mut records: Vec<Value> = shards.collect();
    records.push(record("garbage", "not json"));
    records.push(record("future", r#"{"period":"9999-01","shard":0}"#));
    records.push(record("account", r#"{"period":"2026-11","account_id":"paid"}"#));
    let answer = stack.invoke("monthly-refill", json!({"Records": records})).await.unwrap();
    let failures =
        json!({"batchItemFailures": [{"itemIdentifier": "garbage"}, {"itemIdentifier": "future"}]});
    assert_eq!(answer, failures);
    assert_eq!(kinds(&ledger, "paid").await.len(), 3);
    stack.stop().await;
}

/// A queue that the function can't tell from SQS, and the messages that it received.
async fn queue() -> (Queue, Arc<Mutex<Vec<Value>>>) {
    let received = Arc::new(Mutex::new(Vec::new()));
    let take = |State(received): State<Arc<Mutex<Vec<Value>>>>, body: String| async move {
        let batch: Value = serde_json::from_str(&body).unwrap();
        let mut successful = Vec::new();
        for entry in batch["Entries"].as_array().unwrap() {
            received.lock().await.push(serde_json::from_str(entry["MessageBody"].as_str().unwrap()).unwrap());
            successful.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0"}));
        }
        Json(json!({"Successful": successful, "Failed": []}))
    };
    let router = Router::new().route("/", post(take)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    (Queue::new(&seed::aws_config(&url), format!("{url}/refill")), received)
}

#[tokio::test]
async fn with_a_queue_the_sweep_goes_out_in_shards_and_what_fails_by_its_name() {
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    let (queue, received) = queue().await;
    let function = RefillFunction::new(ledger.clone(), Some(queue));
    let now = time("2026-11-01T00:00:00Z");
    let answer = function.answer(json!({"time": NOVEMBER}), now, PLENTY).await.unwrap();
    assert_eq!(answer, json!({"period": "2026-11", "queued": 16}));
    let shards: Vec<_> = (0..16).map(|shard| json!({"period": "2026-11", "shard": shard})).collect();
    let messages = std::mem::take(&mut *received.lock().await);
    assert_eq!(messages, shards);

    subscribe(&ledger, "broken", "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    let client = seed::client(&seed::aws_config(stack.database_url()));
    let broken = client.put_item().table_name(stack.table_name());
    let broken = broken.item("pk", AttributeValue::S("ACCOUNT#broken".to_owned()));
    broken.item("sk", AttributeValue::S("ENTRY#000000000002".to_owned())).send().await.unwrap();
    let records: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(id, body)| json!({"messageId": id.to_string(), "body": body.to_string()}))
        .collect();
    let answer = function.answer(json!({"Records": records}), now, PLENTY).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let named = json!({"period": "2026-11", "account_id": "broken"});
    assert_eq!(std::mem::take(&mut *received.lock().await), std::slice::from_ref(&named));
    // By itself it fails, comes again, and ends in the dead-letter queue.
    let record = json!({"Records": [{"messageId": "b", "body": named.to_string()}]});
    let answer = function.answer(record, now, PLENTY).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
    stack.stop().await;
}
