//! What each command leaves in the table: the items' keys, all of them, and what guards the next write.

use credits::Status;
use ledger::RequestHash;
use pricing::Credits;
use serde_json::json;

use crate::world::{NOW, World, name, pack, plan, time};

#[tokio::test]
async fn each_command_leaves_its_rows_and_no_others() {
    let world = World::empty().await;
    let mut expected = Vec::new();
    let mut leaves = async |rows: &[&str]| {
        expected.extend(rows.iter().map(|row| (*row).to_owned()));
        expected.sort();
        assert_eq!(world.keys().await, expected);
    };
    // A month's plan.
    world.buy(&plan("in_1", "sub_1", "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z")).await.unwrap();
    leaves(&[
        "ACCOUNT#alice DUE",
        "ACCOUNT#alice ENTRY#000000000001",
        "ACCOUNT#alice PURCHASE#in_1",
        "ACCOUNT#alice SUBSCRIPTION#sub_1",
        "CUSTOMER#cus_1 CUSTOMER",
        "OPERATION#alice#purchase#in_1 OPERATION",
        "PAYMENT#pay-in_1 PAYMENT",
    ])
    .await;
    world.take("d", 10).await.unwrap();
    leaves(&["ACCOUNT#alice ENTRY#000000000002", "OPERATION#alice#debit#d OPERATION"]).await;
    world.reverse("r", "d", 4).await.unwrap();
    leaves(&["ACCOUNT#alice ENTRY#000000000003", "OPERATION#alice#reversal#r OPERATION"]).await;
    // A pack that nobody is known to have paid for, and without a payment of its own.
    let mut free = pack("cs_1");
    (free.payment_id, free.customer_id) = (None, None);
    world.buy(&free).await.unwrap();
    leaves(&[
        "ACCOUNT#alice ENTRY#000000000004",
        "ACCOUNT#alice PURCHASE#cs_1",
        "OPERATION#alice#purchase#cs_1 OPERATION",
        "PAYMENT#cs_1 PAYMENT",
    ])
    .await;
    // What the provider says and a refund need no operation: their own state tells what is news.
    world.say("sub_2", Status::PastDue).await.unwrap();
    leaves(&["ACCOUNT#alice SUBSCRIPTION#sub_2"]).await;
    world.ask_back("cs_1").await.unwrap();
    leaves(&["ACCOUNT#alice ENTRY#000000000005"]).await;
    world.sent_back("cs_1").await.unwrap();
    leaves(&[]).await;
    world.ledger.settle(&world.account, time("2026-12-01T00:00:00Z")).await.unwrap();
    leaves(&["ACCOUNT#alice ENTRY#000000000006", "ACCOUNT#alice ENTRY#000000000007"]).await;
    assert_eq!(world.balance().await, 1000);
}

#[tokio::test]
async fn an_operations_row_names_its_entry_and_what_a_debit_took() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    let request = RequestHash::of(&json!({"operation": "upscale", "factor": 2, "images": 10})).unwrap();
    let ten = json!({"playground": 10, "tune": 0, "tune_image": 0});
    let row = async || world.row("OPERATION#alice#debit#d", "OPERATION").await;
    let mut expected = json!({"sequence": 2, "request": row().await["request"], "taken": ten});
    assert_eq!(row().await, expected);
    assert_eq!(row().await["request"].as_str().map(str::len), Some(request.as_str().len()));
    // Its reversals add up on it.
    for (key, credits, total) in [("r-1", 1, 1), ("r-2", 4, 5)] {
        world.reverse(key, "d", credits).await.unwrap();
        expected["reversed"] = json!({"playground": total, "tune": 0, "tune_image": 0});
        assert_eq!(row().await, expected);
    }
    // They took nothing, and nor did a purchase.
    for (of, sequence) in [("reversal#r-2", 4), ("purchase#in_1", 1)] {
        let row = world.row(&format!("OPERATION#alice#{of}"), "OPERATION").await;
        assert_eq!((&row["sequence"], &row["taken"]), (&json!(sequence), &json!(null)), "{of}");
    }
}

#[tokio::test]
async fn a_debit_at_the_turn_of_a_month_is_its_own_entry_and_took_its_own_credits() {
    let world = World::new().await;
    world.take_at("d", 10, "2026-12-01T00:00:00Z").await.unwrap();
    let row = world.row("OPERATION#alice#debit#d", "OPERATION").await;
    assert_eq!((&row["sequence"], &row["taken"]["playground"]), (&json!(4), &json!(10)));
    // Where nothing has to be taken, the newest entry stands for the answer.
    let entry = world.row("ACCOUNT#alice", "ENTRY#000000000004").await;
    assert_eq!((&entry["kind"], &entry["credits"]["playground"]), (&json!("debit"), &json!(-10)));
}

#[tokio::test]
async fn each_change_of_a_record_is_one_revision() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    let record = async || world.row("ACCOUNT#alice", "PURCHASE#pi_1").await;
    assert_eq!((&record().await["revision"], &record().await["due"]), (&json!(1), &json!(null)));
    assert_eq!(name(&world.ask_back("pi_1").await), ("appended", 1));
    assert_eq!((&record().await["revision"], &record().await["due"]), (&json!(2), &json!("REFUND")));
    assert_eq!(name(&world.ask_back("pi_1").await), ("unchanged", 1));
    assert_eq!(name(&world.sent_back("pi_1").await), ("recorded", 1));
    assert_eq!((&record().await["revision"], &record().await["due"]), (&json!(3), &json!(null)));
    assert_eq!(name(&world.sent_back("pi_1").await), ("unchanged", 1));
    let account = world.ledger.account(&world.account).await.unwrap().unwrap();
    assert_eq!(account.balance, Credits::ZERO);
    // Whose the payment is was said at the first revision, and once.
    let owner = json!({"account_id": "alice", "purchase_id": "pi_1"});
    assert_eq!(world.row("PAYMENT#pay-pi_1", "PAYMENT").await, owner);
    assert_eq!(world.row("CUSTOMER#cus_1", "CUSTOMER").await, json!({"account_id": "alice"}));
}

#[tokio::test]
async fn each_word_and_each_payment_is_one_revision_of_a_standing() {
    let world = World::empty().await;
    let revision = async || world.row("ACCOUNT#alice", "SUBSCRIPTION#sub_1").await["revision"].clone();
    world.say("sub_1", Status::PastDue).await.unwrap();
    assert_eq!(revision().await, json!(1));
    world.buy(&plan("in_1", "sub_1", NOW, "2026-12-22T10:00:00Z")).await.unwrap();
    assert_eq!(revision().await, json!(2));
    world.say("sub_1", Status::Ended(time(NOW))).await.unwrap();
    assert_eq!(revision().await, json!(3));
    let account = world.ledger.account(&world.account).await.unwrap().unwrap();
    assert_eq!(account.subscription.unwrap().ended_at, Some(time(NOW)));
}
