//! Purchases in pages: newest first, each going on where the one before ended.

use scrip_accounts::{PurchaseId, PurchaseStatus};
use scrip_ledger::PurchaseCursor;

use crate::{
    facts::{pack, pack_at, plan},
    outcome::name,
    world::{NOW, World},
};

/// Each page's purchases, from the first to the last.
async fn pages(world: &World, limit: u8) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let (page, next) = page(world, cursor, limit).await;
        pages.push(page);
        assert!(pages.len() < 100, "pages without end");
        match next {
            // As a caller has it: by its text.
            Some(next) => cursor = Some(PurchaseCursor::parse(&next.as_text()).unwrap()),
            None => return pages,
        }
    }
}

async fn page(
    world: &World,
    after: Option<PurchaseCursor>,
    limit: u8,
) -> (Vec<String>, Option<PurchaseCursor>) {
    let (purchases, next) = world.ledger.purchases(&world.account, after, limit).await.unwrap();
    (purchases.iter().map(|purchase| purchase.id.to_string()).collect(), next)
}

/// Five purchases, recorded in another order than they were paid in; two in one second.
async fn five() -> World {
    let world = World::empty().await;
    for (id, paid_at) in [
        ("pi_c", "2026-11-21T09:59:59Z"),
        ("pi_e", "2026-11-21T10:00:01Z"),
        ("pi_a", "2001-09-09T01:46:39Z"),
        ("pi_d", "2026-11-21T10:00:00Z"),
    ] {
        world.reconcile(&pack_at(id, paid_at)).await.unwrap();
    }
    // Within a second the id decides.
    world.reconcile(&plan("in_9", "sub_1", "2026-11-21T10:00:00Z", "2026-12-21T10:00:00Z")).await.unwrap();
    world
}

const NEWEST_FIRST: [&str; 5] = ["pi_e", "pi_d", "in_9", "pi_c", "pi_a"];

#[tokio::test]
async fn purchases_are_listed_by_the_time_of_their_payment() {
    let world = five().await;
    for limit in 1..=6 {
        let pages = pages(&world, limit).await;
        assert_eq!(pages.concat(), NEWEST_FIRST, "{limit}");
        let (last, full) = pages.split_last().unwrap();
        assert!(full.iter().all(|page| page.len() == usize::from(limit)), "{limit}: {pages:?}");
        assert!((1..=usize::from(limit)).contains(&last.len()), "{limit}: {pages:?}");
    }
    assert_eq!(page(&world, None, 255).await.0, NEWEST_FIRST);
}

#[tokio::test]
async fn a_page_that_ends_with_the_oldest_purchase_is_the_last() {
    assert_eq!(page(&five().await, None, 5).await.1, None);
}

#[tokio::test]
async fn a_page_holds_purchases_of_the_account_only() {
    let world = five().await;
    let bob = world.of("bob");
    assert_eq!(pages(&bob, 2).await, [Vec::<String>::new()]);
    bob.reconcile(&pack_at("pi_f", "2026-11-21T09:00:00Z")).await.unwrap();
    assert_eq!(pages(&bob, 2).await, [["pi_f"]]);
    assert_eq!(pages(&world.of("alic"), 2).await, [Vec::<String>::new()]);
    // Entries and records stand beside the list.
    world.take("d", 10).await.unwrap();
    assert_eq!(pages(&world, 6).await, [NEWEST_FIRST]);
}

#[tokio::test]
async fn a_page_shows_records_as_they_are_now() {
    let world = five().await;
    let statuses = async || {
        let (purchases, _) = world.ledger.purchases(&world.account, None, 2).await.unwrap();
        purchases.iter().map(|purchase| (purchase.revision, purchase.status())).collect::<Vec<_>>()
    };
    assert_eq!(statuses().await, [(1, PurchaseStatus::Paid), (1, PurchaseStatus::Paid)]);
    world.add_refund(None, "pi_d", "re_1").await.unwrap();
    world.ask_back("pi_e").await.unwrap();
    let changed = [(2, PurchaseStatus::RefundPending), (2, PurchaseStatus::PartlyRefunded)];
    assert_eq!(statuses().await, changed);
    // Between the list and the records too.
    world.meanwhile("GetItem", async |world| drop(world.sent_back("pi_e").await.unwrap()));
    assert_eq!(statuses().await, [(3, PurchaseStatus::Refunded), changed[1]]);
}

/// A cursor is only a time and an id. With a cursor of another account, a caller goes on after that time in its own
/// list.
#[tokio::test]
async fn a_cursor_of_another_account_shows_nothing_of_it() {
    let world = five().await;
    let bob = world.of("bob");
    for (id, paid_at) in [("pi_x", "2026-11-21T09:59:00Z"), ("pi_y", "2026-11-21T11:00:00Z")] {
        bob.reconcile(&pack_at(id, paid_at)).await.unwrap();
    }
    let (_, cursor) = page(&world, None, 2).await;
    assert_eq!(page(&bob, cursor, 2).await.0, ["pi_x"]);
}

#[tokio::test]
async fn a_cursor_is_read_back_from_its_text() {
    let longest = PurchaseId::parse("x".repeat(255)).unwrap();
    for id in ["pi_1", "-", "_", "0", longest.as_str()] {
        let world = World::empty().await;
        let mut facts = pack("pi_1");
        facts.paid[0].purchase_id = PurchaseId::parse(id).unwrap();
        world.reconcile(&facts).await.unwrap();
        world.reconcile(&pack_at("older", "2001-09-09T01:46:39Z")).await.unwrap();
        let (_, cursor) = page(&world, None, 1).await;
        let cursor = cursor.unwrap();
        let text = cursor.as_text();
        assert_eq!(text, format!("1795132800.{id}"));
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{text}");
        assert_eq!(PurchaseCursor::parse(&text), Some(cursor));
    }
}

#[tokio::test]
async fn an_invalid_cursor_is_refused() {
    for text in [
        "",
        ".",
        "1795132800",
        "1795132800.",
        "1795132800..pi_1",
        "1795132800.pi_1.",
        "1795132800.pi 1",
        "1795132800.pi/1",
        "1795132800.pi#1",
        "1795132800.p\u{ef}_1",
        "pi_1",
        "17",
    ] {
        assert_eq!(PurchaseCursor::parse(text), None, "{text:?}");
    }
    let too_long = format!("1795132800.{}", "x".repeat(256));
    assert_eq!(PurchaseCursor::parse(&too_long), None);
}

#[test]
fn a_cursor_without_a_time_is_refused() {
    for text in
        [".pi_1", "x.pi_1", "179513280.pi_1", "17951328000.pi_1", "-795132800.pi_1", "1795132800#pi_1"]
    {
        assert_eq!(PurchaseCursor::parse(text), None, "{text:?}");
    }
}

/// What is bought between two pages is on a page to come, or newer than the walk: it moves nothing.
#[tokio::test]
async fn a_purchase_between_two_pages_does_not_move_them() {
    for (paid_at, is_seen) in [
        (NOW, false),
        ("2026-11-21T10:00:00Z", false),
        ("2026-11-21T09:59:58Z", true),
        ("2020-01-01T00:00:00Z", true),
    ] {
        let world = five().await;
        let (first, cursor) = page(&world, None, 2).await;
        assert_eq!(first, NEWEST_FIRST[..2]);
        assert_eq!(name(&world.reconcile(&pack_at("pi_z", paid_at)).await).0, "appended");
        let (rest, next) = page(&world, cursor, 10).await;
        assert!(next.is_none());
        let old: Vec<_> = rest.iter().filter(|id| *id != "pi_z").collect();
        assert_eq!(old, NEWEST_FIRST[2..].iter().collect::<Vec<_>>(), "{paid_at}");
        assert_eq!(rest.contains(&"pi_z".to_owned()), is_seen, "{paid_at}");
    }
}

/// While a page is read: between the list and each of its records.
#[tokio::test]
async fn a_purchase_while_a_page_is_read_does_not_change_it() {
    for count in 0..3 {
        let world = five().await;
        world.meanwhile_after(count, "GetItem", async |world| {
            drop(world.reconcile(&pack_at("pi_z", NOW)).await.unwrap());
        });
        assert_eq!(page(&world, None, 3).await.0, NEWEST_FIRST[..3], "{count}");
    }
}

/// The provider's times may be far off; a place in the list is never out of order for it.
#[tokio::test]
async fn times_out_of_bounds_stand_at_the_end_of_the_list() {
    let world = World::empty().await;
    for (id, paid_at) in
        [("pi_b", "2026-11-21T10:00:00Z"), ("pi_c", "9999-01-01T00:00:00Z"), ("pi_a", "1960-01-01T00:00:00Z")]
    {
        world.reconcile(&pack_at(id, paid_at)).await.unwrap();
    }
    assert_eq!(pages(&world, 1).await.concat(), ["pi_c", "pi_b", "pi_a"]);
    assert!(world.keys().await.contains(&"ACCOUNT#alice BOUGHT#0000000000#pi_a".to_owned()));
}
