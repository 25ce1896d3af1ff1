//! How the answers of the demo are told.
//!
//! Invariant: one line each, and what the answer lacks is told as `null`, never a panic.

use crate::statement;
use serde_json::Value;

pub(super) fn bought(body: &Value) -> String {
    format!("paid {}; {}", dollars(&body["amount"]), told(&body["events"]))
}

/// The provider's events that led to something here, and what the webhook answered to each.
pub(super) fn told(events: &Value) -> String {
    let events = events.as_array().into_iter().flatten();
    let heard = events.filter(|told| told["outcome"] != "ignored" && told["outcome"] != "unchanged");
    let heard: Vec<_> =
        heard.map(|told| format!("{} {}", text(&told["event"]), text(&told["outcome"]))).collect();
    if heard.is_empty() { "nothing new".to_owned() } else { heard.join(", ") }
}

pub(super) fn dollars(cents: &Value) -> String {
    let cents = cents.as_u64().unwrap_or_default();
    format!("${}.{:02}", cents / 100, cents % 100)
}

pub(super) fn taken(body: &Value) -> String {
    format!("took {}, left {}", credits(&body["credits"]), credits(&body["balance"]))
}

pub(super) fn set_aside(body: &Value) -> String {
    format!(
        "holds {} until {}, left {}",
        credits(&body["credits"]),
        text(&body["expires_at"]),
        credits(&body["balance"])
    )
}

pub(super) fn refused(body: &Value) -> String {
    format!("refused: {}", text(&body["code"]))
}

/// `496 playground, 24 tune_image`: the kinds that are not zero.
pub(super) fn credits(value: &Value) -> String {
    let kinds = statement::KINDS.iter().filter(|kind| value[**kind].as_i64() != Some(0));
    let parts: Vec<_> = kinds.map(|kind| format!("{} {kind}", value[*kind])).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

pub(super) fn list(value: &Value) -> String {
    let items: Vec<_> = value.as_array().into_iter().flatten().map(text).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
