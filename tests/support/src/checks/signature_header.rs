//! The check of `Stripe-Signature` headers, which proptest and the fuzzer (`tests/fuzz`) share.

use chrono::DateTime;
use ring::hmac;

use scrip_stripe::signature::is_valid;

/// The signing secret.
pub const SECRET: &str = "whsec_hostile";
/// The time of the check, in seconds.
pub const NOW: i64 = 1_795_000_000;

/// The signature's digits, as the provider writes them.
pub fn digits(secret: &str, time: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mac = hmac::sign(&key, &[time.as_bytes(), b".", body].concat());
    mac.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Whether docs/rules.md (Stripe's events) accepts a header: the last `t`, at most 300 s from now either way, and among
/// the first eight `v1` of 64 digits one that is the secret's MAC. It is compared as text, without the code under test.
fn should_be_valid(header: &str, body: &[u8], secret: &str) -> bool {
    let parts: Vec<&str> = header.split(',').map(str::trim).collect();
    let Some(time) = parts.iter().rev().find_map(|part| part.strip_prefix("t=")) else { return false };
    let Ok(seconds) = time.parse::<i64>() else { return false };
    let right = digits(secret, time, body);
    let is_digits = |v1: &&str| v1.len() == 64 && v1.chars().all(|c| "0123456789abcdef".contains(c));
    let mut signatures = parts.iter().filter_map(|part| part.strip_prefix("v1=")).filter(is_digits).take(8);
    (i128::from(seconds) - i128::from(NOW)).abs() <= 300 && signatures.any(|v1| v1 == right)
}

/// Whether the reader accepts a header.
pub fn is_accepted(header: &str, body: &[u8]) -> bool {
    is_valid(header, body, &[SECRET.to_owned()], DateTime::from_timestamp(NOW, 0).unwrap())
}

/// Checks that a header is accepted exactly if the document says so. Returns whether it is.
pub fn check_header(header: &str, body: &[u8]) -> bool {
    let is_valid = is_accepted(header, body);
    assert_eq!(is_valid, should_be_valid(header, body, SECRET), "{header:?} on {body:?}");
    is_valid
}
