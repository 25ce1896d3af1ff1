//! The requests to DynamoDB: they are as few as designed, strongly consistent, and metered.

use scrip_accounts::{CustomerId, PaymentId, PurchaseId, SubscriptionId, facts::Facts};
use scrip_ledger::{DuePartition, ParkedPayment, Usage};
use serde_json::Value;

use crate::{
    engine::{found_nothing, is_metering},
    facts::{money, outflow, pack, past_due, plan, settled},
    outcome::name,
    world::{APPEND, CLAIM, CONFIRM, NOW, WRITE, World, time},
};
use scrip_test_support::faults::Fault;

#[tokio::test]
async fn every_read_of_the_table_is_consistent() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    world.take("d", 10).await.unwrap();
    world.reverse("r", "d", 1).await.unwrap();
    assert_eq!(name(&world.take("too-much", 100).await), ("appended", 1));
    world.ledger.account(&world.account).await.unwrap();
    world.ledger.entries(&world.account, None, 2).await.unwrap();
    world.buy(&pack("pi_1")).await.unwrap();
    world.reconcile(&past_due("sub_1")).await.unwrap();
    world.preview(&past_due("sub_1")).await.unwrap().unwrap();
    world.ledger.purchases(&world.account, None, 2).await.unwrap();
    world.ledger.subscription(&SubscriptionId::parse("sub_1").unwrap()).await.unwrap();
    world.ledger.payment(&PaymentId::parse("pi_1").unwrap()).await.unwrap();
    world.ledger.parked("pi_1").await.unwrap();
    world.ledger.list_parked(None).await.unwrap();
    world.turn_month("2026-12-01T00:00:00Z").await.unwrap();
    let partition = DuePartition { month: "2020-01".parse().unwrap(), shard: 0 };
    world.ledger.due(partition, None).await.unwrap();
    world.ledger.count_due(partition).await.unwrap();
    let (mut consistent, mut of_the_index) = (0, 0);
    for (operation, body) in world.faults.requests() {
        match (operation.as_str(), body["IndexName"].as_str()) {
            // A transaction's reads are consistent by themselves.
            (WRITE | CONFIRM | CLAIM, _) => {}
            ("Query" | "GetItem", None) => {
                assert_eq!(body["ConsistentRead"], true, "{operation}: {body}");
                consistent += 1;
            }
            // An index can't be read consistently; what stands there is looked at again in the table.
            ("Query", Some("due")) => of_the_index += 1,
            other => panic!("{other:?}: {body}"),
        }
    }
    assert_eq!((consistent, of_the_index), (22, 3));
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
    assert_eq!(used(), (names(&["Query", CLAIM, APPEND]), usage(3, 2, 4)));
    // A retry: the claim exists, and the entry follows it. DynamoDB doesn't report the put's unit.
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 1));
    assert_eq!(used(), (names(&["Query", CLAIM, "Query"]), usage(3, 4, 0)));
    // The debit's claim, and the debit behind it.
    world.reverse("r", "d", 4).await.unwrap();
    // An update is 2 units as well; one engine leaves it out.
    let (asked, units) = used();
    assert_eq!((asked, units.read_half_units), (names(&["Query", "GetItem", "Query", CLAIM, WRITE]), 6));
    // Its claim names the debit since.
    world.reverse("r-2", "d", 6).await.unwrap();
    let (asked, units) = used();
    assert_eq!((asked, units.read_half_units), (names(&["Query", "GetItem", "GetItem", CLAIM, WRITE]), 6));
    assert_eq!(name(&world.take("d", 10).await), ("replayed", 1));
    assert_eq!(used(), (names(&["Query", CLAIM, "GetItem"]), usage(3, 4, 0)));
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
    let plan = plan(&longest[..120], &"s".repeat(255), "2026-11-20T00:00:00Z", "2027-11-20T00:00:00Z");
    assert_eq!(name(&world.buy(&plan).await), ("appended", 1));
    let _ = world.ledger.take_usage();
    world.take(&longest, 10).await.unwrap();
    assert_eq!(world.ledger.take_usage(), usage(3, 2, 4));
}

#[tokio::test]
async fn turning_a_month_takes_two_requests_and_finding_it_turned_one() {
    let world = World::new().await;
    let december = "2026-12-01T00:00:00Z";
    world.turn_month(december).await.unwrap();
    // Written are the expiry, the refill, and where the account is due next, for which the index is written too: with
    // what units, the engines don't agree.
    let (asked, used) = (world.faults.asked(), world.ledger.take_usage());
    assert_eq!((asked, used.requests, used.read_half_units), (names(&["Query", WRITE]), 2, 2));
    assert!(used.write_half_units >= 12, "{used:?}");
    world.turn_month(december).await.unwrap();
    assert_eq!((world.faults.asked(), world.ledger.take_usage()), (names(&["Query"]), usage(1, 2, 0)));
}

fn names(operations: &[&str]) -> Vec<String> {
    operations.iter().map(|operation| (*operation).to_owned()).collect()
}

#[tokio::test]
async fn reads_of_the_index_are_metered_too() {
    let world = World::new().await;
    let partition = DuePartition { month: "2026-11".parse().unwrap(), shard: 7 };
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
    world.ledger.list_parked(None).await.unwrap();
    assert_eq!(world.ledger.take_usage(), usage(1, found_nothing(1), 0));
}

/// What a look at the provider costs here. Each item of a transaction is written for 2 units, 4 halves; a consistent
/// read of up to 4 KB is a unit, 2 halves, and of nothing as well.
#[tokio::test]
async fn a_look_takes_a_read_of_each_record_and_one_write() {
    const READS: [&str; 3] = ["Query", "GetItem", "GetItem"];
    const WRITES: [&str; 4] = ["Query", "GetItem", "GetItem", WRITE];
    let world = World::empty().await;
    let refund = |id| Facts { money: vec![money("in_1", vec![outflow(id, 950)])], ..past_due("sub_1") };
    let plan = |id| plan(id, "sub_1", "2026-11-20T00:00:00Z", "2027-11-20T00:00:00Z");
    for (facts, asked, items) in [
        // The head and the purchase; the entry, the purchase, whose its payment and itself are, its place in the list,
        // and the customer's first account.
        (pack("pi_1"), &["Query", "GetItem", WRITE][..], 6),
        (pack("pi_1"), &["Query", "GetItem"], 0),
        // The subscription's record as well, and where the account is due.
        (plan("in_1"), &WRITES, 8),
        (plan("in_1"), &READS, 0),
        // No purchase: the entry and the subscription.
        (past_due("sub_1"), &["Query", "GetItem", WRITE], 2),
        // No entry either: instead of it, that the newest still is the newest.
        (settled("sub_1", "in_0"), &["Query", "GetItem", WRITE], 2),
        // The entry, both records, and whose the payment and the purchase are; the list stands.
        (refund("re_1"), &WRITES, 5),
        (refund("re_1"), &READS, 0),
    ] {
        let is_empty = world.ledger.account(&world.account).await.unwrap().is_none();
        let _ = (world.faults.asked(), world.ledger.take_usage());
        world.reconcile(&facts).await.unwrap();
        let requests = world.faults.requests();
        let written: usize =
            requests.iter().filter_map(|(_, body)| Some(body["TransactItems"].as_array()?.len())).sum();
        let used = world.ledger.take_usage();
        let operations: Vec<_> = requests.into_iter().map(|(operation, _)| operation).collect();
        assert_eq!((operations, written), (names(asked), items), "{facts:?}");
        let reads = asked.iter().filter(|operation| **operation != WRITE).count() as u64;
        let read = if is_empty { found_nothing(2) + 2 * (reads - 1) } else { 2 * reads };
        assert_eq!((used.requests, used.read_half_units), (asked.len() as u64, read), "{facts:?}");
        // With where an account is due the index is written too: with what units, the engines don't agree.
        let least = 4 * items as u64;
        let is_metered = (least..=least + 4).contains(&used.write_half_units);
        assert!(is_metered || !is_metering(), "{facts:?}: {used:?}");
    }
}

/// A page of purchases is a read of the list, and of each record.
#[tokio::test]
async fn a_page_of_purchases_takes_a_request_for_each() {
    let world = World::empty().await;
    for id in ["pi_1", "pi_2", "pi_3"] {
        world.buy(&pack(id)).await.unwrap();
    }
    world.faults.asked();
    let _ = world.ledger.take_usage();
    world.ledger.purchases(&world.account, None, 2).await.unwrap();
    let asked = names(&["Query", "GetItem", "GetItem"]);
    assert_eq!((world.faults.asked(), world.ledger.take_usage()), (asked, usage(3, 6, 0)));
    world.ledger.purchases(&world.of("bob").account, None, 2).await.unwrap();
    let expected = (names(&["Query"]), usage(1, found_nothing(2), 0));
    assert_eq!((world.faults.asked(), world.ledger.take_usage()), expected);
}

/// What names an account, and what is parked: a request each.
#[tokio::test]
async fn parked_payments_and_owners_take_a_request_each() {
    let world = World::new().await;
    let subscription = SubscriptionId::parse("sub_1").unwrap();
    let (purchase, payment) = (PurchaseId::parse("in_1").unwrap(), PaymentId::parse("pay-in_1").unwrap());
    let customer = CustomerId::parse("cus_1").unwrap();
    assert!(world.ledger.subscription(&subscription).await.unwrap().is_some());
    assert!(world.ledger.payment(&payment).await.unwrap().is_some());
    assert!(world.ledger.payment(&PaymentId::parse("in_1").unwrap()).await.unwrap().is_some());
    assert!(world.ledger.customer(&customer).await.unwrap().is_some());
    assert!(world.ledger.purchase(&world.account, &purchase).await.unwrap().is_some());
    assert!(world.ledger.parked("in_1").await.unwrap().is_none());
    assert_eq!((world.faults.asked(), world.ledger.take_usage()), (names(&["GetItem"; 6]), usage(6, 12, 0)));
    let parked = ParkedPayment {
        object_id: "in_1".to_owned(),
        object: "invoice".to_owned(),
        reason: "unknown price".to_owned(),
        account_id: None,
        event_id: None,
        parked_at: time(NOW),
    };
    world.ledger.park(&parked).await.unwrap();
    world.ledger.unpark(&parked).await.unwrap();
    assert_eq!(world.faults.asked(), [WRITE, WRITE]);
    // An item each, and the index: with what units, the engines don't agree.
    let used = world.ledger.take_usage();
    assert_eq!((used.requests, used.read_half_units), (2, 0));
    assert!((8..=16).contains(&used.write_half_units) || !is_metering(), "{used:?}");
}

/// A first look at an old subscription records a dozen invoices in one transaction, of at most a hundred items.
#[tokio::test]
async fn a_dozen_invoices_fit_one_transaction() {
    let world = World::empty().await;
    let mut facts = plan("in_0", "sub_1", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z");
    for month in 1..12 {
        let from = format!("2026-{month:02}-01T00:00:00Z");
        let until = format!("2026-{:02}-01T00:00:00Z", month + 1);
        facts.paid.push(plan(&format!("in_{month}"), "sub_1", &from, &until).paid.remove(0));
    }
    assert_eq!(name(&world.reconcile(&facts).await), ("appended", 1));
    let requests = world.faults.requests();
    let (_, body) = requests.last().unwrap();
    let items = body["TransactItems"].as_array().unwrap();
    let is_entry = |item: &&Value| item.to_string().contains("ENTRY#");
    let entries = items.iter().filter(is_entry).count();
    // For each invoice the purchase, its place in the list, and whose its payment and itself are; the subscription, the
    // customer, and where the account is due.
    assert_eq!(items.len() - entries, 12 * 4 + 3);
    // An entry for each, and for a refill that is made up for.
    assert!((12..=14).contains(&entries), "{entries}");
    assert_eq!(world.balance().await, 1000);
}

#[tokio::test]
async fn requests_that_fail_are_counted() {
    let world = World::new().await;
    world.faults.next(CLAIM, Fault::LostBefore);
    world.take("d", 10).await.unwrap();
    assert_eq!(world.ledger.take_usage().requests, 5);
}

#[tokio::test]
async fn warming_up_reads_no_account_and_counts_for_no_call() {
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
