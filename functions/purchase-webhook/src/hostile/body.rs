//! Any body, signed or not: it is read without a panic, and what an event says was in it. Nothing is granted
//! that the body doesn't name.

mod check;

use proptest::prelude::*;
use serde_json::Value;

use super::{SAMPLES, input};
use crate::event::{Event, Prices, Said, account};
use check::says_only_what_it_names;

fn samples() -> Vec<Value> {
    SAMPLES.iter().map(|sample| serde_json::from_str(sample).unwrap()).collect()
}

fn kinds() -> Vec<Value> {
    samples().iter().map(|sample| sample["type"].clone()).collect()
}

proptest! {
    #![proptest_config(input::at_least(16_000))]

    #[test]
    fn sixteen_thousand_mutated_events_say_only_what_they_name(body in input::mutated(samples(), 4)) {
        says_only_what_it_names(body.as_bytes());
    }
}

proptest! {
    #![proptest_config(input::at_least(5_000))]

    #[test]
    fn five_thousand_garbled_events_say_only_what_they_name(body in input::garbled(input::mutated(samples(), 4))) {
        says_only_what_it_names(body.as_bytes());
    }

    #[test]
    fn five_thousand_bodies_of_any_json_say_only_what_they_name(
        object in input::json_text(),
        kind in proptest::sample::select(kinds()),
    ) {
        says_only_what_it_names(object.as_bytes());
        let event = format!(r#"{{"id":"evt_1","type":{kind},"created":1793696400,"data":{{"object":{object}}}}}"#);
        prop_assert!(!says_only_what_it_names(event.as_bytes()), "no such object is a purchase");
    }

    #[test]
    fn five_thousand_bodies_of_any_bytes_are_read(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        says_only_what_it_names(&body);
    }
}

/// Every field of that name, wherever it is, is gone.
fn without(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|field| without(field, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| without(item, names)),
        _ => {}
    }
}

/// The facts of a grant, each by the names of the fields that may hold it.
#[test]
fn without_a_fact_nothing_is_granted() {
    const SKU: &[&str] = &["sku", "lookup_key"];
    const WHOM: &[&str] = &["account_id", "client_reference_id", "customer"];
    let (mut granting, mut checked) = (0, 0);
    for sample in samples() {
        let grants = |sample: &Value| {
            let event: Event = serde_json::from_value(sample.clone()).unwrap();
            let (whom, said) = event.read(&Prices::default(), event.at().unwrap());
            let is_somebodys = account(&whom).is_some() || whom.customer.is_some();
            is_somebodys && matches!(said, Said::Paid(..))
        };
        if !grants(&sample) {
            continue;
        }
        granting += 1;
        let kind = sample["type"].as_str().unwrap();
        let facts: &[&[&str]] = match kind {
            "payment_intent.succeeded" => &[SKU, WHOM],
            kind if kind.starts_with("invoice.") => {
                &[SKU, WHOM, &["subscription"], &["period"], &["lines"], &["amount"], &["id"]]
            }
            _ => &[SKU, WHOM, &["mode"], &["payment_status"], &["id", "payment_intent"]],
        };
        for names in facts {
            let mut lacking = sample.clone();
            // The event's own id is another thing.
            without(&mut lacking["data"]["object"], names);
            assert!(!grants(&lacking), "{kind} without {names:?}");
            checked += 1;
        }
    }
    assert_eq!((granting, checked), (5, 26));
}
