//! A table that is in use while it is read.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use scrip_test_support::faults::Fault;
use scrip_verify::RepairMode;
use serde_json::{Value, json};

use crate::world::{World, wire_item};

/// The table as it is, but for rows that a scan came too early or too late for.
async fn stale_scan(world: &World, unseen: &[(&str, &str)]) -> Fault {
    let items = world.items().await;
    let is_seen = |item: &Value| {
        let text = |name| item[name]["S"].as_str().unwrap().to_owned();
        !unseen.iter().any(|(pk, sk)| text("pk") == *pk && text("sk") == *sk)
    };
    let items: Vec<_> = items.into_iter().map(wire_item).filter(is_seen).collect();
    let count = items.len();
    Fault::Answer(200, json!({"Items": items, "Count": count, "ScannedCount": count}).to_string())
}

#[tokio::test]
async fn rows_written_while_the_table_is_read_are_no_findings() {
    let claim = ("OPERATION#alice#debit#d-2", "OPERATION");
    let world = World::used().await;
    for unseen in [
        // A claim's partition was read before a debit began, the account after it.
        vec![claim],
        // The row for the month's turn, and half of a transaction.
        vec![("ACCOUNT#alice", "DUE")],
        vec![("ACCOUNT#alice", "ENTRY#000000000003")],
        vec![("PAYMENT#in_1", "PAYMENT"), ("SUBSCRIPTION#sub_1", "SUBSCRIPTION")],
        vec![("ACCOUNT#bob", "BOUGHT#1795132800#in_2"), ("ACCOUNT#bob", "PURCHASE#in_2")],
    ] {
        let before = world.items().await;
        let stale = stale_scan(&world, &unseen).await;
        world.faults.next("Scan", stale);
        assert_eq!(world.found(RepairMode::Apply).await, [], "{unseen:?}");
        assert_eq!(world.items().await, before, "{unseen:?}");
    }
    // The claims as they were before the account's newest entries, which its claims know of.
    let newest: Vec<_> = (4..=6).map(|sequence| format!("ENTRY#{sequence:012}")).collect();
    let newest: Vec<_> = newest.iter().map(|sk| ("ACCOUNT#alice", sk.as_str())).collect();
    let stale = stale_scan(&world, &newest).await;
    world.faults.next("Scan", stale);
    assert_eq!(world.found(RepairMode::ReportOnly).await, []);
}

/// A finding that is so both times, and one that is only so at first: the former alone is reported.
#[tokio::test]
async fn a_problem_that_remains_is_reported() {
    let world = World::used().await;
    world.delete("OPERATION#alice#debit#d-1", "OPERATION").await;
    let stale = stale_scan(&world, &[("OPERATION#alice#debit#d-2", "OPERATION")]).await;
    world.faults.next("Scan", stale);
    let expected = [("ACCOUNT#alice ENTRY#000000000002".to_owned(), "no_claim".to_owned())];
    assert_eq!(world.found(RepairMode::ReportOnly).await, expected);
}

/// An entry comes between the account and what belongs to it: the account is read once more.
#[tokio::test]
async fn an_account_that_is_written_to_while_it_is_read_again_is_read_once_more() {
    let world = World::used().await;
    let stale = stale_scan(&world, &[("OPERATION#alice#debit#d-1", "OPERATION")]).await;
    world.faults.next("Scan", stale);
    let other = world.clone();
    let act = async move {
        tokio::spawn(async move { other.reverse("alice", "r-2", "d-1", 1).await }).await.unwrap();
    };
    world.faults.next("GetItem", Fault::meanwhile(act));
    assert_eq!(world.found(RepairMode::ReportOnly).await, []);
}

/// The account's rows were of different moments each time, so no problem is reported and nothing is written.
#[tokio::test]
async fn an_account_that_never_rests_is_undecided_and_not_repaired() {
    let world = World::used().await;
    let claim = ("OPERATION#alice#debit#d-1", "OPERATION");
    world.set(claim, "/reversed/playground", json!(3)).await;
    let damaged = world.row(claim.0, claim.1).await;
    for number in 0..5 {
        let other = world.clone();
        let act = async move {
            tokio::spawn(async move { other.take("alice", &format!("busy-{number}"), 1).await })
                .await
                .unwrap();
        };
        world.faults.next("GetItem", Fault::meanwhile(act));
    }
    let expected = [("OPERATION#alice#debit#d-1 OPERATION".to_owned(), "undecided".to_owned())];
    assert_eq!(world.found(RepairMode::Apply).await, expected);
    assert_eq!(world.row(claim.0, claim.1).await, damaged);
    // It rests.
    let expected = [("OPERATION#alice#debit#d-1 OPERATION".to_owned(), "wrong_total".to_owned())];
    assert_eq!(world.found(RepairMode::Apply).await, expected);
    assert_eq!(world.found(RepairMode::ReportOnly).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_among_traffic() {
    let world = World::used().await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (world, stop) = (world.clone(), stop.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) && number < 200 {
                    let debit_id = format!("c-{client}-{number}");
                    world.take("alice", &debit_id, 1).await;
                    world.reverse("alice", &format!("r-{debit_id}"), &debit_id, 1).await;
                    number += 1;
                }
                number
            })
        })
        .collect();
    for _ in 0..15 {
        assert_eq!(world.found(RepairMode::Apply).await, []);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
    assert_eq!(world.found(RepairMode::ReportOnly).await, []);
}

/// Pages are read to the end, by several segments at once, and a fault is read over.
#[tokio::test]
async fn throttling_is_waited_for() {
    let world = World::used().await;
    for _ in 0..3 {
        world.faults.next("Scan", Fault::service(400, "ThrottlingException"));
    }
    assert_eq!(world.found(RepairMode::ReportOnly).await, []);
}
