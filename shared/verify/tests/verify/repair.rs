//! What a repair leaves: rows as the ledger itself would have written them, so that calls are answered as before.

use scrip_test_support::faults::Fault;
use scrip_verify::RepairMode;
use serde_json::{Value, json};

use crate::world::{World, account};

const OP: &str = "OPERATION";
const D1: &str = "OPERATION#alice#debit#d-1";
const D2: &str = "OPERATION#alice#debit#d-2";
const R1: &str = "OPERATION#alice#reversal#r-1";

/// An entry from before claims: its row names it and holds the request, and the entry doesn't.
async fn make_old(world: &World) {
    let request = world.row("ACCOUNT#alice", "ENTRY#000000000003").await["request"].clone();
    let request = format!("{}{}", request.as_str().unwrap(), "0".repeat(32));
    world.set(("ACCOUNT#alice", "ENTRY#000000000003"), "/request", Value::Null).await;
    let taken = json!({"playground": 5, "tune": 0, "tune_image": 0});
    world.put(D2, OP, &json!({"sequence": 3, "request": request, "taken": taken})).await;
}

#[tokio::test]
async fn a_lost_claim_is_rebuilt_and_its_command_is_not_carried_out_again() {
    let world = World::used().await;
    let rows = [(D1, world.row(D1, OP).await), (R1, world.row(R1, OP).await)];
    for (pk, _) in &rows {
        world.delete(pk, OP).await;
    }
    assert_eq!(world.found(RepairMode::Apply).await.len(), 2);
    for (pk, row) in &rows {
        assert_eq!(&world.row(pk, OP).await, row);
    }
    assert_eq!(world.take("alice", "d-1", 10).await, (2, true));
    assert_eq!(world.reverse("alice", "r-1", "d-1", 4).await, (4, true));
    // The rest of the debit, and no more.
    assert_eq!(world.reverse("alice", "r-2", "d-1", 6).await, (7, false));
    assert_eq!(world.found(RepairMode::ReportOnly).await, []);
}

#[tokio::test]
async fn rows_from_before_claims_are_in_order_and_are_rebuilt_as_they_were() {
    let world = World::used().await;
    make_old(&world).await;
    assert_eq!(world.found(RepairMode::ReportOnly).await, []);
    assert_eq!(world.take("alice", "d-2", 5).await, (3, true));
    assert_eq!(world.reverse("alice", "r-2", "d-2", 1).await, (7, false));
    assert_eq!(world.found(RepairMode::ReportOnly).await, []);

    let mut expected = world.row(D2, OP).await;
    world.delete(D2, OP).await;
    let lost = |code: &str| ("ACCOUNT#alice ENTRY#000000000003".to_owned(), code.to_owned());
    assert_eq!(world.found(RepairMode::Apply).await, [lost("no_claim"), lost("no_fingerprint")]);
    // What the ledger doesn't read, and the request, which nothing else holds.
    expected.as_object_mut().unwrap().retain(|name, _| name == "sequence" || name == "reversed");
    assert_eq!(world.row(D2, OP).await, expected);
    assert_eq!(world.found(RepairMode::ReportOnly).await, [lost("no_fingerprint")]);
    assert_eq!(world.take("alice", "d-2", 5).await, (3, true));
}

/// A restore that lost an entry and kept its claim: calls with the key failed, and work again.
#[tokio::test]
async fn a_claim_that_points_behind_the_newest_entry_is_taken_back() {
    let world = World::used().await;
    world.put("OPERATION#alice#debit#new", OP, &json!({"from": 40, "sequence": 42})).await;
    assert_eq!(world.found(RepairMode::Apply).await.len(), 1);
    assert_eq!(world.row("OPERATION#alice#debit#new", OP).await, json!({"from": 6}));
    assert_eq!(world.take("alice", "new", 1).await, (7, false));
    assert_eq!(world.take("alice", "new", 1).await, (7, true));
}

#[tokio::test]
async fn a_purchases_rows_are_rebuilt_from_its_record() {
    let world = World::used().await;
    let rows = [
        ("ACCOUNT#alice", "BOUGHT#1795132800#in_1"),
        ("PAYMENT#in_1", "PAYMENT"),
        ("PAYMENT#pay-in_1", "PAYMENT"),
        ("ACCOUNT#alice", "DUE"),
    ];
    let before = world.items().await;
    for (pk, sk) in rows {
        world.delete(pk, sk).await;
    }
    assert_eq!(world.found(RepairMode::Apply).await.len(), 4);
    assert_eq!(world.items().await, before);
}

/// The row was written meanwhile: it stays, and the line says so.
#[tokio::test]
async fn a_row_that_has_changed_since_it_was_read_is_not_overwritten() {
    let changed = json!({"from": 0});
    for (damaged, operation) in [(Value::Null, "claim"), (json!({"from": 5}), "raise")] {
        let world = World::used().await;
        if damaged.is_null() {
            world.delete(D2, OP).await;
        } else {
            world.put(D2, OP, &damaged).await;
        }
        let (other, row) = (world.clone(), changed.clone());
        let act = async move { tokio::spawn(async move { other.put(D2, OP, &row).await }).await.unwrap() };
        world.faults.next("TransactWriteItems", Fault::meanwhile(act));
        let (_, lines) = world.lines(RepairMode::Apply).await;
        let repairs: Vec<_> = lines.iter().filter(|line| !line["repair"].is_null()).collect();
        assert_eq!(repairs.len(), 1, "{operation}: {lines:?}");
        assert_eq!(repairs[0]["repair"]["done"], json!(false), "{operation}");
        assert_eq!(world.row(D2, OP).await, changed, "{operation}");
        assert_eq!(world.found(RepairMode::ReportOnly).await, []);
    }
}

/// The account moved on: its due row belongs to the newer entry.
#[tokio::test]
async fn a_due_row_is_not_mended_over_a_newer_entry() {
    let world = World::used().await;
    world.set(("ACCOUNT#alice", "DUE"), "/due", json!("2026-10#07")).await;
    let other = world.clone();
    let act = async move {
        let turn = async move {
            other.ledger.turn_month(&account("alice"), crate::world::time("2026-12-01T00:00:00Z")).await
        };
        tokio::spawn(turn).await.unwrap().unwrap();
    };
    world.faults.next("TransactWriteItems", Fault::meanwhile(act));
    let (_, lines) = world.lines(RepairMode::Apply).await;
    assert!(lines.iter().any(|line| line["repair"]["done"] == json!(false)), "{lines:?}");
    assert_eq!(world.row("ACCOUNT#alice", "DUE").await, json!({"due": "2026-12#07"}));
}
