//! The account that a test holds, with its clock and the API's faults.

use super::{
    account::Account,
    api_state::ApiState,
    event::Event,
    faults::{AccountState, Fault, Faults},
    generation::Generation,
    receipt::Receipt,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// A Stripe account in test mode. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct Stripe {
    account: Arc<Mutex<Account>>,
    pub(crate) faults: Faults,
    desk: Arc<Mutex<ApiState>>,
}

impl Stripe {
    /// An empty account. Accounts of different seeds share no ids, but for those of prices
    /// ([`price_id`](crate::price_id)).
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

    /// The faults of this account's API, for a test to switch on and off.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// Adds a fault for the next call of an operation ([`Call::operation`](crate::Call::operation)) that has none yet.
    pub fn fault(&self, operation: &str, fault: Fault) {
        self.faults.next_of(operation, fault);
    }

    /// The account as it is now, for [`Faults::stale`].
    #[must_use]
    pub fn state(&self) -> AccountState {
        self.with(|account| AccountState(Arc::new(account.clone())))
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        act(&mut self.account.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn with_desk<T>(&self, act: impl FnOnce(&mut ApiState) -> T) -> T {
        act(&mut self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does something and returns the events of it.
    pub(crate) fn with_events<T>(&self, act: impl FnOnce(&mut Account) -> T) -> (T, Vec<Event>) {
        self.with(|account| {
            let earlier = account.outbox.len();
            let done = act(account);
            (done, account.outbox.split_off(earlier))
        })
    }

    pub(crate) fn receipt(&self, act: impl FnOnce(&mut Account) -> Receipt) -> Receipt {
        let (receipt, events) = self.with_events(act);
        Receipt { events, ..receipt }
    }
}
