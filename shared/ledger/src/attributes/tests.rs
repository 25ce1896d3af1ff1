//! What is written and read, held to what `serde_dynamo` writes and reads.

use std::{collections::HashMap, fmt::Debug};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};
use serde_json::json;

use super::*;
use crate::items::Item;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    text: String,
    letter: char,
    small: (i8, i16, i32, u8, u16, u32),
    least: i64,
    most: u64,
    is_so: bool,
    nothing: (),
    maybe: Option<Box<Row>>,
    wrapped: Wrapped,
    list: Vec<Kind>,
    #[serde(flatten)]
    tagged: Tagged,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapped(u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Plain,
    OfOne(String),
    Named { first: u64, second: Option<bool> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Tagged {
    Empty,
    Full { count: i64, names: HashMap<String, String> },
}

fn row(tagged: Tagged) -> Row {
    Row {
        text: "a ☃, and \"quotes\"".to_owned(),
        letter: 'ß',
        small: (i8::MIN, i16::MIN, i32::MIN, u8::MAX, u16::MAX, u32::MAX),
        least: i64::MIN,
        most: u64::MAX,
        is_so: true,
        nothing: (),
        maybe: None,
        wrapped: Wrapped(0),
        list: vec![
            Kind::Plain,
            Kind::OfOne(String::new()),
            Kind::Named { first: 1, second: None },
            Kind::Named { first: 2, second: Some(false) },
        ],
        tagged,
    }
}

/// The same is written as by the library, and either reads it as what it was.
fn is_written_and_read<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let written = to_item(value).unwrap();
    assert_eq!(written, serde_dynamo::to_item::<_, Item>(value).unwrap(), "{value:?}");
    assert_eq!(&from_item::<T>(written.clone()).unwrap(), value);
    assert_eq!(&serde_dynamo::from_item::<_, T>(written).unwrap(), value);
}

#[test]
fn what_is_stored_is_written_as_the_library_does_and_read_back() {
    let inner = row(Tagged::Empty);
    is_written_and_read(&inner);
    let names = [("one", "1"), ("", "empty")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    is_written_and_read(&row(Tagged::Full { count: -1, names: names.into() }));
    is_written_and_read(&Row { maybe: Some(Box::new(inner.clone())), ..inner });
    is_written_and_read(&json!({"list": [1, -1, true, null, "text", [], {}], "map": {"in": {"map": 0}}}));
}

#[test]
fn what_was_added_later_is_passed_over() {
    let row = row(Tagged::Empty);
    let mut item = to_item(&row).unwrap();
    let ours = [json!([{"a": 1}]), json!("text"), json!({"nested": {"deep": null}})];
    let others = [
        AttributeValue::N("0.5".to_owned()),
        AttributeValue::B(Blob::new([1])),
        AttributeValue::Bs(vec![Blob::new([1])]),
        AttributeValue::Ns(vec!["1".to_owned()]),
        AttributeValue::Ss(vec!["a".to_owned()]),
    ];
    for more in ours.iter().map(|more| to_attribute(more).unwrap()).chain(others) {
        item.insert("added_later".to_owned(), more.clone());
        assert_eq!(from_item::<Row>(item.clone()).unwrap(), row, "{more:?}");
    }
}

#[test]
fn what_is_not_stored_is_an_error() {
    #[derive(Serialize)]
    struct Pair(u64, u64);
    #[derive(Serialize)]
    enum Unnamed {
        Pair(u64, u64),
    }
    struct Bytes;
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[1])
        }
    }
    for (written, why) in [
        (to_attribute(&0.5_f32), "a fraction isn't stored"),
        (to_attribute(&0.5_f64), "a fraction isn't stored"),
        (to_attribute(&Bytes), "a run of bytes isn't stored"),
        (to_attribute(&Pair(1, 2)), "a struct without names isn't stored"),
        (to_attribute(&Unnamed::Pair(1, 2)), "a variant without names isn't stored"),
        (to_attribute(&HashMap::from([(1, 2)])), "a name that isn't text isn't stored"),
    ] {
        assert_eq!(written.unwrap_err().to_string(), why);
    }
    assert_eq!(to_item(&1).unwrap_err().to_string(), "an item has names");
}

#[test]
fn what_is_not_what_was_asked_for_is_an_error() {
    let number = |number: &str| AttributeValue::N(number.to_owned());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let of =
        |attribute: AttributeValue| from_item::<HashMap<String, u64>>(Item::from([("x".into(), attribute)]));
    assert_eq!(of(number("7")).unwrap()["x"], 7);
    for wrong in [
        number("-1"),
        number("1.5"),
        number("18446744073709551616"),
        number(""),
        text("7"),
        AttributeValue::Bool(true),
        AttributeValue::Null(true),
        AttributeValue::L(vec![number("7")]),
        AttributeValue::M(Item::new()),
        AttributeValue::Ns(vec!["7".to_owned()]),
    ] {
        assert!(of(wrong.clone()).is_err(), "{wrong:?}");
    }
    let kind =
        |attribute: AttributeValue| from_item::<HashMap<String, Kind>>(Item::from([("x".into(), attribute)]));
    assert_eq!(kind(text("plain")).unwrap()["x"], Kind::Plain);
    let two =
        Item::from([("of_one".to_owned(), text("a")), ("plain".to_owned(), AttributeValue::Null(true))]);
    for wrong in [text("unheard-of"), text("of_one"), number("0"), AttributeValue::M(two)] {
        assert!(kind(wrong.clone()).is_err(), "{wrong:?}");
    }
    let without = |name: &str| {
        let mut item = to_item(&row(Tagged::Empty)).unwrap();
        item.remove(name).unwrap();
        from_item::<Row>(item)
    };
    for name in ["text", "least", "small", "list", "kind"] {
        assert!(without(name).is_err(), "{name}");
    }
}
