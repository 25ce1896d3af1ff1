//! DynamoDB keeps only single items from being seen half-way through a transaction. What the engines never
//! show is shown here: an entry is there, and its operation isn't yet.

use std::sync::Mutex;

use scrip_accounts::{DebitId, Decision, Refusal};
use scrip_ledger::{Operation, Outcome, Related, RequestHash, State};
use serde_json::json;

use crate::world::{CONFIRM, NOW, WRITE, World, name, pack, plan, settled, time};
use scrip_test_support::faults::Fault;

fn unseen() -> Fault {
    Fault::Answer(200, "{}".to_owned())
}

#[tokio::test]
async fn a_refusal_waits_for_a_transaction_that_is_being_written() {
    let world = World::new().await;
    world.take_all().await;
    // The retry of the debit that emptied the account, while that debit's rows become visible.
    world.faults.next(CONFIRM, Fault::cancelled(&["TransactionConflict", "None"]));
    world.faults.next(CONFIRM, Fault::service(400, "ThrottlingException"));
    assert_eq!(name(&world.take("all-9", 100).await), ("replayed", 3));
    for (fault, why) in [
        (Fault::cancelled(&["None", "SomethingNew"]), "SomethingNew at Read: by script"),
        (Fault::cancelled(&["None", "ConditionalCheckFailed"]), "ConditionalCheckFailed at Read: by script"),
        (Fault::cancelled(&["None"]), "2 writes, 1 reasons"),
    ] {
        world.faults.next(CONFIRM, fault);
        let error = world.take("all-9", 100).await.unwrap_err();
        assert_eq!(error.to_string(), format!("could not confirm a refusal: {why}"));
    }
}

#[tokio::test]
async fn a_replay_waits_for_the_entry_it_answers_with() {
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
    world.take_all().await;
    // Credits come back between the read that found none and the refusal.
    world.meanwhile(CONFIRM, async |world| {
        assert_eq!(name(&world.reverse("r", "all-0", 50).await).0, "appended");
    });
    assert_eq!(name(&world.take("next", 50).await), ("appended", 2));
    assert_eq!(world.balance().await, 0);
}

/// What a decision was made from is read once more: half a picture of it isn't answered on.
#[tokio::test]
async fn what_is_answered_without_a_write_agrees_with_what_it_was_decided_from() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    let debit = DebitId::parse("d").unwrap();
    let (key, hash) = (Operation::Debit(DebitId::parse("other").unwrap()), RequestHash::of(&"any").unwrap());
    let seen = Mutex::new(Vec::new());
    let decide = |state: &State| {
        seen.lock().unwrap().push(state.debit.is_some());
        Ok(Decision::default())
    };
    world.faults.asked();
    // What is there isn't visible to the first read.
    world.faults.next("GetItem", unseen());
    let related = Related::Debit(&debit);
    let executed = world.ledger.execute(&world.account, (&key, &hash), related, time(NOW), decide).await;
    assert_eq!(name(&executed), ("unchanged", 2));
    assert_eq!(seen.into_inner().unwrap(), [false, true]);
    assert_eq!(world.faults.asked(), ["Query", "GetItem", CONFIRM, "Query", "GetItem", CONFIRM]);
}

/// The first revision is written over nothing, so a record that wasn't visible to the read isn't overwritten.
#[tokio::test]
async fn a_record_that_was_not_visible_is_not_overwritten() {
    let world = World::empty().await;
    let facts = plan("in_1", "sub_1", NOW, "2026-12-22T10:00:00Z");
    world.reconcile(&facts).await.unwrap();
    world.reconcile(&settled("sub_1", "in_0")).await.unwrap();
    let items = world.items().await;
    // The subscription's record is read, then the purchase's. A purchase that is recorded needs no write.
    for (hidden, attempts) in [([true, true], 2), ([true, false], 1), ([false, true], 2)] {
        for is_hidden in hidden {
            world.faults.next("GetItem", if is_hidden { unseen() } else { Fault::None });
        }
        assert_eq!(name(&world.reconcile(&facts).await), ("unchanged", attempts), "{hidden:?}");
        assert_eq!(world.items().await, items, "{hidden:?}");
    }
}

/// The subscription of another account isn't visible yet: its item is there when this account's is written.
#[tokio::test]
async fn a_subscription_that_was_not_visible_stays_with_its_account() {
    let world = World::new().await;
    let items = world.items().await;
    world.faults.next("GetItem", unseen());
    let facts = plan("in_2", "sub_1", NOW, "2026-12-22T10:00:00Z");
    let refused = world.of("bob").reconcile(&facts).await.unwrap();
    assert_eq!((refused.outcome, refused.attempts), (Outcome::Refused(Refusal::PaymentTaken), 2));
    assert_eq!(world.items().await, items);
}

/// As pages of the history are.
#[tokio::test]
async fn a_page_of_purchases_waits_for_a_record_that_is_listed() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    world.faults.next("GetItem", unseen());
    let (purchases, _) = world.ledger.purchases(&world.account, None, 10).await.unwrap();
    assert_eq!(purchases.len(), 1);
}

#[tokio::test]
async fn a_carried_entry_is_not_refused_on() {
    let world = World::new().await;
    for number in 0..9 {
        world.take(&format!("before-{number}"), 100).await.unwrap();
    }
    // The entry that won left nothing; by the time of the refusal some of it came back.
    world.meanwhile(WRITE, async |world| {
        assert_eq!(name(&world.take("rest", 100).await).0, "appended");
        assert_eq!(name(&world.reverse("r", "rest", 40).await).0, "appended");
    });
    assert_eq!(name(&world.take("d", 40).await).0, "appended");
    assert_eq!(world.balance().await, 0);
}

#[tokio::test]
async fn a_history_with_a_gap_is_read_again() {
    let world = World::new().await;
    for number in 0..3 {
        world.take(&format!("d-{number}"), 1).await.unwrap();
    }
    let whole = world.ledger.entries(&world.account, None, 100).await.unwrap();
    let rows = world.raw_entries().await;
    world.faults.asked();
    // A page as a half-visible transaction would leave it: without one of its rows.
    for left_out in [1, 2, 3] {
        let mut rows = rows.clone();
        rows.remove(left_out);
        world.faults.next("Query", Fault::Answer(200, json!({"Items": rows}).to_string()));
        assert_eq!(world.ledger.entries(&world.account, None, 100).await.unwrap(), whole, "{left_out}");
        assert_eq!(world.faults.asked(), ["Query", "Query"], "{left_out}");
    }
}
