//! Stripe: the signature of its events, its objects, and a client of its API.
//!
//! An event says that something changed; the API says what is. So [`StripeEvent`] holds ids only, and [`Api`] reads the
//! objects, each in the one version that [`objects`] is written for, whatever version an account or an event has.
//!
//! Invariant: this crate decides nothing about credits and knows no HTTP status of ours. Its errors are [`Error`].

mod api;
mod client;
mod error;
mod event;
pub mod facts;
mod loose;
pub mod objects;
pub mod signature;
mod skus;

pub use api::Api;
pub use client::{BaseUrlUnset, Client, Exchange, Transport};
pub use error::Error;
pub use event::{InvalidEvent, ObjectRef, StripeEvent};
pub use objects::API_VERSION;
pub use skus::{ConfiguredPrices, InvalidPrices, LineSku};
