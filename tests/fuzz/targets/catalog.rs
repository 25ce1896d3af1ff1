//! Any text as `catalog.toml`: the build says what is wrong with it, or it is sound.

#![no_main]


use libfuzzer_sys::fuzz_target;
use scrip_test_support::checks::catalog as check;

fuzz_target!(|text: &[u8]| {
    let Ok(text) = str::from_utf8(text) else { return };
    check::check_catalog(text);
});
