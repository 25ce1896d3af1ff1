//! What is asked of DynamoDB: as little as the design says, consistently, and metered.

use ledger::{DuePartition, Usage};

use crate::{
    faults::Fault,
    world::{CONFIRM, WRITE, World, name, pack, plan, time},
};

#[tokio::test]
async fn every_read_of_the_table_is_consistent() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    world.take("d", 10).await.unwrap();
    world.reverse("r", "d", 1).await.unwrap();
    assert_eq!(name(&world.take("too-much", 100).await), ("appended", 1));
    world.ledger.account(&world.account).await.unwrap();
    world.ledger.entries(&world.account, None, 2).await.unwrap();
    world.ledger.settle(&world.account, time("2026-12-01T00:00:00Z")).await.unwrap();
    let partition = DuePartition { settled: "2020-01".parse().unwrap(), shard: 0 };
    world.ledger.due(partition, None).await.unwrap();
    world.ledger.count_due(partition).await.unwrap();
    let (mut consistent, mut of_the_index) = (0, 0);
    for (operation, body) in world.faults.requests() {
        match (operation.as_str(), body["IndexName"].as_str()) {
            // A transaction's reads are consistent by themselves.
            (WRITE | CONFIRM, _) => {}
            ("Query" | "GetItem", None) => {
                assert_eq!(body["ConsistentRead"], true, "{operation}: {body}");
                consistent += 1;
            }
            // An index can't be read consistently; what stands there is looked at again in the table.
            ("Query", Some("due")) => of_the_index += 1,
            other => panic!("{other:?}: {body}"),
        }
    }
    assert_eq!((consistent, of_the_index), (10, 2));
}

/// Requests, and capacity in halves of a unit.
fn usage(requests: u64, read_half_units: u64, write_half_units: u64) -> Usage {
    Usage { requests, read_half_units, write_half_units }
}

#[tokio::test]
async fn requests_are_as_few_and_as_small_as_the_design_says() {
    let world = World::new().await;
    let used = || (world.faults.asked(), world.ledger.take_usage());
    world.take("d", 10).await.unwrap();
    assert_eq!(used(), (names(&["Query", WRITE]), usage(2, 2, 8)));
    // A retry: the transaction finds the operation, which names the entry. What it used isn't told.
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 1));
    assert_eq!(used(), (names(&["Query", WRITE, "GetItem", "GetItem"]), usage(4, 6, 0)));
    world.reverse("r", "d", 10).await.unwrap();
    // An update is 2 units as well; one engine leaves it out.
    let (asked, units) = used();
    assert_eq!((asked, units.read_half_units), (names(&["Query", "GetItem", WRITE]), 4));
    world.take_all().await;
    let _ = world.ledger.take_usage();
    assert_eq!(name(&world.take("too-much", 100).await), ("refused", 1));
    assert_eq!(used(), (names(&["Query", CONFIRM]), usage(2, 10, 0)));
    assert_eq!(used(), (Vec::new(), Usage::default()));
}

/// An item is billed by its kilobytes: with the longest names there can be, a debit's are still one each.
#[tokio::test]
async fn a_debit_with_the_longest_names_costs_no_more() {
    let longest = "n".repeat(128);
    let world = World::empty().await.of(&longest);
    // Their payment is named after the purchase, and longer.
    let mut plan = plan(&longest[..120], &longest, "2026-11-20T00:00:00Z", "2027-11-20T00:00:00Z");
    plan.invoiced_at = Some(time("2026-11-20T00:00:00Z"));
    assert_eq!(name(&world.buy(&plan).await), ("appended", 1));
    let _ = world.ledger.take_usage();
    world.take(&longest, 10).await.unwrap();
    assert_eq!(world.ledger.take_usage(), usage(2, 2, 8));
}

#[tokio::test]
async fn settling_an_account_takes_two_requests_and_finding_it_settled_one() {
    let world = World::new().await;
    let december = time("2026-12-01T00:00:00Z");
    world.ledger.settle(&world.account, december).await.unwrap();
    // Written are the expiry, the refill, and where the account is due next, for which the index is written too: with
    // what units, the engines don't agree.
    let (asked, used) = (world.faults.asked(), world.ledger.take_usage());
    assert_eq!((asked, used.requests, used.read_half_units), (names(&["Query", WRITE]), 2, 2));
    assert!(used.write_half_units >= 12, "{used:?}");
    world.ledger.settle(&world.account, december).await.unwrap();
    assert_eq!((world.faults.asked(), world.ledger.take_usage()), (names(&["Query"]), usage(1, 2, 0)));
}

fn names(operations: &[&str]) -> Vec<String> {
    operations.iter().map(|operation| (*operation).to_owned()).collect()
}

#[tokio::test]
async fn what_is_read_of_the_index_is_metered_too() {
    let world = World::new().await;
    let partition = DuePartition { settled: "2026-11".parse().unwrap(), shard: 7 };
    world.ledger.due(partition, None).await.unwrap();
    // Not consistent: half the price.
    assert_eq!(world.ledger.take_usage(), usage(1, 1, 0));
    world.ledger.count_due(partition).await.unwrap();
    assert_eq!(world.ledger.take_usage(), usage(1, 1, 0));
    world.buy(&pack("pi_1")).await.unwrap();
    world.ask_back("pi_1").await.unwrap();
    let _ = world.ledger.take_usage();
    world.ledger.pending_refunds(None).await.unwrap();
    assert_eq!(world.ledger.take_usage(), usage(1, 1, 0));
    world.faults.asked();
}

#[tokio::test]
async fn requests_that_fail_are_counted() {
    let world = World::new().await;
    world.faults.next(WRITE, Fault::LostBefore);
    world.take("d", 10).await.unwrap();
    assert_eq!(world.ledger.take_usage().requests, 4);
}

#[tokio::test]
async fn warming_up_asks_for_nobody_and_counts_for_nobody() {
    let world = World::new().await;
    world.ledger.warm_up().await;
    assert_eq!(world.ledger.take_usage(), Usage::default());
    let requests = world.faults.requests();
    let [(operation, body)] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!(
        (operation.as_str(), body["ExpressionAttributeValues"][":pk"]["S"].as_str()),
        ("Query", Some("ACCOUNT#"))
    );
    // That it fails is the first call's to find out.
    world.faults.next("Query", Fault::LostBefore);
    world.ledger.warm_up().await;
    assert_eq!(world.faults.asked(), ["Query"]);
}
