//! The gateway, without a real function behind it.

mod bench;
mod cors;
mod events;
mod refusals;
mod responses;
