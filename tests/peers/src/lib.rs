//! What Scrip's functions are measured against: a function that does nothing, and a debit as it is built with an
//! idempotency table.
//!
//! They run as examples, since cargo-lambda takes each binary of the workspace for a function to deploy.

pub mod hello;
pub mod powertools;
