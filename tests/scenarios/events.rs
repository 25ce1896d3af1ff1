//! Each sample event in `events/` is one that its function answers.

use std::{fs, path::Path};

use scrip_stripe_model::Event;
use serde_json::{Value, json};

use crate::{support, webhook};

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
        ("usage.json", "quote", json!(200)),
        ("debit.json", "debit", json!(201)),
        ("debit-status.json", "quote", json!(200)),
        ("hold.json", "debit", json!(201)),
        ("hold-status.json", "quote", json!(200)),
        ("capture.json", "debit", json!(200)),
        // The hold was captured.
        ("release.json", "debit", json!(409)),
        ("reversal.json", "refund", json!(201)),
        ("adjustment.json", "refund", json!(201)),
        ("webhook.json", "purchase-webhook", json!(200)),
        ("purchases.json", "quote", json!(200)),
        ("recover.json", "purchase-webhook", json!({"dry_run": true, "failed": 0})),
        // Nothing was paid for a seeded pack.
        ("money-back.json", "refund", json!(409)),
        ("pending-refunds.json", "refund", json!({"asked": 0, "stuck": 0})),
        ("schedule.json", "monthly-refill", nothing_due),
        ("overdue.json", "monthly-refill", json!({"period": "2026-01", "overdue": 0})),
        ("outbox.json", "quote", json!(["credits.debit", "credits.purchase"])),
        ("refill-queue.json", "monthly-refill", json!({"batchItemFailures": []})),
    ] {
        let event: Value = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
        // Twice: a sample may be sent again, and what it did is done once.
        for sent_before in [false, true] {
            let answer = support::seeded_stack().await.invoke(function, event.clone()).await.unwrap();
            // The parked events are other tests'.
            let recovered = || json!({"dry_run": answer["dry_run"], "failed": answer["failed"]});
            let types =
                || answer.as_array().into_iter().flatten().map(|event| event["type"].clone()).collect();
            let answered = answer.get("statusCode").cloned().unwrap_or_else(|| match file {
                "recover.json" => recovered(),
                "outbox.json" => types(),
                _ => answer.clone(),
            });
            assert_eq!(answered, expected, "{file}: {answer}");
            let is_replay = answer["headers"]["idempotent-replayed"] == "true";
            let is_kept = expected == 201 || file == "capture.json";
            assert_eq!(is_replay, sent_before && is_kept, "{file}: {answer}");
        }
        played.push(file.to_owned());
    }
    assert_eq!(files(&folder), sorted(played), "an event that no test plays, or a test without its event");
}

/// The provider's events, each of an object that this Stripe account doesn't show: what they are about is understood, and
/// nothing is granted for it.
#[tokio::test]
async fn every_sample_of_the_providers_events_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("events/stripe");
    let endpoint = webhook::endpoint(support::stack());
    for file in files(&folder) {
        let event: Value = serde_json::from_slice(&fs::read(folder.join(&file)).unwrap()).unwrap();
        assert_eq!(file, format!("{}.json", event["type"].as_str().unwrap()));
        let event = Event::from_json(event);
        let at = chrono::DateTime::from_timestamp(event.created(), 0).unwrap();
        let attempt = endpoint.send(&event, at).await;
        assert_eq!(attempt.answer["outcome"], "ignored", "{file}: {attempt:?}");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    sorted(files.map(|file| file.file_name().into_string().unwrap()).collect())
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}
