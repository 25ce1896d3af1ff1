//! Any text as `catalog.toml`: the build says what is wrong with it, or it is sound.

#![no_main]

#[allow(dead_code, reason = "some of what it reads is for build.rs only")]
#[path = "../../../shared/pricing/build/catalog_file.rs"]
mod build;
#[path = "../../../shared/pricing/tests/pricing/hostile/catalog/check.rs"]
mod check;

/// Where the pricing tests have it.
mod catalog_file {
    pub(crate) use crate::build;
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(text) = str::from_utf8(text) else { return };
    check::is_sound_or_refused(text);
});
