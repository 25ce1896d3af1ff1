//! Each sample event in `events/` is one that its function answers.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support;

#[tokio::test]
async fn every_sample_event_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("events");
    let mut played = Vec::new();
    for (file, function, statuses) in [
        ("catalog.json", "quote", [200, 200]),
        ("quote.json", "quote", [200, 200]),
        ("account-quote.json", "quote", [200, 200]),
        ("account.json", "quote", [200, 200]),
        ("entries.json", "quote", [200, 200]),
        ("debit.json", "debit", [201, 201]),
        ("reversal.json", "refund", [201, 201]),
    ] {
        let event: Value = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
        // Twice: a sample may be sent again.
        for status in statuses {
            let answer = support::seeded_stack().await.invoke(function, event.clone()).await.unwrap();
            assert_eq!(answer["statusCode"], status, "{file}: {answer}");
        }
        played.push(file.to_owned());
    }
    let mut files: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    played.sort();
    assert_eq!(files, played, "an event that no test plays, or a test without its event");
}
