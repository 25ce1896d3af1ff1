//! Answers that the engine wouldn't give, for tests that need many of them or one that is torn.

use serde_json::{Value, json};

use crate::world::NOW;
use scrip_test_support::faults::Fault;

/// An answer in the place of DynamoDB's.
pub fn answer(body: &Value) -> Fault {
    Fault::Answer(200, body.to_string())
}

/// What a query answers that finds these items.
pub fn page(items: &[Value]) -> Fault {
    answer(&json!({"Items": items}))
}

/// The same, if more items follow.
pub fn page_before_more(items: &[Value]) -> Fault {
    let last = items.last().unwrap();
    let key = json!({"pk": last["pk"], "sk": last["sk"]});
    answer(&json!({"Items": items, "LastEvaluatedKey": key}))
}

/// A put that is refused by that error. It carries the item that exists, as one whose condition failed does.
pub fn refused(name: &str, exists: &Value) -> Fault {
    let name = format!("com.amazonaws.dynamodb.v20120810#{name}");
    Fault::Answer(400, json!({"__type": name, "message": "by script", "Item": exists}).to_string())
}

/// A claim of a debit's key.
pub fn claim(key: &str, from: u64) -> Value {
    let pk = format!("OPERATION#alice#debit#{key}");
    json!({"pk": {"S": pk}, "sk": {"S": "OPERATION"}, "from": {"N": from.to_string()}})
}

/// The first entry, which gives 1000 playground credits, or a later one, which changes no credits.
pub fn entry(sequence: u64) -> Value {
    let credits = |playground: u64| {
        let kinds = [("playground", playground), ("tune", 0), ("tune_image", 0)];
        let kinds: Value = kinds
            .into_iter()
            .map(|(kind, count)| (kind.to_owned(), json!({"N": count.to_string()})))
            .collect();
        json!({"M": kinds})
    };
    let (kind, change) = if sequence == 1 { ("purchase", 1000) } else { ("subscription", 0) };
    json!({
        "pk": {"S": "ACCOUNT#alice"}, "sk": {"S": format!("ENTRY#{sequence:012}")},
        "sequence": {"N": sequence.to_string()}, "kind": {"S": kind}, "credits": credits(change),
        "reference": {"S": "sub_1"}, "at": {"S": NOW}, "balance": credits(1000), "period": {"S": "2026-11"},
    })
}

/// An entry of a debit `d` of ten.
pub fn debit(sequence: u64) -> Value {
    let mut debit = entry(sequence);
    debit["kind"] = json!({"S": "debit"});
    debit["reference"] = json!({"S": "d"});
    debit["credits"]["M"]["playground"] = json!({"N": "-10"});
    debit["operation"] =
        json!({"M": {"operation": {"S": "upscale"}, "factor": {"N": "2"}, "images": {"N": "10"}}});
    debit["deferred_images"] = json!({"N": "0"});
    debit["catalog_version"] = json!({"S": "2026-11-01"});
    debit
}
