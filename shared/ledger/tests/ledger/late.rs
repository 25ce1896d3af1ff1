//! Late requests: they arrive after their call went on. Once a call has answered, only its claims may still be written.

use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    outcome::{Outcome, name},
    stopped::Act,
    world::{APPEND, CLAIM, CONFIRM, RAISE, WRITE, World, time},
};
use scrip_accounts::Refusal;
use scrip_ledger::Error;
use scrip_test_support::{
    crash::Side,
    faults::{Fault, HeldRequest},
};

/// The request that writes a command's entry is held back.
fn hold_entry(world: &World, act: Act) -> HeldRequest {
    let (operation, count) = *act.requests().last().unwrap();
    hold(world, operation, count)
}

fn hold(world: &World, operation: &str, count: usize) -> HeldRequest {
    let (fault, held) = Fault::held();
    world.fault_after(count, operation, fault);
    held
}

/// Lets a request arrive at last: the error that it is answered with, if it is one.
async fn arrive(held: HeldRequest) -> Option<String> {
    let (status, body) = held.arrive().await.unwrap();
    let error = body["__type"].as_str().and_then(|name| name.rsplit('#').next()).map(str::to_owned);
    assert_eq!(status == 200, error.is_none(), "{body}");
    error
}

#[tokio::test]
async fn an_entry_that_was_sent_twice_is_written_once() {
    for act in Act::ALL {
        // Others' debits between the two.
        for others in [0, 1, 5] {
            let case = format!("{act:?}, {others} between");
            let world = act.world().await;
            let held = hold_entry(&world, act);
            // It is looked for before it is sent again: the second look behind the claim or at the newest.
            let looks = act.requests().iter().filter(|(operation, _)| *operation == "Query").count();
            world.meanwhile_after(looks, "Query", async move |world| {
                for number in 0..others {
                    let other = world.take_at(&format!("other-{number}"), 1, act.now()).await;
                    assert_eq!(name(&other), ("appended", 1));
                }
            });
            let executed = act.carry_out(&world).await;
            assert_eq!(name(&executed), ("appended", 2), "{case}");
            let items = world.items().await;
            assert!(arrive(held).await.is_some(), "{case}");
            assert_eq!(world.items().await, items, "{case}");
            assert_eq!(world.entries_of(act.key()).await.len(), 1, "{case}");
            assert_eq!(world.balance().await, act.balance() - others, "{case}");
        }
    }
}

/// It lands between the look behind the claim and the second append.
#[tokio::test]
async fn an_entry_that_lands_before_it_is_sent_again_is_found() {
    for act in Act::ALL {
        let world = act.world().await;
        let (operation, count) = *act.requests().last().unwrap();
        let held = hold(&world, operation, count);
        world.meanwhile(operation, async move |_| assert_eq!(arrive(held).await, None));
        let executed = act.carry_out(&world).await;
        // A transaction doesn't carry what exists: that is looked for.
        let attempts = if operation == APPEND { 2 } else { 3 };
        assert_eq!(name(&executed), ("replayed", attempts), "{act:?}");
        assert_eq!(world.entries_of(act.key()).await.len(), 1, "{act:?}");
        assert_eq!(world.balance().await, act.balance(), "{act:?}");
    }
}

/// The first append is held back, another debit leaves too little, and the call is refused: what was refused stays so.
#[tokio::test]
async fn nothing_of_a_call_lands_after_its_refusal() {
    for taken in [90, 100] {
        let world = World::new().await;
        for number in 0..9 {
            world.take(&format!("before-{number}"), 100).await.unwrap();
        }
        let held = hold_entry(&world, Act::Debit);
        world.meanwhile_after(1, "Query", async move |world| {
            assert_eq!(name(&world.take("last", taken).await), ("appended", 1));
        });
        let executed = world.take("d", 10).await;
        if taken == 90 {
            assert_eq!(name(&executed), ("appended", 2));
        } else {
            let Outcome::Refused(_) = executed.unwrap().outcome else { panic!() };
        }
        let items = world.items().await;
        assert_eq!(arrive(held).await.as_deref(), Some("ConditionalCheckFailedException"), "{taken}");
        assert_eq!(world.items().await, items, "{taken}");
        assert_eq!(world.balance().await, 0, "{taken}");
    }
}

/// Two appends are held back and both arrive, in either order.
#[tokio::test]
async fn several_late_appends_of_a_call_are_one_entry_at_most() {
    for is_reversed in [false, true] {
        let world = World::new().await;
        let first = hold(&world, APPEND, 1);
        let second = hold(&world, APPEND, 0);
        world.meanwhile_after(2, "Query", async |world| {
            assert_eq!(name(&world.take("other", 1).await), ("appended", 1));
        });
        assert_eq!(name(&world.take("d", 10).await), ("appended", 3));
        let late = if is_reversed { [second, first] } else { [first, second] };
        for held in late {
            assert_eq!(arrive(held).await.as_deref(), Some("ConditionalCheckFailedException"));
        }
        assert_eq!(world.entries_of(("debit", "d")).await, [3]);
        assert_eq!(world.balance().await, 989);
    }
}

/// The claim's answer was lost, and the claim itself comes late: it says nothing that isn't so.
#[tokio::test]
async fn a_claim_that_lands_late_changes_nothing() {
    for is_written in [true, false] {
        let world = World::new().await;
        for number in 0..9 {
            world.take(&format!("before-{number}"), 100).await.unwrap();
        }
        let held = hold(&world, CLAIM, 0);
        if !is_written {
            world.meanwhile_after(1, "Query", async |world| {
                assert_eq!(name(&world.take("last", 95).await), ("appended", 1));
            });
        }
        let executed = world.take("d", 10).await;
        let (keys, balance) = (world.keys().await, world.balance().await);
        if is_written {
            // It was claimed again.
            assert_eq!(name(&executed), ("appended", 2));
            assert_eq!(arrive(held).await.as_deref(), Some("ConditionalCheckFailedException"));
            assert_eq!(world.keys().await, keys);
        } else {
            // It was refused without a claim, and now there is one.
            assert_eq!(name(&executed), ("refused", 2));
            assert_eq!(arrive(held).await, None);
            assert_eq!(world.row("OPERATION#alice#debit#d", "OPERATION").await, json!({"from": 10}));
        }
        assert_eq!(world.balance().await, balance);
        let again = if is_written { "replayed" } else { "refused" };
        assert_eq!(name(&world.take("d", 10).await), (again, 1));
        if !is_written {
            world.reverse("r", "last", 95).await.unwrap();
            assert_eq!(name(&world.take("d", 10).await), ("appended", 1));
            assert_eq!(world.balance().await, 90);
        }
    }
}

/// An answer of "try again" leaves it open: the append may land until another entry takes its place. Asking again
/// tells.
#[tokio::test]
async fn an_entry_that_lands_after_a_call_gave_up_is_found_by_its_retry() {
    // another debit first, whether the late append lands -> what asking again is answered, and the balance
    let asked = [
        (false, true, "replayed", 990),
        (false, false, "appended", 990),
        (true, true, "appended", 989),
        (true, false, "appended", 989),
    ];
    let calls: JoinSet<_> = asked.map(give_up_and_ask_again).into_iter().collect();
    calls.join_all().await;
}

async fn give_up_and_ask_again((is_taken, is_let, expected, balance): (bool, bool, &'static str, u64)) {
    let world = World::new().await;
    let held = hold(&world, APPEND, 1);
    // Nothing is reached from then on.
    world.faults.next("Query", Fault::None);
    for _ in 0..20 {
        world.faults.next("Query", Fault::LostBefore);
        world.faults.next("GetItem", Fault::LostBefore);
    }
    let error = world.take("d", 10).await.unwrap_err();
    assert!(matches!(error, Error::TryAgain { attempts: 10, .. }), "{error}");
    world.faults.clear();
    if is_taken {
        world.take("other", 1).await.unwrap();
    }
    if is_let {
        assert_eq!(arrive(held).await.is_some(), is_taken);
    }
    assert_eq!(name(&world.take("d", 10).await), (expected, 1), "{is_taken} {is_let}");
    assert_eq!(world.balance().await, balance, "{is_taken} {is_let}");
    assert_eq!(world.entries_of(("debit", "d")).await.len(), 1, "{is_taken} {is_let}");
}

/// A raise says that no entry up to one carries the key. Entries don't change, so it is true whenever it lands: after
/// the entry, and after a later raise that went further.
#[tokio::test]
async fn a_raise_that_lands_late_hides_no_entry() {
    for is_raised_again in [false, true] {
        let world = World::new().await;
        world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
        let make_others = async |from: u64| {
            for number in from..from + 40 {
                world.take(&format!("other-{number}"), 1).await.unwrap();
            }
        };
        make_others(0).await;
        let held = hold(&world, RAISE, 0);
        if is_raised_again {
            world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
            make_others(40).await;
        }
        assert_eq!(name(&world.take("d", 10).await), ("appended", 1));
        let claim = async || world.row("OPERATION#alice#debit#d", "OPERATION").await;
        let (from, sequence) = if is_raised_again { (81, 82) } else { (1, 42) };
        assert_eq!(claim().await, json!({"from": from}));
        assert_eq!(arrive(held).await, None);
        assert_eq!(claim().await, json!({"from": 41}));
        assert_eq!(world.entries_of(("debit", "d")).await, [sequence]);
        assert_eq!(name(&world.take("d", 10).await), ("replayed", 1), "{is_raised_again}");
        assert_eq!(world.balance().await, 1002 - sequence - 10);
    }
}

/// A capture is delayed, and its retry comes after the hold expired. The caller then debits the work instead.
#[tokio::test]
async fn no_capture_lands_after_its_hold_was_reported_as_expired() {
    const EXPIRY: &str = "2026-11-22T10:15:00Z";
    let late = async || {
        let world = Act::Capture.world().await;
        let held = hold_entry(&world, Act::Capture);
        world.stop(Act::Capture, ("Query", 1), Side::Before).await;
        (world, held)
    };
    let (world, held) = late().await;
    let Outcome::Refused(refusal) = world.settle_at("earlier", Some(4), EXPIRY).await.unwrap().outcome else {
        panic!()
    };
    assert_eq!(refusal, Refusal::HoldExpired { expired_at: time(EXPIRY) });
    assert_eq!(
        world.faults.asked(),
        ["Query", WRITE, "Query", CONFIRM, "Query", "GetItem", "Query", CONFIRM]
    );
    let items = world.items().await;
    assert_eq!(arrive(held).await.as_deref(), Some("ConditionalCheckFailedException"));
    assert_eq!(world.items().await, items);
    assert_eq!(world.balance().await, 1000);
    // It lands before the release is written: then it was captured.
    let (world, held) = late().await;
    world.meanwhile(WRITE, async move |_| assert_eq!(arrive(held).await, None));
    assert_eq!(name(&world.settle_at("earlier", Some(4), EXPIRY).await).0, "replayed");
    assert_eq!(world.balance().await, 996);
}
