//! The check of any body of an event, which proptest and the fuzzer (`tests/fuzz`) both draw for.

use chrono::{DateTime, Utc};
use credits::{Buys, CustomerId, PaymentId};
use pricing::{CATALOG, Gives};
use serde::Deserialize;
use serde_json::Value;

use crate::event::{Event, Prices, Said, Whom, account};

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
pub(crate) fn says_only_what_it_names(body: &[u8]) -> bool {
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
