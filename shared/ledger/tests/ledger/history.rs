//! The history in pages: newest first, each going on where the one before ended.

use scrip_accounts::Sequence;

use crate::{facts::pack, world::World};

/// An account with seven entries.
async fn seven() -> World {
    let world = World::new().await;
    for number in 2..=7 {
        world.take(&format!("d-{number}"), 1).await.unwrap();
    }
    world.faults.asked();
    world
}

#[tokio::test]
async fn a_page_has_the_entries_below_a_sequence() {
    let world = seven().await;
    // below, limit -> sequences, where the next goes on
    for (below, limit, expected, next) in [
        (None, 100, &[7, 6, 5, 4, 3, 2, 1][..], None),
        (None, 7, &[7, 6, 5, 4, 3, 2, 1], None),
        (None, 6, &[7, 6, 5, 4, 3, 2], Some(2)),
        (None, 1, &[7], Some(7)),
        (Some(2), 6, &[1], None),
        (Some(8), 2, &[7, 6], Some(6)),
        (Some(7), 2, &[6, 5], Some(5)),
        (Some(3), 2, &[2, 1], None),
        (Some(3), 1, &[2], Some(2)),
        (Some(1), 2, &[], None),
        (Some(0), 2, &[], None),
        (Some(999_999_999_999), 1, &[7], Some(7)),
        (Some(u64::MAX), 1, &[7], Some(7)),
    ] {
        let page = world.ledger.entries(&world.account, below.map(Sequence::new), limit).await.unwrap();
        let sequences: Vec<u64> = page.entries.iter().map(|entry| entry.account.sequence.get()).collect();
        assert_eq!(sequences, expected, "below {below:?}, {limit}");
        assert_eq!(page.next_below.map(Sequence::get), next, "below {below:?}, {limit}");
    }
}

#[tokio::test]
async fn an_empty_range_is_not_queried() {
    let world = seven().await;
    for below in [0, 1] {
        world.ledger.entries(&world.account, Some(Sequence::new(below)), 1).await.unwrap();
    }
    assert!(world.faults.asked().is_empty());
}

#[tokio::test]
async fn pages_hold_entries_only_and_of_the_account_only() {
    let world = seven().await;
    // A purchase's record, its place in the list and a row of the due index stand beside the entries.
    world.buy(&pack("pi_1")).await.unwrap();
    world.of("alice-2").buy(&pack("pi_2")).await.unwrap();
    let page = world.ledger.entries(&world.account, None, 100).await.unwrap();
    assert_eq!(page.entries.len(), 8);
    assert_eq!(world.balance().await, 994);
    let unseen = world.of("unseen");
    let page = unseen.ledger.entries(&unseen.account, None, 100).await.unwrap();
    assert_eq!((page.entries.len(), page.next_below), (0, None));
}

/// Twelve digits keep text order number order: the tenth entry comes after the ninth.
#[tokio::test]
async fn entries_are_in_the_order_of_their_numbers() {
    let world = World::new().await;
    world.take_all().await;
    let page = world.ledger.entries(&world.account, None, 3).await.unwrap();
    let sequences: Vec<u64> = page.entries.iter().map(|entry| entry.account.sequence.get()).collect();
    assert_eq!(sequences, [11, 10, 9]);
    let newest = world.ledger.account(&world.account).await.unwrap().unwrap();
    assert_eq!(newest.sequence, Sequence::new(11));
}
