//! Checks of arbitrary input. Each is a function of its input alone and panics if a rule doesn't hold, so that proptest and
//! the fuzzer (`tests/fuzz`) can share it.

pub mod catalog;
pub mod event_body;
pub mod operation;
pub mod signature_header;
