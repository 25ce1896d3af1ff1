//! Reversals find their debit by its claim: behind it, or where the claim says once it was reversed.

use scrip_pricing::Credits;
use serde_json::json;

use scrip_accounts::Refusal;

use crate::{
    outcome::{Outcome, name},
    planted::playground,
    stopped::Act,
    world::{CLAIM, CONFIRM, NOW, RAISE, WRITE, World, time, upscale},
};
use scrip_test_support::crash::Side;

async fn make_others(world: &World, count: u64) {
    for number in 0..count {
        world.take(&format!("other-{number}"), 1).await.unwrap();
    }
}

/// A debit `d` of ten whose entry follows so many others behind its claim.
async fn debit_behind(others: u64) -> World {
    let world = World::new().await;
    world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
    make_others(&world, others).await;
    assert_eq!(name(&world.take("d", 10).await), ("appended", 1));
    world.faults.asked();
    world
}

#[tokio::test]
async fn a_debit_is_found_by_a_scan_and_then_by_its_claim() {
    // others between the claim and the entry -> the reads that find it
    for (others, reads) in [(0, 1), (3, 1), (4, 2), (32, 2)] {
        let world = debit_behind(others).await;
        let sequence = others + 2;
        let claim = async || world.row("OPERATION#alice#debit#d", "OPERATION").await;
        assert_eq!(claim().await, json!({"from": 1}), "{others}");
        assert_eq!(name(&world.reverse("r-1", "d", 4).await), ("appended", 1), "{others}");
        let mut expected = vec!["Query", "GetItem"];
        expected.extend(vec!["Query"; reads]);
        expected.extend([CLAIM, WRITE]);
        assert_eq!(world.faults.asked(), expected, "{others}");
        let reversed = |credits| json!({"from": 1, "sequence": sequence, "reversed": playground(credits)});
        assert_eq!(claim().await, reversed(4), "{others}");
        // The second one reads the entry itself.
        assert_eq!(name(&world.reverse("r-2", "d", 6).await), ("appended", 1), "{others}");
        assert_eq!(world.faults.asked(), ["Query", "GetItem", "GetItem", CLAIM, WRITE], "{others}");
        assert_eq!(claim().await, reversed(10), "{others}");
        assert_eq!(world.balance().await, 1000 - others, "{others}");
        // A retry of the debit as well.
        assert_eq!(name(&world.take("d", 10).await), ("replayed", 1), "{others}");
        assert_eq!(world.faults.asked(), ["Query", CLAIM, "GetItem"], "{others}");
    }
}

/// A key that is claimed and has no entry is no debit.
#[tokio::test]
async fn a_debit_that_was_claimed_and_not_carried_out_is_not_found() {
    for (others, looks) in [(0, &["Query"][..]), (3, &["Query"]), (40, &["Query", "Query", RAISE])] {
        let world = World::new().await;
        world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
        make_others(&world, others).await;
        world.faults.asked();
        assert_eq!(world.debit("d").await, None, "{others}");
        // A reader raises nothing.
        assert!(!world.faults.asked().contains(&RAISE.to_owned()), "{others}");
        let keys = world.keys().await;
        let refused = world.reverse("r", "d", 1).await.unwrap();
        assert_eq!((refused.outcome, refused.attempts), (Outcome::Refused(Refusal::DebitNotFound), 1));
        let mut asked = vec!["Query", "GetItem"];
        asked.extend(looks);
        asked.push(CONFIRM);
        assert_eq!(world.faults.asked(), asked, "{others}");
        assert_eq!(world.keys().await, keys, "{others}");
        // Carried out after all, it is.
        assert_eq!(name(&world.take("d", 10).await), ("appended", 1), "{others}");
        assert_eq!(name(&world.reverse("r", "d", 1).await), ("appended", 1), "{others}");
    }
}

/// It is carried out, or made, between the look and the refusal.
#[tokio::test]
async fn a_reversal_is_not_refused_for_a_debit_that_is_being_carried_out() {
    for is_claimed in [true, false] {
        let world = World::new().await;
        if is_claimed {
            world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
        }
        world.meanwhile(CONFIRM, async |world| {
            assert_eq!(name(&world.take("d", 10).await), ("appended", 1));
        });
        assert_eq!(name(&world.reverse("r", "d", 10).await), ("appended", 2), "{is_claimed}");
        assert_eq!(world.balance().await, 1000, "{is_claimed}");
    }
}

/// The claim alone says that the debit is claimed now, and no entry: that isn't what the refusal stood on.
#[tokio::test]
async fn a_refusal_rests_on_the_debits_claim_too() {
    let world = World::new().await;
    world.meanwhile(CONFIRM, async |world| {
        world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
    });
    assert_eq!(name(&world.reverse("r", "d", 10).await), ("refused", 2));
    let asked = ["Query", "GetItem", CONFIRM, "Query", "GetItem", "Query", CONFIRM];
    assert_eq!(world.faults.asked(), asked);
}

#[tokio::test]
async fn a_debit_shows_its_reversed_credits() {
    for others in [0, 3, 40] {
        let world = debit_behind(others).await;
        assert_eq!((world.debit("unknown").await, world.of("bob").debit("d").await), (None, None));
        // reversed now -> reversed in all
        for (credits, reversed) in [(0, 0), (4, 4), (5, 9), (1, 10)] {
            if credits > 0 {
                let reversal = world.reverse(&format!("r-{reversed}"), "d", credits).await;
                assert_eq!(name(&reversal), ("appended", 1), "{others} {reversed}");
            }
            let debit = world.debit("d").await.unwrap();
            let reversed = Credits::new(reversed, 0, 0);
            assert_eq!(debit.reversed, reversed, "{others}");
            assert_eq!(debit.outcome.credits, Credits::new(10, 0, 0), "{others}");
            assert_eq!(debit.outcome.sequence.get(), others + 2, "{others}");
            assert_eq!(debit.outcome.balance.playground(), 990 - others, "{others}");
            // And so does its receipt.
            let receipt = world.ledger.execute(&world.account, &upscale("d", 10), time(NOW)).await.unwrap();
            assert_eq!((receipt.is_replayed, receipt.reversed), (true, reversed), "{others}");
            assert_eq!(receipt.outcome, debit.outcome, "{others}");
        }
        let Outcome::Refused(refusal) = world.reverse("more", "d", 1).await.unwrap().outcome else {
            panic!()
        };
        assert_eq!(refusal, Refusal::ExceedsDebit { reversible: Credits::ZERO });
    }
}

/// The receipt of a debit that is found by its append, or again after a lost answer, says what came back too.
#[tokio::test]
async fn a_receipt_has_the_reversed_credits_however_it_was_found() {
    let world = World::new().await;
    world.meanwhile_after(1, CLAIM, async |world| {
        assert_eq!(name(&world.take("d", 10).await), ("appended", 1));
        assert_eq!(name(&world.reverse("r", "d", 4).await), ("appended", 1));
    });
    let receipt = world.ledger.execute(&world.account, &upscale("d", 10), time(NOW)).await.unwrap();
    assert_eq!((receipt.is_replayed, receipt.reversed), (true, Credits::new(4, 0, 0)));
    let first = world.ledger.execute(&world.account, &upscale("e", 10), time(NOW)).await.unwrap();
    assert_eq!((first.is_replayed, first.reversed), (false, Credits::ZERO));
}

/// While it is looked for, the debit is reversed by others: never more comes back than was taken.
#[tokio::test]
async fn a_reversal_interleaved_with_another_gives_back_the_rest() {
    let places = [("Query", 0), ("GetItem", 0), ("Query", 1), ("PutItem", 0), (WRITE, 0)];
    for (operation, count) in places {
        for (second, expected, back) in [(4, "appended", 10), (5, "refused", 6)] {
            let world = World::new().await;
            world.take("d", 10).await.unwrap();
            world.meanwhile_after(count, operation, async |world| {
                assert_eq!(name(&world.reverse("first", "d", 6).await), ("appended", 1));
            });
            let executed = world.reverse("second", "d", second).await;
            assert_eq!(name(&executed).0, expected, "{operation} {count}");
            assert_eq!(world.balance().await, 990 + back, "{operation} {count}");
        }
    }
}
