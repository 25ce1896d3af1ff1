//! Every test that goes through HTTP or real processes, in one binary: a module for each subject.

// The futures of a whole stack with its clients of AWS nest deeper than the compiler expects.
#![recursion_limit = "256"]

mod access;
mod access_matrix;
mod adjustments;
mod api;
mod cases;
mod catalog_build;
mod crashes;
mod debits;
mod documents;
mod due;
mod events;
mod gateway;
mod holds;
mod hostile;
mod identities;
mod kills;
mod load;
mod local;
mod low_balance;
mod mixed_fleet;
mod money_back;
mod openapi;
mod orders;
mod outbox;
mod problems;
mod processes;
mod providers;
mod purity;
mod quotes;
mod refill;
mod reversals;
mod runtime_api;
mod shop;
mod stripe;
mod structure;
mod subscriptions;
mod support;
mod telemetry;
mod template;
mod usage;
mod webhook;
