//! Races: the second call decides again on the first one's entry, and a duplicate gets the first one's answer.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scrip_accounts::{Refusal, SubscriptionStatus};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    facts::{ended, pack, past_due, plan, settled},
    outcome::{Outcome, name},
    world::{APPEND, CLAIM, CONFIRM, NOW, WRITE, World, time},
};

#[tokio::test]
async fn a_call_that_loses_a_race_decides_again_on_the_winners_entry() {
    let world = World::new().await;
    world.debits_meanwhile(&[("first", 30)]);
    assert_eq!(name(&world.take("second", 10).await), ("appended", 2));
    // The put that failed carried the entry that won: no second read.
    assert_eq!(world.faults.asked(), ["Query", CLAIM, APPEND, APPEND]);
    assert_eq!(world.balance().await, 960);
}

#[tokio::test]
async fn a_call_that_loses_twice_reads_again() {
    let world = World::new().await;
    world.debits_meanwhile(&[("first", 30), ("second", 30)]);
    assert_eq!(name(&world.take("third", 10).await), ("appended", 3));
    assert_eq!(world.faults.asked(), ["Query", CLAIM, APPEND, APPEND, "Query", APPEND]);
    assert_eq!(world.balance().await, 930);
}

#[tokio::test]
async fn a_call_that_loses_the_last_credits_is_refused_on_a_fresh_read() {
    let world = World::new().await;
    for number in 0..9 {
        world.take(&format!("before-{number}"), 100).await.unwrap();
    }
    world.faults.asked();
    world.debits_meanwhile(&[("first", 95)]);
    let executed = world.take("second", 10).await.unwrap();
    let Outcome::Refused(Refusal::InsufficientCredits { balance, .. }) = executed.outcome else {
        panic!("{executed:?}");
    };
    assert_eq!(balance.playground(), 5);
    assert_eq!(world.faults.asked(), ["Query", CLAIM, APPEND, "Query", CONFIRM]);
    assert_eq!(world.balance().await, 5);
}

#[tokio::test]
async fn a_duplicate_that_wins_answers_both() {
    // With another request under the key, it is no duplicate.
    for (images, expected) in [(10, "replayed"), (11, "key reused")] {
        let world = World::new().await;
        world.debits_meanwhile(&[("same", 10)]);
        assert_eq!(name(&world.take("same", images).await), (expected, 1));
        assert_eq!(world.balance().await, 990);
    }
}

#[tokio::test]
async fn a_clock_that_is_behind_is_not_refused_in_the_middle_of_anothers_turn_of_the_month() {
    // The other, in December, appends expiry, refill and debit while this one, still in November, tries
    // to append a debit that November's rest would cover and the expiry alone wouldn't.
    let world = World::new().await;
    world.meanwhile_after(1, APPEND, async |world| {
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

/// The subscription's end is decided on the account before its first payment and on the record after it: recorded
/// alone, the account would never show it.
#[tokio::test]
async fn the_end_of_a_subscription_that_meets_its_payment_is_shown() {
    let world = World::empty().await;
    // The head is read; then the payment comes; then the record is read.
    world.meanwhile("GetItem", async |world| {
        let paid = world.buy(&plan("in_1", "sub_1", NOW, "2026-12-22T10:00:00Z")).await;
        assert_eq!(name(&paid), ("appended", 1));
    });
    let executed = world.reconcile(&ended("sub_1", NOW)).await.unwrap();
    let Outcome::Appended(entry) = executed.outcome else { panic!("{executed:?}") };
    let shown = &entry.account.subscriptions[0];
    assert_eq!((executed.attempts, shown.is_over(), shown.paid_through), (2, true, time(NOW)));
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

/// The head is read before another look makes the plan past due, and the records after it. By that head a look that
/// finds the plan in order has only a record to write, and the account would stay past due.
#[tokio::test]
async fn a_record_is_written_over_the_newest_entry_only() {
    let world = World::new().await;
    world.meanwhile("GetItem", async |world| {
        assert_eq!(name(&world.reconcile(&past_due("sub_1")).await), ("appended", 1));
    });
    let executed = world.reconcile(&settled("sub_1", "in_0")).await.unwrap();
    let Outcome::Appended(entry) = executed.outcome else { panic!("{executed:?}") };
    assert_eq!(entry.account.subscriptions[0].status, SubscriptionStatus::Active);
    assert_eq!(world.row("SUBSCRIPTION#sub_1", "SUBSCRIPTION").await["past_due"], json!(null));
    assert_eq!(world.ledger.entries(&world.account, None, 100).await.unwrap().entries.len(), 3);
}

#[tokio::test]
async fn two_changes_of_a_subscription_are_both_kept() {
    for (first, outcome, revision) in
        [(settled("sub_1", "in_0"), "recorded", 3), (past_due("sub_1"), "appended", 3)]
    {
        let world = World::new().await;
        world.meanwhile(WRITE, async move |world| {
            assert_eq!(name(&world.reconcile(&first).await), (outcome, 1));
        });
        assert_eq!(name(&world.reconcile(&ended("sub_1", NOW)).await), ("appended", 2));
        let record = world.row("SUBSCRIPTION#sub_1", "SUBSCRIPTION").await;
        assert_eq!((&record["revision"], &record["ended_at"]), (&json!(revision), &json!(NOW)));
        let recorded = if outcome == "recorded" { json!(["in_1", "in_0"]) } else { json!(["in_1"]) };
        assert_eq!(record["recorded"], recorded);
    }
}

#[tokio::test]
async fn a_subscription_that_two_accounts_pay_for_at_once_is_one_accounts() {
    // Before each request of the one who comes second.
    for (request, count) in [("Query", 0), ("GetItem", 0), ("GetItem", 1), (WRITE, 0)] {
        let world = World::empty().await;
        world.meanwhile_after(count, request, async |world| {
            let paid = world.of("bob").buy(&plan("in_1", "sub_1", NOW, "2026-12-22T10:00:00Z")).await;
            assert_eq!(name(&paid), ("appended", 1));
        });
        // Another invoice: neither the purchase nor the payment is the other's.
        let paid = world.buy(&plan("in_2", "sub_1", NOW, "2027-01-22T10:00:00Z")).await.unwrap();
        assert_eq!(paid.outcome, Outcome::Refused(Refusal::PaymentTaken), "{request} {count}");
        assert_eq!(world.row("SUBSCRIPTION#sub_1", "SUBSCRIPTION").await["account_id"], json!("bob"));
        assert_eq!(world.ledger.account(&world.account).await.unwrap(), None);
        assert!(!world.keys().await.iter().any(|key| key.contains("alice") || key.contains("in_2")));
    }
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
async fn two_calls_turn_a_month_once() {
    let world = World::new().await;
    let december = "2026-12-01T00:00:00Z";
    world.meanwhile(WRITE, async move |world| {
        assert_eq!(name(&world.turn_month(december).await), ("appended", 1));
    });
    assert_eq!(name(&world.turn_month(december).await), ("unchanged", 3));
    assert_eq!(world.ledger.entries(&world.account, None, 100).await.unwrap().entries.len(), 3);
}

/// Four keys, each asked for four times, all at once by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn duplicates_of_several_keys_at_once_are_one_entry_each() {
    let world = World::new().await;
    let mut calls = JoinSet::new();
    for _ in 0..4 {
        for key in ["a", "b", "c", "d"] {
            let world = world.plain();
            calls.spawn(async move { (key, world.take(key, 10).await.unwrap().outcome) });
        }
    }
    let mut entries = BTreeMap::new();
    let mut appended = 0;
    for (key, outcome) in calls.join_all().await {
        appended += usize::from(matches!(outcome, Outcome::Appended(_)));
        let (Outcome::Appended(entry) | Outcome::Replayed(entry)) = outcome else { panic!("{outcome:?}") };
        // All calls of a key are answered with the same entry.
        assert_eq!(*entries.entry(key).or_insert_with(|| entry.clone()), entry);
    }
    assert_eq!((entries.len(), appended), (4, 4));
    assert_eq!(world.balance().await, 960);
}
