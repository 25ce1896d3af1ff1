//! The monthly refill, through the real binary and on a ledger of its own: each account once a month,
//! whatever is late, doubled, killed or in the way.

mod interrupted;
mod queued;

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::{AccountId, EntryKind};
use scrip_ledger::Ledger;
use scrip_local::{Options, Stack, seed};
use scrip_monthly_refill::RefillFunction;
use serde_json::{Value, json};

use crate::api::enhance;

const NOVEMBER: &str = "2026-11-01T00:00:00Z";
/// Time enough for what these tests do.
const PLENTY: Duration = Duration::from_mins(10);

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn stack() -> Stack {
    Stack::start(Options { instances: 1, ..Options::default() }).await.unwrap()
}

/// Buys the basic plan in September or October, paid up to a moment.
async fn subscribe(ledger: &Ledger, account: &str, bought: &str, paid_through: &str) {
    seed::buy(ledger, (account, "plan"), "basic_monthly", time(paid_through), time(bought)).await.unwrap();
}

async fn kinds(ledger: &Ledger, account: &str) -> Vec<EntryKind> {
    let page = ledger.entries(&AccountId::parse(account).unwrap(), None, 100).await.unwrap();
    page.entries.iter().rev().map(|entry| entry.event.kind()).collect()
}

async fn playground(ledger: &Ledger, account: &str) -> u64 {
    let account = AccountId::parse(account).unwrap();
    ledger.account(&account).await.unwrap().unwrap().balance.playground()
}

fn counts(period: &str, [due, refilled, expired, already_settled, failed]: [u64; 5]) -> Value {
    json!({
        "period": period, "due": due, "refilled": refilled, "expired": expired,
        "already_settled": already_settled, "failed": failed,
    })
}

/// Two requests an account, beside the pages of the due index: a count and a list for each shard that has any.
#[tokio::test]
async fn a_sweep_asks_for_each_account_twice() {
    const ACCOUNTS: u64 = 100;
    let stack = stack().await;
    let sweep = async || {
        stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await.unwrap();
        let lines = stack.logs().of("monthly-refill");
        let line = lines.iter().rev().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            line["requests"].as_u64()
        });
        line.expect("an invocation logs its requests")
    };
    let of_none = sweep().await;
    let ledger = seed::ledger(&stack);
    for number in 0..ACCOUNTS {
        subscribe(&ledger, &format!("account-{number}"), "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z")
            .await;
    }
    let of_all = sweep().await;
    let pages = 2 * scrip_ledger::DUE_SHARDS;
    assert!((1..=pages).contains(&(of_all - of_none - 2 * ACCOUNTS)), "{of_none}, then {of_all}");
    assert_eq!(sweep().await, of_none);
    stack.stop().await;
}

#[tokio::test]
async fn every_account_that_is_due_is_settled_once() {
    use EntryKind::{Debit, Expiry, Purchase, Refill};
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    subscribe(&ledger, "paid", "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    subscribe(&ledger, "lapsed", "2026-10-01T00:00:00Z", NOVEMBER).await;
    subscribe(&ledger, "forgotten", "2026-07-12T10:00:00Z", "2027-07-12T10:00:00Z").await;
    subscribe(&ledger, "early-bird", "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    let pack = ("pack-only", "pack");
    seed::buy(&ledger, pack, "tune_pack", time(NOVEMBER), time("2026-10-12T10:00:00Z")).await.unwrap();
    // One settles by itself: a debit in November.
    let token = stack.tokens().issue("early-bird", &["credits:debit"], TimeDelta::hours(1));
    let debit = reqwest::Client::new()
        .post(format!("{}/v1/accounts/early-bird/debits", stack.base_url()))
        .bearer_auth(token)
        .header("idempotency-key", "d")
        .header("local-time", "2026-11-01T00:00:01Z")
        .json(&enhance(1));
    assert_eq!(debit.send().await.unwrap().status(), 201);

    let answer = stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await.unwrap();
    assert_eq!(answer, counts("2026-11", [3, 2, 1, 0, 0]));
    for (account, expected, left) in [
        ("paid", &[Purchase, Expiry, Refill][..], 1000),
        ("lapsed", &[Purchase, Expiry], 0),
        ("forgotten", &[Purchase, Expiry, Refill], 1000),
        ("early-bird", &[Purchase, Expiry, Refill, Debit], 999),
        ("pack-only", &[Purchase], 0),
    ] {
        assert_eq!(kinds(&ledger, account).await, expected, "{account}");
        assert_eq!(playground(&ledger, account).await, left, "{account}");
    }
    // A second run finds nothing; a late one for an earlier month neither.
    for period in ["2026-11", "2026-10"] {
        let event = json!({"time": format!("{period}-01T00:00:00Z")});
        let answer = stack.invoke("monthly-refill", event).await.unwrap();
        assert_eq!(answer, counts(period, [0; 5]));
    }
    assert_eq!(kinds(&ledger, "paid").await.len(), 3);
    // The entries are stamped with the schedule's time, whenever it runs.
    let page = ledger.entries(&AccountId::parse("paid").unwrap(), None, 1).await.unwrap();
    assert_eq!(page.entries[0].at, time(NOVEMBER));
    stack.stop().await;
}

#[tokio::test]
async fn an_account_that_was_missed_for_a_month_is_not_listed_for_ever() {
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    // Paid into October, nothing left in September, and neither a debit nor a sweep in October.
    subscribe(&ledger, "missed", "2026-09-12T10:00:00Z", "2026-10-12T10:00:00Z").await;
    let token = stack.tokens().issue("missed", &["credits:debit"], TimeDelta::hours(1));
    for key in 0..10 {
        let debit = reqwest::Client::new()
            .post(format!("{}/v1/accounts/missed/debits", stack.base_url()))
            .bearer_auth(&token)
            .header("idempotency-key", format!("d{key}"))
            .header("local-time", "2026-09-13T00:00:00Z")
            .json(&enhance(100));
        assert_eq!(debit.send().await.unwrap().status(), 201);
    }
    let overdue = json!({"overdue_at": "2026-11-01T03:00:00Z"});
    assert_eq!(stack.invoke("monthly-refill", overdue.clone()).await.unwrap()["overdue"], 1);
    let answer = stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await.unwrap();
    assert_eq!(answer, counts("2026-11", [1, 0, 1, 0, 0]));
    assert_eq!(stack.invoke("monthly-refill", overdue).await.unwrap()["overdue"], 0);
    assert_eq!(playground(&ledger, "missed").await, 0);
    stack.stop().await;
}

#[tokio::test]
async fn what_was_not_settled_two_hours_into_the_month_is_overdue() {
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    subscribe(&ledger, "paid", "2026-10-12T10:00:00Z", "2026-12-12T10:00:00Z").await;
    subscribe(&ledger, "forgotten", "2026-07-12T10:00:00Z", "2027-07-12T10:00:00Z").await;
    let overdue = async |at: &str| {
        let answer = stack.invoke("monthly-refill", json!({"overdue_at": at})).await.unwrap();
        answer["overdue"].as_u64()
    };
    assert_eq!(overdue("2026-11-01T01:59:59Z").await, None);
    assert_eq!(overdue("2026-11-01T02:00:00Z").await, Some(2));
    stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await.unwrap();
    assert_eq!(overdue("2026-11-01T03:00:00Z").await, Some(0));
    let lines = stack.logs().of("monthly-refill");
    let has = |text: &str| lines.iter().any(|line| line.contains(text));
    assert!(has("\"OverdueAccounts\":2") && has("\"OverdueAccounts\":0"), "{lines:?}");
    // The counts of a shard are logged once.
    let sum = |name: &str| {
        let numbers =
            lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok()?[name].as_u64());
        numbers.sum::<u64>()
    };
    assert_eq!((sum("Refilled"), sum("Expired"), sum("RefillFailed")), (2, 0, 0));
    stack.stop().await;
}

#[tokio::test]
async fn a_month_that_has_not_begun_is_refused() {
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    subscribe(&ledger, "paid", "2026-10-12T10:00:00Z", "2026-12-12T10:00:00Z").await;
    let december = json!({"time": "2026-12-01T00:00:00Z"});
    for (now, is_done) in [("2026-11-30T23:59:59.999Z", false), ("2026-12-01T00:00:00Z", true)] {
        let answer =
            RefillFunction::new(ledger.clone(), None).answer(december.clone(), time(now), PLENTY).await;
        assert_eq!(answer.is_ok(), is_done, "{now}");
    }
    for event in [json!({}), json!({"time": "soon"}), json!({"time": "9999-01-01T00:00:00Z"})] {
        assert!(stack.invoke("monthly-refill", event).await.is_err());
    }
    stack.stop().await;
}

#[tokio::test]
async fn one_account_that_fails_does_not_stop_the_others() {
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    for number in 0..20 {
        let account = format!("account-{number}");
        subscribe(&ledger, &account, "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    }
    // An entry that can't be read.
    let client = seed::client(&seed::aws_config(stack.database_url()));
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let broken = client.put_item().table_name(stack.table_name());
    let broken = broken.item("pk", text("ACCOUNT#account-7")).item("sk", text("ENTRY#000000000002"));
    broken.item("kind", text("unheard-of")).send().await.unwrap();

    let event = json!({"time": NOVEMBER});
    let answer = stack.invoke("monthly-refill", event.clone()).await.unwrap();
    assert_eq!(answer, counts("2026-11", [20, 19, 0, 0, 1]));
    let lines = stack.logs().of("monthly-refill");
    let of_shards = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let failed = of_shards.filter(|line| line["message"] == "refill shard done" && line["level"] == "ERROR");
    let failed: Vec<_> = failed.map(|line| line["failed"].clone()).collect();
    assert_eq!(failed, [1]);
    // Mended, the next run finds only that one.
    let mend = client.delete_item().table_name(stack.table_name());
    let mend = mend.key("pk", text("ACCOUNT#account-7")).key("sk", text("ENTRY#000000000002"));
    mend.send().await.unwrap();
    let answer = stack.invoke("monthly-refill", event).await.unwrap();
    assert_eq!(answer, counts("2026-11", [1, 1, 0, 0, 0]));
    stack.stop().await;
}

/// Takes minutes, so it runs only when it is asked for; the README says how.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: the README says how to run it"]
async fn a_refill_of_100_000_accounts_shows_its_progress_and_a_second_writes_nothing() {
    const ACCOUNTS: usize = 100_000;
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    let started = std::time::Instant::now();
    let seeders: Vec<_> = (0..8)
        .map(|seeder| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for number in (seeder..ACCOUNTS).step_by(8) {
                    let account = format!("account-{number}");
                    subscribe(&ledger, &account, "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
                }
            })
        })
        .collect();
    for seeder in seeders {
        seeder.await.unwrap();
    }
    println!("seeded in {:?}", started.elapsed());
    let (refilled, nothing) = (counts("2026-11", [100_000, 100_000, 0, 0, 0]), counts("2026-11", [0; 5]));
    for expected in [refilled, nothing] {
        let started = std::time::Instant::now();
        let answer = stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await.unwrap();
        println!("{answer} in {:?}", started.elapsed());
        assert_eq!(answer, expected);
    }
    let lines = stack.logs().of("monthly-refill");
    let progress: Vec<_> = lines.iter().filter(|line| line.contains("refill progress")).collect();
    println!("{} lines of progress, the last: {}", progress.len(), progress.last().unwrap());
    assert!(progress.len() >= 80, "{}", progress.len());
    stack.stop().await;
}
