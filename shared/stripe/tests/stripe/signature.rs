//! Which `Stripe-Signature` headers are accepted.

use chrono::DateTime;
use proptest::{collection::vec, prelude::*, sample::select};
use ring::hmac;
use stripe::signature::is_valid;

const BODY: &[u8] = br#"{"id":"evt_1"}"#;
const SECRET: &str = "whsec_test";
const SIGNED_AT: i64 = 1_795_000_000;

fn sign(secret: &str, time: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [time.as_bytes(), b".", body].concat();
    hmac::sign(&key, &signed).as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

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

#[test]
fn every_bit_of_the_body_and_the_header_counts() {
    let header = format!("t={SIGNED_AT},v1={}", sign_now(SECRET));
    assert!(check(&header, BODY, &[SECRET], SIGNED_AT));
    for bit in 0..BODY.len() * 8 {
        let mut body = BODY.to_vec();
        body[bit / 8] ^= 1 << (bit % 8);
        assert!(!check(&header, &body, &[SECRET], SIGNED_AT), "bit {bit} of the body");
    }
    for bit in 0..header.len() * 8 {
        let mut flipped = header.clone().into_bytes();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // What is no text is no header: the function reads an empty one then.
        let flipped = String::from_utf8(flipped).unwrap_or_default();
        assert!(!check(&flipped, BODY, &[SECRET], SIGNED_AT), "bit {bit} of the header: {flipped}");
    }
}

/// The contract's rule: the last `t`, at most 300 s from now, and among the first eight `v1` of 64 digits the
/// right one. Compared as text, by no code of the crate's.
fn should_be_valid(header: &str) -> bool {
    let parts: Vec<&str> = header.split(',').map(str::trim).collect();
    let Some(time) = parts.iter().rev().find_map(|part| part.strip_prefix("t=")) else { return false };
    let Ok(seconds) = time.parse::<i64>() else { return false };
    let right = sign(SECRET, time, BODY);
    let is_digits = |v1: &&str| v1.len() == 64 && v1.chars().all(|c| "0123456789abcdef".contains(c));
    let mut signatures = parts.iter().filter_map(|part| part.strip_prefix("v1=")).filter(is_digits).take(8);
    (i128::from(seconds) - i128::from(SIGNED_AT)).abs() <= 300 && signatures.any(|v1| v1 == right)
}

/// Parts of a header that are right, nearly right, or anything, about one time.
fn header() -> impl Strategy<Value = String> {
    let odd = [
        "",
        "+1795000000",
        "01795000000",
        "1795000000.0",
        " 1795000000",
        "1e9",
        "-0",
        "99999999999999999999",
    ];
    let time = prop_oneof![
        8 => (-320..=320_i64).prop_map(|seconds| (SIGNED_AT + seconds).to_string()),
        1 => any::<i64>().prop_map(|seconds| seconds.to_string()),
        1 => select(odd.to_vec()).prop_map(str::to_owned),
    ];
    let kinds =
        select(vec!["right", "right", "right", "upper", "long", "short", "other", "v0", "time", "any"]);
    let parts = vec((kinds, ".{0,20}", select(vec!["", "", " ", "\t"])), 0..12);
    (time, parts).prop_map(|(time, parts)| {
        let right = sign(SECRET, &time, BODY);
        let rest = parts.iter().map(|(kind, any, space)| {
            let part = match *kind {
                "right" => format!("v1={right}"),
                "upper" => format!("v1={}", right.to_uppercase()),
                "long" => format!("v1={right}0"),
                "short" => format!("v1={}", &right[..63]),
                "other" => format!("v1={}", sign("other", &time, BODY)),
                "v0" => format!("v0={right}"),
                "time" => format!("t={time}"),
                _ => any.clone(),
            };
            format!("{space}{part}{space}")
        });
        std::iter::once(format!("t={time}")).chain(rest).collect::<Vec<_>>().join(",")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_header_is_valid_exactly_if_a_plain_reading_says_so(header in header()) {
        prop_assert_eq!(check(&header, BODY, &[SECRET], SIGNED_AT), should_be_valid(&header));
    }
}
