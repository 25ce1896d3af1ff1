//! Signatures, checked by Stripe's own library.

use super::stripe;
use scrip_tests::{
    clock,
    stripe::{Checkout, Generation, signature::sign},
};
use serde_json::json;
use std::{
    io::Write,
    process::{Command, Stdio},
};

/// Exit code of the script where the library is missing.
const MISSING: i32 = 42;

/// Reads the cases and prints, for each, whether the library accepts it.
const SCRIPT: &str = r"
import json, sys
try:
    import stripe
except ImportError:
    sys.exit(42)
for case in json.load(sys.stdin):
    try:
        stripe.WebhookSignature.verify_header(case['body'], case['header'], case['secret'], case['tolerance'])
        print('accepted')
    except stripe.SignatureVerificationError as refusal:
        print('refused')
";

#[test]
fn a_signature_is_the_hmac_that_stripe_documents() {
    // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
    let header = sign(&["whsec_test"], super::time("2023-11-14T22:13:20Z"), r#"{"id":"evt_1"}"#);
    let expected = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
    assert!(header.starts_with(&format!("t=1700000000,v1={expected},v0=")), "{header}");
}

#[test]
fn stripe_s_own_library_accepts_them() {
    let (now, body) = (clock::now(), {
        let bought = stripe("signed", Generation::Basil).buy_pack(&Checkout::new("ä€", "tune_pack", 1_900));
        bought.events[0].body()
    });
    let hour = chrono::TimeDelta::hours(1);
    let rows = [
        (sign(&["new"], now, &body), body.clone(), "new", Some(300), "accepted"),
        (sign(&["new", "old"], now, &body), body.clone(), "old", Some(300), "accepted"),
        (sign(&["new", "old"], now, &body), body.clone(), "new", Some(300), "accepted"),
        (sign(&["other"], now, &body), body.clone(), "new", Some(300), "refused"),
        (sign(&["new"], now, &body), format!("{body} "), "new", Some(300), "refused"),
        (sign(&["new"], now - hour, &body), body.clone(), "new", Some(300), "refused"),
        (sign(&["new"], now - hour, &body), body.clone(), "new", None, "accepted"),
        (sign(&[], now, &body), body.clone(), "new", Some(300), "refused"),
    ];
    let cases = rows.iter().map(|(header, body, secret, tolerance, _)| {
        json!({ "header": header, "body": body, "secret": secret, "tolerance": tolerance })
    });
    let cases = json!(cases.collect::<Vec<_>>()).to_string();
    let mut python = Command::new("python3");
    // Not in this package's folder: its folder `stripe` would be taken for the library.
    python.args(["-c", SCRIPT]).current_dir(std::env::temp_dir());
    let python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = python else {
        eprintln!("SKIPPED: there is no python3 to check signatures with");
        return;
    };
    // Where the library is missing, nobody reads what is written.
    let _ = python.stdin.take().map(|mut stdin| stdin.write_all(cases.as_bytes()));
    let output = python.wait_with_output().unwrap();
    if output.status.code() == Some(MISSING) {
        eprintln!("SKIPPED: python3 lacks the package `stripe` to check signatures with");
        return;
    }
    assert!(output.status.success());
    let verdicts = String::from_utf8(output.stdout).unwrap();
    let expected: Vec<_> = rows.iter().map(|(.., expected)| *expected).collect();
    assert_eq!(verdicts.lines().collect::<Vec<_>>(), expected);
}
