//! Any body of an event: it is read without a panic, and says nothing that isn't in it.
//!
//! The function's module is private, so it is included here, as in its own tests.

#![no_main]

#[path = "../../../functions/purchase-webhook/src/hostile/body/check.rs"]
mod check;
#[allow(dead_code, reason = "some of what it reads is for the function only")]
#[path = "../../../functions/purchase-webhook/src/event.rs"]
mod event;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    check::says_only_what_it_names(body);
});
