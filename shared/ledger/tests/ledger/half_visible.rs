//! Half-visible transactions: DynamoDB isolates only reads of a single item. The test engines never show a part of a
//! transaction, so these tests fake it: one of its items is visible, and another isn't yet.

use std::sync::Mutex;

use scrip_accounts::{
    Command, CommandKey, CommandState, DebitId, Posting, Refusal, ReversalId, ReversalOutcome, Subject,
};
use scrip_ledger::chain;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::{
    facts::{pack, plan, settled},
    outcome::{Outcome, carried_out, name},
    scripted::page,
    stopped::Act,
    world::{APPEND, CLAIM, CONFIRM, NOW, WRITE, World, time},
};
use scrip_test_support::{crash::Side, faults::Fault};

fn unseen() -> Fault {
    Fault::Answer(200, "{}".to_owned())
}

#[tokio::test]
async fn a_refusal_waits_for_a_transaction_that_is_being_written() {
    let world = World::new().await;
    world.take_all().await;
    // The retry of the debit that emptied the account, while one of the rows is written.
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
        assert_eq!(chain(&error), format!("could not confirm a refusal: {why}"));
    }
}

#[tokio::test]
async fn a_replay_waits_for_the_entry_it_answers_with() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    // A reversal whose debit isn't visible yet is not refused for it.
    world.faults.next("GetItem", unseen());
    assert_eq!(name(&world.reverse("r", "d", 4).await), ("appended", 2));
    // The claim names the entry since, which isn't visible to a read yet.
    world.faults.next("GetItem", unseen());
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 2));
}

#[tokio::test]
async fn only_the_newest_entry_is_a_reason_to_refuse() {
    let world = World::new().await;
    world.take_all().await;
    // Credits come back between the read that found none and the refusal.
    world.meanwhile(CONFIRM, async |world| {
        assert_eq!(name(&world.reverse("r", "all-0", 50).await).0, "appended");
    });
    assert_eq!(name(&world.take("next", 50).await), ("appended", 2));
    assert_eq!(world.balance().await, 0);
}

/// A command that is always refused, and notes whether it saw its debit.
#[derive(Debug)]
struct Probe(Mutex<Vec<bool>>, DebitId);

impl Serialize for Probe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl Command for Probe {
    type Outcome = ReversalOutcome;

    fn key(&self) -> CommandKey {
        CommandKey::Reversal(ReversalId::parse("probe").unwrap())
    }

    fn subject(&self) -> Subject<'_> {
        Subject::Debit(&self.1)
    }

    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal> {
        self.0.lock().unwrap().push(state.debit.is_some());
        Err(Refusal::BalanceLimit)
    }
}

/// What a refusal was decided from is read once more: half a picture of it isn't answered on.
#[tokio::test]
async fn a_refusal_agrees_with_the_records_it_was_decided_on() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    world.reverse("r", "d", 4).await.unwrap();
    let probe = Probe(Mutex::default(), DebitId::parse("d").unwrap());
    world.faults.asked();
    // What is there isn't visible to the first read.
    world.faults.next("GetItem", unseen());
    let executed = carried_out(world.ledger.execute(&world.account, &probe, time(NOW)).await);
    assert_eq!(name(&executed), ("refused", 2));
    assert_eq!(probe.0.into_inner().unwrap(), [false, true]);
    // The claim names the entry, so that is read beside it.
    let asked = ["Query", "GetItem", CONFIRM, "Query", "GetItem", "GetItem", CONFIRM];
    assert_eq!(world.faults.asked(), asked);
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
    world.meanwhile_after(1, APPEND, async |world| {
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

/// A look behind a claim that sees a later entry and not the one before: it looks again. Without the last one, nothing
/// is missing that it could know of, and its append finds that.
#[tokio::test]
async fn a_gap_behind_a_claim_is_read_again() {
    let append = ["Query", CLAIM, "Query", APPEND, APPEND];
    let again = ["Query", CLAIM, "Query", "Query", CLAIM, "Query", APPEND];
    for (left_out, asked) in [(2, &again[..]), (3, &again), (4, &append)] {
        let world = World::new().await;
        world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
        for number in 2..=4 {
            world.take(&format!("other-{number}"), 1).await.unwrap();
        }
        world.faults.asked();
        let rows = rows(&world, |sequence| sequence > 1 && sequence != left_out).await;
        world.faults.next("Query", Fault::None);
        world.faults.next("Query", page(&rows));
        assert_eq!(name(&world.take("d", 10).await), ("appended", 2), "{left_out}");
        assert_eq!(world.faults.asked(), asked, "{left_out}");
        assert_eq!(world.balance().await, 987, "{left_out}");
    }
}

/// Some of the entries, oldest first.
async fn rows(world: &World, is_visible: impl Fn(u64) -> bool) -> Vec<Value> {
    let sequence = |row: &Value| row["sequence"]["N"].as_str().unwrap().parse().unwrap();
    let rows = world.raw_entries().await.into_iter().rev();
    rows.filter(|row| is_visible(sequence(row))).collect()
}

/// The month's turn and the debit are one transaction, whose answer was lost. Whatever of its entries the next call
/// sees, it takes once.
#[tokio::test]
async fn a_transaction_that_is_seen_in_part_leads_to_no_second_debit() {
    // which of expiry (2), refill (3) and debit (4) are visible -> attempts
    for (visible, attempts) in [
        (&[][..], 2),
        // Nothing is left: that is no refusal, because something follows.
        (&[2], 2),
        // The debit is decided on the refill, and its append finds it.
        (&[2, 3], 1),
        (&[2, 3, 4], 1),
        // Gaps.
        (&[3], 2),
        (&[4], 2),
        (&[2, 4], 2),
        (&[3, 4], 2),
    ] {
        let world = Act::DebitAtTheTurn.world().await;
        world.stop(Act::DebitAtTheTurn, (WRITE, 0), Side::After).await;
        let rows = rows(&world, |sequence| sequence == 1 || visible.contains(&sequence)).await;
        let items = world.items().await;
        world.faults.next("Query", page(&rows[rows.len() - 1..]));
        world.faults.next("Query", page(&rows[1..]));
        let executed = Act::DebitAtTheTurn.carry_out(&world).await;
        assert_eq!(name(&executed), ("replayed", attempts), "{visible:?}");
        assert_eq!(world.items().await, items, "{visible:?}");
    }
}
