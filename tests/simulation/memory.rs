//! The outside world's memory of a history.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scrip_stripe_model::{AccountState, Books};

use crate::{
    provider::STALE_MAX,
    request::{Answer, Request},
};

/// A purchase at the provider.
#[derive(Debug, Clone)]
pub struct Sale {
    pub account: usize,
    /// The SKU of the plan, if there is one.
    pub plan: Option<&'static str>,
    pub purchase: String,
    pub charge: String,
    pub subscription: Option<String>,
    pub at: DateTime<Utc>,
}

/// A change of what a subscription is for.
#[derive(Debug, Clone)]
pub struct PlanChange {
    pub subscription: String,
    pub at: DateTime<Utc>,
    /// Playground credits a month, quantity counted in.
    pub gives: i64,
}

/// The outside world's memory of a history.
#[derive(Debug, Default)]
pub struct Memory {
    /// The sales, oldest first.
    pub sales: Vec<Sale>,
    /// The account of a subscription, a payment or a session, by its id.
    pub owners: BTreeMap<String, usize>,
    /// The changes of subscriptions' plans, oldest first.
    pub moved: Vec<PlanChange>,
    /// The answer that each request with a key got, by account, kind, key and body.
    pub answered: BTreeMap<(usize, &'static str, String, String), (Request, Answer)>,
    /// The step of the first answer that a hold had expired, by account and hold.
    pub expired: BTreeMap<(usize, String), u64>,
    /// The refunds and disputes at the provider: account and id.
    pub refunds: Vec<(usize, String)>,
    pub disputes: Vec<(usize, String)>,
    /// Stripe's books when the month turned.
    pub books_at_turn: Option<Books>,
    /// The state of Stripe's account after each change, and its time, oldest first: as far back as it is still shown.
    pub states: Vec<(DateTime<Utc>, AccountState)>,
    /// How often something was asked, and asked again.
    pub asked: u64,
    pub asked_again: u64,
}

impl Memory {
    /// Keeps what Stripe's account is from now on, and forgets what is too old to be shown.
    pub fn keep_state(&mut self, now: DateTime<Utc>, state: AccountState) {
        let oldest = self.states.iter().rposition(|(since, _)| *since <= now - STALE_MAX).unwrap_or_default();
        self.states.drain(..oldest);
        self.states.push((now, state));
    }
}
