//! Any body as an operation: it has the price that is written out in the tests, or is refused for the right reason.

#![no_main]


use libfuzzer_sys::fuzz_target;
use scrip_test_support::checks::operation as check;

fuzz_target!(|body: &[u8]| {
    let Ok(body) = str::from_utf8(body) else { return };
    check::becomes_what_it_should(body);
});
