//! What each command leaves in the table: the items' keys, all of them, and what guards the next write.

use scrip_accounts::{PaymentId, SubscriptionId};
use scrip_ledger::fingerprint;
use scrip_pricing::Credits;
use serde_json::json;

use crate::{
    facts::{ended, pack, past_due, plan, settled},
    outcome::name,
    world::{NOW, World, reversal, time, upscale},
};

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
        "ACCOUNT#alice BOUGHT#1795132800#in_1",
        "ACCOUNT#alice DUE",
        "ACCOUNT#alice ENTRY#000000000001",
        "ACCOUNT#alice PURCHASE#in_1",
        "CUSTOMER#cus_1 CUSTOMER",
        "PAYMENT#in_1 PAYMENT",
        "PAYMENT#pay-in_1 PAYMENT",
        "SUBSCRIPTION#sub_1 SUBSCRIPTION",
    ])
    .await;
    world.take("d", 10).await.unwrap();
    leaves(&["ACCOUNT#alice ENTRY#000000000002", "OPERATION#alice#debit#d OPERATION"]).await;
    world.reverse("r", "d", 4).await.unwrap();
    leaves(&["ACCOUNT#alice ENTRY#000000000003", "OPERATION#alice#reversal#r OPERATION"]).await;
    // A pack without a customer and without a payment of its own.
    let mut free = pack("cs_1");
    free.new_customer = None;
    free.paid[0].payment_ids.clear();
    world.buy(&free).await.unwrap();
    leaves(&[
        "ACCOUNT#alice BOUGHT#1795132800#cs_1",
        "ACCOUNT#alice ENTRY#000000000004",
        "ACCOUNT#alice PURCHASE#cs_1",
        "PAYMENT#cs_1 PAYMENT",
    ])
    .await;
    // A pack that is known by its payment, as most are: one row says whose both are.
    let mut named = pack("pi_1");
    named.paid[0].payment_ids = vec![PaymentId::parse("pi_1").unwrap()];
    world.buy(&named).await.unwrap();
    leaves(&[
        "ACCOUNT#alice BOUGHT#1795132800#pi_1",
        "ACCOUNT#alice ENTRY#000000000005",
        "ACCOUNT#alice PURCHASE#pi_1",
        "PAYMENT#pi_1 PAYMENT",
    ])
    .await;
    // What the provider shows and a refund need no claim: their own state tells what is news.
    world.reconcile(&past_due("sub_1")).await.unwrap();
    leaves(&["ACCOUNT#alice ENTRY#000000000006"]).await;
    world.reconcile(&past_due("sub_2")).await.unwrap();
    leaves(&[]).await;
    world.ask_back("pi_1").await.unwrap();
    leaves(&["ACCOUNT#alice ENTRY#000000000007"]).await;
    world.sent_back("pi_1").await.unwrap();
    leaves(&[]).await;
    world.turn_month("2026-12-01T00:00:00Z").await.unwrap();
    leaves(&["ACCOUNT#alice ENTRY#000000000008", "ACCOUNT#alice ENTRY#000000000009"]).await;
    assert_eq!(world.balance().await, 1000);
}

#[tokio::test]
async fn a_claim_names_the_entry_before_its_own_and_counts_reversed_credits() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    let claim = async || world.row("OPERATION#alice#debit#d", "OPERATION").await;
    let mut expected = json!({"from": 1});
    assert_eq!(claim().await, expected);
    // The first reversal notes where the debit is; all of them add up on it.
    for (key, credits, total) in [("r-1", 1, 1), ("r-2", 4, 5)] {
        world.reverse(key, "d", credits).await.unwrap();
        expected["sequence"] = json!(2);
        expected["reversed"] = json!({"playground": total, "tune": 0, "tune_image": 0});
        assert_eq!(claim().await, expected);
    }
    for (key, from) in [("r-1", 2), ("r-2", 3)] {
        let claim = world.row(&format!("OPERATION#alice#reversal#{key}"), "OPERATION").await;
        assert_eq!(claim, json!({"from": from}), "{key}");
    }
}

/// The first half of the request's SHA-256 hash, as `sha256sum` computes it.
#[tokio::test]
async fn an_entry_keeps_the_first_half_of_its_requests_fingerprint() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    world.reverse("r", "d", 4).await.unwrap();
    let request = async |sequence: u32| {
        let entry = world.row("ACCOUNT#alice", &format!("ENTRY#{sequence:012}")).await;
        entry["request"].as_str().map(str::to_owned)
    };
    let fingerprints = [
        // {"operation":"upscale","factor":2,"images":10}
        (2, fingerprint(&upscale("d", 10)).unwrap()),
        // ["d",{"credits":{"playground":4,"tune":0,"tune_image":0}}]
        (3, fingerprint(&reversal("r", "d", 4)).unwrap()),
    ];
    for (sequence, fingerprint) in fingerprints {
        assert_eq!(request(sequence).await.as_deref(), Some(&fingerprint[..32]), "{sequence}");
    }
    assert_eq!(request(2).await.as_deref(), Some("cc16f94a68bfc0c98adf8721d6f97ac3"));
    assert_eq!(request(3).await.as_deref(), Some("9e113593e6bdee7c494f1dd74e64504c"));
    // What has no key has no request.
    assert_eq!(request(1).await, None);
}

#[tokio::test]
async fn a_debit_at_the_turn_of_a_month_is_its_own_entry_and_took_its_own_credits() {
    let world = World::new().await;
    world.take_at("d", 10, "2026-12-01T00:00:00Z").await.unwrap();
    assert_eq!(world.row("OPERATION#alice#debit#d", "OPERATION").await, json!({"from": 1}));
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
    // The payment's owner row was written with the first revision, and only then.
    let owner = json!({"account_id": "alice", "purchase_id": "pi_1"});
    assert_eq!(world.row("PAYMENT#pay-pi_1", "PAYMENT").await, owner);
    assert_eq!(world.row("CUSTOMER#cus_1", "CUSTOMER").await, json!({"account_id": "alice"}));
}

/// The credits are back, and the record is as it was but for how often that happened.
#[tokio::test]
async fn a_refund_that_the_provider_declined_leaves_the_index() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    let record = async || world.row("ACCOUNT#alice", "PURCHASE#pi_1").await;
    let mut before = record().await;
    assert_eq!(name(&world.ask_back("pi_1").await), ("appended", 1));
    assert_eq!(name(&world.declined("pi_1").await), ("appended", 1));
    before["revision"] = json!(3);
    before["refunds_failed"] = json!(1);
    assert_eq!(record().await, before);
    let account = world.ledger.account(&world.account).await.unwrap().unwrap();
    assert_eq!(account.balance, Credits::new(0, 1, 64));
}

#[tokio::test]
async fn each_change_of_a_subscription_is_one_revision_of_its_record() {
    let world = World::empty().await;
    for (facts, revision) in [
        (plan("in_1", "sub_1", NOW, "2026-12-22T10:00:00Z"), 1),
        (plan("in_1", "sub_1", NOW, "2026-12-22T10:00:00Z"), 1),
        (past_due("sub_1"), 2),
        (settled("sub_1", "in_2"), 3),
        (settled("sub_1", "in_3"), 4),
        (ended("sub_1", NOW), 5),
        (ended("sub_1", NOW), 5),
    ] {
        world.reconcile(&facts).await.unwrap();
        let row = world.row("SUBSCRIPTION#sub_1", "SUBSCRIPTION").await;
        assert_eq!((&row["revision"], &row["account_id"]), (&json!(revision), &json!("alice")), "{facts:?}");
    }
    let (owner, record) =
        world.ledger.subscription(&SubscriptionId::parse("sub_1").unwrap()).await.unwrap().unwrap();
    assert_eq!((owner, record.revision, record.ended_at), (world.account.clone(), 5, Some(time(NOW))));
    assert_eq!(world.ledger.subscription(&SubscriptionId::parse("sub_2").unwrap()).await.unwrap(), None);
}

/// A place in the list says by its key all that it says, and is written with the first revision only.
#[tokio::test]
async fn a_purchase_is_listed_by_its_key_alone() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    assert_eq!(world.row("ACCOUNT#alice", "BOUGHT#1795132800#pi_1").await, json!({}));
    world.faults.asked();
    world.add_refund(None, "pi_1", "re_1").await.unwrap();
    let requests = world.faults.requests();
    assert!(!requests.iter().any(|(_, body)| body.to_string().contains("BOUGHT#")), "{requests:?}");
}
