//! The due index: an account is in its partition exactly while the month after has something to settle, and a
//! purchase in its own while its refund is pending.

use scrip_accounts::{AccountId, PurchaseId};
use scrip_ledger::{DUE_SHARDS, DuePage, DuePartition, Ledger, chain};
use serde_json::{Value, json};

use crate::{
    facts::{pack, plan},
    world::World,
};
use scrip_test_support::faults::Fault;

/// The accounts of a month, each with its shard.
async fn due(ledger: &Ledger, month: &str) -> Vec<(u64, String)> {
    let mut accounts = Vec::new();
    for shard in 0..DUE_SHARDS {
        let partition = DuePartition { month: month.parse().unwrap(), shard };
        let page = ledger.due(partition, None).await.unwrap();
        assert!(page.next.is_none());
        let count = ledger.count_due(partition).await.unwrap();
        assert_eq!(count, page.accounts.len() as u64, "{shard}");
        accounts.extend(page.accounts.iter().map(|account| (shard, account.to_string())));
    }
    accounts
}

#[tokio::test]
async fn an_account_moves_through_the_index_with_its_months() {
    let world = World::empty().await;
    let alice = |shard| vec![(shard, "alice".to_owned())];
    let none = Vec::new();
    // Paid from November into December.
    world.buy(&plan("in_1", "sub_1", "2026-11-12T10:00:00Z", "2026-12-12T10:00:00Z")).await.unwrap();
    assert_eq!(due(&world.ledger, "2026-11").await, alice(7));
    assert_eq!(due(&world.ledger, "2026-12").await, none);
    // A debit of the same month leaves it where it is.
    world.take("d", 10).await.unwrap();
    assert_eq!(due(&world.ledger, "2026-11").await, alice(7));
    // Turning December moves the account.
    world.turn_month("2026-12-01T00:00:00Z").await.unwrap();
    assert_eq!(due(&world.ledger, "2026-11").await, none);
    assert_eq!(due(&world.ledger, "2026-12").await, alice(7));
    // Nothing is paid in January: what is left expires, and then nothing is due.
    world.turn_month("2027-01-01T00:00:00Z").await.unwrap();
    assert_eq!(due(&world.ledger, "2026-12").await, none);
    assert_eq!(due(&world.ledger, "2027-01").await, none);
    assert!(!world.keys().await.contains(&"ACCOUNT#alice DUE".to_owned()));
}

#[tokio::test]
async fn a_pack_is_never_due() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    assert_eq!(due(&world.ledger, "2026-11").await, Vec::new());
}

#[tokio::test]
async fn partitions_keep_accounts_apart() {
    let world = World::empty().await;
    for account in ["alice", "bob", "carol", "dave"] {
        let of = world.of(account);
        let (id, subscription) = (format!("in-{account}"), format!("sub-{account}"));
        of.buy(&plan(&id, &subscription, "2026-11-12T10:00:00Z", "2026-12-12T10:00:00Z")).await.unwrap();
    }
    let expected = [(2, "carol"), (4, "bob"), (7, "alice"), (15, "dave")];
    assert_eq!(due(&world.ledger, "2026-11").await, expected.map(|(shard, id)| (shard, id.to_owned())));
}

fn key(account: &str) -> Value {
    json!({"pk": {"S": format!("ACCOUNT#{account}")}, "sk": {"S": "DUE"}, "due": {"S": "2026-11#07"}})
}

/// A page as a partition of more than a megabyte is answered.
fn page(accounts: &[&str], goes_on: bool) -> Fault {
    let items: Vec<_> = accounts.iter().map(|account| key(account)).collect();
    let mut answer = json!({"Items": items, "Count": items.len()});
    if goes_on {
        answer["LastEvaluatedKey"] = key(accounts.last().unwrap());
    }
    Fault::Answer(200, answer.to_string())
}

#[tokio::test]
async fn a_page_goes_on_where_the_one_before_ended() {
    let world = World::empty().await;
    let partition = DuePartition { month: "2026-11".parse().unwrap(), shard: 7 };
    let ids = |ids: &[&str]| ids.iter().map(|id| AccountId::parse(*id).unwrap()).collect::<Vec<_>>();
    world.faults.next("Query", page(&["a", "b"], true));
    world.faults.next("Query", page(&["c"], false));
    let DuePage { accounts, next } = world.ledger.due(partition, None).await.unwrap();
    assert_eq!(accounts, ids(&["a", "b"]));
    let DuePage { accounts, next } = world.ledger.due(partition, next).await.unwrap();
    assert_eq!((accounts, next.is_none()), (ids(&["c"]), true));
    let [(_, first), (_, second)] = &world.faults.requests()[..] else { panic!() };
    assert_eq!(first["ExclusiveStartKey"], Value::Null);
    assert_eq!(second["ExclusiveStartKey"], key("b"));
    assert_eq!(second["ExpressionAttributeValues"], json!({":due": {"S": "2026-11#07"}}));
}

#[tokio::test]
async fn all_pages_are_counted() {
    let world = World::empty().await;
    let partition = DuePartition { month: "2026-11".parse().unwrap(), shard: 7 };
    world.faults.next("Query", page(&["a", "b"], true));
    world.faults.next("Query", Fault::service(400, "ThrottlingException"));
    world.faults.next("Query", page(&["c", "d", "e"], true));
    world.faults.next("Query", page(&["f"], false));
    assert_eq!(world.ledger.count_due(partition).await.unwrap(), 6);
    let from: Vec<_> =
        world.faults.requests().into_iter().map(|(_, body)| body["ExclusiveStartKey"].clone()).collect();
    assert_eq!(from, [Value::Null, key("b"), key("b"), key("e")]);
}

#[tokio::test]
async fn a_refund_is_listed_while_it_is_pending() {
    let world = World::empty().await;
    let pending = async || world.ledger.pending_refunds(None).await.unwrap().0;
    for id in ["pi_1", "pi_2"] {
        world.buy(&pack(id)).await.unwrap();
    }
    assert_eq!(pending().await, []);
    world.ask_back("pi_1").await.unwrap();
    world.ask_back("pi_2").await.unwrap();
    let of = |id| (world.account.clone(), PurchaseId::parse(id).unwrap());
    let mut both = pending().await;
    both.sort_by_key(|(_, purchase)| purchase.to_string());
    assert_eq!(both, [of("pi_1"), of("pi_2")]);
    world.sent_back("pi_1").await.unwrap();
    assert_eq!(pending().await, [of("pi_2")]);
}

#[tokio::test]
async fn pending_refunds_come_in_pages_too() {
    let world = World::empty().await;
    let key = |id: &str| json!({"pk": {"S": "ACCOUNT#alice"}, "sk": {"S": format!("PURCHASE#{id}")}, "due": {"S": "REFUND"}});
    let answer = json!({"Items": [key("pi_1")], "LastEvaluatedKey": key("pi_1")});
    world.faults.next("Query", Fault::Answer(200, answer.to_string()));
    let (first, next) = world.ledger.pending_refunds(None).await.unwrap();
    assert_eq!(first, [(world.account.clone(), PurchaseId::parse("pi_1").unwrap())]);
    assert!(next.is_some());
    let (rest, next) = world.ledger.pending_refunds(next).await.unwrap();
    assert_eq!((rest.len(), next.is_none()), (0, true));
    assert_eq!(world.faults.requests()[1].1["ExclusiveStartKey"], key("pi_1"));
}

#[tokio::test]
async fn a_refund_is_no_longer_listed_if_the_provider_declined_it() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    world.ask_back("pi_1").await.unwrap();
    assert_eq!(world.ledger.pending_refunds(None).await.unwrap().0.len(), 1);
    world.declined("pi_1").await.unwrap();
    assert_eq!(world.ledger.pending_refunds(None).await.unwrap().0, []);
}

/// A listed row that no account can have written is reported, and not left out.
#[tokio::test]
async fn a_listed_row_without_an_account_is_an_error() {
    let world = World::empty().await;
    let partition = DuePartition { month: "2026-11".parse().unwrap(), shard: 7 };
    for (pk, sk) in
        [("ACCOUNT#", "DUE"), ("alice", "DUE"), ("ACCOUNT#alice", "DUE"), ("ACCOUNT#alice", "PURCHASE#")]
    {
        let row = json!({"Items": [{"pk": {"S": pk}, "sk": {"S": sk}}]}).to_string();
        world.faults.next("Query", Fault::Answer(200, row.clone()));
        let error = world.ledger.pending_refunds(None).await.unwrap_err();
        assert!(chain(&error).starts_with("could not read an item: due index "), "{}", chain(&error));
        world.faults.next("Query", Fault::Answer(200, row));
        assert_eq!(world.ledger.due(partition, None).await.is_ok(), pk == "ACCOUNT#alice", "{pk}");
    }
}
