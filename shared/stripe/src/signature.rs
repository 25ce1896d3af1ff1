//! The check of the header `Stripe-Signature`, which signs an event's raw body (docs/rules.md, Stripe's events).
//!
//! It comes before anything of the body is read. The comparison takes the same time wherever two signatures differ.

use chrono::{DateTime, TimeDelta, Utc};
use ring::hmac;

/// How far the signature's time may be in the past or the future.
const TOLERANCE: TimeDelta = TimeDelta::seconds(300);
/// How many signatures of one header are checked at most.
const SIGNATURES_MAX: usize = 8;

/// Whether a header signs a body with one of the secrets, at most 300 s before or after `now`.
///
/// # Examples
/// ```
/// use scrip_stripe::signature;
///
/// let secrets = ["whsec_test".to_owned()];
/// let body = br#"{"id":"evt_1"}"#;
/// let header = "t=1793696400,v1=742f18fe57bc77f0fa259800b9c630f908193428942cb5565ed5f5cb6a11c8ca";
/// let now = chrono::DateTime::from_timestamp(1_793_696_400, 0).unwrap();
/// assert!(signature::is_valid(header, body, &secrets, now));
/// assert!(!signature::is_valid(header, b"another body", &secrets, now));
/// ```
#[must_use]
pub fn is_valid(header: &str, body: &[u8], secrets: &[String], now: DateTime<Utc>) -> bool {
    let mut signed_at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", time)) => signed_at = Some(time),
            Some(("v1", hex)) if signatures.len() < SIGNATURES_MAX => signatures.extend(bytes(hex)),
            _ => {}
        }
    }
    let Some(time) = signed_at else { return false };
    let is_near = time
        .parse()
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .is_some_and(|signed_at: DateTime<Utc>| (now - signed_at).abs() <= TOLERANCE);
    if !is_near {
        return false;
    }
    let mut signed = Vec::with_capacity(time.len() + 1 + body.len());
    signed.extend_from_slice(time.as_bytes());
    signed.push(b'.');
    signed.extend_from_slice(body);
    secrets.iter().filter(|secret| !secret.is_empty()).any(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        signatures.iter().any(|signature| hmac::verify(&key, &signed, signature).is_ok())
    })
}

/// The bytes of 64 hexadecimal digits; `None` for any other text. Digits must be in lower case, as Stripe writes them, so
/// that a signature has one form only.
fn bytes(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? * 16 + digit(pair[1])?;
    }
    Some(bytes)
}
