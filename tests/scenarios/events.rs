//! Each sample event in `events/` is one that its function answers.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support;

#[tokio::test]
async fn every_sample_event_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("events");
    let mut played = Vec::new();
    let nothing_due = json!({
        "period": "2026-01", "due": 0, "refilled": 0, "expired": 0, "already_settled": 0, "failed": 0,
    });
    for (file, function, expected) in [
        ("catalog.json", "quote", json!(200)),
        ("quote.json", "quote", json!(200)),
        ("account-quote.json", "quote", json!(200)),
        ("account.json", "quote", json!(200)),
        ("entries.json", "quote", json!(200)),
        ("debit.json", "debit", json!(201)),
        ("reversal.json", "refund", json!(201)),
        ("schedule.json", "monthly-refill", nothing_due),
        ("refill-queue.json", "monthly-refill", json!({"batchItemFailures": []})),
    ] {
        let event: Value = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
        // Twice: a sample may be sent again, and what it did is done once.
        for sent_before in [false, true] {
            let answer = support::seeded_stack().await.invoke(function, event.clone()).await.unwrap();
            let answered = answer.get("statusCode").unwrap_or(&answer);
            assert_eq!(*answered, expected, "{file}: {answer}");
            let is_replay = answer["headers"]["idempotent-replayed"] == "true";
            assert_eq!(is_replay, sent_before && expected == 201, "{file}: {answer}");
        }
        played.push(file.to_owned());
    }
    let mut files: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    played.sort();
    assert_eq!(files, played, "an event that no test plays, or a test without its event");
}
