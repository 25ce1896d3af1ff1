//! Any body, signed or not: it is read without a panic, and what an event says was in it. Nothing is granted
//! that the body doesn't name.

use chrono::{DateTime, Utc};
use credits::{Buys, CustomerId, PaymentId};
use pricing::{CATALOG, Gives};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::{SAMPLES, input};
use crate::event::{Event, Prices, Said, Whom, account};

fn samples() -> Vec<Value> {
    SAMPLES.iter().map(|sample| serde_json::from_str(sample).unwrap()).collect()
}

fn kinds() -> Vec<Value> {
    samples().iter().map(|sample| sample["type"].clone()).collect()
}

/// An event, for what it is about. The rest of it may be what no document holds, such as 1e999: it isn't read.
#[derive(Deserialize)]
struct Object {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// All strings of a document that stand somewhere as a value, and all its integers as text.
fn words(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(word) => found.push(word.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| words(field, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The check of any body; whether it says that something was paid.
fn says_only_what_it_names(body: &[u8]) -> bool {
    let Ok(event) = serde_json::from_slice::<Event>(body) else { return false };
    let Some(at) = event.at() else { return false };
    let (whom, said) = event.read(&Prices::default(), at);
    let Object { data: Data { object } } = serde_json::from_slice(body).expect("an event has an object");
    let mut found = Vec::new();
    words(&object, &mut found);
    let names = |word: &str| found.iter().any(|found| found == word);
    let Whom { account: name, customer, payment } = &whom;
    let ids = [customer.as_ref().map(CustomerId::as_str), payment.as_ref().map(PaymentId::as_str)];
    for word in ids.into_iter().flatten().chain(name.as_deref()) {
        assert!(names(word), "{word} is nowhere in the body");
    }
    assert!(account(&whom).is_none_or(|account| names(account.as_str())));
    let Said::Paid(paid, _) = said else { return false };
    assert!(names(paid.id.as_str()) && names(&paid.sku), "{paid:?}");
    assert!(paid.amount == 0 || names(&paid.amount.to_string()), "{paid:?}");
    assert!(paid.paid_at == at || is_time(&paid.paid_at, &found), "{paid:?}");
    let sold = CATALOG.offer(&paid.sku).expect("only what is sold is paid for").gives;
    match (&paid.buys, sold) {
        (Buys::Pack(credits), Gives::Pack(given)) => {
            assert_eq!(*credits, given);
            let is_paid = names("paid") || names("no_payment_required");
            let is_intent = event.kind == "payment_intent.succeeded";
            assert!(is_intent || is_paid && names("payment"), "{}", event.kind);
        }
        (
            Buys::Plan { subscription_id, plan, allowance, paid_until },
            Gives::Plan { plan: sold, allowance: fixed, .. },
        ) => {
            assert_eq!(plan, sold);
            assert!(names(subscription_id.as_str()) && is_time(paid_until, &found), "{paid:?}");
            let is_agreed = || found.iter().any(|word| word.parse() == Ok(*allowance));
            assert!(fixed.map_or_else(is_agreed, |fixed| fixed == *allowance), "{paid:?}");
            assert!(event.kind.starts_with("invoice."), "{}", event.kind);
        }
        (buys, sold) => panic!("{buys:?} for {sold:?}"),
    }
    true
}

fn is_time(time: &DateTime<Utc>, words: &[String]) -> bool {
    words.contains(&time.timestamp().to_string())
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
