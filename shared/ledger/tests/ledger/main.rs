//! Tests of the ledger's public functions on a DynamoDB engine: rows, retries, races and faults. There is one binary, with
//! a module for each subject.
//!
//! The engine is embedded; `SCRIP_TEST_DYNAMODB` names the endpoint of another one to run on instead. Each test
//! has a table of its own.

mod claims;
mod commands;
mod crashes;
mod due;
mod engine;
mod facts;
mod giving_up;
mod half_visible;
mod history;
mod holds;
mod interleavings;
mod late;
mod mixed;
mod outcome;
mod owners;
mod parked;
mod planted;
mod preview;
mod purchases;
mod races;
mod requests;
mod reversals;
mod rows;
mod scripted;
mod sizes;
mod spending;
mod stopped;
mod units;
mod waits;
mod world;
