//! An entry as it lies in the table, read by itself.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// Credits: playground, tune, tune image.
pub type Amounts = [i64; 3];

/// An entry, as it lies in the table.
#[derive(Debug, Clone)]
pub struct Entry {
    pub sequence: i64,
    pub kind: String,
    pub credits: Amounts,
    pub balance: Amounts,
    pub period: String,
    pub reference: String,
    pub at: DateTime<Utc>,
    /// The credits that the account owes after it.
    pub owed: Amounts,
    pub item: Value,
}

impl Entry {
    pub fn read(item: Value) -> Self {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        // It has another name while holds are open.
        let period = if item["period"].is_null() { "month" } else { "period" };
        Self {
            sequence: item["sequence"].as_i64().unwrap_or_default(),
            kind: text("kind"),
            credits: amounts(&item["credits"]),
            balance: amounts(&item["balance"]),
            period: text(period),
            reference: text("reference"),
            at: text("at").parse().expect("an entry has a time"),
            owed: amounts(&item["owed"]),
            item,
        }
    }

    /// The credits of a debit that came back with it, including those that paid what was owed.
    pub fn came_back(&self) -> Amounts {
        sum(self.credits, amounts(&self.item["offset"]))
    }

    /// The state of each subscription that it carries.
    pub fn subscriptions(&self) -> &[Value] {
        self.item["subscriptions"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The credits that plans granted for its month, less those whose money is gone.
    pub fn backed(&self) -> i64 {
        let backed = self.subscriptions().iter().filter_map(|known| known["backed"].as_i64());
        backed.max().unwrap_or_default()
    }
}

/// The sum of two.
pub fn sum(one: Amounts, other: Amounts) -> Amounts {
    [0, 1, 2].map(|kind| one[kind] + other[kind])
}

/// Credits as they are written.
pub fn amounts(credits: &Value) -> Amounts {
    ["playground", "tune", "tune_image"].map(|kind| credits[kind].as_i64().unwrap_or_default())
}

/// An item without DynamoDB's types around each value.
pub fn plain(item: &Value) -> Value {
    let fields = item.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), plain_value(value))).collect()
}

fn plain_value(value: &Value) -> Value {
    let typed = value.as_object().and_then(|typed| typed.iter().next());
    match typed.map(|(kind, value)| (kind.as_str(), value)) {
        Some(("N", number)) => number.as_str().and_then(|number| number.parse().ok()).unwrap_or_default(),
        Some(("M", map)) => plain(map),
        Some(("L", list)) => list.as_array().into_iter().flatten().map(plain_value).collect(),
        Some(("S" | "BOOL", value)) => value.clone(),
        _ => Value::Null,
    }
}
