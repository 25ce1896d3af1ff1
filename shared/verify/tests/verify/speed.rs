//! How fast it is on the embedded engine, and how much memory it takes.

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

use scrip_ledger::audit::{Auditor, Order, read_export_line};
use scrip_verify::{Form, Printer, Progress, RepairMode, TableOptions, Verdict, check_table};
use serde_json::{Value, json};

use crate::world::{World, engine, read_lines};

const ENTRIES_PER_ACCOUNT: u64 = 500;
const IMAGES: u64 = 1_000;

/// An account's rows: a pack, then debits of an image each, with their claims; in DynamoDB's JSON.
fn account_items(number: u64) -> impl Iterator<Item = Value> {
    let account = format!("auth0|5f7c8ec7c33c6c00{number:08}");
    let entry = move |account: &str, sequence: u64, kind: Value| {
        let (change, left) = if sequence == 1 { (1_000, IMAGES) } else { (-1, IMAGES + 1 - sequence) };
        let credits = |images: String| json!({"M": {"playground": {"N": "0"}, "tune": {"N": "0"}, "tune_image": {"N": images}}});
        let mut item = json!({
            "pk": {"S": format!("ACCOUNT#{account}")}, "sk": {"S": format!("ENTRY#{sequence:012}")},
            "sequence": {"N": sequence.to_string()}, "credits": credits(change.to_string()),
            "reference": {"S": key(number, sequence)}, "at": {"S": "2026-11-22T10:00:00.250Z"},
            "balance": credits(left.to_string()), "period": {"S": "2026-11"},
        });
        item.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        item
    };
    let operation = json!({"operation": {"S": "tune_images"}, "prompts": {"N": "1"}});
    let debit = json!({
        "kind": {"S": "debit"}, "operation": {"M": operation}, "deferred_images": {"N": "0"},
        "catalog_version": {"S": "2026-11-01"}, "request": {"S": "cc16f94a68bfc0c98adf8721d6f97ac3"},
    });
    (1..=ENTRIES_PER_ACCOUNT).flat_map(move |sequence| {
        if sequence == 1 {
            return vec![entry(&account, 1, json!({"kind": {"S": "purchase"}}))];
        }
        let claim = json!({
            "pk": {"S": format!("OPERATION#{account}#debit#{}", key(number, sequence))},
            "sk": {"S": "OPERATION"}, "from": {"N": (sequence - 1).to_string()},
        });
        vec![entry(&account, sequence, debit.clone()), claim]
    })
}

/// As long as a UUID.
fn key(account: u64, sequence: u64) -> String {
    format!("6ba7b810-9dad-11d1-{account:04}-{sequence:012}")
}

/// Checks a table of 30,000 entries: how many in a second. It has several pages, which four segments read.
async fn entries_per_second() -> u64 {
    let world = World::empty().await;
    let database = engine().embedded.as_ref().expect("the embedded engine");
    for account in 0..60 {
        let items: Vec<HashMap<String, _>> =
            account_items(account).map(|item| serde_json::from_value(item).unwrap()).collect();
        database.import_items(&world.table, items, dynoxide::ImportOptions::default()).unwrap();
    }
    let mut output = Vec::new();
    let options = TableOptions { segments: 4, repairs: RepairMode::ReportOnly };
    let mut printer = Printer::new(&mut output, Form::Json);
    let verdict = check_table(&world.ledger, options, &mut printer, &mut Progress::hidden()).await.unwrap();
    let lines = read_lines(&output);
    assert_eq!(verdict, Verdict::Clean, "{lines:?}");
    let summary = &lines[0]["summary"];
    assert_eq!(summary["entries"], json!(60 * ENTRIES_PER_ACCOUNT));
    println!("verify: {} entries a second", summary["entries_per_second"]);
    summary["entries_per_second"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_many_pages_is_read_to_its_end() {
    entries_per_second().await;
}

/// By itself, so that nothing else takes the processor:
/// `cargo test -p scrip-verify -- --ignored --nocapture ten_thousand`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the machine for itself"]
async fn ten_thousand_entries_are_checked_in_a_second() {
    assert!(entries_per_second().await >= 10_000);
}

/// By itself, for the process's peak of memory:
/// `cargo test -p scrip-verify -- --ignored --nocapture a_million`.
#[test]
#[ignore = "takes a minute, and the process for itself"]
fn a_million_entries_take_less_than_200_mb() {
    let peak = || -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    };
    let before = peak();
    let mut auditor = Auditor::new(Order::Sorted);
    let (mut reading, mut checking) = (Duration::ZERO, Duration::ZERO);
    for account in 0..1_000_000 / ENTRIES_PER_ACCOUNT {
        for item in account_items(account) {
            let line = json!({"Item": item}).to_string();
            let started = Instant::now();
            let item = read_export_line(&line).unwrap();
            reading += started.elapsed();
            let started = Instant::now();
            auditor.take(item);
            checking += started.elapsed();
        }
    }
    let started = Instant::now();
    let report = auditor.finish().unwrap();
    let finishing = started.elapsed();
    println!("verify: {reading:?} to read lines, {checking:?} to check, {finishing:?} to match claims");
    assert_eq!((report.tally.entries, report.findings.len()), (1_000_000, 0));
    println!("verify: {} MB for a million entries, {before} MB before them", peak() - before);
    assert!(peak() - before < 200);
}
