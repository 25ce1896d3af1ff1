//! Any JSON as an operation: it has the price of the product page, or is refused for the right reason.

use pricing::{CATALOG, Credits, Operation};
use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree};
use serde_json::{Map, Value, json};

use super::at_least;

/// What becomes of a body.
#[derive(Debug, PartialEq)]
enum Fate {
    /// 400 `invalid_request`.
    Invalid,
    /// 422 `unsupported_operation`.
    Unsupported,
    Costs(Credits),
}

/// The fields of each operation, those that must be there first, as (name, least, most, default).
type Field = (&'static str, i64, i64, Option<i64>);
const IMAGES: Field = ("images", 1, 100, Some(1));
const FIELDS: [(&str, &[Field]); 7] = [
    (
        "text_to_image",
        &[("width", 1, 1024, None), ("height", 1, 1024, None), ("steps", 1, 150, Some(50)), IMAGES],
    ),
    ("upscale", &[("factor", 2, 4, None), IMAGES]),
    ("face_enhance", &[IMAGES]),
    ("remove_background", &[IMAGES]),
    ("download", &[]),
    ("train_tune", &[("prompts", 0, 8, Some(8))]),
    ("tune_images", &[("prompts", 1, 100, None)]),
];
/// The table of the product page: short and long side, and the credits of each band of 50 steps.
const TIERS: [(u64, u64, [u64; 3]); 6] = [
    (512, 512, [1, 2, 4]),
    (512, 768, [1, 2, 4]),
    (512, 1024, [1, 2, 6]),
    (768, 768, [1, 2, 6]),
    (768, 1024, [1, 2, 8]),
    (1024, 1024, [2, 4, 10]),
];

/// The price, worked out from the contract in a way of its own: on the document, in wide integers.
fn should_become(document: &Value) -> Fate {
    let Some(fields) = document.as_object() else { return Fate::Invalid };
    let name = fields.get("operation").and_then(Value::as_str);
    let Some((name, known)) = FIELDS.iter().find(|(known, _)| Some(*known) == name) else {
        return Fate::Invalid;
    };
    let is_known = |field: &String| {
        field == "operation"
            || known.iter().any(|(known, ..)| known == field)
            || (*name == "train_tune" && field == "if_short")
    };
    if !fields.keys().all(is_known) {
        return Fate::Invalid;
    }
    let mut numbers = Vec::new();
    for (field, _, _, default) in *known {
        match (fields.get(*field).map(integer), default) {
            (Some(Some(number)), _) => numbers.push(number),
            (None, Some(default)) => numbers.push(i128::from(*default)),
            _ => return Fate::Invalid,
        }
    }
    let if_short = fields.get("if_short");
    if if_short.is_some_and(|word| !word.is_string()) {
        return Fate::Invalid;
    }
    let is_in_range = known
        .iter()
        .zip(&numbers)
        .all(|((_, least, most, _), number)| (i128::from(*least)..=i128::from(*most)).contains(number));
    let is_word = if_short.is_none_or(|word| word == "defer" || word == "refuse");
    if !is_in_range || !is_word || (*name == "upscale" && numbers[0] == 3) {
        return Fate::Unsupported;
    }
    let numbers: Vec<u64> = numbers.into_iter().map(|number| u64::try_from(number).unwrap()).collect();
    Fate::Costs(match (*name, &numbers[..]) {
        ("text_to_image", [width, height, steps, images]) => {
            let (short, long) = (*width.min(height), *width.max(height));
            let holds = |tier: &&(u64, u64, _)| short <= tier.0 && long <= tier.1;
            let tier = TIERS.iter().filter(holds).min_by_key(|(width, height, _)| width * height).unwrap();
            let band = usize::try_from(steps.div_ceil(50) - 1).unwrap();
            Credits::new(tier.2[band] * images, 0, 0)
        }
        ("upscale", [factor, images]) => Credits::new(factor / 2 * images, 0, 0),
        ("face_enhance" | "remove_background", [images]) => Credits::new(*images, 0, 0),
        ("download", []) => Credits::ZERO,
        ("train_tune", [prompts]) => Credits::new(0, 1, 8 * prompts),
        ("tune_images", [prompts]) => Credits::new(0, 0, 8 * prompts),
        other => panic!("{other:?}"),
    })
}

/// A JSON integer, however it is written; beyond 128 bits the nearest, which is out of every range too.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) if number.is_i64() => number.as_i64().map(i128::from),
        Value::Number(number) if number.is_u64() => number.as_u64().map(i128::from),
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, as meant here")]
        Value::Number(number) => {
            number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i128)
        }
        _ => None,
    }
}

/// The check of any body.
fn becomes(text: &str) -> Fate {
    match serde_json::from_str::<Operation>(text).map(|operation| CATALOG.quote(&operation)) {
        Err(_) => Fate::Invalid,
        Ok(Err(unsupported)) => {
            assert!(!unsupported.detail.is_empty());
            Fate::Unsupported
        }
        Ok(Ok(price)) => {
            // Whatever has a price can be charged and afforded.
            assert!(price.credits().covers(price.charge(Credits::ZERO).credits));
            assert!(price.affordable_units(price.credits()).is_none_or(|units| units <= 100));
            Fate::Costs(price.credits())
        }
    }
}

fn becomes_what_it_should(text: &str) -> Fate {
    let became = becomes(text);
    match serde_json::from_str::<Value>(text) {
        // A field that is there twice is invalid, which a document can't show.
        Ok(document) if is_plain(text) => assert_eq!(became, should_become(&document), "{text}"),
        Ok(_) => {}
        Err(_) => assert_eq!(became, Fate::Invalid, "{text}"),
    }
    became
}

/// Whether no field is there twice.
fn is_plain(text: &str) -> bool {
    let names = ["operation", "width", "height", "steps", "images", "factor", "prompts", "if_short"];
    names.iter().all(|name| text.matches(&format!("\"{name}\"")).count() <= 1) && !text.contains('\\')
}

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
    fn thirty_thousand_bodies_cost_what_the_product_page_says_or_are_refused(body in body()) {
        becomes_what_it_should(&body);
    }
}

proptest! {
    #![proptest_config(at_least(5_000))]

    #[test]
    fn five_thousand_times_any_json_is_priced_or_refused(text in any_json()) {
        becomes_what_it_should(&text);
    }
}

/// All three fates are drawn, so that none of the checks above is idle.
#[test]
fn every_fate_is_drawn() {
    let mut drawn = proptest::test_runner::TestRunner::deterministic();
    let mut fates = Map::new();
    for _ in 0..1_000 {
        let text = body().new_tree(&mut drawn).unwrap().current();
        let fate = match becomes_what_it_should(&text) {
            Fate::Invalid => "invalid",
            Fate::Unsupported => "unsupported",
            Fate::Costs(_) => "costs",
        };
        let count = fates.get(fate).and_then(Value::as_u64).unwrap_or(0);
        fates.insert(fate.to_owned(), json!(count + 1));
    }
    for fate in ["invalid", "unsupported", "costs"] {
        assert!(fates[fate].as_u64() > Some(50), "{fates:?}");
    }
}
