//! Any body of an event: it is read without a panic, and names only what stands in it.

#![no_main]


use libfuzzer_sys::fuzz_target;
use scrip_test_support::checks::event_body as check;

fuzz_target!(|body: &[u8]| {
    check::check_event_body(body);
});
