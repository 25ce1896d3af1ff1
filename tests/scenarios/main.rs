//! Every test that goes through HTTP or real processes, in one binary: a module for each subject.

mod access;
mod api;
mod catalog_build;
mod crashes;
mod debits;
mod due;
mod events;
mod faults;
mod gateway;
mod local;
mod money_back;
mod openapi;
mod orders;
mod problems;
mod processes;
mod purity;
mod quotes;
mod refill;
mod reversals;
mod runtime_api;
mod shop;
mod stripe;
mod support;
mod telemetry;
mod template;
mod webhook;
