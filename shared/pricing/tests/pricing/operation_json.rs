//! Which JSON is an operation, alone and as the fields of a larger body.

use scrip_pricing::{Count, Credits, IfShort, Operation};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{face_enhance, remove_background, text_to_image, train_tune, tune_images, upscale};

/// A body the way functions embed an operation in theirs.
#[derive(Debug, Deserialize)]
struct Body {
    expected_credits: Option<Credits>,
    #[serde(flatten)]
    operation: Operation,
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// As the caller wrote it, alone and embedded: both must agree.
fn operation(json: &str) -> Result<Operation, String> {
    let (alone, embedded) = (parse::<Operation>(json), parse::<Body>(json));
    match (&alone, embedded) {
        (Ok(alone), Ok(body)) => assert_eq!(*alone, body.operation, "{json}"),
        (Err(alone), Err(embedded)) => {
            let message = |text: &str| text.split(" at line ").next().map(str::to_owned);
            assert_eq!(message(alone), message(&embedded), "{json}");
        }
        (alone, embedded) => panic!("{json}: alone {alone:?}, embedded {embedded:?}"),
    }
    alone
}

#[test]
fn every_operation_round_trips_in_the_order_of_the_document() -> Result<(), serde_json::Error> {
    let table = [
        (
            text_to_image(768, 512, 80, 2),
            r#"{"operation":"text_to_image","width":768,"height":512,"steps":80,"images":2}"#,
        ),
        (upscale(4, 1), r#"{"operation":"upscale","factor":4,"images":1}"#),
        (face_enhance(1), r#"{"operation":"face_enhance","images":1}"#),
        (remove_background(1), r#"{"operation":"remove_background","images":1}"#),
        (Operation::Download {}, r#"{"operation":"download"}"#),
        (train_tune(8, IfShort::Defer), r#"{"operation":"train_tune","prompts":8,"if_short":"defer"}"#),
        (train_tune(0, IfShort::Refuse), r#"{"operation":"train_tune","prompts":0,"if_short":"refuse"}"#),
        (tune_images(3), r#"{"operation":"tune_images","prompts":3}"#),
    ];
    for (expected, json) in table {
        assert_eq!(serde_json::to_string(&expected)?, json);
        assert_eq!(operation(json), Ok(expected.clone()));
        assert!(json.starts_with(&format!(r#"{{"operation":"{}""#, expected.name())), "{json}");
    }
    Ok(())
}

#[test]
fn a_field_that_is_left_out_has_its_default() {
    let table = [
        (r#"{"operation":"text_to_image","width":512,"height":512}"#, text_to_image(512, 512, 50, 1)),
        (r#"{"operation":"upscale","factor":2}"#, upscale(2, 1)),
        (r#"{"operation":"face_enhance"}"#, face_enhance(1)),
        (r#"{"operation":"remove_background"}"#, remove_background(1)),
        (r#"{"operation":"train_tune"}"#, train_tune(8, IfShort::Defer)),
        (r#"{"operation":"train_tune","if_short":"refuse"}"#, train_tune(8, IfShort::Refuse)),
        (r#"{"height":768,"width":512,"operation":"text_to_image"}"#, text_to_image(512, 768, 50, 1)),
    ];
    for (json, expected) in table {
        assert_eq!(operation(json), Ok(expected), "{json}");
    }
}

/// A row that fails here breaks retries: a request is recognised by what it parses to, so a
/// default must never change, whatever else of the API or the catalog does.
#[test]
fn the_defaults_of_the_api_never_change() -> Result<(), serde_json::Error> {
    let table = [
        (
            r#"{"operation":"text_to_image","width":512,"height":512}"#,
            r#"{"operation":"text_to_image","width":512,"height":512,"steps":50,"images":1}"#,
        ),
        (r#"{"operation":"upscale","factor":2}"#, r#"{"operation":"upscale","factor":2,"images":1}"#),
        (r#"{"operation":"face_enhance"}"#, r#"{"operation":"face_enhance","images":1}"#),
        (r#"{"operation":"remove_background"}"#, r#"{"operation":"remove_background","images":1}"#),
        (r#"{"operation":"train_tune"}"#, r#"{"operation":"train_tune","prompts":8,"if_short":"defer"}"#),
    ];
    for (left_out, spelled_out) in table {
        let meant = operation(left_out).expect(left_out);
        assert_eq!(operation(spelled_out), Ok(meant.clone()), "{left_out}");
        assert_eq!(serde_json::to_string(&meant)?, spelled_out);
    }
    Ok(())
}

#[test]
fn a_count_is_any_integer_however_it_is_written() {
    let table = [
        ("2", 2),
        ("0", 0),
        ("-3", -3),
        ("2.0", 2),
        ("2e0", 2),
        ("-0.0", 0),
        ("9223372036854775807", i64::MAX),
        ("9223372036854775808", i64::MAX),
        ("18446744073709551616", i64::MAX),
        ("1e30", i64::MAX),
        ("1e308", i64::MAX),
        ("-9223372036854775808", i64::MIN),
        ("-9223372036854775809", i64::MIN),
        ("-1e30", i64::MIN),
    ];
    for (written, count) in table {
        assert_eq!(parse(written), Ok(Count::new(count)), "{written}");
        let json = format!(r#"{{"operation":"tune_images","prompts":{written}}}"#);
        assert_eq!(operation(&json), Ok(tune_images(count)), "{written}");
    }
    assert_eq!(Count::new(-3).to_string(), "-3");
    assert_eq!(Count::new(-3).get(), -3);
}

#[test]
fn another_word_for_if_short_still_parses() {
    for word in ["wait", "", "Defer", "unsupported"] {
        let json = format!(r#"{{"operation":"train_tune","if_short":"{word}"}}"#);
        assert_eq!(operation(&json), Ok(train_tune(8, IfShort::Unsupported)), "{word}");
    }
}

#[test]
fn json_that_is_not_an_operation() {
    const OBJECT: &str = "expected an object with an `operation`";
    let table = [
        ("{}", "missing field `operation`"),
        (r#"{"width":512,"height":512}"#, "missing field `operation`"),
        (
            r#"{"operation":"teleport"}"#,
            "unknown variant `teleport`, expected one of `text_to_image`, `upscale`, `face_enhance`, \
             `remove_background`, `download`, `train_tune`, `tune_images`",
        ),
        (r#"{"operation":"Download"}"#, "unknown variant `Download`"),
        (r#"{"operation":4}"#, "invalid type: integer `4`, expected a string"),
        (r#"{"operation":null}"#, "invalid type: null, expected a string"),
        (r#"{"operation":{"download":null}}"#, "invalid type: map, expected a string"),
        (r#"{"operation":"download","operation":"download"}"#, "duplicate field `operation`"),
        (r#"{"operation":"download","images":1}"#, "unknown field `images`"),
        (
            r#"{"operation":"face_enhance","images":1,"colour":"red"}"#,
            "unknown field `colour`, expected `images`",
        ),
        (
            r#"{"operation":"train_tune","images":1}"#,
            "unknown field `images`, expected `prompts` or `if_short`",
        ),
        (r#"{"operation":"face_enhance","images":1,"images":2}"#, "duplicate field `images`"),
        (r#"{"operation":"text_to_image","width":512}"#, "missing field `height`"),
        (r#"{"operation":"upscale"}"#, "missing field `factor`"),
        (r#"{"operation":"tune_images"}"#, "missing field `prompts`"),
        (
            r#"{"operation":"tune_images","prompts":2.5}"#,
            "invalid type: floating point `2.5`, expected an integer",
        ),
        (r#"{"operation":"tune_images","prompts":1e999}"#, "number out of range"),
        (r#"{"operation":"tune_images","prompts":-1e999}"#, "number out of range"),
        (r#"{"operation":"tune_images","prompts":"2"}"#, "invalid type: string \"2\", expected an integer"),
        (r#"{"operation":"tune_images","prompts":null}"#, "invalid type: null, expected an integer"),
        (
            r#"{"operation":"face_enhance","images":true}"#,
            "invalid type: boolean `true`, expected an integer",
        ),
        (r#"{"operation":"train_tune","if_short":1}"#, "invalid type: integer `1`, expected a string"),
        (r#"{"operation":"train_tune","if_short":null}"#, "invalid type: null, expected a string"),
    ];
    for (json, expected) in table {
        match operation(json) {
            Ok(operation) => panic!("{json} is {operation:?}"),
            Err(error) => assert!(error.starts_with(expected), "{json}: {error}"),
        }
    }
    for (json, found) in [
        (r#"["download"]"#, "sequence"),
        (r#""download""#, "string \"download\""),
        ("4", "integer `4`"),
        ("null", "null"),
    ] {
        let error = parse::<Operation>(json).expect_err(json);
        assert!(error.starts_with(&format!("invalid type: {found}, {OBJECT}")), "{json}: {error}");
    }
}

#[test]
fn a_body_around_an_operation_refuses_the_same_fields() {
    let json =
        r#"{"operation":"upscale","expected_credits":{"playground":2,"tune":0,"tune_image":0},"factor":4}"#;
    let body: Body = parse(json).expect(json);
    assert_eq!(body.operation, upscale(4, 1));
    assert_eq!(body.expected_credits, Some(Credits::new(2, 0, 0)));

    let table = [
        (
            r#"{"operation":"upscale","factor":4,"expected_credit":{}}"#,
            "unknown field `expected_credit`, expected `factor` or `images`",
        ),
        (
            r#"{"expected_credits":null,"operation":"download","expected_credits":null}"#,
            "duplicate field `expected_credits`",
        ),
        (r#"{"operation":"download","expected_credits":{"playground":2}}"#, "missing field `tune`"),
        (
            r#"{"operation":"download","expected_credits":[2,0,0]}"#,
            "invalid type: sequence, expected an object with `playground`, `tune` and `tune_image`",
        ),
    ];
    for (json, expected) in table {
        let error = parse::<Body>(json).expect_err(json);
        assert!(error.starts_with(expected), "{json}: {error}");
    }
}
