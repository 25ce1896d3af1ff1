//! Facts, read from Stripe's objects, from which `accounts` decides. Pure: no call is made.
//!
//! A payment's facts name the plan and the packs that it pays for ([`session()`], [`payment_intent()`], [`invoice()`]), a
//! subscription's its status ([`subscription()`]), and those of money what was refunded or disputed ([`money()`]).

mod convert;
mod invoice;
mod lines;
mod money;
mod one_off;
mod subscription;

pub use invoice::{invoice, payment_ids};
pub use lines::{PaymentContents, PriceSources, Prices, is_shown_whole, unread_prices};
pub use money::{ATTEMPT, money};
pub use one_off::{payment_intent, session};
pub use subscription::subscription;
