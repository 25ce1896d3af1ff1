//! How large the items of a debit or hold are, as DynamoDB counts: a kilobyte is a write unit, and a page of a look
//! behind a claim costs a read unit for four of them.

use scrip_accounts::{Debit, DebitId, Hold, HoldId, HoldRequest};
use serde_json::{Value, json};

use crate::{
    facts::plan,
    planted::entry_key,
    world::{NOW, World, settlement, time, upscale},
};

/// DynamoDB's rules: names and texts by their bytes of UTF-8; numbers a byte for two digits and one more; maps and
/// lists three bytes, and one more for each element.
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

/// Four jobs at once are more than most accounts have, and with identifiers as they mostly are each entry is still a
/// kilobyte: of a hold, of a debit beside them, of a capture and of a release.
#[tokio::test]
async fn an_entry_with_four_open_holds_is_billed_as_one_unit() {
    const UUID: &str = "0190163d-8694-739b-aea5-966c26f8ad9";
    let world = World::empty().await.of(&format!("{UUID}0"));
    let plan =
        plan("in_1OZzYyXxWwVvUuTtSsRrQqPp", "sub_1OZzYyXxWwVvUuTtSsRrQqPp", NOW, "2026-12-22T10:00:00Z");
    world.buy(&plan).await.unwrap();
    let id = |number: u32| format!("{UUID}{number}");
    let request =
        json!({"operation": "text_to_image", "width": 1024, "height": 1024, "steps": 150, "images": 10});
    let request: HoldRequest = serde_json::from_value(request).unwrap();
    let at = time("2026-11-22T10:00:00.123Z");
    for number in 1..=4 {
        let hold = Hold { id: HoldId::parse(id(number)).unwrap(), request: request.clone() };
        world.ledger.execute(&world.account, &hold, at).await.unwrap();
    }
    let _ = world.ledger.take_usage();
    world.ledger.execute(&world.account, &upscale(&id(5), 1), at).await.unwrap();
    // A hold more, while its account has four.
    world.ledger.execute(&world.account, &settlement(&id(1), Some(4)), at).await.unwrap();
    let hold = Hold { id: HoldId::parse(id(6)).unwrap(), request };
    world.ledger.execute(&world.account, &hold, at).await.unwrap();
    world.ledger.execute(&world.account, &settlement(&id(2), None), at).await.unwrap();
    let written = world.ledger.take_usage().write_half_units;
    assert_eq!(written, 4 * 2 * 2, "a claim and an entry each");
    for sequence in 5..=8 {
        let mut item = world.row(&world.pk(), &entry_key(sequence)).await;
        item["pk"] = json!(world.pk());
        item["sk"] = json!(entry_key(sequence));
        let size = bytes(&item);
        println!("{}: {size} bytes, {} open holds", item["kind"], item["holds"].as_array().unwrap().len());
        assert!(size <= 1024, "{size}: {item}");
    }
}
