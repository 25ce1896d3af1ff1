//! Any event of the gateway's to each function behind it: an answer of the API's, and nothing without a right.

#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;
use scrip_test_support::functions::Functions;

thread_local! {
    static FUNCTIONS: OnceCell<Functions> = const { OnceCell::new() };
}

fuzz_target!(|event: &[u8]| {
    let Ok(event) = str::from_utf8(event) else { return };
    FUNCTIONS.with(|functions| {
        let functions = functions.get_or_init(Functions::new);
        for function in ["quote", "debit", "refund", "purchase-webhook"] {
            functions.answer(function, event);
        }
        functions.take_written();
    });
});
