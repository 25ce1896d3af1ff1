//! What else a customer, their bank and the shop's staff do with the provider: cancel, dispute, refund a part.
//!
//! Invariant: what the provider can't do is refused in words, before anything changes.

use super::{Cashier, PACK_PRICES, ShopError, Subscriptions, event_log::EventLine, sent_event::SentEvent};
use chrono::{DateTime, Utc};
use scrip_stripe_model::{BookedPurchase, Plan};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError},
};

/// When a subscription ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelWhen {
    /// At once.
    Now,
    /// With the period that is paid for.
    PeriodEnd,
    /// Not at all: it was to end with its period, and goes on.
    Never,
}

/// A step of a dispute at the customer's bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStep {
    /// The customer disputes what is left of it.
    Open,
    /// The shop wins: the money comes back.
    Won,
    /// The shop loses: the money is gone.
    Lost,
}

/// An account's running subscription at the provider.
#[derive(Debug, Clone, Serialize)]
pub struct SubscriptionState {
    /// The SKU of the subscription.
    pub sku: String,
    /// Whether it ends with its period.
    pub ends_with_period: bool,
    /// When it renews or ends.
    pub period_end: Option<DateTime<Utc>>,
}

/// The money of a purchase, in cents.
#[derive(Debug, Clone, Serialize)]
pub struct PaymentState {
    /// What was paid.
    pub amount: i64,
    /// The refunded amount, in cents.
    pub refunded: i64,
    /// The disputed amount, in cents.
    pub disputed: i64,
    /// Whether a dispute waits for its end.
    pub is_dispute_open: bool,
}

impl Cashier {
    /// Cancels the account's running subscription.
    pub(crate) async fn cancel(&self, account: &str, when: CancelWhen) -> Result<Vec<SentEvent>, ShopError> {
        let mut subscriptions = self.subscriptions.lock().await;
        self.go_to(self.clock.now(), &mut subscriptions).await;
        let (id, _) = subscriptions
            .get(account)
            .ok_or_else(|| ShopError::Impossible(format!("{account} has no subscription of this shop")))?;
        let events = match when {
            CancelWhen::Now => self.stripe.cancel(id),
            CancelWhen::PeriodEnd => self.stripe.cancel_at_period_end(id),
            CancelWhen::Never => self.stripe.uncancel(id),
        };
        Ok(self.announce(&events, &mut subscriptions).await)
    }

    /// Sends a part of a purchase's money back, as the provider's dashboard does.
    pub(crate) async fn refund(&self, purchase: &str, cents: i64) -> Result<Vec<SentEvent>, ShopError> {
        let mut subscriptions = self.subscriptions.lock().await;
        self.go_to(self.clock.now(), &mut subscriptions).await;
        if cents < 1 {
            return Err(ShopError::Order("at least one cent is refunded".to_owned()));
        }
        self.booked(purchase)?;
        let refunded = self.stripe.refund_in_dashboard(purchase, Some(cents));
        let (_, events) = refunded.map_err(|why| ShopError::Impossible(why.message))?;
        Ok(self.announce(&events, &mut subscriptions).await)
    }

    /// Opens a dispute of a purchase, or ends the open one.
    pub(crate) async fn dispute(
        &self,
        purchase: &str,
        step: DisputeStep,
    ) -> Result<Vec<SentEvent>, ShopError> {
        let mut subscriptions = self.subscriptions.lock().await;
        self.go_to(self.clock.now(), &mut subscriptions).await;
        let booked = self.booked(purchase)?;
        let events = if step == DisputeStep::Open {
            if booked.amount <= booked.refunded + booked.disputed {
                return Err(ShopError::Impossible("nothing of it is left to dispute".to_owned()));
            }
            let (dispute, events) = self.stripe.dispute(purchase);
            self.open_disputes().insert(purchase.to_owned(), dispute);
            events
        } else {
            let dispute = self.open_disputes().remove(purchase);
            let dispute = dispute.ok_or_else(|| ShopError::Impossible("it is not disputed".to_owned()))?;
            match step {
                DisputeStep::Lost => self.stripe.lose_dispute(&dispute),
                _ => self.stripe.win_dispute(&dispute),
            }
        };
        Ok(self.announce(&events, &mut subscriptions).await)
    }

    /// Holds new events back, or sends at once again: new ones, and before them those that the webhook has not taken.
    pub(crate) async fn hold_back(&self, is_holding_back: bool) -> Vec<SentEvent> {
        let _alone = self.subscriptions.lock().await;
        self.event_log.hold_back(is_holding_back);
        if is_holding_back {
            return Vec::new();
        }
        self.deliver(&self.event_log.undelivered()).await
    }

    /// Sends one event once more, or late; none if there is no such event.
    pub(crate) async fn send_again(&self, event_id: &str) -> Option<SentEvent> {
        let mut subscriptions = self.subscriptions.lock().await;
        self.go_to(self.clock.now(), &mut subscriptions).await;
        self.send(event_id).await
    }

    /// Moves the stack's clock forward, and does what falls due until then.
    pub(crate) async fn travel_to(&self, time: DateTime<Utc>) -> Vec<SentEvent> {
        let mut subscriptions = self.subscriptions.lock().await;
        let sent = self.go_to(time, &mut subscriptions).await;
        self.clock.move_to(time);
        sent
    }

    /// The subscriptions by their accounts.
    pub(crate) async fn subscription_states(&self) -> BTreeMap<String, SubscriptionState> {
        let subscriptions: Subscriptions = self.subscriptions.lock().await.clone();
        let books = self.stripe.books();
        let state = |(account, (id, plan)): (String, (String, Plan))| {
            let booked = books.subscriptions.iter().find(|booked| booked.id == id)?;
            let state = SubscriptionState {
                sku: plan.sku,
                ends_with_period: booked.ends_with_period,
                period_end: booked.items.first().map(|item| item.period.1),
            };
            Some((account, state))
        };
        subscriptions.into_iter().filter_map(state).collect()
    }

    /// The money of each purchase, by the id that Scrip gives it.
    pub(crate) fn payment_states(&self) -> BTreeMap<String, PaymentState> {
        let books = self.stripe.books();
        let disputes = self.open_disputes();
        let state = |booked: &BookedPurchase| {
            let id = purchase_id(booked)?;
            let state = PaymentState {
                amount: booked.amount,
                refunded: booked.refunded,
                disputed: booked.disputed,
                is_dispute_open: disputes.contains_key(id),
            };
            Some((id.to_owned(), state))
        };
        books.purchases.iter().filter_map(state).collect()
    }

    /// The events, newest first.
    pub(crate) fn events(&self) -> Vec<EventLine> {
        self.event_log.lines()
    }

    /// Whether new events wait instead of being sent.
    pub(crate) fn is_holding_back(&self) -> bool {
        self.event_log.is_holding_back()
    }

    /// The prices of the packs, in cents.
    pub(crate) fn pack_prices() -> BTreeMap<&'static str, i64> {
        BTreeMap::from(PACK_PRICES)
    }

    fn booked(&self, purchase: &str) -> Result<BookedPurchase, ShopError> {
        let is_it =
            |booked: &BookedPurchase| purchase_id(booked) == Some(purchase) && !booked.payments.is_empty();
        let found = self.stripe.books().purchases.into_iter().find(is_it);
        found.ok_or_else(|| ShopError::Impossible(format!("the provider knows no payment of {purchase}")))
    }

    fn open_disputes(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.disputes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Scrip's id of a purchase: its invoice, else its payment, else its session.
fn purchase_id(booked: &BookedPurchase) -> Option<&str> {
    let intent = booked.payments.first().map(|payment| payment.payment_intent.as_str());
    booked.invoice.as_deref().or(intent).or(booked.session.as_deref())
}
