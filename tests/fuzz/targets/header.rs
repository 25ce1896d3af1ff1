//! Any `Stripe-Signature`, up to the first line's end, on any body, which is the rest: accepted exactly if a
//! plain reading of docs/rules.md (Stripe's events) accepts it.
//!
//! No fuzzer guesses a signature: where the header says `SIGNATURE`, the right one of its first time is put in.

#![no_main]


use scrip_test_support::checks::signature_header::{NOW, SECRET, digits, check_header, is_accepted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: {
    // The seeds are of use only so long as the right header is one.
    let header = format!("t={NOW},v1={}", digits(SECRET, &NOW.to_string(), b""));
    assert!(is_accepted(&header, b""));
}, |input: &[u8]| {
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, body) = input.split_at(line);
    let body = body.get(1..).unwrap_or_default();
    // What is no text is no header: the handler reads none then.
    let Ok(header) = str::from_utf8(header) else { return };
    let time = header.split(',').find_map(|part| part.trim().strip_prefix("t=")).unwrap_or_default();
    let header = header.replace("SIGNATURE", &digits(SECRET, time, body));
    check_header(&header, body);
});
