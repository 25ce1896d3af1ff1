//! Many entries between a claim and its entry: as if the account were busy, or the claim old.

use serde_json::{Value, json};

use crate::{faults::Fault, scheduler::lock, world::World};

/// How many entries come in between: mostly more than a scan reads without raising the claim.
const FEW: u64 = 40;
/// And now and then, of so many times once, more than a page has.
const MANY: u64 = 1_500;
const MANY_ONCE_OF: u64 = 60;

impl World {
    /// Appends entries to the account of a key that was just claimed, if so it is drawn and it has any.
    pub fn may_crowd(&self, written: &Value) {
        let key = written["TransactItems"][0]["Put"]["Item"]["pk"]["S"].as_str().unwrap_or_default();
        let Some(account) = key.strip_prefix("OPERATION#").and_then(|rest| rest.split('#').next()) else {
            return;
        };
        if !self.is_drawn(Fault::Crowd) {
            return;
        }
        let Some(mut item) = self.newest_item(account) else { return };
        let count = if self.draw(MANY_ONCE_OF) == 0 { MANY } else { FEW };
        let sequence = item["sequence"]["N"].as_str().and_then(|number| number.parse::<u64>().ok());
        let sequence = sequence.expect("an entry has a sequence");
        make_quiet(&mut item);
        for number in sequence + 1..=sequence + count {
            item["sk"] = json!({"S": format!("ENTRY#{number:012}")});
            item["sequence"] = json!({"N": number.to_string()});
            let put = json!({"TableName": self.engine.table, "Item": item});
            let (status, answer) = self.engine.call("PutItem", &put.to_string());
            assert_eq!(status, 200, "{answer}");
            let request = json!({"TransactItems": [{"Put": {"Item": item}}]});
            lock(&self.audit).written(&request, self.step());
        }
        self.happened(Fault::Crowd);
    }

    fn newest_item(&self, account: &str) -> Option<Value> {
        let query = json!({
            "TableName": self.engine.table, "ConsistentRead": true, "ScanIndexForward": false, "Limit": 1,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :entry)",
            "ExpressionAttributeValues": {":pk": {"S": format!("ACCOUNT#{account}")}, ":entry": {"S": "ENTRY#"}},
        });
        let (status, answer) = self.engine.call("Query", &query.to_string());
        assert_eq!(status, 200, "{answer}");
        let mut answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
        Some(answer["Items"].get_mut(0)?.take())
    }
}

/// Makes of an entry one that moves no credits: what else its kind had goes.
fn make_quiet(item: &mut Value) {
    let none = json!({"M": {"playground": {"N": "0"}, "tune": {"N": "0"}, "tune_image": {"N": "0"}}});
    item["kind"] = json!({"S": "subscription"});
    item["credits"] = none;
    item["reference"] = json!({"S": "a-crowd"});
    let of_its_kind = [
        "request",
        "operation",
        "deferred_images",
        "catalog_version",
        "expires_at",
        "hold_sequence",
        "captured",
        "expired",
        "debit_id",
        "offset",
        "reason",
        "by",
        "credits_spent",
    ];
    let fields = item.as_object_mut().expect("an item is an object");
    fields.retain(|name, _| !of_its_kind.contains(&name.as_str()));
}
