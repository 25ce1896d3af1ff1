//! Two at once: who comes second decides again on what the first one wrote, and a duplicate gets its answer.

use chrono::{DateTime, Utc};
use credits::{Refusal, Status};
use ledger::Outcome;
use serde_json::json;

use crate::world::{CONFIRM, NOW, WRITE, World, name, pack, plan, time};

#[tokio::test]
async fn who_loses_a_race_decides_again_on_what_won() {
    let world = World::new().await;
    world.debit_meanwhile("first", 30);
    assert_eq!(name(&world.take("second", 10).await), ("appended", 2));
    // The reason carried the entry that won: no second read.
    assert_eq!(world.faults.asked(), ["Query", WRITE, WRITE]);
    assert_eq!(world.balance().await, 960);
}

#[tokio::test]
async fn who_loses_twice_reads_again() {
    let world = World::new().await;
    world.debit_meanwhile("first", 30);
    world.debit_meanwhile("second", 30);
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
    world.debit_meanwhile("first", 95);
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
    // With another request under the key, it is no duplicate.
    for (images, expected) in [(10, "replayed"), (11, "key reused")] {
        let world = World::new().await;
        world.debit_meanwhile("same", 10);
        assert_eq!(name(&world.take("same", images).await), (expected, 1));
        assert_eq!(world.balance().await, 990);
    }
}

#[tokio::test]
async fn a_clock_that_is_behind_is_not_refused_in_the_middle_of_anothers_turn_of_the_month() {
    // The other, in December, appends expiry, refill and debit while this one, still in November, tries
    // to append a debit that November's rest would cover and the expiry alone wouldn't.
    let world = World::new().await;
    world.meanwhile(WRITE, async |world| {
        let december = world.take_at("december", 10, "2026-12-01T00:00:01Z").await;
        assert_eq!(name(&december).0, "appended");
    });
    let late = world.take_at("november", 10, "2026-11-30T23:59:59Z").await;
    assert_eq!(name(&late).0, "appended");
    let page = world.ledger.entries(&world.account, None, 100).await.unwrap();
    let newest = &page.entries[0];
    // It spends December's credits, and the history's time doesn't run backwards.
    assert_eq!(newest.account.balance.playground(), 980);
    assert_eq!(newest.at, "2026-12-01T00:00:01Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!(world.balance().await, 980);
}

#[tokio::test]
async fn two_reversals_that_race_never_give_back_more_than_was_taken() {
    for (second, expected, back) in [(4, "appended", 10), (5, "refused", 6)] {
        let world = World::new().await;
        world.take("d", 10).await.unwrap();
        world.meanwhile(WRITE, async |world| {
            assert_eq!(name(&world.reverse("first", "d", 6).await).0, "appended");
        });
        assert_eq!(name(&world.reverse("second", "d", second).await).0, expected);
        assert_eq!(world.balance().await, 990 + back);
    }
}

/// A word on a subscription reads the account before the subscription's first payment, and its standing after
/// it: recorded alone, it would be forgotten.
#[tokio::test]
async fn a_word_on_a_subscription_that_meets_its_payment_changes_the_plan() {
    let world = World::empty().await;
    // The head is read; then the payment comes; then the standing is read.
    world.meanwhile("GetItem", async |world| {
        let paid = world.buy(&plan("in_1", "sub_1", NOW, "2026-12-22T10:00:00Z")).await;
        assert_eq!(name(&paid), ("appended", 1));
    });
    let executed = world.say("sub_1", Status::Ended(time(NOW))).await.unwrap();
    let Outcome::Appended(entry) = executed.outcome else { panic!("{executed:?}") };
    assert_eq!(entry.account.subscription.unwrap().ended_at, Some(time(NOW)));
}

/// What makes no entry isn't seen in the history: the record's own revision tells.
#[tokio::test]
async fn a_record_that_changed_meanwhile_is_decided_on_again() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    world.ask_back("pi_1").await.unwrap();
    world.meanwhile(WRITE, async |world| {
        assert_eq!(name(&world.sent_back("pi_1").await), ("recorded", 1));
    });
    assert_eq!(name(&world.sent_back("pi_1").await), ("unchanged", 2));
    assert_eq!(world.row("ACCOUNT#alice", "PURCHASE#pi_1").await["revision"], json!(3));
}

#[tokio::test]
async fn two_words_on_a_subscription_are_both_kept() {
    for (first, revision) in [(Status::PastDue, 3), (Status::Active, 2)] {
        let world = World::empty().await;
        if revision == 3 {
            world.say("sub_1", Status::Active).await.unwrap();
        }
        world.meanwhile(WRITE, async move |world| {
            assert_eq!(name(&world.say("sub_1", first).await), ("recorded", 1));
        });
        assert_eq!(name(&world.say("sub_1", Status::Ended(time(NOW))).await), ("recorded", 2));
        let standing = world.row("ACCOUNT#alice", "SUBSCRIPTION#sub_1").await;
        assert_eq!(standing["revision"], json!(revision));
        assert!(standing["ended_at"].is_string() && standing["status_at"].is_string(), "{standing}");
    }
}

/// The word came first, and knows no plan; the payment must stand under it.
#[tokio::test]
async fn a_payment_that_meets_a_word_on_its_subscription_stands_under_it() {
    let world = World::empty().await;
    world.meanwhile(WRITE, async |world| {
        assert_eq!(name(&world.say("sub_1", Status::Ended(time(NOW))).await), ("recorded", 1));
    });
    let paid = world.buy(&plan("in_1", "sub_1", NOW, "2026-12-22T10:00:00Z")).await.unwrap();
    let Outcome::Appended(entry) = &paid.outcome else { panic!("{paid:?}") };
    assert_eq!((paid.attempts, entry.account.subscription.as_ref().unwrap().ended_at), (2, Some(time(NOW))));
}

#[tokio::test]
async fn two_accounts_that_are_granted_one_payment_at_once_get_it_once() {
    let world = World::empty().await;
    world.meanwhile(WRITE, async |world| {
        assert_eq!(name(&world.of("bob").buy(&pack("pi_1")).await), ("appended", 1));
    });
    let outcome = world.buy(&pack("pi_1")).await.unwrap().outcome;
    assert_eq!(outcome, Outcome::Refused(Refusal::PaymentTaken));
    assert_eq!(world.ledger.account(&world.account).await.unwrap(), None);
}

#[tokio::test]
async fn two_who_settle_a_month_settle_it_once() {
    let world = World::new().await;
    let december = time("2026-12-01T00:00:00Z");
    world.meanwhile(WRITE, async move |world| {
        let settled = world.ledger.settle(&world.account, december).await;
        assert_eq!(name(&settled), ("appended", 1));
    });
    assert_eq!(name(&world.ledger.settle(&world.account, december).await), ("unchanged", 3));
    assert_eq!(world.ledger.entries(&world.account, None, 100).await.unwrap().entries.len(), 3);
}
