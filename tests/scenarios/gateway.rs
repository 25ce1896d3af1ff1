//! The gateway, without a real function behind it.

mod bench;
mod events;
mod refusals;
mod responses;
