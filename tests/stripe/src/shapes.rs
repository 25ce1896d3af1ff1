//! Stripe's objects as JSON, in the shape of a version.
//!
//! Invariant: a member that a version doesn't have is absent, not null; what Stripe leaves out unless it is
//! asked to expand it is absent, too. A member that Stripe added without a new version is in every one.

pub mod invoice;
pub mod line;
pub mod payment;
pub mod price;
pub mod returned;
pub mod session;
pub mod subscription;

use super::{generation::Generation, records::Time};
use serde_json::{Value, json};

/// How many items of a list an object holds.
pub const LISTED: usize = 10;

/// A time as Stripe writes it: seconds since 1970, or null.
fn seconds(time: Option<Time>) -> Value {
    time.map_or(Value::Null, |time| time.timestamp().into())
}

/// Adds members.
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

/// Adds what stands beside each customer since dahlia.
fn add_customer_account(object: &mut Value, generation: Generation) {
    if generation >= Generation::Dahlia {
        object["customer_account"] = Value::Null;
    }
}

/// A page of a list, as Stripe returns it from `url`.
pub fn list(data: Vec<Value>, url: &str, has_more: bool) -> Value {
    let mut list = json!({ "object": "list", "has_more": has_more, "url": url });
    // Within `json!` it would be copied.
    list["data"] = Value::Array(data);
    list
}

/// A list in an object: the first ten, and how many there are.
fn embedded(mut data: Vec<Value>, url: &str) -> Value {
    let total = data.len();
    data.truncate(LISTED);
    let mut embedded = list(data, url, total > LISTED);
    embedded["total_count"] = json!(total);
    embedded
}
