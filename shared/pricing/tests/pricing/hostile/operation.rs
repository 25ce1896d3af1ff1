//! Any JSON as an operation: it has the price that is written out in the tests, or is refused for the right reason.

use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree};
use serde_json::{Map, Value, json};

use super::at_least;
use scrip_test_support::checks::operation::{FIELDS, Field, Outcome, checked_outcome};

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (-2..=160_i64).prop_map(|number| number.to_string()),
        4 => (0..=1030_i64).prop_map(|number| number.to_string()),
        1 => (0..=1030_i64).prop_map(|number| format!("{number}.0")),
        1 => (1..=9_i64, 0..4_u32).prop_map(|(number, tens)| format!("{number}e{tens}")),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<u64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| json!(number).to_string()),
        1 => select(vec!["1.5", "1e999", "1e308", "-1e308", "18446744073709551616", "-9223372036854775809",
            "-0", "-0.0", "01", "+1", "NaN", "1e-5", "100.0000000000000001", "0.99999999999999999"])
            .prop_map(str::to_owned),
    ]
}

fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["null", "true", "[]", "[1]", "{}", "\"\"", "\"1\"", "\"\u{0}\"", "{\"a\":{}}"])
            .prop_map(str::to_owned),
        ".{0,8}".prop_map(|text| json!(text).to_string()),
        (1..3_000_usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
    ]
}

/// The fields of an operation as text, each right, odd or missing, in any order, perhaps with one too many.
fn body() -> impl Strategy<Value = String> {
    let of = |(name, fields): (&'static str, &'static [Field])| {
        let field = |(field, least, most, _): Field| {
            let right = (least..=most).prop_map(|number| number.to_string());
            let text = prop_oneof![20 => right.prop_map(Some), 3 => number().prop_map(Some), 1 => odd().prop_map(Some), 3 => Just(None)];
            text.prop_map(move |text| text.map(|text| format!("\"{field}\":{text}"))).boxed()
        };
        let mut parts: Vec<_> = fields.iter().copied().map(field).collect();
        let named = prop_oneof![
            30 => Just(json!(name).to_string()),
            1 => select(vec!["\"video\"", "null", "0", "[\"download\"]", "\"Download\""]).prop_map(str::to_owned),
            1 => odd(),
        ];
        parts.push(named.prop_map(|name| Some(format!("\"operation\":{name}"))).boxed());
        let word = prop_oneof![
            10 => Just(None),
            4 => select(vec!["\"defer\"", "\"refuse\"", "\"later\"", "\"\"", "null", "1"])
                .prop_map(|word| Some(format!("\"if_short\":{word}"))),
        ];
        parts.push(if name == "train_tune" { word.boxed() } else { Just(None).boxed() });
        let surplus = prop_oneof![
            30 => Just(None),
            1 => (select(vec!["colour", "images", "width", "if_short", "Images", "", "account_id"]), number())
                .prop_map(|(name, number)| Some(format!("\"{name}\":{number}"))),
        ];
        parts.push(surplus.boxed());
        parts.prop_map(|parts| parts.into_iter().flatten().collect::<Vec<_>>()).prop_shuffle()
    };
    select(FIELDS.to_vec()).prop_flat_map(of).prop_map(|fields| format!("{{{}}}", fields.join(",")))
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![number(), odd()];
    let nested = leaf.prop_recursive(3, 16, 4, |inner| {
        let name = select(vec!["operation", "images", "width", "prompts", "a"]);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec((name, inner), 0..4).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    });
    prop_oneof![5 => nested, 1 => ".{0,40}"]
}

proptest! {
    #![proptest_config(at_least(30_000))]

    #[test]
    fn thirty_thousand_bodies_have_the_product_pages_price_or_are_refused(body in body()) {
        checked_outcome(&body);
    }
}

proptest! {
    #![proptest_config(at_least(5_000))]

    #[test]
    fn five_thousand_times_any_json_is_priced_or_refused(text in any_json()) {
        checked_outcome(&text);
    }
}

/// All three outcomes are drawn, so that none of the checks above is idle.
#[test]
fn every_outcome_is_drawn() {
    let mut drawn = proptest::test_runner::TestRunner::deterministic();
    let mut outcomes = Map::new();
    for _ in 0..1_000 {
        let text = body().new_tree(&mut drawn).unwrap().current();
        let outcome = match checked_outcome(&text) {
            Outcome::Invalid => "invalid",
            Outcome::Unsupported => "unsupported",
            Outcome::Costs(_) => "costs",
        };
        let count = outcomes.get(outcome).and_then(Value::as_u64).unwrap_or(0);
        outcomes.insert(outcome.to_owned(), json!(count + 1));
    }
    for outcome in ["invalid", "unsupported", "costs"] {
        assert!(outcomes[outcome].as_u64() > Some(50), "{outcomes:?}");
    }
}
