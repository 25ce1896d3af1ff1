//! Stripe: the signature of its events, its objects, and a client of its API.
//!
//! An event only says that an object changed, so [`StripeEvent`] holds ids. [`Api`] reads the objects themselves, always in
//! the one version that [`objects`] describes, whatever the version of the account or the event is. [`facts`] are read from
//! the objects, and the decisions of `accounts` rest on them.
//!
//! Invariant: this crate decides nothing about credits and knows no HTTP status of ours. Its errors are [`Error`].

mod api;
mod client;
mod error;
mod event;
pub mod facts;
mod lenient;
pub mod objects;
pub mod signature;
mod skus;

pub use api::Api;
pub use client::{BaseUrlUnset, Client, Exchange, Transport};
pub use error::Error;
pub use event::{InvalidEvent, ObjectRef, StripeEvent};
pub use objects::API_VERSION;
pub use skus::{ConfiguredPrices, InvalidPrices, LineSku};
