//! Crashes: a call stops at any of its requests and is repeated with its key. Its entry is made once.

use scrip_test_support::crash::Side;
use tokio::task::JoinSet;

use crate::{
    outcome::{Outcome, name},
    stopped::Act,
    world::World,
};

/// Others' debits of one credit, before the retry: none, another takes the sequence, so many that the claim is raised.
const OTHERS: [u64; 3] = [0, 1, 40];

async fn stop_and_retry(act: Act, request: (&'static str, usize), side: Side, others: u64) {
    let case = format!("{act:?} {side:?} {request:?}, then {others}");
    let is_written = side == Side::After && act.requests().last() == Some(&request);
    let world = act.world().await;
    world.stop(act, request, side).await;
    assert_eq!(world.entries_of(act.key()).await.len(), usize::from(is_written), "{case}");
    for number in 0..others {
        let other = world.take_at(&format!("other-{number}"), 1, act.now()).await;
        assert_eq!(name(&other), ("appended", 1), "{case}");
    }
    let retried = act.carry_out(&world).await;
    let expected = if is_written { "replayed" } else { "appended" };
    assert_eq!(name(&retried), (expected, 1), "{case}");
    let (Outcome::Appended(entry) | Outcome::Replayed(entry)) = retried.unwrap().outcome else {
        panic!("{case}")
    };
    assert_eq!(world.balance().await, act.balance() - others, "{case}");
    assert_eq!(world.entries_of(act.key()).await, [entry.account.sequence.get()], "{case}");
    // It is answered the same from then on.
    assert_eq!(act.carry_out(&world).await.unwrap().outcome, Outcome::Replayed(entry), "{case}");
    if act == Act::Reversal {
        assert_eq!(world.debit("earlier").await.unwrap().reversed.playground(), 4, "{case}");
    }
}

#[tokio::test]
async fn a_call_that_stops_anywhere_is_carried_out_once() {
    let mut calls = JoinSet::new();
    for act in Act::ALL {
        for request in act.requests() {
            for side in Side::BOTH {
                for others in OTHERS {
                    calls.spawn(stop_and_retry(act, *request, side, others));
                }
            }
        }
    }
    assert_eq!(calls.join_all().await.len(), (3 + 3 + 5 + 3 * 3) * 2 * 3);
}

/// The second call stops as well, at any of the requests that it makes behind the first one's claim.
#[tokio::test]
async fn a_retry_that_stops_too_is_carried_out_once() {
    for (request, is_written) in
        [(("Query", 0), false), (("PutItem", 0), false), (("Query", 1), false), (("PutItem", 1), true)]
    {
        for side in Side::BOTH {
            for others in [0, 1] {
                let case = format!("{side:?} {request:?}, {others} between");
                let world = World::new().await;
                world.stop(Act::Debit, ("PutItem", 1), Side::Before).await;
                for number in 0..others {
                    world.take(&format!("other-{number}"), 1).await.unwrap();
                }
                world.stop(Act::Debit, request, side).await;
                let expected = if is_written && side == Side::After { "replayed" } else { "appended" };
                assert_eq!(name(&world.take("d", 10).await), (expected, 1), "{case}");
                assert_eq!(world.balance().await, 990 - others, "{case}");
            }
        }
    }
}

/// With another request under its key: until an entry carries the key, it is free.
#[tokio::test]
async fn the_key_of_a_call_that_stopped_before_its_entry_takes_another_request() {
    for (side, expected, balance) in [(Side::Before, "appended", 989), (Side::After, "key reused", 990)] {
        for others in [0, 1, 40] {
            let world = World::new().await;
            world.stop(Act::Debit, ("PutItem", 1), side).await;
            for number in 0..others {
                world.take(&format!("other-{number}"), 1).await.unwrap();
            }
            assert_eq!(name(&world.take("d", 11).await), (expected, 1), "{side:?}, {others}");
            assert_eq!(world.balance().await, balance - others, "{side:?}, {others}");
        }
    }
}
