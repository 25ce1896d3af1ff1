//! Event patterns as EventBridge's guide describes them, as far as the documents use them. One that is used and isn't
//! known here panics.

use serde_json::Value;

/// Whether a pattern matches an event: each of its fields does.
pub fn matches(pattern: &Value, event: &Value) -> bool {
    let fields = pattern.as_object().unwrap_or_else(|| panic!("no pattern: {pattern}"));
    fields.iter().all(|(name, wanted)| {
        let field = event.get(name);
        match wanted {
            Value::Object(_) => field.is_some_and(|field| matches(wanted, field)),
            Value::Array(alternatives) => {
                alternatives.iter().any(|alternative| is_fulfilled(alternative, values(field)))
            }
            other => panic!("a field of a pattern is a list or an object, not {other}"),
        }
    })
}

/// The values of a field: each value of a list, none if it is absent. An object has no value of its own.
fn values(field: Option<&Value>) -> &[Value] {
    match field {
        None | Some(Value::Object(_)) => &[],
        Some(Value::Array(values)) => values,
        Some(value) => std::slice::from_ref(value),
    }
}

/// Whether one of a field's values is the alternative, or fulfils its operator.
fn is_fulfilled(alternative: &Value, values: &[Value]) -> bool {
    let Value::Object(filter) = alternative else { return values.contains(alternative) };
    let Some((operator, operand)) = filter.iter().next().filter(|_| filter.len() == 1) else {
        panic!("a filter has one operator: {alternative}")
    };
    match (operator.as_str(), operand) {
        ("exists", Value::Bool(exists)) => *exists != values.is_empty(),
        ("prefix", Value::String(prefix)) => {
            values.iter().any(|value| value.as_str().is_some_and(|value| value.starts_with(prefix)))
        }
        ("anything-but", Value::Array(others)) => values.iter().any(|value| !others.contains(value)),
        ("numeric", Value::Array(comparisons)) => {
            values.iter().any(|value| value.as_f64().is_some_and(|value| is_within(comparisons, value)))
        }
        _ => panic!("not known here: {alternative}"),
    }
}

/// Whether a number fulfils each pair of an operator and a bound.
fn is_within(comparisons: &[Value], number: f64) -> bool {
    let (pairs, rest) = comparisons.as_chunks::<2>();
    assert!(rest.is_empty() && !pairs.is_empty(), "pairs of an operator and a number: {comparisons:?}");
    pairs.iter().all(|[operator, bound]| {
        let bound = bound.as_f64().unwrap_or_else(|| panic!("no number: {bound}"));
        match operator.as_str() {
            Some("<") => number < bound,
            Some("<=") => number <= bound,
            Some(">") => number > bound,
            Some(">=") => number >= bound,
            Some("=") => (number - bound).abs() < f64::EPSILON,
            _ => panic!("not known here: {operator}"),
        }
    })
}

#[test]
fn a_pattern_matches_as_the_guide_of_eventbridge_says() {
    use serde_json::json;

    let event =
        json!({"state": "running", "count": 5, "kinds": ["a", "b"], "no": [], "inner": {"limit": 301}});
    for (pattern, is_matched) in [
        (json!({}), true),
        (json!({"state": ["running"]}), true),
        (json!({"state": ["stopped", "running"]}), true),
        (json!({"state": ["stopped"]}), false),
        (json!({"state": ["running"], "count": [6]}), false),
        (json!({"count": [5]}), true),
        // A number is no text.
        (json!({"count": ["5"]}), false),
        // One of a list is enough.
        (json!({"kinds": ["b", "c"]}), true),
        (json!({"kinds": ["c"]}), false),
        (json!({"inner": {"limit": [301]}}), true),
        (json!({"inner": {"gone": [301]}}), false),
        (json!({"gone": {"limit": [301]}}), false),
        (json!({"inner": ["limit"]}), false),
        (json!({"state": [{"prefix": "run"}]}), true),
        (json!({"state": [{"prefix": "un"}]}), false),
        (json!({"count": [{"prefix": "5"}]}), false),
        (json!({"state": [{"anything-but": ["stopped"]}]}), true),
        (json!({"state": [{"anything-but": ["running"]}]}), false),
        (json!({"gone": [{"anything-but": ["running"]}]}), false),
        (json!({"kinds": [{"exists": true}]}), true),
        (json!({"gone": [{"exists": true}]}), false),
        (json!({"gone": [{"exists": false}]}), true),
        (json!({"count": [{"numeric": ["<", 6]}]}), true),
        (json!({"count": [{"numeric": ["<", 5]}]}), false),
        (json!({"count": [{"numeric": ["<=", 5]}]}), true),
        (json!({"count": [{"numeric": [">", 0, "<=", 5]}]}), true),
        (json!({"count": [{"numeric": [">", 5, "<=", 6]}]}), false),
        (json!({"count": [{"numeric": [">=", 5]}]}), true),
        (json!({"count": [{"numeric": ["=", 5]}]}), true),
        (json!({"state": [{"numeric": [">", 0]}]}), false),
    ] {
        assert_eq!(matches(&pattern, &event), is_matched, "{pattern}");
    }
    // Without numbers as numbers no comparison holds.
    assert!(!matches(&json!({"count": [{"numeric": ["=", 5]}]}), &json!({"count": "5"})));
}
