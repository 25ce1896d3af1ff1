//! Any body, signed or not: it is read without a panic, and names only what stands in it.

use proptest::prelude::*;
use serde_json::Value;

use scrip_test_support::{checks::event_body::check_event_body, hostile as input};

use super::SAMPLES;

fn samples() -> Vec<Value> {
    SAMPLES.iter().map(|sample| serde_json::from_str(sample).unwrap()).collect()
}

fn kinds() -> Vec<Value> {
    samples().iter().map(|sample| sample["type"].clone()).collect()
}

#[test]
fn every_sample_is_an_event() {
    for sample in SAMPLES {
        assert!(check_event_body(sample.as_bytes()), "{sample}");
    }
}

proptest! {
    #![proptest_config(input::at_least(16_000))]

    #[test]
    fn sixteen_thousand_mutated_events_name_only_what_stands_in_them(body in input::mutated(samples(), 4)) {
        check_event_body(body.as_bytes());
    }
}

proptest! {
    #![proptest_config(input::at_least(5_000))]

    #[test]
    fn five_thousand_garbled_events_are_read(body in input::garbled(input::mutated(samples(), 4))) {
        check_event_body(body.as_bytes());
    }

    #[test]
    fn five_thousand_bodies_of_any_json_are_read(
        object in input::json_text(),
        kind in proptest::sample::select(kinds()),
    ) {
        check_event_body(object.as_bytes());
        let event = format!(r#"{{"id":"evt_1","type":{kind},"created":1793696400,"data":{{"object":{object}}}}}"#);
        check_event_body(event.as_bytes());
    }

    #[test]
    fn five_thousand_bodies_of_any_bytes_are_read(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        check_event_body(&body);
    }
}
