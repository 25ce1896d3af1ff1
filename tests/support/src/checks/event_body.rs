//! The check of any body of an event, which proptest and the fuzzer (`tests/fuzz`) both draw for.

use scrip_stripe::StripeEvent;
use serde_json::Value;

/// All strings of a document that stand somewhere as a value.
fn words(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(word) => found.push(word.clone()),
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| words(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The check of any body; whether it is an event.
pub fn names_only_what_stands_in_it(body: &[u8]) -> bool {
    let Ok(event) = StripeEvent::parse(body) else { return false };
    // What no document holds, such as 1e999, is nothing that an id could come from.
    let Ok(document) = serde_json::from_slice::<Value>(body) else { return true };
    let mut found = Vec::new();
    words(&document, &mut found);
    let object = &event.object;
    let ids = [&object.id, &object.payment_intent, &object.charge, &object.subscription, &object.invoice];
    let ids = ids.into_iter().flatten().chain(&event.account).chain([&event.id, &event.kind]);
    for id in ids {
        assert!(found.contains(id), "{id} is nowhere in the body");
    }
    true
}
