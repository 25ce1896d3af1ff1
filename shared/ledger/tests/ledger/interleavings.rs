//! Interleaved writes of records: each write fails unless the records are at the revision that it was decided on, wherever
//! between its requests the other write comes.

use std::{pin::Pin, sync::Mutex};

use scrip_accounts::{PurchaseId, Refusal, SubscriptionId, facts::Facts, reconcile};
use scrip_ledger::{Error, State};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{self, Sender},
    task::JoinSet,
};

use crate::{
    facts::{money, outflow, pack, past_due, settled},
    outcome::{Executed, Outcome, name},
    world::{APPEND, CLAIM, NOW, WRITE, World, time},
};
use scrip_test_support::faults::Fault;

/// The requests of a command on a subscription and a purchase, each with how many of its kind come before it.
const REQUESTS: [(&str, usize); 4] = [("Query", 0), ("GetItem", 0), ("GetItem", 1), (WRITE, 0)];
/// The requests of a debit.
const DEBIT_REQUESTS: [(&str, usize); 3] = [("Query", 0), (CLAIM, 0), (APPEND, 1)];

/// What is done, each to what the table has then: done over what was read before something else, it would undo that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// One more refund of a tenth of the plan's money: an entry, and both records.
    Refund(&'static str),
    /// One more invoice that has nothing to grant: the subscription's record, and no entry.
    Settle(&'static str),
    /// A debit of ten: an entry, and no record.
    Debit(&'static str),
}

impl Act {
    async fn execute(self, world: &World) -> Result<Executed, Error> {
        match self {
            Self::Refund(refund) => world.add_refund(Some("sub_1"), "in_1", refund).await,
            Self::Settle(invoice) => world.reconcile(&settled("sub_1", invoice)).await,
            Self::Debit(key) => world.take(key, 10).await,
        }
    }

    async fn run(self, world: World) {
        let executed = self.execute(&world).await;
        let (outcome, _) = name(&executed);
        assert!(["appended", "recorded"].contains(&outcome), "{self:?}: {executed:?}");
    }

    /// Runs it with others that come in between, each between the requests of the one before. Each drops `running` once
    /// it is done.
    fn run_with(
        self,
        world: World,
        others: Vec<(Self, (&'static str, usize))>,
        running: Sender<()>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if let Some(((other, (request, count)), rest)) = others.split_first() {
                let (other, rest, running) = (*other, rest.to_vec(), running.clone());
                let act = async move |world| other.run_with(world, rest, running).await;
                world.meanwhile_after(*count, request, act);
            }
            self.run(world).await;
            drop(running);
        })
    }
}

/// What is left in the end: the balance, the refunds and revisions of both records, and the recorded invoices.
async fn end(world: &World) -> (u64, Vec<String>, Value, Value, Vec<String>) {
    let purchase = world.row("ACCOUNT#alice", "PURCHASE#in_1").await;
    let subscription = world.row("SUBSCRIPTION#sub_1", "SUBSCRIPTION").await;
    let texts = |list: &Value, text: fn(&Value) -> &Value| {
        let mut texts: Vec<_> = list
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| text(item).as_str().unwrap().to_owned())
            .collect();
        texts.sort();
        texts
    };
    (
        world.balance().await,
        texts(&purchase["outflows"], |outflow| &outflow["id"]),
        purchase["revision"].clone(),
        subscription["revision"].clone(),
        texts(&subscription["recorded"], |id| id),
    )
}

/// What some acts come to, however they meet.
fn expected(acts: &[Act]) -> (u64, Vec<String>, Value, Value, Vec<String>) {
    let (mut balance, mut refunds, mut invoices) = (1000, Vec::new(), vec!["in_1".to_owned()]);
    for act in acts {
        match act {
            Act::Refund(refund) => {
                balance -= 100;
                refunds.push((*refund).to_owned());
            }
            Act::Settle(invoice) => invoices.push((*invoice).to_owned()),
            Act::Debit(_) => balance -= 10,
        }
    }
    refunds.sort();
    invoices.sort();
    let purchase = 1 + refunds.len();
    let subscription = purchase + invoices.len() - 1;
    (balance, refunds, json!(purchase), json!(subscription), invoices)
}

/// The requests of an act on which another can come in between.
fn requests(act: Act) -> Vec<(&'static str, usize)> {
    match act {
        Act::Refund(_) => REQUESTS.to_vec(),
        Act::Settle(_) => REQUESTS.into_iter().filter(|(_, count)| *count == 0).collect(),
        Act::Debit(_) => DEBIT_REQUESTS.to_vec(),
    }
}

const FIRSTS: [Act; 3] = [Act::Refund("re_1"), Act::Settle("in_x1"), Act::Debit("d-1")];
const SECONDS: [Act; 3] = [Act::Refund("re_2"), Act::Settle("in_x2"), Act::Debit("d-2")];
const THIRDS: [Act; 3] = [Act::Refund("re_3"), Act::Settle("in_x3"), Act::Debit("d-3")];

/// Runs some acts, each but the first in between the requests of the one before, and looks at what is left.
async fn meet(acts: Vec<Act>, places: Vec<(&'static str, usize)>) {
    let world = World::new().await;
    let others = acts[1..].iter().copied().zip(places.iter().copied()).collect();
    // A request that waits too long for the other act is given up, and its act goes on: all are waited for.
    let (running, mut done) = mpsc::channel(1);
    acts[0].run_with(world.clone(), others, running).await;
    assert_eq!(done.recv().await, None);
    assert_eq!(end(&world).await, expected(&acts), "{acts:?} before {places:?}");
}

#[tokio::test]
async fn two_interleaved_commands_are_both_kept() {
    let mut count = 0;
    for first in FIRSTS {
        for second in SECONDS {
            let meetings: JoinSet<_> =
                requests(first).into_iter().map(|place| meet(vec![first, second], vec![place])).collect();
            count += meetings.join_all().await.len();
        }
    }
    assert_eq!(count, 3 * (4 + 3 + 3));
}

/// One comes between the requests of another, which comes between those of a third.
#[tokio::test]
async fn three_interleaved_commands_are_all_kept() {
    let mut count = 0;
    for first in FIRSTS {
        for second in SECONDS {
            for third in THIRDS {
                let then = |place| requests(second).into_iter().map(move |then| [place, then]);
                let places = requests(first).into_iter().flat_map(then);
                let meetings: JoinSet<_> =
                    places.map(|places| meet(vec![first, second, third], places.to_vec())).collect();
                count += meetings.join_all().await.len();
            }
        }
    }
    assert_eq!(count, 3 * (4 + 3 + 3) * (4 + 3 + 3));
}

/// The answer of a write is lost, and another one comes before the next look: what was written isn't written again.
#[tokio::test]
async fn a_write_whose_answer_is_lost_is_found_behind_another_one() {
    for first in [Act::Refund("re_1"), Act::Settle("in_x1")] {
        let reads = requests(first).into_iter().filter(|(request, _)| *request == "GetItem").count();
        for second in SECONDS {
            // Before each read of the second attempt: those of the first pass.
            for (request, count) in [("Query", 1), ("GetItem", reads)] {
                let world = World::new().await;
                world.faults.next(WRITE, Fault::LostAfter);
                world.meanwhile_after(count, request, async move |world| second.run(world).await);
                let executed = first.execute(&world).await;
                assert_eq!(name(&executed).0, "unchanged", "{first:?}, {second:?}: {executed:?}");
                assert_eq!(
                    end(&world).await,
                    expected(&[first, second]),
                    "{first:?}, {second:?} at {request}"
                );
            }
        }
    }
}

/// Each attempt decides on the records as they are then, not as the first one read them.
#[tokio::test]
async fn a_decision_is_made_again_on_fresh_records() {
    let world = World::new().await;
    world.meanwhile(WRITE, async |world| Act::Refund("re_2").run(world).await);
    world.meanwhile(WRITE, async |world| Act::Settle("in_x2").run(world).await);
    let seen = Mutex::new(Vec::new());
    let subscription = SubscriptionId::parse("sub_1").unwrap();
    let purchases = [PurchaseId::parse("in_1").unwrap()];
    let facts = Facts {
        money: vec![money("in_1", vec![outflow("re_1", 190), outflow("re_2", 190)])],
        ..past_due("sub_1")
    };
    let decide = |state: &State| {
        let revision = state.records.subscription.as_ref().unwrap().revision;
        seen.lock().unwrap().push((
            revision,
            state.records.purchases[0].revision,
            state.account.sequence.get(),
        ));
        reconcile::decide(&state.account, &state.records, &facts, time(NOW))
    };
    let executed = world.apply(Some(&subscription), &purchases, NOW, decide).await;
    assert_eq!(name(&executed), ("appended", 3));
    // The second attempt stands on the entry that won, which the refused write carried; and reads the records.
    assert_eq!(seen.into_inner().unwrap(), [(1, 1, 1), (2, 2, 2), (3, 2, 2)]);
    assert_eq!(world.balance().await, 800);
}

/// A caller whose facts are older than the records refuses, and nothing of it is written.
#[tokio::test]
async fn facts_that_are_older_than_the_records_are_refused() {
    for (request, count) in REQUESTS {
        let world = World::new().await;
        world.meanwhile_after(count, request, async |world| Act::Refund("re_2").run(world).await);
        let subscription = SubscriptionId::parse("sub_1").unwrap();
        let purchases = [PurchaseId::parse("in_1").unwrap()];
        let facts = Facts { money: vec![money("in_1", vec![outflow("re_1", 950)])], ..Facts::default() };
        let decide = |state: &State| {
            if state.records.purchases[0].revision != 1 {
                return Err(Refusal::OutdatedFacts);
            }
            reconcile::decide(&state.account, &state.records, &facts, time(NOW))
        };
        let executed = world.apply(Some(&subscription), &purchases, NOW, decide).await.unwrap();
        assert_eq!(executed.outcome, Outcome::Refused(Refusal::OutdatedFacts), "{request} {count}");
        assert_eq!(end(&world).await, expected(&[Act::Refund("re_2")]), "{request} {count}");
    }
}

/// A purchase without a subscription, whose changes may make no entry at all.
#[tokio::test]
async fn a_pack_that_changes_while_it_is_changed_is_decided_on_again() {
    for (request, count) in [("Query", 0), ("GetItem", 0), (WRITE, 0)] {
        let world = World::empty().await;
        world.buy(&pack("pi_1")).await.unwrap();
        world.meanwhile_after(count, request, async |world| {
            drop(world.add_refund(None, "pi_1", "re_2").await.unwrap());
        });
        world.add_refund(None, "pi_1", "re_1").await.unwrap();
        let row = world.row("ACCOUNT#alice", "PURCHASE#pi_1").await;
        assert_eq!(
            (&row["revision"], row["outflows"].as_array().map(Vec::len)),
            (&json!(3), Some(2)),
            "{request}"
        );
    }
}

/// A dozen at once, on a purchase and a subscription, by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_all_kept() {
    const REFUNDS: [&str; 6] = ["re_1", "re_2", "re_3", "re_4", "re_5", "re_6"];
    const INVOICES: [&str; 6] = ["in_x1", "in_x2", "in_x3", "in_x4", "in_x5", "in_x6"];
    let world = World::new().await;
    let acts: Vec<_> = REFUNDS.map(Act::Refund).into_iter().chain(INVOICES.map(Act::Settle)).collect();
    let running: Vec<_> = acts.iter().map(|act| tokio::spawn(act.run(world.plain()))).collect();
    for act in running {
        act.await.unwrap();
    }
    assert_eq!(end(&world).await, expected(&acts));
}
