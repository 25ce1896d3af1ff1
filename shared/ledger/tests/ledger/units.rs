//! What commands cost, by what the answers say: requests, and read and write units.

use std::time::Instant;

use scrip_ledger::Usage;

use crate::{
    engine::is_metering,
    outcome::name,
    stopped::Act,
    world::{APPEND, CLAIM, CONFIRM, RAISE, World},
};
use scrip_test_support::crash::Side;

/// What one command asked for: its requests, and the units that they used.
fn used(world: &World) -> (Vec<String>, Usage) {
    (world.faults.asked(), world.ledger.take_usage())
}

/// Requests, and whole units.
fn usage(requests: u64, read_units: u64, write_units: u64) -> Usage {
    Usage { requests, read_half_units: 2 * read_units, write_half_units: 2 * write_units }
}

#[tokio::test]
async fn a_debit_is_three_requests_two_write_units_and_a_read_unit() {
    let world = World::new().await;
    for key in ["first", "second"] {
        assert_eq!(name(&world.take(key, 10).await), ("appended", 1));
        assert_eq!(
            used(&world),
            (vec!["Query".into(), CLAIM.into(), APPEND.into()], usage(3, 1, 2)),
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_two_requests_and_writes_nothing() {
    let world = World::new().await;
    world.take_all().await;
    let _ = world.ledger.take_usage();
    assert_eq!(name(&world.take("more", 1).await), ("refused", 1));
    let (asked, used) = used(&world);
    assert_eq!(asked, ["Query", CONFIRM]);
    assert_eq!((used.requests, used.write_half_units), (2, 0));
    // The newest entry, and two units for each item of a transaction.
    assert!(used == usage(2, 5, 0) || !is_metering(), "{used:?}");
}

/// The put that finds the claim is billed as a write of its size, a unit, though its answer doesn't say so.
#[tokio::test]
async fn a_replay_is_three_requests_and_two_read_units() {
    for others in [0, 1, 100] {
        let world = World::new().await;
        world.take("d", 10).await.unwrap();
        for number in 0..others {
            world.take(&format!("other-{number}"), 1).await.unwrap();
        }
        let _ = used(&world);
        assert_eq!(name(&world.take("d", 10).await), ("replayed", 1), "{others}");
        assert_eq!(used(&world), replay(), "{others}");
    }
}

fn replay() -> (Vec<String>, Usage) {
    (vec!["Query".into(), CLAIM.into(), "Query".into()], usage(3, 2, 0))
}

/// A replay reads what follows its claim, so it costs the same however much there is. The oldest claim without an entry
/// is looked behind once, to the end, and never again.
#[tokio::test]
async fn ten_thousand_entries_behind_a_claim_are_read_at_most_once() {
    const OTHERS: u64 = 10_000;
    let world = World::new().await;
    world.enrich().await;
    world.take("old", 1).await.unwrap();
    world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
    let started = Instant::now();
    world.append_copies(OTHERS).await;
    println!("{OTHERS} entries written in {:?}", started.elapsed());
    let _ = used(&world);
    assert_eq!(name(&world.take("old", 1).await), ("replayed", 1));
    assert_eq!(used(&world), replay());

    let started = Instant::now();
    assert_eq!(name(&world.take("d", 10).await), ("appended", 1));
    let (asked, units) = used(&world);
    println!("{OTHERS} entries read in {:?}: {units:?}", started.elapsed());
    let count = |operation: &str| asked.iter().filter(|asked| *asked == operation).count();
    // The newest; four entries, and then 500 a page: the claim is raised after each of these.
    assert_eq!((count("Query"), count(RAISE), count(APPEND)), (1 + 1 + 20, 20, 2));
    assert_eq!(asked.last().map(String::as_str), Some(APPEND));
    assert!(units.write_half_units == 2 * (20 + 1) || !is_metering(), "{units:?}");
    // Entries of less than half a kilobyte: at least eight for a read unit.
    assert!((1_000..=2 * OTHERS / 8).contains(&units.read_half_units) || !is_metering(), "{units:?}");
    let claim = world.row("OPERATION#alice#debit#d", "OPERATION").await;
    assert_eq!(claim["from"], OTHERS + 2);

    assert_eq!(name(&world.take("d", 10).await), ("replayed", 1));
    assert_eq!(used(&world), replay());
    let account = world.ledger.account(&world.account).await.unwrap().unwrap();
    assert_eq!(account.balance.playground(), 1_000_000 - 1 - OTHERS - 10);
}
