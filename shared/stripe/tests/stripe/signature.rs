//! Which `Stripe-Signature` headers are accepted, as a table; `hostile` draws any others.

use chrono::DateTime;
use scrip_stripe::signature::is_valid;

use scrip_test_support::checks::signature_header::digits as sign;

const BODY: &[u8] = br#"{"id":"evt_1"}"#;
const SECRET: &str = "whsec_test";
const SIGNED_AT: i64 = 1_795_000_000;

fn sign_now(secret: &str) -> String {
    sign(secret, &SIGNED_AT.to_string(), BODY)
}

fn check(header: &str, body: &[u8], secrets: &[&str], now: i64) -> bool {
    let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    is_valid(header, body, &secrets, DateTime::from_timestamp(now, 0).unwrap())
}

#[test]
fn one_right_signature_of_about_this_time_is_enough() {
    let (right, wrong) = (sign_now(SECRET), sign_now("other"));
    let header = |parts: &str| format!("t={SIGNED_AT},{parts}");
    let both = [SECRET, "whsec_next"];
    let eight = vec![format!("v1={wrong}"); 8].join(",");
    for (header, secrets, now, valid) in [
        (header(&format!("v1={right}")), &[SECRET][..], SIGNED_AT, true),
        (header(&format!("v1={right},v0={wrong}")), &[SECRET], SIGNED_AT, true),
        (header(&format!("v1={wrong},v1={right}")), &[SECRET], SIGNED_AT, true),
        (header(&format!("v1={right}")), &both, SIGNED_AT, true),
        (header(&format!("v1={}", sign_now("whsec_next"))), &both, SIGNED_AT, true),
        (header(&format!("v1={right}")), &[SECRET], SIGNED_AT + 300, true),
        (header(&format!("v1={right}")), &[SECRET], SIGNED_AT + 301, false),
        (header(&format!("v1={right}")), &[SECRET], SIGNED_AT - 300, true),
        (header(&format!("v1={right}")), &[SECRET], SIGNED_AT - 301, false),
        (header(&format!("v1={wrong}")), &[SECRET], SIGNED_AT, false),
        (header(&format!("v0={right}")), &[SECRET], SIGNED_AT, false),
        (header(&format!("v1={}", &right[..63])), &[SECRET], SIGNED_AT, false),
        (header(&format!("v1={right}0")), &[SECRET], SIGNED_AT, false),
        (header(&format!("v1={}", right.to_uppercase())), &[SECRET], SIGNED_AT, false),
        // Only so many signatures are tried.
        (header(&format!("{eight},v1={right}")), &[SECRET], SIGNED_AT, false),
        (header(&format!("v1={right},{eight}")), &[SECRET], SIGNED_AT, true),
        (header("v1="), &[SECRET], SIGNED_AT, false),
        (format!("v1={right}"), &[SECRET], SIGNED_AT, false),
        (format!("t={},v1={right}", SIGNED_AT + 1), &[SECRET], SIGNED_AT, false),
        (format!("t=x,v1={right}"), &[SECRET], SIGNED_AT, false),
        (
            format!("t={},v1={}", i64::MAX, sign(SECRET, &i64::MAX.to_string(), BODY)),
            &[SECRET],
            SIGNED_AT,
            false,
        ),
        (
            format!("t={},v1={}", i64::MIN, sign(SECRET, &i64::MIN.to_string(), BODY)),
            &[SECRET],
            SIGNED_AT,
            false,
        ),
        (header(&format!("v1={right}")), &["other"], SIGNED_AT, false),
        (header(&format!("v1={right}")), &[], SIGNED_AT, false),
        // An empty secret is no secret, though it has signatures.
        (header(&format!("v1={}", sign_now(""))), &[""], SIGNED_AT, false),
        (String::new(), &[SECRET], SIGNED_AT, false),
    ] {
        assert_eq!(check(&header, BODY, secrets, now), valid, "{header} {secrets:?} {now}");
    }
}
