//! What the emulator never does and DynamoDB does: conflicts, throttling, lost answers, races at an exact
//! moment. The ledger runs against the embedded database, with these put in between.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use chrono::{DateTime, Utc};
use credits::{
    AccountId, Debit, DebitId, Refusal, Reversal, ReversalId, Status, StatusChange, SubscriptionId, debit,
    reversal, status,
};
use ledger::{
    DuePartition, Error, Executed, Fault as LedgerFault, Ledger, Operation, Outcome, Related, RequestHash,
};
use pricing::Credits;
use scrip_tests::{
    faults::{Fault, Faults},
    seed,
};
use tokio::time::Instant;

use crate::{api::Api, support};

const WRITE: &str = "TransactWriteItems";
const CONFIRM: &str = "TransactGetItems";
const NOW: &str = "2026-11-22T10:00:00Z";

/// A ledger whose requests meet faults, one that has none, and an account they share.
struct World {
    faulty: Ledger,
    plain: Ledger,
    faults: Faults,
    account: AccountId,
}

impl World {
    /// An account with 1000 playground credits, bought on the 20th of November.
    async fn new() -> Arc<Self> {
        let api = Api::new();
        let bought = "2026-11-20T00:00:00Z".parse().unwrap();
        api.buy_at("basic_monthly", bought, "2027-11-20T00:00:00Z".parse().unwrap()).await;
        let stack = support::stack();
        let faults = Faults::default();
        let config = seed::client(stack.database_url()).http_client(faults.client()).build();
        Arc::new(Self {
            faulty: Ledger::new(Client::from_conf(config), stack.table_name()),
            plain: seed::ledger(stack),
            faults,
            account: AccountId::parse(&*api.account).unwrap(),
        })
    }

    async fn take(&self, key: &str, images: u64) -> Result<Executed, Error> {
        take(&self.faulty, &self.account, key, images, NOW).await
    }

    async fn reverse(&self, key: &str, debit_id: &str, credits: u64) -> Result<Executed, Error> {
        reverse(&self.faulty, &self.account, key, debit_id, credits).await
    }

    /// Somebody else's debit, done when the future is awaited.
    fn meanwhile(self: &Arc<Self>, key: &'static str, images: u64) -> Fault {
        let world = Arc::clone(self);
        Fault::meanwhile(async move {
            // Boxed: the future must be shareable, and the SDK's is only sendable.
            let debit =
                tokio::spawn(async move { take(&world.plain, &world.account, key, images, NOW).await });
            assert!(matches!(debit.await.unwrap().unwrap().outcome, Outcome::Appended(_)));
        })
    }

    /// The balance, once the history was checked: no gaps, and it adds up.
    async fn balance(&self) -> u64 {
        let page = self.plain.entries(&self.account, None, 100).await.unwrap();
        let mut balance = Credits::ZERO;
        for (index, entry) in page.entries.iter().rev().enumerate() {
            assert_eq!(entry.account.sequence.get(), index as u64 + 1);
            balance = entry.change.apply(balance).unwrap();
            assert_eq!(entry.account.balance, balance);
        }
        balance.playground()
    }
}

async fn take(
    ledger: &Ledger,
    account: &AccountId,
    key: &str,
    units: u64,
    now: &str,
) -> Result<Executed, Error> {
    let now: DateTime<Utc> = now.parse().unwrap();
    let id = DebitId::parse(key).unwrap();
    let debit: Debit =
        serde_json::from_value(serde_json::json!({"operation": "upscale", "factor": 2, "images": units}))
            .unwrap();
    let identity = (&Operation::Debit(id.clone()), &RequestHash::of(&debit).unwrap());
    ledger
        .execute(account, identity, Related::Nothing, now, |state| {
            debit::decide(&state.account, &id, &debit, now)
        })
        .await
}

async fn reverse(
    ledger: &Ledger,
    account: &AccountId,
    key: &str,
    debit_id: &str,
    credits: u64,
) -> Result<Executed, Error> {
    let now: DateTime<Utc> = NOW.parse().unwrap();
    let (id, debit_id) = (ReversalId::parse(key).unwrap(), DebitId::parse(debit_id).unwrap());
    let reversal = Reversal { credits: Some(Credits::new(credits, 0, 0)), reason: None };
    let identity = (&Operation::Reversal(id.clone()), &RequestHash::of(&(&debit_id, &reversal)).unwrap());
    ledger
        .execute(account, identity, Related::Debit(&debit_id), now, |state| {
            reversal::decide(&state.account, &id, &debit_id, state.debit.as_ref(), &reversal, now)
        })
        .await
}

fn name(executed: &Result<Executed, Error>) -> (&'static str, u32) {
    match executed {
        Ok(Executed { outcome, attempts }) => (
            match outcome {
                Outcome::Appended(_) => "appended",
                Outcome::Replayed(_) => "replayed",
                Outcome::Recorded => "recorded",
                Outcome::Unchanged(_) => "unchanged",
                Outcome::Refused(_) => "refused",
            },
            *attempts,
        ),
        Err(Error::KeyReused) => ("key reused", 1),
        Err(Error::TryAgain { attempts, .. }) => ("try again", *attempts),
        Err(Error::Internal { .. }) => ("internal", 1),
    }
}

/// A word on a subscription reads the account before the subscription's first payment, and its standing after
/// it: recorded alone, it would be forgotten.
#[tokio::test]
async fn a_word_on_a_subscription_that_meets_its_payment_changes_the_plan() {
    let api = Api::new().at("2026-11-20T00:00:00Z");
    let world = World::new().await;
    let account = AccountId::parse(&*api.account).unwrap();
    let now: DateTime<Utc> = "2026-11-20T00:00:00Z".parse().unwrap();
    let payment = {
        let (ledger, account) = (world.plain.clone(), api.account.clone());
        Fault::meanwhile(async move {
            let until = now + chrono::TimeDelta::days(30);
            let paid = tokio::spawn(async move {
                seed::buy(&ledger, (&account, "in_1"), "basic_monthly", until, now).await.unwrap();
            });
            paid.await.unwrap();
        })
    };
    // The head is read; then the payment comes; then the standing is read.
    world.faults.next("GetItem", payment);
    let change = StatusChange {
        subscription_id: SubscriptionId::parse("seed").unwrap(),
        at: now,
        status: Status::Ended(now),
        terms: None,
    };
    let related = Related::Subscription(&change.subscription_id);
    let decide =
        |state: &ledger::State| status::decide(&state.account, state.standing.as_ref(), &change, now);
    let executed = world.faulty.apply(&account, related, now, decide).await.unwrap();
    assert!(matches!(executed.outcome, Outcome::Appended(_)), "{executed:?}");
    assert_eq!(api.get(&api.path("")).await.json["plan_status"], "canceled");
}

#[tokio::test]
async fn faults_that_pass_are_waited_out() {
    const CONFLICT: &[&str] = &["None", "TransactionConflict"];
    let conflicts = |n: usize| (0..n).map(|_| Fault::cancelled(CONFLICT)).collect::<Vec<_>>();
    let once = |fault: Fault| vec![fault];
    for (faults, expected) in [
        (conflicts(1), ("appended", 2)),
        (conflicts(9), ("appended", 10)),
        (once(Fault::cancelled(&["TransactionConflict", "TransactionConflict"])), ("appended", 2)),
        (once(Fault::cancelled(&["ThrottlingError", "None"])), ("appended", 2)),
        (once(Fault::cancelled(&["None", "ProvisionedThroughputExceeded"])), ("appended", 2)),
        (once(Fault::service(400, "ThrottlingException")), ("appended", 2)),
        (once(Fault::service(400, "ProvisionedThroughputExceededException")), ("appended", 2)),
        (once(Fault::service(400, "RequestLimitExceeded")), ("appended", 2)),
        (once(Fault::service(400, "TransactionInProgressException")), ("appended", 2)),
        (once(Fault::service(500, "InternalServerError")), ("appended", 2)),
        (once(Fault::service(503, "SomethingNew")), ("appended", 2)),
        (once(Fault::LostBefore), ("appended", 2)),
        // An answer that breaks off, or isn't one, says nothing of the write.
        (once(Fault::Answer(200, r#"{"ConsumedCapacity":["#.to_owned())), ("appended", 2)),
        (once(Fault::Answer(200, "<html>".to_owned())), ("appended", 2)),
        (once(Fault::Answer(502, "<html>Bad Gateway".to_owned())), ("appended", 2)),
        // It was written, and its answer got lost: the operation's row says so.
        (once(Fault::LostAfter), ("replayed", 2)),
        (vec![Fault::LostBefore, Fault::LostAfter, Fault::LostBefore], ("replayed", 4)),
    ] {
        let world = World::new().await;
        let script = format!("{faults:?}");
        for fault in faults {
            world.faults.next(WRITE, fault);
        }
        assert_eq!(name(&world.take("d", 10).await), expected, "{script}");
        assert_eq!(world.balance().await, 990, "{script}");
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_debit_that_emptied_the_account_is_found() {
    let world = World::new().await;
    for (number, images) in [100; 9].iter().enumerate() {
        world.take(&format!("before-{number}"), *images).await.unwrap();
    }
    world.faults.next(WRITE, Fault::LostAfter);
    assert_eq!(name(&world.take("all", 100).await), ("replayed", 2));
    assert_eq!(world.balance().await, 0);
}

#[tokio::test]
async fn what_waiting_cannot_help_is_said_at_once() {
    for fault in [
        Fault::cancelled(&["None", "ValidationError"]),
        Fault::cancelled(&["None", "SomethingNew"]),
        Fault::cancelled(&["None", "None"]),
        Fault::cancelled(&["TransactionConflict"]),
        Fault::cancelled(&[]),
        Fault::service(400, "AccessDeniedException"),
        Fault::service(400, "ResourceNotFoundException"),
        Fault::service(400, "ValidationException"),
        Fault::service(400, "SomethingNew"),
    ] {
        let world = World::new().await;
        let script = format!("{fault:?}");
        world.faults.next(WRITE, fault);
        assert_eq!(name(&world.take("d", 10).await), ("internal", 1), "{script}");
        assert_eq!(world.faults.asked(), ["Query", WRITE], "{script}");
        assert_eq!(world.balance().await, 1000, "{script}");
        // The next one is served.
        assert_eq!(name(&world.take("d", 10).await), ("appended", 1), "{script}");
    }
}

#[tokio::test]
async fn contention_that_outlasts_the_attempts_takes_nothing() {
    let world = World::new().await;
    for _ in 0..10 {
        world.faults.next(WRITE, Fault::cancelled(&["None", "TransactionConflict"]));
    }
    let error = world.take("d", 10).await.unwrap_err();
    assert!(error.is_transient());
    assert!(matches!(error, Error::TryAgain { attempts: 10, last: LedgerFault::Contended }), "{error}");
    assert_eq!(world.balance().await, 1000);
    assert_eq!(name(&world.take("d", 10).await), ("appended", 1));
}

#[tokio::test]
async fn an_answer_lost_at_the_last_attempt_is_looked_for() {
    let world = World::new().await;
    for _ in 0..9 {
        world.faults.next(WRITE, Fault::cancelled(&["None", "TransactionConflict"]));
    }
    world.faults.next(WRITE, Fault::LostAfter);
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 10));
    assert_eq!(world.balance().await, 990);
}

#[tokio::test]
async fn a_database_that_went_away_leaves_a_retry_that_is_answered() {
    let world = World::new().await;
    world.faults.next(WRITE, Fault::LostAfter);
    world.faults.next("Query", Fault::None);
    for _ in 0..20 {
        world.faults.next("Query", Fault::LostBefore);
        world.faults.next("GetItem", Fault::LostBefore);
    }
    assert_eq!(name(&world.take("d", 10).await), ("try again", 10));
    world.faults.clear();
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 1));
    assert_eq!(world.balance().await, 990);
}

#[tokio::test]
async fn reads_are_tried_again_too() {
    let world = World::new().await;
    world.faults.next("Query", Fault::service(400, "ThrottlingException"));
    world.faults.next("Query", Fault::LostAfter);
    assert_eq!(world.faulty.account(&world.account).await.unwrap().unwrap().balance.playground(), 1000);
    world.faults.next("Query", Fault::service(400, "ThrottlingException"));
    assert_eq!(name(&world.take("d", 10).await), ("appended", 2));
    world.faults.next("Query", Fault::Answer(200, r#"{"Items":[{"pk":"#.to_owned()));
    assert_eq!(world.faulty.account(&world.account).await.unwrap().unwrap().balance.playground(), 990);
    world.faults.next("Query", Fault::service(400, "AccessDeniedException"));
    assert!(matches!(world.faulty.account(&world.account).await, Err(Error::Internal { .. })));
}

/// Nothing but the script answers here, so that the paused clock stands still except for waits.
#[tokio::test(start_paused = true)]
async fn reads_and_commands_wait_between_their_ten_attempts() {
    let faults = Faults::default();
    let config = seed::client("http://127.0.0.1:1").http_client(faults.client()).build();
    let ledger = Ledger::new(Client::from_conf(config), "table");
    let account = AccountId::parse("busy").unwrap();
    for _ in 0..10 {
        faults.next("Query", Fault::service(400, "ThrottlingException"));
    }
    let started = Instant::now();
    let error = ledger.account(&account).await.unwrap_err();
    assert!(matches!(error, Error::TryAgain { attempts: 10, last: LedgerFault::Throttled }), "{error}");
    assert!(started.elapsed() > Duration::from_millis(100), "{:?}", started.elapsed());

    faults.next("GetItem", Fault::Answer(200, "{}".to_owned()));
    for _ in 0..10 {
        faults.next("Query", Fault::Answer(200, head_of_1000()));
        faults.next(WRITE, Fault::cancelled(&["None", "TransactionConflict"]));
    }
    let started = Instant::now();
    assert_eq!(name(&take(&ledger, &account, "d", 10, NOW).await), ("try again", 10));
    assert!(started.elapsed() > Duration::from_millis(100), "{:?}", started.elapsed());
}

/// What a query for the newest entry answers: 1000 playground credits.
fn head_of_1000() -> String {
    let credits =
        serde_json::json!({"M": {"playground": {"N": "1000"}, "tune": {"N": "0"}, "tune_image": {"N": "0"}}});
    let entry = serde_json::json!({
        "pk": {"S": "ACCOUNT#busy"}, "sk": {"S": "ENTRY#000000000001"}, "sequence": {"N": "1"},
        "kind": {"S": "purchase"}, "credits": credits, "reference": {"S": "p"}, "at": {"S": NOW},
        "balance": credits, "period": {"S": "2026-11"}, "granted": {"N": "1000"},
    });
    serde_json::json!({"Items": [entry], "Count": 1, "ScannedCount": 1}).to_string()
}

#[tokio::test]
async fn every_read_of_the_table_is_consistent() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    world.take("d", 10).await.unwrap();
    world.reverse("r", "d", 1).await.unwrap();
    assert_eq!(name(&world.take("too-much", 100).await), ("appended", 1));
    world.faulty.account(&world.account).await.unwrap();
    world.faulty.entries(&world.account, None, 2).await.unwrap();
    world.faulty.settle(&world.account, "2026-12-01T00:00:00Z".parse().unwrap()).await.unwrap();
    let partition = DuePartition { settled: "2020-01".parse().unwrap(), shard: 0 };
    world.faulty.due(partition, None).await.unwrap();
    world.faulty.count_due(partition).await.unwrap();
    let (mut consistent, mut of_the_index) = (0, 0);
    for (operation, body) in world.faults.requests() {
        match (operation.as_str(), body["IndexName"].as_str()) {
            // A transaction's reads are consistent by themselves.
            (WRITE | CONFIRM, _) => {}
            ("Query" | "GetItem", None) => {
                assert_eq!(body["ConsistentRead"], true, "{operation}: {body}");
                consistent += 1;
            }
            // An index can't be read consistently; what stands there is looked at again in the table.
            ("Query", Some("due")) => of_the_index += 1,
            other => panic!("{other:?}: {body}"),
        }
    }
    assert_eq!((consistent, of_the_index), (10, 2));
}

#[tokio::test]
async fn requests_are_as_few_as_the_design_says() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    assert_eq!(world.faults.asked(), ["Query", WRITE]);
    // A retry: the transaction finds the operation, which names the entry.
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 1));
    assert_eq!(world.faults.asked(), ["Query", WRITE, "GetItem", "GetItem"]);
    world.reverse("r", "d", 1).await.unwrap();
    assert_eq!(world.faults.asked(), ["Query", "GetItem", WRITE]);
    for number in 0..9 {
        world.take(&format!("spend-{number}"), 100).await.unwrap();
    }
    world.faults.asked();
    assert_eq!(name(&world.take("too-much", 100).await), ("refused", 1));
    assert_eq!(world.faults.asked(), ["Query", CONFIRM]);
}

#[tokio::test]
async fn who_loses_a_race_decides_again_on_what_won() {
    let world = World::new().await;
    world.faults.next(WRITE, world.meanwhile("first", 30));
    assert_eq!(name(&world.take("second", 10).await), ("appended", 2));
    // The reason carried the entry that won: no second read.
    assert_eq!(world.faults.asked(), ["Query", WRITE, WRITE]);
    assert_eq!(world.balance().await, 960);
}

#[tokio::test]
async fn who_loses_twice_reads_again() {
    let world = World::new().await;
    world.faults.next(WRITE, world.meanwhile("first", 30));
    world.faults.next(WRITE, world.meanwhile("second", 30));
    assert_eq!(name(&world.take("third", 10).await), ("appended", 3));
    assert_eq!(world.faults.asked(), ["Query", WRITE, WRITE, "Query", WRITE]);
    assert_eq!(world.balance().await, 930);
}

#[tokio::test]
async fn who_loses_the_last_credits_is_refused_on_a_fresh_read() {
    let world = World::new().await;
    for number in 0..9 {
        world.take(&format!("before-{number}"), 100).await.unwrap();
    }
    world.faults.asked();
    world.faults.next(WRITE, world.meanwhile("first", 95));
    let executed = world.take("second", 10).await.unwrap();
    let Outcome::Refused(Refusal::InsufficientCredits { balance, .. }) = executed.outcome else {
        panic!("{executed:?}");
    };
    assert_eq!(balance.playground(), 5);
    assert_eq!(world.faults.asked(), ["Query", WRITE, "Query", CONFIRM]);
    assert_eq!(world.balance().await, 5);
}

#[tokio::test]
async fn a_duplicate_that_wins_answers_both() {
    let world = World::new().await;
    world.faults.next(WRITE, world.meanwhile("same", 10));
    assert_eq!(name(&world.take("same", 10).await), ("replayed", 1));
    assert_eq!(world.balance().await, 990);
    // With another request under the key, it is no duplicate.
    let world = World::new().await;
    world.faults.next(WRITE, world.meanwhile("same", 10));
    assert_eq!(name(&world.take("same", 11).await), ("key reused", 1));
    assert_eq!(world.balance().await, 990);
}

#[tokio::test]
async fn a_clock_that_is_behind_is_not_refused_in_the_middle_of_anothers_turn_of_the_month() {
    // The other, in December, appends expiry, refill and debit while this one, still in November, tries
    // to append a debit that November's rest would cover and the expiry alone wouldn't.
    let world = World::new().await;
    let other = Arc::clone(&world);
    world.faults.next(
        WRITE,
        Fault::meanwhile(async move {
            let december = tokio::spawn(async move {
                take(&other.plain, &other.account, "december", 10, "2026-12-01T00:00:01Z").await
            });
            assert!(matches!(december.await.unwrap().unwrap().outcome, Outcome::Appended(_)));
        }),
    );
    let late = take(&world.faulty, &world.account, "november", 10, "2026-11-30T23:59:59Z").await;
    assert_eq!(name(&late).0, "appended");
    let page = world.plain.entries(&world.account, None, 100).await.unwrap();
    let newest = &page.entries[0];
    // It spends December's credits, and the history's time doesn't run backwards.
    assert_eq!(newest.account.balance.playground(), 980);
    assert_eq!(newest.at, "2026-12-01T00:00:01Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!(world.balance().await, 980);
}

#[tokio::test]
async fn two_reversals_that_race_never_give_back_more_than_was_taken() {
    for (second, expected) in [(4, "appended"), (5, "refused")] {
        let world = World::new().await;
        world.take("d", 10).await.unwrap();
        let other = Arc::clone(&world);
        world.faults.next(
            WRITE,
            Fault::meanwhile(async move {
                let first =
                    tokio::spawn(async move { reverse(&other.plain, &other.account, "first", "d", 6).await });
                assert!(matches!(first.await.unwrap().unwrap().outcome, Outcome::Appended(_)));
            }),
        );
        assert_eq!(name(&world.reverse("second", "d", second).await).0, expected);
        let back = if expected == "appended" { 10 } else { 6 };
        assert_eq!(world.balance().await, 990 + back);
    }
}

#[tokio::test]
async fn a_reversal_whose_answer_is_lost_gives_back_once() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    world.faults.next(WRITE, Fault::LostAfter);
    assert_eq!(name(&world.reverse("r", "d", 10).await), ("replayed", 2));
    assert_eq!(world.balance().await, 1000);
}

/// DynamoDB keeps only single items from being seen half-way through a transaction. What the emulator
/// never shows is shown here: the entry is there, and its operation isn't yet.
#[tokio::test]
async fn a_refusal_waits_for_a_transaction_that_is_being_written() {
    let world = World::new().await;
    for number in 0..10 {
        world.take(&format!("all-{number}"), 100).await.unwrap();
    }
    // The retry of the debit that emptied the account, while that debit's rows become visible.
    world.faults.next(CONFIRM, Fault::cancelled(&["TransactionConflict", "None"]));
    world.faults.next(CONFIRM, Fault::service(400, "ThrottlingException"));
    assert_eq!(name(&world.take("all-9", 100).await), ("replayed", 3));
    world.faults.next(CONFIRM, Fault::cancelled(&["None", "SomethingNew"]));
    assert_eq!(name(&world.take("all-9", 100).await), ("internal", 1));
}

#[tokio::test]
async fn a_replay_waits_for_the_entry_it_answers_with() {
    let unseen = || Fault::Answer(200, "{}".to_owned());
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    // The transaction found the operation; its row, then its entry, isn't visible to a read yet.
    world.faults.next("GetItem", unseen());
    world.faults.next("GetItem", Fault::None);
    world.faults.next("GetItem", unseen());
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 3));
    // A reversal whose debit isn't visible yet is not refused for it.
    world.faults.next("GetItem", unseen());
    assert_eq!(name(&world.reverse("r", "d", 10).await), ("appended", 2));
}

#[tokio::test]
async fn a_refusal_is_only_said_of_the_newest_entry() {
    let world = World::new().await;
    for number in 0..10 {
        world.take(&format!("all-{number}"), 100).await.unwrap();
    }
    // Credits come back between the read that found none and the refusal.
    let other = Arc::clone(&world);
    world.faults.next(
        CONFIRM,
        Fault::meanwhile(async move {
            let back =
                tokio::spawn(async move { reverse(&other.plain, &other.account, "r", "all-0", 50).await });
            assert!(matches!(back.await.unwrap().unwrap().outcome, Outcome::Appended(_)));
        }),
    );
    assert_eq!(name(&world.take("next", 50).await), ("appended", 2));
    assert_eq!(world.balance().await, 0);
}

#[tokio::test]
async fn a_history_with_a_gap_is_read_again() {
    let world = World::new().await;
    for number in 0..3 {
        world.take(&format!("d-{number}"), 1).await.unwrap();
    }
    let _ = world.faults.asked();
    let whole = world.plain.entries(&world.account, None, 100).await.unwrap();
    // A page as a half-visible transaction would leave it: read the raw rows, and leave one out.
    let stack = support::stack();
    let client = Client::from_conf(seed::client(stack.database_url()).build());
    let rows = async |left_out: usize| {
        let query = client.query().table_name(stack.table_name()).scan_index_forward(false);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :entry)");
        let account = AttributeValue::S(format!("ACCOUNT#{}", world.account));
        let query = query.expression_attribute_values(":pk", account);
        let query = query.expression_attribute_values(":entry", AttributeValue::S("ENTRY#".to_owned()));
        let mut items = query.send().await.unwrap().items.unwrap();
        items.remove(left_out);
        serde_json::json!({"Items": items.iter().map(wire_item).collect::<Vec<_>>()})
    };
    for left_out in [1, 2, 3] {
        world.faults.next("Query", Fault::Answer(200, rows(left_out).await.to_string()));
        assert_eq!(world.faulty.entries(&world.account, None, 100).await.unwrap(), whole, "{left_out}");
        assert_eq!(world.faults.asked(), ["Query", "Query"], "{left_out}");
    }
}

/// An item in DynamoDB's JSON.
fn wire_item(item: &std::collections::HashMap<String, AttributeValue>) -> serde_json::Value {
    item.iter().map(|(name, value)| (name.clone(), wire_value(value))).collect()
}

fn wire_value(value: &AttributeValue) -> serde_json::Value {
    match value {
        AttributeValue::S(text) => serde_json::json!({"S": text}),
        AttributeValue::N(number) => serde_json::json!({"N": number}),
        AttributeValue::M(map) => serde_json::json!({"M": wire_item(map)}),
        other => panic!("{other:?}"),
    }
}
