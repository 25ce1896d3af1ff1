//! The local stack: Scrip's real function binaries behind a Lambda Runtime API, an HTTP API gateway
//! and an embedded database that speaks DynamoDB, on one machine.
//!
//! Invariant: nothing is described twice. Routes, functions, their settings and the table are read
//! from `template.yaml`; a construct the stack does not know is an error, never a guess.
//!
//! The program (`cargo local`) starts it for people, `tests/scenarios` for tests.

pub mod binaries;
pub mod callers;
mod cashier;
pub mod clock;
pub mod cors;
pub mod database;
pub mod delivery;
pub mod demo;
pub mod docs;
mod es256;
pub mod event;
pub mod gateway;
pub mod instances;
pub mod invocations;
pub mod load;
pub mod logs;
mod own_pages;
pub mod page;
pub mod parameters;
pub mod response;
pub mod runtime_api;
pub mod seed;
pub mod shop;
pub mod stack;
pub mod statement;
pub mod template;
pub mod tokens;
pub mod yaml;

pub use stack::{Options, Stack, StartError};
