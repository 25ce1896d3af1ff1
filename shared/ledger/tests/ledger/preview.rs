//! A preview decides as a write would, and writes nothing.

use scrip_accounts::{Decision, Refusal, facts::Facts};
use scrip_ledger::{Error, State, Subjects};

use crate::{
    facts::{ended, money, outflow, pack, past_due, plan, settled},
    outcome::{Outcome, name},
    world::{NOW, World, time},
};
use scrip_test_support::faults::Fault;

/// What a write may come to: entries, records alone, both, nothing.
fn looks() -> Vec<Facts> {
    vec![
        pack("pi_1"),
        plan("in_2", "sub_1", NOW, "2027-12-20T00:00:00Z"),
        plan("in_3", "sub_2", NOW, "2027-12-20T00:00:00Z"),
        past_due("sub_1"),
        settled("sub_1", "in_0"),
        ended("sub_1", NOW),
        past_due("sub_9"),
        Facts { money: vec![money("in_1", vec![outflow("re_1", 950)])], ..past_due("sub_1") },
    ]
}

#[tokio::test]
async fn a_preview_writes_nothing() {
    let world = World::new().await;
    let items = world.items().await;
    for facts in looks() {
        let decided = world.preview(&facts).await.unwrap().unwrap();
        let is_change = decided != Decision::default();
        assert_eq!(is_change, facts != past_due("sub_9"), "{facts:?}");
        let asked = world.faults.asked();
        assert!(asked.iter().all(|request| request == "Query" || request == "GetItem"), "{asked:?}");
    }
    assert_eq!(world.items().await, items);
}

#[tokio::test]
async fn a_preview_decides_as_the_write_that_follows() {
    for facts in looks() {
        let world = World::new().await;
        let mut decided = world.preview(&facts).await.unwrap().unwrap();
        let executed = world.reconcile(&facts).await.unwrap();
        let last = decided.entries.pop();
        match executed.outcome {
            Outcome::Appended(entry) => assert_eq!(last, Some(entry)),
            Outcome::Recorded(_) => assert!(last.is_none() && !decided.records.is_empty(), "{facts:?}"),
            Outcome::Unchanged => assert_eq!((last, decided), (None, Decision::default())),
            other => panic!("{other:?}"),
        }
        // Then there is nothing left to do.
        assert_eq!(world.preview(&facts).await.unwrap(), Ok(Decision::default()), "{facts:?}");
    }
}

#[tokio::test]
async fn a_preview_is_refused_as_the_write_would_be() {
    let world = World::new().await;
    let plan_of =
        |number: u32| plan(&format!("in_{number}"), &format!("sub_{number}"), NOW, "2026-12-22T10:00:00Z");
    for number in 2..=4 {
        world.buy(&plan_of(number)).await.unwrap();
    }
    assert_eq!(world.preview(&plan_of(5)).await.unwrap(), Err(Refusal::TooManySubscriptions));
    let taken = plan("in_9", "sub_1", NOW, "2026-12-22T10:00:00Z");
    assert_eq!(world.of("bob").preview(&taken).await.unwrap(), Err(Refusal::PaymentTaken));
}

#[tokio::test]
async fn a_preview_of_an_account_that_was_never_seen_begins_it() {
    let world = World::empty().await;
    let decided = world.preview(&pack("pi_1")).await.unwrap().unwrap();
    assert_eq!(decided.entries[0].account.sequence.get(), 1);
    assert_eq!(world.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_reads_of_a_preview_are_tried_again() {
    let world = World::new().await;
    for operation in ["Query", "GetItem"] {
        world.faults.next(operation, Fault::service(400, "ThrottlingException"));
        world.faults.next(operation, Fault::LostAfter);
    }
    assert_eq!(world.preview(&past_due("sub_1")).await.unwrap().unwrap().entries.len(), 1);
    assert_eq!(name(&world.reconcile(&past_due("sub_1")).await), ("appended", 1));
}

#[tokio::test]
async fn a_preview_without_records_decides_too() {
    let world = World::new().await;
    let refused = |_: &State| Err(Refusal::BalanceLimit);
    let decided = world.ledger.preview(&world.account, Subjects::default(), time(NOW), refused).await;
    let Err(Error::Refused { refusal, attempts: 1 }) = decided else { panic!("{decided:?}") };
    assert_eq!(*refusal, Refusal::BalanceLimit);
}
