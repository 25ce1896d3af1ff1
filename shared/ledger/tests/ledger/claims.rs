//! Claims: a claim says from which entry on a key may have an entry. It doesn't say that the key has one, nor for which
//! request.

use serde_json::json;

use crate::{
    facts::plan,
    outcome::{Outcome, carried_out, name},
    planted::entry_key,
    scripted::{answer, claim, entry, page, page_before_more, refused},
    stopped::Act,
    world::{APPEND, CLAIM, CONFIRM, NOW, RAISE, World, time, upscale},
};
use scrip_ledger::Error;
use scrip_test_support::{crash::Side, faults::Fault};

/// An account where the debit `d` stopped between its claim and its entry, and others made so many debits of one since.
async fn dangling(others: u64) -> World {
    let world = World::new().await;
    world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
    for number in 0..others {
        world.take(&format!("other-{number}"), 1).await.unwrap();
    }
    world.faults.asked();
    world
}

#[tokio::test]
async fn a_claim_followed_by_many_entries_is_raised_once() {
    // others' entries -> the reads of them, whether the claim is raised: if more than 32 were read
    for (others, reads, is_raised) in
        [(0, 1, false), (3, 1, false), (4, 2, false), (32, 2, false), (33, 2, true), (40, 2, true)]
    {
        let world = dangling(others).await;
        let a_day_later = "2026-11-23T10:00:00Z";
        assert_eq!(name(&world.take_at("d", 10, a_day_later).await), ("appended", 1), "{others}");
        let mut expected = vec!["Query", CLAIM];
        expected.extend(vec!["Query"; reads]);
        expected.extend(is_raised.then_some(RAISE));
        expected.push(APPEND);
        assert_eq!(world.faults.asked(), expected, "{others}");
        let from = if is_raised { 1 + others } else { 1 };
        let claim = world.row("OPERATION#alice#debit#d", "OPERATION").await;
        assert_eq!(claim, json!({"from": from}), "{others}");
        assert_eq!(world.entries_of(("debit", "d")).await, [others + 2], "{others}");
        assert_eq!(world.balance().await, 990 - others, "{others}");
    }
}

#[tokio::test]
async fn a_key_that_was_claimed_and_not_used_takes_any_request() {
    for images in [10, 11, 99] {
        for others in [0, 40] {
            let world = dangling(others).await;
            assert_eq!(name(&world.take("d", images).await), ("appended", 1), "{images} behind {others}");
            assert_eq!(world.balance().await, 1000 - others - images, "{images} behind {others}");
            assert_eq!(name(&world.take("d", images + 1).await), ("key reused", 1));
        }
    }
}

/// A raise never makes a claim. (There is none here: the put's answer is made up.)
#[tokio::test]
async fn a_claim_that_does_not_exist_is_not_raised() {
    let world = dangling(40).await;
    world.faults.next(CLAIM, refused("ConditionalCheckFailedException", &claim("e", 1)));
    assert_eq!(name(&world.take("e", 1).await), ("appended", 1));
    assert!(world.faults.asked().contains(&RAISE.to_owned()));
    assert_eq!(world.row("OPERATION#alice#debit#e", "OPERATION").await, json!(null));
}

/// It reads so many pages at a time; the claim is raised after each, and the call itself goes on where it was.
#[tokio::test]
async fn a_scan_longer_than_one_attempt_is_finished() {
    const PAGES: u64 = 64;
    let world = World::nowhere();
    world.faults.next("Query", page(&[entry(1)]));
    world.faults.next(CLAIM, refused("ConditionalCheckFailedException", &claim("d", 1)));
    // A page of one each, and a last one of two.
    for sequence in 2..2 + PAGES {
        world.faults.next("Query", page_before_more(&[entry(sequence)]));
        world.faults.next(RAISE, answer(&json!({})));
    }
    let (last, then) = (entry(2 + PAGES), entry(3 + PAGES));
    world.faults.next("Query", page(&[last, then]));
    world.faults.next(APPEND, answer(&json!({})));
    assert_eq!(name(&world.take("d", 10).await), ("appended", 2));
    let requests = world.faults.requests();
    let raised = requests.iter().filter(|(operation, _)| operation == RAISE);
    let raised: Vec<_> = raised
        .map(|(_, body)| body["ExpressionAttributeValues"][":number"]["N"].as_str().unwrap().to_owned())
        .collect();
    // From the 33rd entry behind it on.
    let expected: Vec<_> = (34..2 + PAGES).map(|sequence| sequence.to_string()).collect();
    assert_eq!(raised, expected);
    let (_, append) = requests.last().unwrap();
    assert_eq!(append["Item"]["sk"]["S"], entry_key(4 + PAGES));
}

/// A raise only saves later calls some reading, so no call waits for it. A permanent failure is an error, as elsewhere.
#[tokio::test]
async fn a_raise_that_fails_delays_no_command() {
    for (fault, from, expected) in [
        (Fault::service(400, "TransactionConflictException"), 1, "appended"),
        (Fault::service(400, "ThrottlingException"), 1, "appended"),
        (Fault::LostBefore, 1, "appended"),
        (Fault::LostAfter, 41, "appended"),
        (Fault::service(400, "AccessDeniedException"), 1, "internal"),
    ] {
        let world = dangling(40).await;
        let script = format!("{fault:?}");
        world.faults.next(RAISE, fault);
        assert_eq!(name(&world.take("d", 10).await), (expected, 1), "{script}");
        let claim = world.row("OPERATION#alice#debit#d", "OPERATION").await;
        assert_eq!(claim, json!({"from": from}), "{script}");
        // The next call finds it either way.
        let again = if expected == "appended" { "replayed" } else { "appended" };
        assert_eq!(name(&world.take("d", 10).await), (again, 1), "{script}");
        assert_eq!(world.balance().await, 950, "{script}");
    }
}

#[tokio::test]
async fn the_key_of_a_command_that_was_refused_is_carried_out_later() {
    let bob = World::empty().await.of("bob");
    let top_up = plan("in_1", "sub_1", "2026-11-20T00:00:00Z", "2027-11-20T00:00:00Z");
    assert_eq!(name(&bob.take("d", 10).await), ("refused", 1));
    // It left no claim.
    assert!(bob.keys().await.is_empty());
    assert_eq!(name(&bob.buy(&top_up).await), ("appended", 1));
    assert_eq!(name(&bob.take("d", 10).await), ("appended", 1));
    assert_eq!(name(&bob.take("d", 10).await), ("replayed", 1));
}

/// It was refused after its claim: another debit came first.
#[tokio::test]
async fn the_key_of_a_command_that_was_claimed_and_refused_is_carried_out_later() {
    // The same request, or another one: nothing was carried out.
    for images in [10, 11] {
        let world = World::new().await;
        for number in 0..9 {
            world.take(&format!("before-{number}"), 100).await.unwrap();
        }
        world.debits_meanwhile(&[("last", 95)]);
        assert_eq!(name(&world.take("d", 10).await), ("refused", 2));
        let claim = world.row("OPERATION#alice#debit#d", "OPERATION").await;
        assert_eq!(claim, json!({"from": 10}));
        assert_eq!(name(&world.take("d", 10).await), ("refused", 1));
        world.reverse("r", "last", 95).await.unwrap();
        assert_eq!(name(&world.take("d", images).await), ("appended", 1));
        assert_eq!(world.balance().await, 100 - images);
    }
}

/// A claim that this call has not looked behind may hide its entry: it is no refusal before that.
#[tokio::test]
async fn a_refusal_scans_after_a_claim_first() {
    let world = World::new().await;
    for number in 0..9 {
        world.take(&format!("before-{number}"), 100).await.unwrap();
    }
    world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
    world.take("last", 95).await.unwrap();
    world.faults.asked();
    assert_eq!(name(&world.take("d", 10).await), ("refused", 1));
    assert_eq!(world.faults.asked(), ["Query", CONFIRM, "Query", CONFIRM]);
    // Credits come back between the look and the refusal: it isn't one.
    world.meanwhile_after(1, CONFIRM, async |world| {
        assert_eq!(name(&world.reverse("r", "last", 50).await), ("appended", 1));
    });
    assert_eq!(name(&world.take("d", 10).await), ("appended", 2));
    assert_eq!(world.faults.asked(), ["Query", CONFIRM, "Query", CONFIRM, "Query", APPEND]);
    assert_eq!(world.balance().await, 45);
}

/// The same key twice at once: the second call comes before each of the first one's requests.
#[tokio::test]
async fn a_duplicate_in_flight_yields_one_entry_and_one_replay() {
    for act in Act::ALL {
        for (operation, count) in act.requests() {
            let world = act.world().await;
            world.meanwhile_after(*count, operation, async move |world| {
                assert_eq!(name(&act.carry_out(&world).await), ("appended", 1));
            });
            let executed = act.carry_out(&world).await;
            assert_eq!(name(&executed).0, "replayed", "{act:?} at {operation} {count}: {executed:?}");
            assert_eq!(world.entries_of(act.key()).await.len(), 1, "{act:?} at {operation} {count}");
            assert_eq!(world.balance().await, act.balance(), "{act:?} at {operation} {count}");
        }
    }
}

/// The lost race carries the entry that won: it may be the call's own, made by a duplicate behind another one's.
#[tokio::test]
async fn a_call_finds_its_key_on_the_entry_that_a_lost_race_carries() {
    for (images, expected) in [(10, ("replayed", 2)), (11, ("key reused", 1))] {
        let world = World::new().await;
        world.debits_meanwhile(&[("other", 1), ("d", 10)]);
        assert_eq!(name(&world.take("d", images).await), expected, "{images}");
        // The claim is read for what came back since.
        assert_eq!(world.faults.asked(), ["Query", CLAIM, APPEND, APPEND, "GetItem"], "{images}");
        assert_eq!(world.balance().await, 989, "{images}");
    }
}

/// Looking for a receipt never writes one.
#[tokio::test]
async fn a_receipt_is_found_if_the_command_was_carried_out() {
    let find = async |world: &World, images| {
        let found = world.ledger.find_receipt(&world.account, &upscale("d", images), time(NOW)).await;
        match found {
            Ok(None) => "none",
            Err(Error::KeyReused) => "key reused",
            found => name(&carried_out(found.map(Option::unwrap))).0,
        }
    };
    for others in [0, 3, 40] {
        let world = dangling(others).await;
        let items = world.items().await;
        assert_eq!(find(&world, 10).await, "none", "{others}");
        assert_eq!(find(&world.of("bob"), 10).await, "none");
        assert!(world.items().await == items, "{others}");
        let Outcome::Appended(entry) = world.take("d", 10).await.unwrap().outcome else { panic!("{others}") };
        assert_eq!((find(&world, 10).await, find(&world, 11).await), ("replayed", "key reused"), "{others}");
        let found = world.ledger.find_receipt(&world.account, &upscale("d", 10), time(NOW)).await;
        assert_eq!(found.unwrap().unwrap().entry, entry, "{others}");
    }
}
