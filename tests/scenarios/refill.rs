//! The monthly refill, through the real binary and on a ledger of its own: each account once a month,
//! whatever is late, doubled, killed or in the way.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::{Json, Router, extract::State, routing::post};
use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::{AccountId, EntryKind};
use scrip_ledger::Ledger;
use scrip_local::{Options, Stack, seed};
use scrip_monthly_refill::{Queue, RefillFunction};
use serde_json::{Value, json};
use tokio::sync::Mutex;

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
        line.expect("an invocation says what it took")
    };
    let nobody = sweep().await;
    let ledger = seed::ledger(&stack);
    for number in 0..ACCOUNTS {
        subscribe(&ledger, &format!("account-{number}"), "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z")
            .await;
    }
    let everybody = sweep().await;
    let pages = 2 * scrip_ledger::DUE_SHARDS;
    assert!((1..=pages).contains(&(everybody - nobody - 2 * ACCOUNTS)), "{nobody}, then {everybody}");
    assert_eq!(sweep().await, nobody);
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
async fn who_was_missed_for_a_month_is_not_listed_for_ever() {
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    // Paid into October, nothing left in September, and nobody came by in October.
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
    // What a shard came to is counted once.
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
    // An entry that nobody can read.
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

#[tokio::test(flavor = "multi_thread")]
async fn refills_at_once_with_debits_and_purchases_between_them_settle_each_account_once() {
    let stack = Arc::new(Stack::start(Options { instances: 3, ..Options::default() }).await.unwrap());
    let ledger = seed::ledger(&stack);
    let accounts: Vec<String> = (0..30).map(|number| format!("account-{number}")).collect();
    for account in &accounts {
        subscribe(&ledger, account, "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    }
    let refills: Vec<_> = (0..3)
        .map(|_| {
            let stack = Arc::clone(&stack);
            tokio::spawn(
                async move { stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await.unwrap() },
            )
        })
        .collect();
    let debits: Vec<_> = accounts
        .iter()
        .map(|account| {
            let token = stack.tokens().issue(account, &["credits:debit"], TimeDelta::hours(1));
            let debit = reqwest::Client::new()
                .post(format!("{}/v1/accounts/{account}/debits", stack.base_url()))
                .bearer_auth(token)
                .header("idempotency-key", "d")
                .header("local-time", "2026-11-01T00:00:01Z")
                .json(&enhance(10));
            tokio::spawn(async move { debit.send().await.unwrap().status().as_u16() })
        })
        .collect();
    let purchases: Vec<_> = accounts
        .iter()
        .cloned()
        .map(|account| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let (now, until) = (time("2026-11-01T00:00:02Z"), time("2026-11-12T10:00:00Z"));
                seed::buy(&ledger, (&account, "pack"), "tune_pack", until, now).await.unwrap();
                // An upgrade that was paid in the month's first seconds.
                seed::buy(&ledger, (&account, "upgrade"), "standard_monthly", until, now).await.unwrap();
            })
        })
        .collect();
    for debit in debits {
        assert_eq!(debit.await.unwrap(), 201);
    }
    for purchase in purchases {
        purchase.await.unwrap();
    }
    for refill in refills {
        assert_eq!(refill.await.unwrap()["failed"], 0);
    }
    for account in &accounts {
        assert_eq!(playground(&ledger, account).await, 2490, "{account}");
        let kinds = kinds(&ledger, account).await;
        assert_eq!(kinds.iter().filter(|kind| **kind == EntryKind::Refill).count(), 1, "{kinds:?}");
        assert_eq!(kinds.len(), 6, "{kinds:?}");
    }
    Arc::into_inner(stack).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refill_that_is_killed_anywhere_is_finished_by_another() {
    let stack = Arc::new(stack().await);
    let ledger = seed::ledger(&stack);
    let accounts: Vec<String> = (0..200).map(|number| format!("account-{number}")).collect();
    for account in &accounts {
        subscribe(&ledger, account, "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    }
    let settled = async || {
        let mut settled = 0;
        for account in &accounts {
            settled += usize::from(kinds(&ledger, account).await.len() == 3);
        }
        settled
    };
    // Killed each time a few more are done: at points that differ from run to run.
    let mut killed = 0;
    while killed < 5 {
        let before = settled().await;
        let refill = {
            let stack = Arc::clone(&stack);
            tokio::spawn(async move { stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await })
        };
        while !refill.is_finished() && settled().await < before + 5 {
            tokio::task::yield_now().await;
        }
        let refiller = stack.instances().into_iter().find(|instance| instance.function == "monthly-refill");
        stack.kill(refiller.unwrap().pid).await;
        killed += 1;
        if refill.await.unwrap().is_ok() {
            break;
        }
    }
    // The process that was killed last may still be the one that is asked; then it is asked again.
    let mut answer = Err(());
    for _ in 0..5 {
        answer = stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await.map_err(|_| ());
        if answer.is_ok() {
            break;
        }
    }
    assert_eq!(answer.unwrap()["failed"], 0);
    assert!(killed > 1, "the first kill came too late to interrupt anything");
    for account in &accounts {
        use EntryKind::{Expiry, Purchase, Refill};
        assert_eq!(kinds(&ledger, account).await, [Purchase, Expiry, Refill], "{account}");
    }
    Arc::into_inner(stack).unwrap().stop().await;
}

#[tokio::test]
async fn a_worker_stops_before_its_time_is_over_and_goes_on_when_called_again() {
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    subscribe(&ledger, "paid", "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    let event = json!({"time": NOVEMBER});
    let now = time("2026-11-01T00:00:00Z");
    let late =
        RefillFunction::new(ledger.clone(), None).answer(event.clone(), now, Duration::from_secs(1)).await;
    assert!(late.unwrap_err().to_string().contains("time for 2026-11 is over"));
    assert_eq!(kinds(&ledger, "paid").await.len(), 1);
    let answer = RefillFunction::new(ledger.clone(), None).answer(event, now, PLENTY).await.unwrap();
    assert_eq!(answer, counts("2026-11", [1, 1, 0, 0, 0]));
    stack.stop().await;
}

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

/// What a queue received, as far as the function can tell one from SQS.
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
