//! Faults that pass, conflicts and throttling and lost answers, are waited out; nothing is done twice.

use std::{slice, time::Duration};

use scrip_ledger::{Error, Fault as LedgerFault};
use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    outcome::name,
    scripted::{answer, claim, debit, entry, page, refused},
    world::{APPEND, CLAIM, WRITE, World},
};
use scrip_test_support::faults::Fault;

/// An outcome's name, and the attempt.
type Named = (&'static str, u32);

/// Faults of a put that pass, what comes of the debit whose claim meets them, and of the one whose append does.
fn passing() -> Vec<(Vec<Fault>, Named, Named)> {
    let service = |status, name| vec![Fault::service(status, name)];
    let answer = |status, text: &str| vec![Fault::Answer(status, text.to_owned())];
    let conflicts =
        |count| (0..count).map(|_| Fault::service(400, "TransactionConflictException")).collect::<Vec<_>>();
    let (once, found) = (("appended", 2), ("replayed", 2));
    vec![
        // The item is being written by a transaction: another one's, or an earlier attempt's.
        (conflicts(1), once, once),
        (conflicts(9), ("appended", 10), ("appended", 10)),
        (service(400, "TransactionInProgressException"), once, once),
        (service(400, "ThrottlingException"), once, once),
        (service(400, "ProvisionedThroughputExceededException"), once, once),
        (service(400, "RequestLimitExceeded"), once, once),
        (service(400, "ReplicatedWriteConflictException"), once, once),
        (service(500, "InternalServerError"), once, once),
        (service(400, "ServiceUnavailable"), once, once),
        (service(503, "SomethingNew"), once, once),
        (vec![Fault::LostBefore], once, once),
        // An answer that breaks off, or isn't one, says nothing of the write.
        (answer(200, r#"{"ConsumedCapacity":["#), once, once),
        (answer(200, "<html>"), once, once),
        (answer(502, "<html>Bad Gateway"), once, once),
        // It was written, and its answer got lost: a claim is scanned behind, an entry is found by that.
        (vec![Fault::LostAfter], once, found),
        (vec![Fault::LostBefore, Fault::LostAfter, Fault::LostBefore], ("appended", 4), ("replayed", 3)),
        (vec![Fault::LostBefore, Fault::LostBefore], ("appended", 3), ("appended", 3)),
    ]
}

#[tokio::test]
async fn faults_of_a_claim_or_an_append_that_pass_are_waited_out() {
    let mut waiting = JoinSet::new();
    for claims_before in [0, 1] {
        for (faults, at_claim, at_append) in passing() {
            let expected = if claims_before == 0 { at_claim } else { at_append };
            waiting.spawn(wait_out(claims_before, faults, expected));
        }
    }
    assert_eq!(waiting.join_all().await.len(), 2 * 17);
}

async fn wait_out(claims_before: usize, faults: Vec<Fault>, expected: Named) {
    let world = World::new().await;
    let script = format!("{faults:?} after {claims_before}");
    (0..claims_before).for_each(|_| world.faults.next(CLAIM, Fault::None));
    for fault in faults {
        world.faults.next(APPEND, fault);
    }
    assert_eq!(name(&world.take("d", 10).await), expected, "{script}");
    assert_eq!(world.balance().await, 990, "{script}");
    world.faults.clear();
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 1), "{script}");
}

/// After any fault of the claim, no entry is sent before an answer confirms that the claim exists.
#[tokio::test]
async fn no_entry_is_sent_before_its_claim_is_known_to_exist() {
    for fault in [
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::service(400, "TransactionConflictException"),
        Fault::service(400, "ThrottlingException"),
        Fault::service(500, "InternalServerError"),
        Fault::Answer(200, "<html>".to_owned()),
    ] {
        let world = World::new().await;
        let script = format!("{fault:?}");
        world.faults.next(CLAIM, fault);
        assert_eq!(name(&world.take("d", 10).await), ("appended", 2), "{script}");
        let requests = world.faults.requests();
        let puts = requests.iter().filter(|(operation, _)| operation == APPEND);
        let puts: Vec<_> = puts.map(|(_, body)| body["Item"]["sk"]["S"].as_str().unwrap()).collect();
        assert_eq!(puts, ["OPERATION", "OPERATION", "ENTRY#000000000002"], "{script}");
    }
}

/// The transaction of a reversal: its entry, and the debit's total.
#[tokio::test]
async fn faults_of_a_transaction_that_pass_are_waited_out() {
    const CONFLICT: &[&str] = &["None", "TransactionConflict"];
    let conflicts = |count: usize| (0..count).map(|_| Fault::cancelled(CONFLICT)).collect::<Vec<_>>();
    let once = |fault: Fault| vec![fault];
    for (faults, expected) in [
        (conflicts(1), ("appended", 2)),
        (conflicts(9), ("appended", 10)),
        (once(Fault::cancelled(&["TransactionConflict", "TransactionConflict"])), ("appended", 2)),
        (once(Fault::cancelled(&["ThrottlingError", "None"])), ("appended", 2)),
        (once(Fault::cancelled(&["None", "ProvisionedThroughputExceeded"])), ("appended", 2)),
        (once(Fault::service(400, "ThrottlingException")), ("appended", 2)),
        (once(Fault::service(400, "TransactionInProgressException")), ("appended", 2)),
        (once(Fault::service(500, "InternalServerError")), ("appended", 2)),
        (once(Fault::LostBefore), ("appended", 2)),
        (once(Fault::Answer(200, r#"{"ConsumedCapacity":["#.to_owned())), ("appended", 2)),
        // It was written, and its answer got lost.
        (once(Fault::LostAfter), ("replayed", 2)),
        (vec![Fault::LostBefore, Fault::LostAfter, Fault::LostBefore], ("replayed", 3)),
    ] {
        let world = World::new().await;
        world.take("d", 10).await.unwrap();
        let script = format!("{faults:?}");
        for fault in faults {
            world.faults.next(WRITE, fault);
        }
        assert_eq!(name(&world.reverse("r", "d", 4).await), expected, "{script}");
        assert_eq!(world.balance().await, 994, "{script}");
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_debit_that_emptied_the_account_is_found() {
    let world = World::new().await;
    for number in 0..9 {
        world.take(&format!("before-{number}"), 100).await.unwrap();
    }
    world.faults.next(CLAIM, Fault::None);
    world.faults.next(APPEND, Fault::LostAfter);
    assert_eq!(name(&world.take("all", 100).await), ("replayed", 2));
    assert_eq!(world.balance().await, 0);
}

/// Its month is turned by the same transaction, and turned once.
#[tokio::test]
async fn a_lost_answer_of_a_debit_at_the_turn_of_a_month_is_found() {
    for (fault, expected) in [(Fault::LostBefore, "appended"), (Fault::LostAfter, "replayed")] {
        let world = World::new().await;
        world.faults.next(WRITE, fault);
        let executed = world.take_at("d", 10, "2026-12-01T00:00:00Z").await;
        assert_eq!(name(&executed), (expected, 2));
        assert_eq!(world.balance().await, 990);
        assert_eq!(world.ledger.entries(&world.account, None, 100).await.unwrap().entries.len(), 4);
    }
}

/// Without a key, its own state says that it was written.
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
    assert!(matches!(error, Error::TryAgain { attempts: 10, last: LedgerFault::Throttled, .. }), "{error}");
    assert!(started.elapsed() > Duration::from_millis(100), "{:?}", started.elapsed());

    let debited = async |name: &str| {
        world.faults.next("Query", page(&[entry(1)]));
        world.faults.next(CLAIM, answer(&json!({})));
        for sequence in 2..=250 {
            // Nothing follows what was seen, whenever that is read.
            world.faults.next("Query", page(&[]));
            world.faults.next(APPEND, refused(name, &entry(sequence)));
        }
        world.faults.next("GetItem", answer(&json!({})));
        let started = Instant::now();
        let error = world.take("d", 10).await.unwrap_err();
        // It was looked for once more.
        assert_eq!(world.faults.asked().last().unwrap(), "GetItem");
        world.faults.clear();
        (error, started.elapsed())
    };
    let (error, took) = debited("ThrottlingException").await;
    assert!(matches!(error, Error::TryAgain { attempts: 10, last: LedgerFault::Throttled, .. }), "{error}");
    assert!(took > Duration::from_millis(100), "{took:?}");
    // Others are waited for as long as there is time.
    for (name, last, took_ms_min) in [
        ("TransactionConflictException", "contended", 4_800),
        // Each wait but the first is followed by two attempts, so that these may be used up a little before.
        ("ConditionalCheckFailedException", "raced", 3_000),
    ] {
        let (error, took) = debited(name).await;
        assert!(error.is_transient() && error.attempts() > 10, "{error}");
        assert!(error.to_string().ends_with(&format!(" attempts: {last}")), "{error}");
        assert!((took_ms_min..=5_001).contains(&took.as_millis()), "{took:?}");
    }
}

/// A transaction doesn't carry the entry that won, so the next attempt reads: after a wait, so that many who turn a
/// month or reverse at once don't throttle each other.
#[tokio::test(start_paused = true)]
async fn a_transaction_that_loses_again_and_again_waits_between_its_attempts() {
    let world = World::nowhere();
    let debit = debit(2);
    // The newest, the debit behind its claim; then nothing follows, and the debit again.
    world.faults.next("Query", page(slice::from_ref(&debit)));
    world.faults.next(CLAIM, answer(&json!({})));
    for _ in 0..=200 {
        world.faults.next("GetItem", answer(&json!({"Item": claim("d", 1)})));
        world.faults.next("Query", page(slice::from_ref(&debit)));
        world.faults.next(WRITE, Fault::cancelled(&["ConditionalCheckFailed", "None"]));
        world.faults.next("Query", page(&[]));
    }
    let started = Instant::now();
    let error = world.reverse("r", "d", 4).await.unwrap_err();
    assert!(error.is_transient() && error.attempts() > 10, "{error}");
    assert!(error.to_string().ends_with(" attempts: raced"), "{error}");
    assert!((4_800..=5_001).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}
