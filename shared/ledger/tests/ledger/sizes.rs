//! How large a debit's items are, as DynamoDB counts: a kilobyte is a write unit, and a page of a look behind a claim costs
//! a read unit for four of them.

use scrip_accounts::{Debit, DebitId};
use serde_json::{Value, json};

use crate::{
    facts::plan,
    planted::entry_key,
    world::{NOW, World, time},
};

/// DynamoDB's rules: names and texts by their bytes of UTF-8; numbers a byte for two digits and one more; maps and lists
/// three bytes, and one more for each element.
fn bytes(item: &Value) -> usize {
    let Value::Object(fields) = item else { panic!("{item}") };
    fields.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Number(number) => number.to_string().len().div_ceil(2) + 1,
        Value::Bool(_) | Value::Null => 1,
        Value::Array(list) => 3 + list.iter().map(|value| 1 + value_bytes(value)).sum::<usize>(),
        Value::Object(map) => 3 + map.len() + bytes(value),
    }
}

#[tokio::test]
async fn the_items_of_a_debit_stay_small() {
    const UUID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";
    let longest = "n".repeat(128);
    // account and key -> the bytes of its entry and of its claim, at most
    for (id, entry_bytes_max, claim_bytes_max) in [(UUID, 700, 150), (&longest, 1_000, 320)] {
        let world = World::empty().await.of(id);
        let plan =
            plan("in_1OZzYyXxWwVvUuTtSsRrQqPp", "sub_1OZzYyXxWwVvUuTtSsRrQqPp", NOW, "2026-12-22T10:00:00Z");
        world.buy(&plan).await.unwrap();
        let request =
            json!({"operation": "text_to_image", "width": 1024, "height": 1024, "steps": 150, "images": 10});
        let request = serde_json::from_value(request).unwrap();
        let debit = Debit { id: DebitId::parse(id).unwrap(), request };
        world.ledger.execute(&world.account, &debit, time(NOW)).await.unwrap();
        let size = async |pk: String, sk: &str| {
            let mut item = world.row(&pk, sk).await;
            item["pk"] = json!(pk);
            item["sk"] = json!(sk);
            bytes(&item)
        };
        let entry = size(world.pk(), &entry_key(2)).await;
        let claim = size(format!("OPERATION#{id}#debit#{id}"), "OPERATION").await;
        println!("an account and a key of {} bytes: an entry of {entry}, a claim of {claim}", id.len());
        assert!(entry <= entry_bytes_max, "{entry} with ids of {}", id.len());
        assert!(claim <= claim_bytes_max, "{claim} with ids of {}", id.len());
    }
}
