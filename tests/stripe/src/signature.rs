//! The signature that Stripe puts on what it sends.
//!
//! Invariant: what is signed is the time, a dot, and the body's very bytes.

use chrono::{DateTime, Utc};
use ring::hmac;
use std::fmt::Write;

/// The header that carries the signature.
pub const HEADER: &str = "stripe-signature";

/// The header's value for a body sent at that time: a `v1` signature for each secret, as there are while a
/// secret is rotated, and a `v0` that verifies nothing, as Stripe adds in test mode.
#[must_use]
pub fn sign(secrets: &[&str], sent_at: DateTime<Utc>, body: &str) -> String {
    let sent_at = sent_at.timestamp();
    let mut header = format!("t={sent_at}");
    for secret in secrets {
        // Writing to a string can't fail.
        let _ = write!(header, ",v1={}", mac(secret, sent_at, body));
    }
    let _ = write!(header, ",v0={}", mac("the secret of another scheme", sent_at, body));
    header
}

fn mac(secret: &str, sent_at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mac = hmac::sign(&key, format!("{sent_at}.{body}").as_bytes());
    mac.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
