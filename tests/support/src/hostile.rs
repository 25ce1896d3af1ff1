//! Hostile input: JSON of any shape, and valid JSON with defects.
//!
//! Invariant: an input is plain text. A failing test prints the smallest one that it found, and fails again with it in a
//! table. No files are written. `PROPTEST_CASES` sets a higher number of cases.

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Number, Value, json};

/// Marks a key that is written a second time. No other text contains it.
const AGAIN: &str = "\u{1}again\u{1}";
/// Marks a string that is written as raw JSON, because [`Value`] can't hold it.
const RAW: &str = "\u{1}raw\u{1}";
/// How deep a document is nested at most.
const DEEP: usize = 5_000;

/// Configures at least that many cases, and no files.
#[must_use]
pub fn at_least(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(cases), failure_persistence: None, ..asked }
}

/// Any JSON, mostly small.
pub fn json_text() -> impl Strategy<Value = String> {
    json_value().prop_map(|value| written(&value))
}

/// One of the samples as text, with 0 to `defects_max` defects.
pub fn mutated(samples: Vec<Value>, defects_max: usize) -> impl Strategy<Value = String> {
    let defects = vec((any::<u64>(), defect()), 0..=defects_max);
    (proptest::sample::select(samples), defects).prop_map(|(mut sample, defects)| {
        for (place, defect) in defects {
            defect.apply(&mut sample, place);
        }
        written(&sample)
    })
}

/// Text of which up to three characters are changed, dropped or doubled.
pub fn garbled(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let slips = vec((any::<prop::sample::Index>(), 0..3_u8, any::<char>()), 0..=3);
    (text, slips).prop_map(|(text, slips)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, slip, other) in slips {
            if chars.is_empty() {
                break;
            }
            let at = at.index(chars.len());
            match slip {
                0 => chars[at] = other,
                1 => drop(chars.remove(at)),
                _ => chars.insert(at, chars[at]),
            }
        }
        chars.into_iter().collect()
    })
}

/// A defect at a place in a document.
#[derive(Debug, Clone)]
enum Defect {
    /// A field or an item is missing.
    Dropped,
    /// It is another value.
    Replaced(Value),
    /// A field is there twice, an item too.
    Doubled(Value),
    /// There is one more.
    Added(String, Value),
}

fn defect() -> impl Strategy<Value = Defect> {
    prop_oneof![
        3 => Just(Defect::Dropped),
        4 => json_value().prop_map(Defect::Replaced),
        1 => json_value().prop_map(Defect::Doubled),
        1 => (odd_text(), json_value()).prop_map(|(name, value)| Defect::Added(name, value)),
    ]
}

impl Defect {
    /// Applies the defect at a place, to which the digits of `place` lead.
    fn apply(self, value: &mut Value, mut place: u64) {
        let count = |value: &Value| match value {
            Value::Object(fields) => fields.len(),
            Value::Array(items) => items.len(),
            _ => 0,
        };
        let mut here = value;
        loop {
            let count = count(here) as u64;
            if count == 0 {
                return;
            }
            let next = usize::try_from(place % count).unwrap_or_default();
            place /= count;
            let is_inner = child(here, next).is_some_and(|(_, inner)| inner.is_object() || inner.is_array());
            // Of four ways to an inner place one ends before it.
            if !is_inner || place.is_multiple_of(4) {
                self.apply_to(here, next);
                return;
            }
            place /= 4;
            let Some((_, inner)) = child(here, next) else { return };
            here = inner;
        }
    }

    fn apply_to(self, parent: &mut Value, index: usize) {
        let key = child(parent, index).map(|(key, _)| key);
        match (parent, key, self) {
            (Value::Object(fields), Some(key), Self::Dropped) => drop(fields.remove(&key)),
            (Value::Object(fields), Some(key), Self::Replaced(value))
            | (Value::Object(fields), _, Self::Added(key, value)) => drop(fields.insert(key, value)),
            (Value::Object(fields), Some(key), Self::Doubled(value)) => {
                fields.insert(format!("{AGAIN}{key}"), value);
            }
            (Value::Array(items), _, Self::Dropped) => drop(items.remove(index)),
            (Value::Array(items), _, Self::Replaced(value)) => items[index] = value,
            (Value::Array(items), _, Self::Doubled(value) | Self::Added(_, value)) => {
                items.insert(index, value);
            }
            _ => {}
        }
    }
}

fn child(parent: &mut Value, index: usize) -> Option<(String, &mut Value)> {
    match parent {
        Value::Object(fields) => fields.iter_mut().nth(index).map(|(key, value)| (key.clone(), value)),
        Value::Array(items) => Some((String::new(), items.get_mut(index)?)),
        _ => None,
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        odd_text().prop_map(Value::from),
    ];
    let nested = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((odd_text(), inner), 0..4).prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    });
    prop_oneof![30 => nested, 1 => deep()]
}

/// Numbers at the edges of what holds them, and some that nothing does.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3..200_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| Number::from_f64(float).map_or(Value::Null, Value::Number)),
        proptest::sample::select(vec![
            "1e999",
            "-1e999",
            "1e-999",
            "18446744073709551616",
            "-9223372036854775809",
            "-0",
            "-0.0",
            "0.1",
            "1793696400.0",
            "1e400000000000000000000",
            "00",
            "+1",
            "NaN",
            "0x10",
            "999999999999999999999999999",
        ])
        .prop_map(|number| json!(format!("{RAW}{number}"))),
        proptest::sample::select(vec![
            i64::MAX,
            i64::MIN,
            8_210_266_876_799,
            8_210_266_876_800,
            -8_334_601_228_800,
            253_402_300_800,
        ])
        .prop_map(Value::from),
    ]
}

/// Text that isn't expected: empty, long, controls, other scripts, surrogates, and names that mean something.
fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(vec![
            "", " ", "id", "object", "metadata", "account_id", "sku", "tune_pack", "basic_monthly", "custom",
            "playground_credits", "paid", "payment", "subscription", "9999999999999999999999", "-1", "1e3", "#",
            "a#b", "\u{0}", "\u{feff}", "\u{202e}abc", "\u{10ffff}", "İ", "e\u{301}", "null", "{}", "$ref",
            "__proto__", "credits:read", "images", "prompts", "expires_in", "expected_credits", "operation", "scope", "scp", "[credits:read credits:debit]",
            "credits:debit credits:any-account", "auth0|5f7c", "auth0%7C5f7c", "user@example.com", ".", "..",
        ])
        .prop_map(str::to_owned),
        2 => ".{0,12}",
        1 => (1..300_usize).prop_map(|length| "é".repeat(length)),
        1 => proptest::sample::select(vec![r#""\ud800""#, r#""\udc00\ud800""#, "\"\\u0000\"", "\"\t\"", "\"\\x\""])
            .prop_map(|text| format!("{RAW}{text}")),
    ]
}

fn deep() -> impl Strategy<Value = Value> {
    (1..DEEP, any::<bool>(), any::<bool>()).prop_map(|(depth, is_array, is_closed)| {
        let (open, close) = if is_array { ("[", "]") } else { ("{\"a\":", "}") };
        let close = if is_closed { close.repeat(depth) } else { String::new() };
        json!(format!("{RAW}{}0{close}", open.repeat(depth)))
    })
}

/// The text of a document, with what [`Value`] couldn't hold put in.
fn written(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value);
    text
}

fn write(text: &mut String, value: &Value) {
    match value {
        Value::String(string) => match string.strip_prefix(RAW) {
            Some(raw) => text.push_str(raw),
            None => text.push_str(&value.to_string()),
        },
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(text, item);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (index, (key, field)) in fields.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(text, &Value::from(key.strip_prefix(AGAIN).unwrap_or(key)));
                text.push(':');
                write(text, field);
            }
            text.push('}');
        }
        _ => text.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_write_json_that_a_value_cannot_hold() {
        let value = json!([format!("{RAW}1e999"), "b", {format!("{AGAIN}a"): null}, "\""]);
        assert_eq!(written(&value), r#"[1e999,"b",{"a":null},"\""]"#);
    }

    #[test]
    fn a_defect_is_applied_where_its_digits_lead() {
        for (place, defect, expected) in [
            (0, Defect::Dropped, r#"{"b":1}"#),
            (1, Defect::Replaced(json!(2)), r#"{"a":{"c":[true]},"b":2}"#),
            (2, Defect::Dropped, r#"{"a":{},"b":1}"#),
            (2 * 5, Defect::Replaced(json!({})), r#"{"a":{"c":[{}]},"b":1}"#),
            (2 * 5, Defect::Doubled(json!(0)), r#"{"a":{"c":[0,true]},"b":1}"#),
            (1, Defect::Added("d".to_owned(), json!(3)), r#"{"a":{"c":[true]},"b":1,"d":3}"#),
        ] {
            let mut value = json!({"a": {"c": [true]}, "b": 1});
            defect.clone().apply(&mut value, place);
            assert_eq!(written(&value), expected, "{place} {defect:?}");
        }
        let mut doubled = json!({"a": 1});
        Defect::Doubled(json!(2)).apply(&mut doubled, 0);
        assert!([r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#].contains(&&*written(&doubled)));
    }
}
