//! Any body of an event: it is read without a panic, and names only what stands in it.

#![no_main]

#[path = "../../../shared/stripe/tests/stripe/hostile/body/check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    check::names_only_what_stands_in_it(body);
});
