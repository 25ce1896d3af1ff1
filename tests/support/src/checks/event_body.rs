//! The check of event bodies, which proptest and the fuzzer (`tests/fuzz`) share.

use scrip_stripe::StripeEvent;
use serde_json::Value;

/// Collects all strings that are values in a document.
fn words(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(word) => found.push(word.clone()),
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| words(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Checks that all ids of a parsed event occur in its body. Returns whether the body is an event.
pub fn check_event_body(body: &[u8]) -> bool {
    let Ok(event) = StripeEvent::parse(body) else { return false };
    // A body that `Value` can't hold, such as one with 1e999, can't be checked.
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
