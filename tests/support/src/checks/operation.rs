//! The check of any body as an operation, which proptest and the fuzzer (`tests/fuzz`) both draw for.

use scrip_pricing::{CATALOG, Credits, Operation};
use serde_json::Value;

/// The outcome of pricing a body.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// 400 `invalid_request`.
    Invalid,
    /// 422 `unsupported_operation`.
    Unsupported,
    /// 200, with this price.
    Costs(Credits),
}

/// The fields of each operation, those that must be there first, as (name, least, most, default).
pub type Field = (&'static str, i64, i64, Option<i64>);
const IMAGES: Field = ("images", 1, 100, Some(1));
/// Each operation's fields.
pub const FIELDS: &[(&str, &[Field])] = &[
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
/// The table of prices, written out: short and long side, and the credits of each band of 50 steps.
const TIERS: [(u64, u64, [u64; 3]); 6] = [
    (512, 512, [1, 2, 4]),
    (512, 768, [1, 2, 4]),
    (512, 1024, [1, 2, 6]),
    (768, 768, [1, 2, 6]),
    (768, 1024, [1, 2, 8]),
    (1024, 1024, [2, 4, 10]),
];

/// The price, worked out from the documents in a way of its own: on the document, in wide integers.
fn expected_outcome(document: &Value) -> Outcome {
    let Some(fields) = document.as_object() else { return Outcome::Invalid };
    let name = fields.get("operation").and_then(Value::as_str);
    let Some((name, known)) = FIELDS.iter().find(|(known, _)| Some(*known) == name) else {
        return Outcome::Invalid;
    };
    let is_known = |field: &String| {
        field == "operation"
            || known.iter().any(|(known, ..)| known == field)
            || (*name == "train_tune" && field == "if_short")
    };
    if !fields.keys().all(is_known) {
        return Outcome::Invalid;
    }
    let mut numbers = Vec::new();
    for (field, _, _, default) in *known {
        match (fields.get(*field).map(integer), default) {
            (Some(Some(number)), _) => numbers.push(number),
            (None, Some(default)) => numbers.push(i128::from(*default)),
            _ => return Outcome::Invalid,
        }
    }
    let if_short = fields.get("if_short");
    if if_short.is_some_and(|word| !word.is_string()) {
        return Outcome::Invalid;
    }
    let is_in_range = known
        .iter()
        .zip(&numbers)
        .all(|((_, least, most, _), number)| (i128::from(*least)..=i128::from(*most)).contains(number));
    let is_word = if_short.is_none_or(|word| word == "defer" || word == "refuse");
    if !is_in_range || !is_word || (*name == "upscale" && numbers[0] == 3) {
        return Outcome::Unsupported;
    }
    let numbers: Vec<u64> = numbers.into_iter().map(|number| u64::try_from(number).unwrap()).collect();
    Outcome::Costs(match (*name, &numbers[..]) {
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

/// The outcome of parsing and pricing a body.
fn outcome(text: &str) -> Outcome {
    match serde_json::from_str::<Operation>(text).map(|operation| CATALOG.quote(&operation)) {
        Err(_) => Outcome::Invalid,
        Ok(Err(unsupported)) => {
            assert!(!unsupported.detail.is_empty());
            Outcome::Unsupported
        }
        Ok(Ok(price)) => {
            // Whatever has a price can be charged and afforded.
            assert!(price.credits().covers(price.charge(Credits::ZERO).credits));
            assert!(price.affordable_units(price.credits()).is_none_or(|units| units <= 100));
            Outcome::Costs(price.credits())
        }
    }
}

/// The outcome of any body, after checking that it is the expected one.
pub fn checked_outcome(text: &str) -> Outcome {
    let found = outcome(text);
    match serde_json::from_str::<Value>(text) {
        // A field that is there twice is invalid, which a document can't show.
        Ok(document) if is_plain(text) => assert_eq!(found, expected_outcome(&document), "{text}"),
        Ok(_) => {}
        Err(_) => assert_eq!(found, Outcome::Invalid, "{text}"),
    }
    found
}

/// Whether no field is there twice.
fn is_plain(text: &str) -> bool {
    let names = ["operation", "width", "height", "steps", "images", "factor", "prompts", "if_short"];
    names.iter().all(|name| text.matches(&format!("\"{name}\"")).count() <= 1) && !text.contains('\\')
}
