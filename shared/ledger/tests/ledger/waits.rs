//! Faults that pass, conflicts and throttling and lost answers, are waited out; nothing is done twice.

use std::time::Duration;

use scrip_ledger::{Error, Fault as LedgerFault};
use serde_json::json;
use tokio::time::Instant;

use crate::world::{NOW, WRITE, World, name};
use scrip_test_support::faults::Fault;

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
        (once(Fault::service(400, "ReplicatedWriteConflictException")), ("appended", 2)),
        (once(Fault::service(400, "TransactionConflictException")), ("appended", 2)),
        (once(Fault::service(400, "TransactionInProgressException")), ("appended", 2)),
        (once(Fault::service(500, "InternalServerError")), ("appended", 2)),
        (once(Fault::service(400, "ServiceUnavailable")), ("appended", 2)),
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
    for number in 0..9 {
        world.take(&format!("before-{number}"), 100).await.unwrap();
    }
    world.faults.next(WRITE, Fault::LostAfter);
    assert_eq!(name(&world.take("all", 100).await), ("replayed", 2));
    assert_eq!(world.balance().await, 0);
}

#[tokio::test]
async fn a_reversal_whose_answer_is_lost_gives_back_once() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    world.faults.next(WRITE, Fault::LostAfter);
    assert_eq!(name(&world.reverse("r", "d", 10).await), ("replayed", 2));
    assert_eq!(world.balance().await, 1000);
}

/// Without an operation, its own state says that it was written.
#[tokio::test]
async fn a_refund_whose_answer_is_lost_takes_back_once() {
    let world = World::new().await;
    world.faults.next(WRITE, Fault::LostAfter);
    assert_eq!(name(&world.ask_back("in_1").await), ("unchanged", 2));
    assert_eq!(world.balance().await, 0);
    assert_eq!(world.row("ACCOUNT#alice", "PURCHASE#in_1").await["revision"], json!(2));
}

#[tokio::test]
async fn reads_are_tried_again_too() {
    let world = World::new().await;
    world.faults.next("Query", Fault::service(400, "ThrottlingException"));
    world.faults.next("Query", Fault::LostAfter);
    let balance = async || {
        let account = world.ledger.account(&world.account).await;
        account.map(|account| account.unwrap().balance.playground())
    };
    assert_eq!(balance().await.unwrap(), 1000);
    world.faults.next("Query", Fault::service(400, "ThrottlingException"));
    assert_eq!(name(&world.take("d", 10).await), ("appended", 2));
    world.faults.next("Query", Fault::Answer(200, r#"{"Items":[{"pk":"#.to_owned()));
    assert_eq!(balance().await.unwrap(), 990);
    world.faults.next("Query", Fault::service(400, "AccessDeniedException"));
    assert!(matches!(balance().await, Err(Error::Internal { .. })));
}

/// Nothing but the script answers here, so that the paused clock stands still except for waits.
#[tokio::test(start_paused = true)]
async fn reads_and_commands_wait_between_their_attempts() {
    let world = World::nowhere();
    for _ in 0..10 {
        world.faults.next("Query", Fault::service(400, "ThrottlingException"));
    }
    let started = Instant::now();
    let error = world.ledger.account(&world.account).await.unwrap_err();
    assert!(matches!(error, Error::TryAgain { attempts: 10, last: LedgerFault::Throttled }), "{error}");
    assert!(started.elapsed() > Duration::from_millis(100), "{:?}", started.elapsed());

    let commanded = async |code: &'static str| {
        for _ in 0..200 {
            world.faults.next("Query", Fault::Answer(200, head_of_1000()));
            world.faults.next(WRITE, Fault::cancelled(&["None", code]));
        }
        world.faults.next("GetItem", Fault::Answer(200, "{}".to_owned()));
        let started = Instant::now();
        let error = world.take("d", 10).await.unwrap_err();
        // It was looked for once more.
        assert_eq!(world.faults.asked().last().unwrap(), "GetItem");
        world.faults.clear();
        (error, started.elapsed())
    };
    let (error, took) = commanded("ThrottlingError").await;
    assert!(matches!(error, Error::TryAgain { attempts: 10, last: LedgerFault::Throttled }), "{error}");
    assert!(took > Duration::from_millis(100), "{took:?}");
    // Others are waited for as long as there is time.
    for (code, last) in [("TransactionConflict", "contended"), ("ConditionalCheckFailed", "raced")] {
        let (error, took) = commanded(code).await;
        assert!(error.is_transient() && error.attempts() > 10, "{error}");
        assert!(error.to_string().ends_with(&format!(" attempts: {last}")), "{error}");
        assert!((4_800..=5_001).contains(&took.as_millis()), "{took:?}");
    }
}

/// What a query for the newest entry answers: 1000 playground credits.
fn head_of_1000() -> String {
    let credits = json!({"M": {"playground": {"N": "1000"}, "tune": {"N": "0"}, "tune_image": {"N": "0"}}});
    let entry = json!({
        "pk": {"S": "ACCOUNT#alice"}, "sk": {"S": "ENTRY#000000000001"}, "sequence": {"N": "1"},
        "kind": {"S": "purchase"}, "credits": credits, "reference": {"S": "p"}, "at": {"S": NOW},
        "balance": credits, "period": {"S": "2026-11"},
    });
    json!({"Items": [entry], "Count": 1, "ScannedCount": 1}).to_string()
}
