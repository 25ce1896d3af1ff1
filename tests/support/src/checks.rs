//! Checks of any input: each is a function of its input alone, which panics if the rule doesn't hold, so that proptest and
//! the fuzzer (`tests/fuzz`) both draw for it.

pub mod catalog;
pub mod event_body;
pub mod operation;
pub mod signature_header;
