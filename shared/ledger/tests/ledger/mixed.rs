//! Rows as code from before claims wrote them: the operation's row names its entry and holds the request's whole
//! fingerprint, and the entry has none. They are answered, reversed and looked up as all others are.

use scrip_accounts::Refusal;
use scrip_ledger::{chain, fingerprint};
use scrip_pricing::Credits;
use serde_json::{Value, json};

use crate::{
    outcome::{Outcome, name},
    planted::{entry_key, playground},
    world::{CLAIM, CONFIRM, NOW, WRITE, World, reversal, time, upscale},
};

const DEBIT_ROW: &str = "OPERATION#alice#debit#d";

/// Takes what code before this one didn't write from an entry, and puts the operation's row as it did.
async fn make_old(world: &World, sequence: u64, operation: &str, row: Value) {
    let sk = entry_key(sequence);
    let mut entry = world.row(&world.pk(), &sk).await;
    let fields = entry.as_object_mut().unwrap();
    assert!(fields.remove("request").is_some());
    // It wrote an offset only if there was one.
    if fields.get("offset") == Some(&playground(0)) {
        fields.remove("offset");
    }
    world.plant(&world.pk(), &sk, entry).await;
    world.plant(operation, "OPERATION", row).await;
}

/// The row of a debit of ten at the second entry, as it was written.
fn debit_row(reversed: u64) -> Value {
    let request = fingerprint(&upscale("d", 10)).unwrap();
    let mut row = json!({"sequence": 2, "request": request, "taken": playground(10)});
    if reversed > 0 {
        row["reversed"] = json!({"playground": reversed, "tune": 0, "tune_image": 0});
    }
    row
}

/// An account with a debit of ten from before, of which so much came back then, and so many debits since.
async fn old_debit(reversed: u64, others: u64) -> World {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    if reversed > 0 {
        world.reverse("r-old", "d", reversed).await.unwrap();
        let request = fingerprint(&reversal("r-old", "d", reversed)).unwrap();
        let row = json!({"sequence": 3, "request": request});
        make_old(&world, 3, "OPERATION#alice#reversal#r-old", row).await;
    }
    make_old(&world, 2, DEBIT_ROW, debit_row(reversed)).await;
    for number in 0..others {
        world.take(&format!("other-{number}"), 1).await.unwrap();
    }
    world.faults.asked();
    world
}

#[tokio::test]
async fn a_command_from_before_claims_is_replayed_to_the_same_request_only() {
    for others in [0, 40] {
        for reversed in [0, 4] {
            let world = old_debit(reversed, others).await;
            let items = world.items().await;
            let receipt = world.ledger.execute(&world.account, &upscale("d", 10), time(NOW)).await.unwrap();
            assert_eq!((receipt.is_replayed, receipt.attempts), (true, 1));
            assert_eq!((receipt.outcome.sequence.get(), receipt.reversed.playground()), (2, reversed));
            // The row says where it is, however much follows.
            assert_eq!(world.faults.asked(), ["Query", CLAIM, "GetItem"]);
            assert_eq!(name(&world.take("d", 11).await), ("key reused", 1));
            let found = world.ledger.find_receipt(&world.account, &upscale("d", 10), time(NOW)).await;
            assert_eq!(found.unwrap().unwrap().entry, receipt.entry);
            if reversed > 0 {
                assert_eq!(name(&world.reverse("r-old", "d", reversed).await), ("replayed", 1));
                assert_eq!(name(&world.reverse("r-old", "d", 1).await), ("key reused", 1));
            }
            assert_eq!(world.items().await, items);
        }
    }
}

/// The debit that emptied the account: it would be refused now.
#[tokio::test]
async fn a_retry_of_an_old_debit_that_emptied_the_account_gets_its_first_answer() {
    let world = old_debit(0, 0).await;
    for number in 0..10 {
        world.take(&format!("rest-{number}"), 99).await.unwrap();
    }
    assert_eq!(world.balance().await, 0);
    world.faults.asked();
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 1));
    assert_eq!(world.faults.asked(), ["Query", CONFIRM, "GetItem"]);
    assert_eq!(name(&world.take("d", 11).await), ("key reused", 1));
}

#[tokio::test]
async fn a_debit_from_before_claims_is_reversed_further() {
    for reversed in [0, 4] {
        let world = old_debit(reversed, 3).await;
        let mut row = debit_row(reversed);
        for (credits, total) in [(1, reversed + 1), (9 - reversed, 10)] {
            let executed = world.reverse(&format!("r-{total}"), "d", credits).await;
            assert_eq!(name(&executed), ("appended", 1), "{reversed}: {credits}");
            assert_eq!(world.faults.asked(), ["Query", "GetItem", "GetItem", CLAIM, WRITE]);
            row["reversed"] = json!({"playground": total, "tune": 0, "tune_image": 0});
            assert_eq!(world.row(DEBIT_ROW, "OPERATION").await, row, "{reversed}: {credits}");
        }
        let Outcome::Refused(refusal) = world.reverse("more", "d", 1).await.unwrap().outcome else {
            panic!()
        };
        assert_eq!(refusal, Refusal::ExceedsDebit { reversible: Credits::ZERO });
        assert_eq!(world.balance().await, 997, "{reversed}");
    }
}

#[tokio::test]
async fn a_debit_from_before_claims_shows_what_came_back_of_it() {
    for reversed in [0, 4, 10] {
        let world = old_debit(reversed, 3).await;
        let debit = world.debit("d").await.unwrap();
        assert_eq!((debit.outcome.sequence.get(), debit.reversed.playground()), (2, reversed));
        assert_eq!((debit.outcome.credits.playground(), debit.outcome.balance.playground()), (10, 990));
    }
}

/// A function of before and one of now, at once: its transaction and this claim exclude each other.
#[tokio::test]
async fn an_old_function_that_comes_first_is_answered_for() {
    // Before each request of the debit: the old one's transaction is made by then.
    for (operation, count, attempts) in [("Query", 0, 1), ("PutItem", 0, 1)] {
        let world = World::new().await;
        world.meanwhile_after(count, operation, async |world| {
            world.take("d", 10).await.unwrap();
            make_old(&world, 2, DEBIT_ROW, debit_row(0)).await;
        });
        assert_eq!(name(&world.take("d", 10).await), ("replayed", attempts), "{operation}");
        assert_eq!(world.balance().await, 990, "{operation}");
    }
    // Another key's takes the sequence.
    let world = World::new().await;
    world.meanwhile_after(1, "PutItem", async |world| {
        world.take("d", 10).await.unwrap();
        make_old(&world, 2, DEBIT_ROW, debit_row(0)).await;
    });
    assert_eq!(name(&world.take("e", 10).await), ("appended", 2));
    assert_eq!(world.balance().await, 980);
}

/// After a restore a claim may be newer than the history: it names an entry that another key made since, or none. That
/// is no answer, and nothing is taken.
#[tokio::test]
async fn a_row_that_names_another_keys_entry_is_an_error() {
    let world = World::new().await;
    world.take("other", 10).await.unwrap();
    // The purchase, and another debit.
    for sequence in [1, 2] {
        world.plant(DEBIT_ROW, "OPERATION", json!({"from": 1, "sequence": sequence})).await;
        let errors = [world.take("d", 10).await, world.reverse("r", "d", 1).await];
        for error in errors.map(Result::unwrap_err) {
            assert_eq!(
                chain(&error),
                format!("could not read a claimed entry: {sequence} carries another key")
            );
        }
    }
    assert_eq!(world.balance().await, 990);
}
