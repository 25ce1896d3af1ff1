//! Permanent failures are reported at once, and a call that gives up leaves nothing half done.

use scrip_accounts::CustomerId;
use scrip_ledger::{Error, Fault as LedgerFault, chain};

use crate::{
    outcome::name,
    world::{APPEND, CLAIM, CONFIRM, WRITE, World},
};
use scrip_test_support::faults::Fault;

/// A claim that fails writes nothing; an append that fails leaves the claim, which does no harm.
#[tokio::test]
async fn a_permanent_failure_of_a_put_is_reported_at_once() {
    for (claims_before, doing) in [(0, "claim a key"), (1, "append an entry")] {
        for (fault, why) in [
            (Fault::service(400, "AccessDeniedException"), "AccessDeniedException"),
            (Fault::service(400, "ResourceNotFoundException"), "ResourceNotFoundException"),
            (Fault::service(400, "ValidationException"), "ValidationException"),
            (Fault::service(400, "SomethingNew"), "SomethingNew"),
            // The item that exists must come with it.
            (Fault::service(400, "ConditionalCheckFailedException"), "the answer lacks the item that exists"),
            // Such an answer isn't DynamoDB's: a wrong endpoint stays wrong.
            (Fault::Answer(404, "<html>".to_owned()), "unexpected token '<'"),
        ] {
            let world = World::new().await;
            let script = format!("{fault:?} after {claims_before}");
            (0..claims_before).for_each(|_| world.faults.next(CLAIM, Fault::None));
            world.faults.next(APPEND, fault);
            let error = world.take("d", 10).await.unwrap_err();
            assert_eq!(error.to_string(), format!("could not {doing}"), "{script}");
            assert!(chain(&error).contains(why), "{script}: {}", chain(&error));
            assert_eq!((error.is_transient(), error.attempts()), (false, 1), "{script}");
            assert_eq!(world.faults.asked(), ["Query", CLAIM, APPEND][..2 + claims_before], "{script}");
            assert_eq!(world.balance().await, 1000, "{script}");
            // The next one is served.
            assert_eq!(name(&world.take("d", 10).await), ("appended", 1), "{script}");
        }
    }
}

/// The transaction of a reversal: its entry, and the debit's total.
#[tokio::test]
async fn a_permanent_failure_of_a_transaction_is_reported_at_once() {
    for (fault, why) in [
        (Fault::cancelled(&["ValidationError", "None"]), "ValidationError at Entry: by script"),
        (Fault::cancelled(&["None", "SomethingNew"]), "SomethingNew at Record: by script"),
        (Fault::cancelled(&["None", "None"]), "cancelled without a reason"),
        (Fault::cancelled(&["TransactionConflict"]), "2 writes, 1 reasons"),
        (Fault::cancelled(&[]), "2 writes, 0 reasons"),
        (Fault::service(400, "AccessDeniedException"), "AccessDeniedException"),
        (Fault::service(400, "SomethingNew"), "SomethingNew"),
        (Fault::Answer(404, "<html>".to_owned()), "unexpected token '<'"),
    ] {
        let world = World::new().await;
        world.take("d", 10).await.unwrap();
        world.faults.asked();
        let script = format!("{fault:?}");
        world.faults.next(WRITE, fault);
        let error = world.reverse("r", "d", 10).await.unwrap_err();
        assert!(matches!(error, Error::Internal { doing: "append", .. }), "{script}: {error}");
        assert!(chain(&error).contains(why), "{script}: {}", chain(&error));
        assert_eq!((error.is_transient(), error.attempts()), (false, 1), "{script}");
        assert_eq!(world.faults.asked(), ["Query", "GetItem", "Query", CLAIM, WRITE], "{script}");
        assert_eq!(world.balance().await, 990, "{script}");
        assert_eq!(name(&world.reverse("r", "d", 10).await), ("appended", 1), "{script}");
    }
}

#[tokio::test]
async fn each_failed_read_names_its_action() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    let denied = |operation| {
        world.faults.clear();
        world.faults.next(operation, Fault::service(400, "AccessDeniedException"));
    };
    let text = |error: Option<Error>| chain(&error.unwrap());
    denied("Query");
    let error = text(world.ledger.account(&world.account).await.err());
    assert!(error.starts_with("could not read the head: "), "{error}");
    denied("Query");
    let error = text(world.ledger.entries(&world.account, None, 1).await.err());
    assert!(error.starts_with("could not read the history: "), "{error}");
    denied("GetItem");
    let error = text(world.reverse("r", "d", 1).await.err());
    assert!(error.starts_with("could not read a claim: "), "{error}");
    // The debit's claim is read, and then what follows it.
    world.faults.clear();
    world.faults.next("Query", Fault::None);
    world.faults.next("Query", Fault::service(400, "AccessDeniedException"));
    let error = text(world.reverse("r", "d", 1).await.err());
    assert!(error.starts_with("could not look for an entry: "), "{error}");
    denied("GetItem");
    let error = text(world.ask_back("in_1").await.err());
    assert!(error.starts_with("could not read a subscription: "), "{error}");
    denied("GetItem");
    let error = text(world.ask_back("pi_1").await.err());
    assert!(error.starts_with("could not read a purchase: "), "{error}");
    denied("GetItem");
    let customer = CustomerId::parse("cus_1").unwrap();
    let error = text(world.ledger.customer(&customer).await.err());
    assert!(error.starts_with("could not look up an owner: "), "{error}");
    denied("GetItem");
    let error = text(world.ledger.parked("in_1").await.err());
    assert!(error.starts_with("could not read what is parked: "), "{error}");
    denied("Query");
    let error = text(world.ledger.purchases(&world.account, None, 1).await.err());
    assert!(error.starts_with("could not list purchases: "), "{error}");
    denied(CONFIRM);
    let error = text(world.reverse("r", "unheard-of", 1).await.err());
    assert!(error.starts_with("could not confirm a refusal: "), "{error}");
    // The error's causes are shown too, and not only that the service answered with an error.
    assert!(error.contains("AccessDeniedException"), "{error}");
}

fn throttled() -> Fault {
    Fault::service(400, "ThrottlingException")
}

#[tokio::test]
async fn throttling_that_outlasts_the_attempts_takes_nothing() {
    let world = World::new().await;
    // Of the claim, or of the append.
    for claims_before in [0, 1] {
        (0..claims_before).for_each(|_| world.faults.next(CLAIM, Fault::None));
        for _ in 0..10 {
            world.faults.next(APPEND, throttled());
        }
        let error = world.take("d", 10).await.unwrap_err();
        let is_throttled =
            matches!(error, Error::TryAgain { attempts: 10, last: LedgerFault::Throttled, .. });
        assert!(is_throttled, "{error}");
        assert_eq!(error.to_string(), "gave up after 10 attempts: throttled");
        assert!(chain(&error).contains("ThrottlingException"), "{}", chain(&error));
        assert_eq!((error.is_transient(), error.attempts()), (true, 10));
        assert_eq!(world.balance().await, 1000);
    }
    assert_eq!(name(&world.take("d", 10).await), ("appended", 1));
}

#[tokio::test]
async fn an_answer_lost_at_the_last_attempt_is_looked_for() {
    let world = World::new().await;
    world.faults.next(CLAIM, Fault::None);
    for _ in 0..9 {
        world.faults.next(APPEND, throttled());
    }
    world.faults.next(APPEND, Fault::LostAfter);
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 10));
    assert_eq!(world.balance().await, 990);
}

/// The same command, given twice: this one got nowhere, and the other was carried out at the last moment.
#[tokio::test]
async fn a_duplicate_that_was_carried_out_is_found_at_the_last_look() {
    for (images, expected) in [(10, "replayed"), (11, "key reused")] {
        let world = World::new().await;
        world.faults.next(CLAIM, Fault::None);
        for _ in 0..10 {
            world.faults.next(APPEND, throttled());
        }
        world.meanwhile("GetItem", async |world| {
            assert_eq!(name(&world.take("d", 10).await), ("appended", 1));
        });
        assert_eq!(name(&world.take("d", images).await).0, expected);
        assert_eq!(world.balance().await, 990);
    }
}

#[tokio::test]
async fn a_database_that_went_away_leaves_a_retry_that_is_answered() {
    let world = World::new().await;
    world.faults.next(CLAIM, Fault::None);
    world.faults.next(APPEND, Fault::LostAfter);
    world.faults.next("Query", Fault::None);
    for _ in 0..20 {
        world.faults.next("Query", Fault::LostBefore);
        world.faults.next("GetItem", Fault::LostBefore);
    }
    let error = world.take("d", 10).await.unwrap_err();
    assert_eq!(error.to_string(), "gave up after 10 attempts: outcome unknown");
    world.faults.clear();
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 1));
    assert_eq!(world.balance().await, 990);
}

#[tokio::test]
async fn a_call_that_loses_again_and_again_is_served_in_the_end() {
    let world = World::new().await;
    world.debits_meanwhile(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
    assert_eq!(name(&world.take("unlucky", 10).await), ("appended", 5));
    assert_eq!(world.balance().await, 1000 - 4 - 10);
}
