//! What Scrip's functions are measured against: a function that does nothing, and a debit as it is built with an
//! idempotency table.
//!
//! The former runs as an example, since cargo-lambda takes each binary of the workspace for a function to deploy.

pub mod hello;
pub mod powertools;
