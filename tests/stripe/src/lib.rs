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
mod billing;
mod books;
mod calendar;
mod cart;
mod catalog;
mod changes;
mod checkout;
mod disputes;
mod event;
mod events;
mod faults;
mod generation;
mod invoices;
mod lines;
mod options;
mod pauses;
mod plan;
mod plan_changes;
mod records;
mod refunds;
pub mod server;
mod sessions;
mod settling;
mod shapes;
pub mod signature;
mod single;
mod snapshot;

pub use api::error::ApiError;
pub use api::{calls::Call, permissions::PermissionWording};
pub use books::{BookedItem, BookedLine, BookedPayment, BookedPurchase, BookedSubscription, Books};
pub use cart::{CartSpec, CouponSpec, Mode, Tender};
pub use catalog::PriceSpec;
pub use changes::Change;
pub use disputes::DisputeSpec;
pub use event::Event;
pub use faults::{AccountState, Fault, Faults, Hold};
pub use generation::Generation;
pub use options::{CancelSpec, DunningEnd, ItemChange, PauseBehavior, PaymentBehavior, ProrationBehavior};
pub use plan::{Interval, Metadata, Plan, price_id, product_id};
pub use single::{Checkout, Coupon};

use account::Account;
use api::Desk;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// A Stripe account in test mode. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct Stripe {
    account: Arc<Mutex<Account>>,
    faults: Faults,
    desk: Arc<Mutex<Desk>>,
}

/// What a payment left behind: its events in the order in which Stripe makes them, and the ids of its
/// objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Receipt {
    /// The events.
    pub events: Vec<Event>,
    /// `cs_test_…`, where it began with a checkout.
    pub session: Option<String>,
    /// `sub_…`
    pub subscription: Option<String>,
    /// `in_…`, of a subscription's payment, or of a payment that made one.
    pub invoice: Option<String>,
    /// `pi_…`; none where there was nothing to pay.
    pub payment_intent: Option<String>,
    /// `ch_…`; none where there was nothing to pay.
    pub charge: Option<String>,
}

impl Stripe {
    /// An empty account. Accounts of different seeds share no ids, but for those of prices
    /// ([`price_id`]).
    #[must_use]
    pub fn new(seed: &str, generation: Generation, now: DateTime<Utc>) -> Self {
        let account = Arc::new(Mutex::new(Account::new(seed, generation, now)));
        Self { account, faults: Faults::default(), desk: Arc::default() }
    }

    /// The time on Stripe's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.with(|account| account.now)
    }

    /// Sets the clock, and does nothing that falls due: see [`Stripe::advance_to`] for that.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.with(|account| account.now = now);
    }

    /// Moves the clock, and does nothing that falls due.
    pub fn advance(&self, by: TimeDelta) {
        self.with(|account| account.now += by);
    }

    /// The events that API calls caused since this was asked last, oldest first. Events of the methods
    /// here are returned by them instead.
    #[must_use]
    pub fn take_events(&self) -> Vec<Event> {
        self.with(|account| std::mem::take(&mut account.outbox))
    }

    /// The same thing told by another event, as happens when Stripe makes two for one change: another
    /// event id, the same object.
    #[must_use]
    pub fn told_again(&self, event: &Event) -> Event {
        self.with(|account| event.with_id(&account.id("evt_1", 23)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        act(&mut self.account.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_desk<T>(&self, act: impl FnOnce(&mut Desk) -> T) -> T {
        act(&mut self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does something and returns the events of it.
    fn with_events<T>(&self, act: impl FnOnce(&mut Account) -> T) -> (T, Vec<Event>) {
        self.with(|account| {
            let earlier = account.outbox.len();
            let done = act(account);
            (done, account.outbox.split_off(earlier))
        })
    }

    fn receipt(&self, act: impl FnOnce(&mut Account) -> Receipt) -> Receipt {
        let (receipt, events) = self.with_events(act);
        Receipt { events, ..receipt }
    }
}
