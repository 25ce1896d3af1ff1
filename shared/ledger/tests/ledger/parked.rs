//! Parked payments: they stay listed by their Stripe id until they are deleted.

use scrip_accounts::{AccountId, EventId};
use scrip_ledger::{ParkedPayment, chain};
use serde_json::json;

use crate::{
    facts::pack,
    world::{NOW, WRITE, World, time},
};
use scrip_test_support::faults::Fault;

fn parked(object_id: &str, reason: &str) -> ParkedPayment {
    ParkedPayment {
        object_id: object_id.to_owned(),
        object: "invoice".to_owned(),
        reason: reason.to_owned(),
        account_id: None,
        event_id: Some(EventId::parse("evt_1").unwrap()),
        parked_at: time(NOW),
    }
}

/// The ids of all that is parked, in order.
async fn listed(world: &World) -> Vec<String> {
    let (mut ids, next) = world.ledger.list_parked(None).await.unwrap();
    assert!(next.is_none());
    ids.sort();
    ids
}

#[tokio::test]
async fn a_parked_payment_is_listed_until_it_is_deleted() {
    let world = World::empty().await;
    let first = parked("in_1", "unknown price");
    assert_eq!(world.ledger.parked("in_1").await.unwrap(), None);
    assert_eq!(listed(&world).await, Vec::<String>::new());
    // Deleting a payment that isn't parked is no error.
    world.ledger.unpark(&first).await.unwrap();
    world.ledger.park(&first).await.unwrap();
    assert_eq!(world.ledger.parked("in_1").await.unwrap().as_ref(), Some(&first));
    assert_eq!(
        (world.keys().await, listed(&world).await),
        (vec!["PARKED#in_1 PARKED".to_owned()], vec!["in_1".to_owned()])
    );
    // Parked again, it has the reasons, account, event and time of the last time, and is listed once.
    let again = ParkedPayment {
        account_id: Some(AccountId::parse("alice").unwrap()),
        event_id: None,
        parked_at: time("2026-11-23T10:00:00Z"),
        ..parked("in_1", "unknown price; no account")
    };
    world.ledger.park(&again).await.unwrap();
    world.ledger.park(&parked("cs_2", "another")).await.unwrap();
    assert_eq!(world.ledger.parked("in_1").await.unwrap().as_ref(), Some(&again));
    assert_eq!(listed(&world).await, ["cs_2", "in_1"]);
    // A call that read it before deletes nothing.
    world.ledger.unpark(&first).await.unwrap();
    assert_eq!(listed(&world).await, ["cs_2", "in_1"]);
    world.ledger.unpark(&again).await.unwrap();
    assert_eq!(
        (world.keys().await, listed(&world).await),
        (vec!["PARKED#cs_2 PARKED".to_owned()], vec!["cs_2".to_owned()])
    );
    assert_eq!(world.ledger.parked("in_1").await.unwrap(), None);
    // It may come back.
    world.ledger.park(&parked("in_1", "once more")).await.unwrap();
    assert_eq!(listed(&world).await, ["cs_2", "in_1"]);
}

/// The index has a partition for what is parked; refunds that are pending and accounts that are due have theirs.
#[tokio::test]
async fn parked_payments_have_a_partition_of_their_own() {
    let world = World::new().await;
    world.buy(&pack("pi_1")).await.unwrap();
    world.ask_back("pi_1").await.unwrap();
    // By an id that two items have in common.
    let rest = parked("pi_1", "one of two lines");
    world.ledger.park(&rest).await.unwrap();
    assert_eq!(listed(&world).await, ["pi_1"]);
    let (refunds, _) = world.ledger.pending_refunds(None).await.unwrap();
    assert_eq!(refunds.len(), 1);
    world.ledger.unpark(&rest).await.unwrap();
    assert_eq!(world.ledger.pending_refunds(None).await.unwrap().0, refunds);
    world.ledger.park(&parked("pi_1", "one of two lines")).await.unwrap();
    world.sent_back("pi_1").await.unwrap();
    assert_eq!(listed(&world).await, ["pi_1"]);
}

#[tokio::test]
async fn parked_payments_come_in_pages() {
    let world = World::empty().await;
    let key = |id: &str| json!({"pk": {"S": format!("PARKED#{id}")}, "sk": {"S": "PARKED"}, "due": {"S": "PARKED"}});
    let answer = json!({"Items": [key("in_1"), key("in_2")], "LastEvaluatedKey": key("in_2")});
    world.ledger.park(&parked("in_3", "unknown price")).await.unwrap();
    world.faults.asked();
    world.faults.next("Query", Fault::service(400, "ThrottlingException"));
    world.faults.next("Query", Fault::Answer(200, answer.to_string()));
    let (first, next) = world.ledger.list_parked(None).await.unwrap();
    assert_eq!(first, ["in_1", "in_2"]);
    let (rest, next) = world.ledger.list_parked(Some(next.unwrap())).await.unwrap();
    assert_eq!((rest, next.is_none()), (vec!["in_3".to_owned()], true));
    let requests = world.faults.requests();
    assert_eq!(requests[2].1["ExclusiveStartKey"], key("in_2"));
    assert_eq!(requests[2].1["ExpressionAttributeValues"], json!({":due": {"S": "PARKED"}}));
}

/// What is listed and can't have been parked is an error, not left out.
#[tokio::test]
async fn a_row_that_is_no_parked_object_is_an_error() {
    let world = World::empty().await;
    for row in [json!({"pk": {"S": "ACCOUNT#alice"}, "sk": {"S": "DUE"}}), json!({"sk": {"S": "PARKED"}})] {
        world.faults.next("Query", Fault::Answer(200, json!({"Items": [row]}).to_string()));
        let error = world.ledger.list_parked(None).await.unwrap_err();
        assert_eq!(chain(&error), "could not read an item: due index PARKED has no object");
    }
}

/// Parking and forgetting are one write each, and what is forgotten is what was read: whatever is parked meanwhile
/// stands.
#[tokio::test]
async fn a_payment_that_is_parked_again_during_its_deletion_stays() {
    let (first, again) = (parked("in_1", "unknown price"), parked("in_1", "unknown account"));
    for is_parked_last in [true, false] {
        let world = World::empty().await;
        world.ledger.park(&first).await.unwrap();
        let (known, other) = (first.clone(), again.clone());
        if is_parked_last {
            world.meanwhile(WRITE, async move |world| world.ledger.unpark(&known).await.unwrap());
            world.ledger.park(&again).await.unwrap();
        } else {
            world.meanwhile(WRITE, async move |world| world.ledger.park(&other).await.unwrap());
            world.ledger.unpark(&first).await.unwrap();
        }
        assert_eq!(world.ledger.parked("in_1").await.unwrap().as_ref(), Some(&again), "{is_parked_last}");
        assert_eq!(listed(&world).await, ["in_1"]);
    }
}

#[tokio::test]
async fn parking_and_deleting_outlast_transient_faults() {
    let world = World::empty().await;
    let known = parked("in_1", "unknown price");
    for fault in [
        Fault::cancelled(&["TransactionConflict"]),
        Fault::cancelled(&["ThrottlingError"]),
        Fault::service(400, "ThrottlingException"),
        Fault::LostBefore,
        // It was written, and is written once more.
        Fault::LostAfter,
    ] {
        world.faults.next(WRITE, fault);
        world.ledger.park(&known).await.unwrap();
        assert_eq!(world.faults.asked(), [WRITE, WRITE]);
    }
    assert_eq!(listed(&world).await, ["in_1"]);
    for fault in [Fault::cancelled(&["ValidationError"]), Fault::service(400, "AccessDeniedException")] {
        world.faults.asked();
        world.faults.next(WRITE, fault);
        let error = world.ledger.unpark(&known).await.unwrap_err();
        assert!(chain(&error).starts_with("could not delete a parked payment: "), "{}", chain(&error));
        assert_eq!(world.faults.asked(), [WRITE]);
    }
    assert_eq!(listed(&world).await, ["in_1"]);
    world.faults.next(WRITE, Fault::LostAfter);
    world.ledger.unpark(&known).await.unwrap();
    assert_eq!(listed(&world).await, Vec::<String>::new());
}
