//! A model of the part of Stripe that a credits product meets: checkout, payments, invoices,
//! subscriptions, refunds and disputes, the events of all of them, and the HTTP API that undoes them.
//!
//! Invariant: the clock is set and the ids come from a seed, so the same calls make the same bytes. An
//! event holds its object as it was then, in the shape of one API version ([`Generation`]).
//!
//! A test serves the API with [`Stripe::serve`] on a listener of [`server::loopback`], names
//! `http://{server.address()}` to what it tests, and ends it with [`server::Server::stop`]; or it asks in process
//! with [`Stripe::exchange`]. [`Stripe::faults`] lets calls go wrong, [`Stripe::requests`] says which came, and
//! [`Stripe::restrict_key`] takes permissions away.
//!
//! What it leaves out: taxes, credit notes, usage and tiers, subscription schedules, every currency but US
//! dollars, amounts too small to charge, and the events that only announce others (`invoice.created`,
//! `charge.updated` …).

mod account;
mod api;
mod api_state;
mod billing;
mod books;
mod calendar;
mod call;
mod cart;
mod catalog;
mod changes;
mod checkout;
mod disputes;
mod error;
mod event;
mod events;
mod faults;
mod generation;
mod history;
mod invoices;
mod lines;
mod manual_invoices;
mod options;
mod pauses;
mod permissions;
mod plan;
mod plan_changes;
mod receipt;
mod records;
mod refunds;
pub mod server;
mod sessions;
mod shapes;
pub mod signature;
mod sku_checkout;
mod snapshot;
mod stripe;

pub use books::{BookedItem, BookedLine, BookedPayment, BookedPurchase, BookedSubscription, Books};
pub use call::Call;
pub use cart::{CartSpec, CouponSpec, Mode, Tender};
pub use catalog::PriceSpec;
pub use changes::Change;
pub use disputes::DisputeSpec;
pub use error::ApiError;
pub use event::Event;
pub use faults::{AccountState, Fault, Faults, Hold};
pub use generation::Generation;
pub use options::{CancelSpec, DunningEnd, ItemChange, PauseBehavior, PaymentBehavior, ProrationBehavior};
pub use permissions::PermissionWording;
pub use plan::{Interval, Metadata, Plan, price_id, product_id};
pub use receipt::Receipt;
pub use sku_checkout::{Checkout, Coupon};
pub use stripe::Stripe;
