//! Any body as an operation: it has the price of the product page, or is refused for the right reason.

#![no_main]

#[path = "../../../shared/pricing/tests/pricing/hostile/operation/check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(body) = str::from_utf8(body) else { return };
    check::becomes_what_it_should(body);
});
