//! What the gateway might hand to a function, mangled in every way, and the provider's events, signed and
//! mangled: each function runs in this process, on a database that is empty and stays so.
//!
//! [`Functions::answer`] is the check of any event, a function of its text alone, for which the fuzzer
//! (`tests/fuzz`) draws too; it panics where the rule doesn't hold.

mod hosts;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use aws_smithy_types::base64;
use proptest::{
    prelude::*,
    test_runner::{TestError, TestRunner},
};
use scrip_local::stack::WEBHOOK_SECRET;
use scrip_stripe_model::{Checkout, Generation, Interval, Stripe, signature};
use scrip_test_support::{
    functions::{Functions, InvocationResult},
    hostile,
};
use serde_json::{Value, json};

/// The sample events of functions behind the gateway, and whose they are.
const SAMPLES: [(&str, &str); 19] = [
    ("catalog", "quote"),
    ("quote", "quote"),
    ("account-quote", "quote"),
    ("account", "quote"),
    ("entries", "quote"),
    ("usage", "quote"),
    ("purchases", "quote"),
    ("hold-status", "quote"),
    ("outbox", "quote"),
    ("debit", "debit"),
    ("hold", "debit"),
    ("capture", "debit"),
    ("release", "debit"),
    ("reversal", "refund"),
    ("adjustment", "refund"),
    ("money-back", "refund"),
    ("pending-refunds", "refund"),
    ("webhook", "purchase-webhook"),
    ("recover", "purchase-webhook"),
];

fn events_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("events")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Draws so many inputs, and prints the smallest that fails.
fn draw<S: Strategy>(cases: u32, inputs: &S, check: impl Fn(S::Value)) {
    let checked = TestRunner::new(hostile::at_least(cases)).run(inputs, |input| {
        check(input);
        Ok(())
    });
    match checked {
        Ok(()) => {}
        Err(TestError::Fail(why, input)) => panic!("{why}\nminimal failing input: {input:?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// How often each thing was seen.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<String, u32>>);

impl Tally {
    fn count(&self, seen: &impl ToString) {
        *self.0.lock().unwrap().entry(seen.to_string()).or_default() += 1;
    }

    fn of(&self, seen: &str) -> u32 {
        self.0.lock().unwrap().get(seen).copied().unwrap_or_default()
    }
}

#[test]
fn fifteen_thousand_events_of_the_gateway_are_answered() {
    // A payment provider without objects: without a provider, every event would only be answered "try again".
    let at = chrono::DateTime::from_timestamp(1_793_696_402, 0).unwrap();
    let functions = Functions::of(&Stripe::new("nothing", Generation::Basil, at));
    let tally = Tally::default();
    let samples =
        SAMPLES.map(|(file, function)| (function, read(&events_folder().join(file).with_extension("json"))));
    // Each as it is has to be answered as on AWS, or mangling it shows nothing.
    for (function, event) in &samples {
        let answer = functions.answer(function, &event.to_string());
        assert!(matches!(answer, InvocationResult::Answer(200..=299 | 402 | 404)), "{event}: {answer:?}");
    }
    let without_claims = samples.clone().map(|(function, mut event)| {
        // A command and a batch have no request context.
        if let Some(context) = event.get_mut("requestContext").and_then(Value::as_object_mut) {
            context.remove("authorizer");
        }
        (function, event)
    });
    let inputs =
        proptest::sample::select([samples, without_claims].concat()).prop_flat_map(|(function, sample)| {
            let mangled = hostile::mutated(vec![sample], 2);
            (Just(function), prop_oneof![30 => mangled.boxed(), 1 => hostile::json_text().boxed()])
        });
    draw(15_000, &inputs, |(function, event)| tally.count(&functions.answer(function, &event)));
    println!("{:?}", tally.0.lock().unwrap());
    for status in ["200", "400", "401", "402", "403", "404", "415"] {
        assert!(tally.of(status) > 10, "{status} is almost never drawn");
    }
}

/// The parts of an event that a caller decides: the path, which comes decoded, the query, headers with the host among
/// them, and the body. However odd they are, the function is called and answers.
#[test]
fn five_thousand_odd_requests_of_callers_reach_the_function() {
    let functions = Functions::new();
    let tally = Tally::default();
    let sample = read(&events_folder().join("debit.json"));
    let odd = || prop_oneof![any::<String>(), ".{0,20}", "[ -~]{0,40}", "[/.%?#:@\\[\\\\]{0,12}"];
    // A header's value is any byte but controls; a query is what an HTTP server lets pass.
    let header = || "[\t -~\u{80}-\u{ff}]{0,20}";
    let or = |usual: &str, odd: BoxedStrategy<String>| prop_oneof![Just(usual.to_owned()), odd];
    // Ids and texts that are nearly ids, in length and in characters.
    let id =
        || prop_oneof![4 => "[A-Za-z0-9._~:@|+=-]{1,20}", 1 => "[._~:@|+=-]{126,130}", 1 => "[a-z|%/ ]{1,6}"];
    let account = prop_oneof![or("demo-standard", odd().boxed()), id()];
    let quoted = || id().prop_map(|id| format!("\"{id}\""));
    let key = prop_oneof![or("job-1", header().boxed()), id(), quoted(), "\"{0,2}[a-z.\\\\]{0,3}\"{0,2}"];
    let body = or(r#"{"operation":"download"}"#, odd().boxed());
    let query = prop_oneof!["[!$-;=?-~]{0,40}", ".{0,20}"];
    let odd_host = prop_oneof![header(), "[a-c:@/ \\[\\]0-9.]{0,8}", "a:[0-9]{1,6}"];
    let host = prop_oneof![4 => Just("example.com:443".to_owned()), 1 => odd_host];
    let inputs = (account, query, key, (host, header()), body, any::<bool>());
    draw(5_000, &inputs, |(path, query, key, (host, other), body, is_base64_encoded)| {
        let mut event = sample.clone();
        event["rawPath"] = json!(format!("/v1/accounts/{path}/debits"));
        event["pathParameters"]["account_id"] = json!(path);
        event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"] =
            json!("credits:debit credits:any-account");
        event["rawQueryString"] = json!(query);
        event["headers"]["idempotency-key"] = json!(key);
        event["headers"]["host"] = json!(host);
        event["headers"]["x-odd"] = json!(other);
        event["body"] = json!(if is_base64_encoded { base64::encode(&body) } else { body });
        event["isBase64Encoded"] = json!(is_base64_encoded);
        let answer = functions.answer("debit", &event.to_string());
        assert!(matches!(answer, InvocationResult::Answer(_)), "{answer:?}: {event}");
        if answer == InvocationResult::Answer(201) {
            let bare = key.strip_prefix('"').map_or(Some(&*key), |rest| rest.strip_suffix('"'));
            assert!(is_id(&path) && bare.is_some_and(is_id), "no id is taken for one: {event}");
            tally.count(if bare == Some(&*key) { &"bare" } else { &"quoted" });
        }
        tally.count(&answer);
    });
    println!("{:?}", tally.0.lock().unwrap());
    for seen in ["201", "400", "bare", "quoted"] {
        assert!(tally.of(seen) > 100, "{seen} is almost never drawn");
    }
}

/// An id of the documented characters (docs/api.md, Callers, ids, operations), each written out once.
fn is_id(text: &str) -> bool {
    let is_of_id = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_uppercase() || c.is_ascii_digit() || "._~:@|+=-".contains(c)
    };
    (1..=128).contains(&text.chars().count()) && text.chars().all(is_of_id)
}

/// Event bodies of all kinds, mangled and then signed: what is written is what Stripe shows, whatever the body says.
#[test]
fn five_thousand_signed_events_grant_only_what_stripe_shows() {
    let tally = Tally::default();
    let at = chrono::DateTime::from_timestamp(1_793_696_402, 0).unwrap();
    let stripe = Stripe::new("hostile", Generation::Basil, at);
    let mut receipts = vec![stripe.buy_pack(&Checkout::new("buyer", "tune_pack", 900))];
    receipts.push(stripe.subscribe(&Checkout::new("buyer", "basic_monthly", 1900), Interval::Month));
    let shown: Vec<String> = receipts
        .iter()
        .filter_map(|receipt| receipt.invoice.clone().or(receipt.payment_intent.clone()))
        .collect();
    let mut events: Vec<_> = receipts.iter().flat_map(|receipt| receipt.events.clone()).collect();
    events.extend(stripe.dispute(receipts[0].payment_intent.as_ref().unwrap()).1);
    let functions = Functions::of(&stripe);
    let samples: Vec<Value> = events.iter().map(|event| event.json().clone()).collect();
    let sample = read(&events_folder().join("webhook.json"));
    draw(5_000, &hostile::mutated(samples, 4), |body| {
        let mut event = sample.clone();
        event["headers"]["stripe-signature"] = json!(signature::sign(&[WEBHOOK_SECRET], at, &body));
        event["body"] = json!(body);
        let answer = functions.answer("purchase-webhook", &event.to_string());
        for written in functions.take_written() {
            assert!(matches!(answer, InvocationResult::Answer(200)), "{answer:?} and {written}");
            for (account, purchase) in purchased(&written) {
                assert!(account == "buyer" && shown.contains(&purchase), "{account} {purchase} by {body}");
                tally.count(&"granted");
            }
        }
        tally.count(&answer);
    });
    println!("{:?}", tally.0.lock().unwrap());
    for seen in ["200", "400", "granted"] {
        assert!(tally.of(seen) > 100, "{seen} is almost never drawn");
    }
}

/// The account and the purchase of each purchase that is written.
fn purchased(written: &Value) -> Vec<(String, String)> {
    let items = written["TransactItems"].as_array().into_iter().flatten().map(|item| &item["Put"]["Item"]);
    let ids = items.filter_map(|item| {
        let purchase = item["sk"]["S"].as_str()?.strip_prefix("PURCHASE#")?;
        let account = item["pk"]["S"].as_str()?.strip_prefix("ACCOUNT#")?;
        Some((account.to_owned(), purchase.to_owned()))
    });
    ids.collect()
}
