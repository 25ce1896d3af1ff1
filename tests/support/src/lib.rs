//! Helpers that the tests of several packages share.

#![allow(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::new_without_default,
    reason = "a check panics if its rule doesn't hold, and only tests call it"
)]

pub mod checks;
pub mod crash;
pub mod faults;
#[cfg(feature = "functions")]
pub mod functions;
pub mod hostile;
pub mod table;
