//! Any JSON that a caller may send as an operation, and any typing mistake in `catalog.toml`.
//!
//! Each check is a function of its input alone, in a file of its own, since the fuzzer (`tests/fuzz`) draws for it
//! too; it panics where the rule doesn't hold.

mod catalog;
mod operation;

use proptest::prelude::ProptestConfig;

/// At least so many cases, and no files: a failing test prints the smallest input it found, whole.
fn at_least(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(cases), failure_persistence: None, ..asked }
}
