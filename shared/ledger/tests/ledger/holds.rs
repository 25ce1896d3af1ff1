//! Holds: they are made, captured and released once, expire by themselves, and take no more requests than designed.

use scrip_accounts::{Account, EntryKind, Refusal, SettlementStatus};
use scrip_ledger::{Error, HoldState, Usage};
use scrip_pricing::{Credits, Pieces, Unit};
use scrip_test_support::faults::Fault;

use crate::{
    outcome::{Executed, Outcome, name},
    scripted::page,
    world::{APPEND, CLAIM, NOW, WRITE, World, time},
};

/// When a hold that was made now is over.
const EXPIRY: &str = "2026-11-22T10:15:00Z";
const BEFORE_EXPIRY: &str = "2026-11-22T10:14:59.999Z";

fn playground(credits: u64) -> Credits {
    Credits::new(credits, 0, 0)
}

/// The refusal of a command that is refused.
fn refusal(executed: Result<Executed, Error>) -> Refusal {
    match executed.unwrap().outcome {
        Outcome::Refused(refusal) => refusal,
        outcome => panic!("{outcome:?}"),
    }
}

fn settled(status: SettlementStatus, captured: u64, returned: u64) -> Refusal {
    Refusal::HoldSettled { status, captured: playground(captured), returned: playground(returned) }
}

async fn account(world: &World) -> Account {
    world.plain().ledger.account(&world.account).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_hold_ends_once_and_is_answered_the_same_forever() {
    use SettlementStatus::{Captured, Released};
    for (images, balance, came_to) in [
        (Some(10), 990, settled(Captured, 10, 0)),
        (Some(4), 996, settled(Captured, 4, 6)),
        (None, 1000, settled(Released, 0, 10)),
    ] {
        let world = World::new().await;
        let Outcome::Appended(held) = world.hold("h", 10).await.unwrap().outcome else { panic!() };
        assert_eq!((held.account.balance, held.account.held()), (playground(990), playground(10)));
        let Outcome::Appended(first) = world.settle_at("h", images, NOW).await.unwrap().outcome else {
            panic!()
        };
        assert_eq!((first.account.balance, first.account.held()), (playground(balance), Credits::ZERO));
        world.take("other", 1).await.unwrap();
        // Again, later than it would have expired.
        for now in [NOW, EXPIRY] {
            let again = world.settle_at("h", images, now).await.unwrap().outcome;
            assert_eq!(again, Outcome::Replayed(first.clone()));
            assert_eq!(world.hold_at("h", 10, now).await.unwrap().outcome, Outcome::Replayed(held.clone()));
            let others = [Some(10), Some(4), None].into_iter().filter(|other| *other != images);
            for other in others.chain([Some(11)]) {
                assert_eq!(refusal(world.settle_at("h", other, now).await), came_to, "{other:?}");
            }
        }
        assert_eq!(world.balance().await, balance - 1);
    }
}

#[tokio::test]
async fn a_settlement_without_an_open_hold_is_refused() {
    let world = World::new().await;
    world.hold("h", 4).await.unwrap();
    world.take("d", 1).await.unwrap();
    let items = world.items().await;
    for (id, images, now, expected) in [
        ("unheard-of", Some(1), NOW, Refusal::HoldNotFound),
        ("unheard-of", None, NOW, Refusal::HoldNotFound),
        // A debit is no hold.
        ("d", None, NOW, Refusal::HoldNotFound),
        ("h", Some(5), NOW, Refusal::ExceedsHold { held: Some(Pieces { unit: Unit::Images, count: 4 }) }),
    ] {
        assert_eq!(refusal(world.settle_at(id, images, now).await), expected, "{id} {images:?} {now}");
    }
    assert_eq!(world.items().await, items);
    assert_eq!(name(&world.settle_at("h", Some(4), BEFORE_EXPIRY).await), ("appended", 1));
}

/// A caller may rely on `hold_expired`: the release is written before it is answered, and a clock that is behind
/// changes nothing.
#[tokio::test]
async fn a_hold_that_was_reported_as_expired_is_over_for_good() {
    let expired = Refusal::HoldExpired { expired_at: time(EXPIRY) };
    for images in [Some(1), Some(5), None] {
        let world = World::new().await;
        world.hold("h", 4).await.unwrap();
        assert_eq!(refusal(world.settle_at("h", images, EXPIRY).await), expired, "{images:?}");
        let items = world.items().await;
        for (images, now) in [(Some(4), BEFORE_EXPIRY), (None, BEFORE_EXPIRY), (Some(4), EXPIRY)] {
            assert_eq!(refusal(world.settle_at("h", images, now).await), expired, "{images:?} {now}");
        }
        assert_eq!(world.items().await, items);
        assert_eq!(world.balance().await, 1000);
    }
}

/// A captured hold is reversed by its id as a debit is, so an id is a hold's or a debit's.
#[tokio::test]
async fn holds_and_debits_share_their_keys() {
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    world.take("d", 10).await.unwrap();
    assert_eq!(name(&world.take("h", 10).await), ("key reused", 1));
    assert_eq!(name(&world.hold("d", 10).await), ("key reused", 1));
    assert_eq!(name(&world.hold("h", 9).await), ("key reused", 1));
    assert_eq!(world.debit("h").await, None);
    assert_eq!(world.held("d").await, None);
    assert_eq!(world.balance().await, 980);
}

#[tokio::test]
async fn an_expired_hold_is_released_by_the_next_write() {
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    world.hold("h-2", 20).await.unwrap();
    let held = account(&world).await;
    assert_eq!((held.balance, held.held()), (playground(970), playground(30)));
    let over = held.as_of(time(EXPIRY));
    assert_eq!((over.balance, over.held()), (playground(1000), Credits::ZERO));
    // The next write carries both releases, and the one after finds nothing due.
    assert_eq!(name(&world.take_at("d", 5, EXPIRY).await), ("appended", 1));
    assert_eq!(name(&world.take_at("d-2", 5, EXPIRY).await), ("appended", 1));
    let entries = world.ledger.entries(&world.account, None, 100).await.unwrap().entries;
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| (entry.event.kind(), entry.reference.as_str(), entry.account.balance.playground()))
        .collect();
    assert_eq!(
        rows,
        [
            (EntryKind::Debit, "d-2", 990),
            (EntryKind::Debit, "d", 995),
            (EntryKind::Release, "3", 1000),
            (EntryKind::Release, "2", 980),
            (EntryKind::Hold, "h-2", 970),
            (EntryKind::Hold, "h", 990),
            (EntryKind::Purchase, "in_1", 1000),
        ]
    );
    for request in [Some(10), Some(1), None] {
        let late = refusal(world.settle_at("h", request, BEFORE_EXPIRY).await);
        assert_eq!(late, Refusal::HoldExpired { expired_at: time(EXPIRY) }, "a clock that is behind");
    }
    assert_eq!(world.balance().await, 990);
}

/// The release of an expired hold names its entry, 2, and that may be the id of another hold.
#[tokio::test]
async fn a_hold_is_not_taken_for_one_whose_entry_has_its_id_as_a_number() {
    let world = World::new().await;
    world.hold("first", 10).await.unwrap();
    world.hold_at("2", 20, "2026-11-22T10:01:00Z").await.unwrap();
    world.take_at("d", 5, EXPIRY).await.unwrap();
    assert_eq!(name(&world.settle_at("2", Some(20), EXPIRY).await), ("appended", 1));
    assert_eq!(world.balance().await, 975);
    let status = world.held("2").await.unwrap();
    assert_eq!(status.settlement.unwrap().captured, playground(20));
}

#[tokio::test]
async fn a_hold_is_shown_with_its_state() {
    for (id, images, now, state) in [
        ("open", None, NOW, HoldState::Held),
        ("open", None, BEFORE_EXPIRY, HoldState::Held),
        ("open", None, EXPIRY, HoldState::Expired),
        ("ended", Some(4), NOW, HoldState::Captured),
        ("ended", Some(4), EXPIRY, HoldState::Captured),
        ("ended", None, NOW, HoldState::Released),
        ("ended", None, EXPIRY, HoldState::Released),
    ] {
        let world = World::new().await;
        world.hold(id, 10).await.unwrap();
        if id == "ended" {
            world.settle_at(id, images, NOW).await.unwrap();
        }
        assert_eq!(world.held(id).await.unwrap().state(time(now)), state, "{id} {images:?} {now}");
    }
    let world = World::new().await;
    assert_eq!(world.held("h").await, None);
}

#[tokio::test]
async fn a_captured_hold_is_reversed_up_to_its_captured_credits() {
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    assert_eq!(refusal(world.reverse("r", "h", 1).await), Refusal::DebitNotFound, "it is open");
    world.capture("h", 6).await.unwrap();
    for (key, credits, outcome, balance) in [
        ("r-1", 7, "refused", 994),
        ("r-1", 4, "appended", 998),
        ("r-2", 3, "refused", 998),
        ("r-2", 2, "appended", 1000),
        ("r-3", 1, "refused", 1000),
        ("r-1", 4, "replayed", 1000),
    ] {
        assert_eq!(name(&world.reverse(key, "h", credits).await), (outcome, 1), "{key} {credits}");
        assert_eq!(world.balance().await, balance, "{key} {credits}");
    }
    assert_eq!(world.held("h").await.unwrap().reversed, playground(6));
    // A retry of the hold learns what came back.
    let receipt =
        world.ledger.execute(&world.account, &crate::world::hold("h", 10), time(NOW)).await.unwrap();
    assert_eq!((receipt.is_replayed, receipt.reversed), (true, playground(6)));
    world.hold("released", 10).await.unwrap();
    world.release("released").await.unwrap();
    assert_eq!(refusal(world.reverse("r-4", "released", 1).await), Refusal::DebitNotFound);
}

/// Requests, and capacity in halves of a unit.
fn usage(requests: u64, read_half_units: u64, write_half_units: u64) -> Usage {
    Usage { requests, read_half_units, write_half_units }
}

#[tokio::test]
async fn a_hold_and_its_capture_cost_four_write_units_and_two_read_units() {
    let (shortest, behind) = (["Query", CLAIM, APPEND], ["Query", "GetItem", "Query", CLAIM, APPEND]);
    // Others' entries between the two; with four, the hold is found by its claim.
    for (others, of_capture, asked) in
        [(0, usage(3, 2, 4), &shortest[..]), (3, usage(3, 2, 4), &shortest), (4, usage(5, 6, 4), &behind)]
    {
        for images in [Some(3), None] {
            let world = World::new().await;
            world.hold("h", 10).await.unwrap();
            assert_eq!((world.faults.asked(), world.ledger.take_usage()), (owned(&shortest), usage(3, 2, 4)));
            for number in 0..others {
                world.take(&format!("other-{number}"), 1).await.unwrap();
            }
            world.faults.asked();
            let _ = world.ledger.take_usage();
            world.settle_at("h", images, NOW).await.unwrap();
            let used = (world.faults.asked(), world.ledger.take_usage());
            assert_eq!(used, (owned(asked), of_capture), "{others} {images:?}");
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn of_a_capture_and_a_release_at_once_one_happens() {
    // Both have claimed; the release is appended first, or the capture.
    for (first, second, balance) in [(None, Some(4), 1000), (Some(4), None, 996)] {
        let world = World::new().await;
        world.hold("h", 10).await.unwrap();
        world.meanwhile_after(1, APPEND, async move |world| {
            assert_eq!(name(&world.settle_at("h", first, NOW).await), ("appended", 1));
        });
        let lost = world.settle_at("h", second, NOW).await;
        assert!(matches!(refusal(lost), Refusal::HoldSettled { .. }), "{first:?} {second:?}");
        assert_eq!(world.balance().await, balance);
    }
    // The same capture twice.
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    world.meanwhile_after(1, APPEND, async |world| {
        assert_eq!(name(&world.capture("h", 4).await), ("appended", 1));
    });
    assert_eq!(name(&world.capture("h", 4).await), ("replayed", 1));
    assert_eq!(world.balance().await, 996);
}

#[tokio::test]
async fn a_capture_and_the_expiry_at_once_end_the_hold_once() {
    // A debit, a millisecond later, releases the hold between the capture's claim and its append.
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    world.meanwhile_after(1, APPEND, async |world| {
        assert_eq!(name(&world.take_at("d", 5, EXPIRY).await), ("appended", 1));
    });
    let late = refusal(world.settle_at("h", Some(10), BEFORE_EXPIRY).await);
    assert_eq!(late, Refusal::HoldExpired { expired_at: time(EXPIRY) });
    assert_eq!(world.balance().await, 995);
    // The capture comes first, and the debit finds nothing to release.
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    world.meanwhile(WRITE, async |world| {
        assert_eq!(name(&world.settle_at("h", Some(10), BEFORE_EXPIRY).await), ("appended", 1));
    });
    assert_eq!(name(&world.take_at("d", 5, EXPIRY).await).0, "appended");
    assert_eq!(world.balance().await, 985);
}

/// A hold that was settled is no reason to write what is due.
#[tokio::test]
async fn a_refusal_of_a_settled_hold_writes_nothing() {
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    world.capture("h", 4).await.unwrap();
    let items = world.items().await;
    let late = refusal(world.settle_at("h", None, "2027-02-01T00:00:00Z").await);
    assert_eq!(late, settled(SettlementStatus::Captured, 4, 6));
    assert_eq!(world.items().await, items);
}

#[tokio::test]
async fn two_calls_do_not_release_the_same_expired_hold() {
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    world.meanwhile(WRITE, async |world| {
        assert_eq!(name(&world.take_at("first", 1, EXPIRY).await), ("appended", 1));
    });
    assert_eq!(name(&world.take_at("second", 1, EXPIRY).await).0, "appended");
    assert_eq!(world.balance().await, 998);
}

/// Even if a plain read doesn't show a hold yet, no call is answered that the hold is missing or over.
#[tokio::test]
async fn a_refusal_rests_on_records_that_exist() {
    let unseen = || Fault::Answer(200, "{}".to_owned());
    // The hold's entry isn't visible to the first query, nor its claim.
    let world = World::new().await;
    let before = world.raw_entries().await;
    world.hold("h", 10).await.unwrap();
    world.faults.next("Query", page(&before));
    world.faults.next("GetItem", unseen());
    assert_eq!(name(&world.capture("h", 10).await), ("appended", 2));
    // Its claim is visible, and its entry is made between the look behind the claim and the refusal.
    let world = World::new().await;
    let before = world.raw_entries().await;
    world.hold("h", 10).await.unwrap();
    world.faults.next("Query", page(&before));
    world.faults.next("Query", page(&[]));
    assert_eq!(name(&world.capture("h", 10).await), ("appended", 2));
    // It is captured between the decision that it expired and the write of its release.
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    world.meanwhile(WRITE, async |world| {
        assert_eq!(name(&world.settle_at("h", Some(10), BEFORE_EXPIRY).await), ("appended", 1));
    });
    assert_eq!(name(&world.settle_at("h", Some(10), EXPIRY).await), ("replayed", 2));
    // A reversal whose capture isn't visible yet.
    let world = World::new().await;
    world.hold("h", 10).await.unwrap();
    world.capture("h", 10).await.unwrap();
    world.faults.next("GetItem", Fault::None);
    world.faults.next("GetItem", unseen());
    assert_eq!(name(&world.reverse("r", "h", 4).await), ("appended", 2));
}

/// The account must be settled at the month's turn whether its credits are held or not: no row changes for it.
#[tokio::test]
async fn holding_all_playground_credits_leaves_the_account_due() {
    let world = World::new().await;
    for number in 0..10 {
        assert_eq!(name(&world.hold(&format!("h-{number}"), 100).await), ("appended", 1));
    }
    assert_eq!(world.faults.asked(), ["Query", CLAIM, APPEND].repeat(10));
    let account = account(&world).await;
    assert_eq!((account.balance, account.due_after()), (Credits::ZERO, "2026-11".parse().ok()));
}
