//! Answers of the demo as text.
//!
//! Invariant: one line each, and a field that the answer lacks is shown as `null`, never a panic.

use crate::statement;
use serde_json::Value;

pub(super) fn bought(body: &Value) -> String {
    format!("paid {}; {}", dollars(&body["amount"]), outcomes(&body["events"]))
}

/// The provider's events that changed something here, each with the webhook's answer.
pub(super) fn outcomes(events: &Value) -> String {
    let events = events.as_array().into_iter().flatten();
    let changes = events.filter(|event| event["outcome"] != "ignored" && event["outcome"] != "unchanged");
    let changes: Vec<_> =
        changes.map(|event| format!("{} {}", text(&event["event"]), text(&event["outcome"]))).collect();
    if changes.is_empty() { "nothing new".to_owned() } else { changes.join(", ") }
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
