//! What Scrip's functions are measured against: a function that does nothing, a debit as it is built with an
//! idempotency table, and a debit by the protocol that Scrip had before.
//!
//! The first runs as an example, since cargo-lambda takes each binary of the workspace for a function to deploy.

pub mod before;
pub mod hello;
pub mod powertools;
