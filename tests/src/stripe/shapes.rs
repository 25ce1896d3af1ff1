//! Stripe's objects as JSON, in the shape of a generation.
//!
//! Invariant: a member that a generation doesn't have is absent, not null; what Stripe leaves out unless
//! it is asked to expand it is absent, too.

pub mod invoice;
pub mod payment;
pub mod returned;
pub mod session;
pub mod subscription;

use super::{generation::Generation, records::Time};
use serde_json::Value;

/// A time as Stripe writes it: seconds since 1970, or null.
fn seconds(time: Option<Time>) -> Value {
    time.map_or(Value::Null, |time| time.timestamp().into())
}

/// Adds the members that one generation has and the other doesn't.
fn add(object: &mut Value, generation: Generation, acacia: Value, basil: Value) {
    merge(object, if generation == Generation::Acacia { acacia } else { basil });
}

fn merge(object: &mut Value, members: Value) {
    if let (Value::Object(object), Value::Object(members)) = (object, members) {
        object.extend(members);
    }
}

/// Adds members that are null.
fn add_nulls(object: &mut Value, names: &[&str]) {
    for name in names {
        object[*name] = Value::Null;
    }
}

/// A page of a list, as Stripe returns it from `url`.
pub fn list(data: &[Value], url: &str, has_more: bool) -> Value {
    serde_json::json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}
