//! Takes an order, has the provider charge it, and delivers the events.

mod after_sales;
mod event_log;
mod sent_event;

use crate::{
    clock::Clock,
    delivery::{Course, Endpoint},
};
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use event_log::EventLog;
use scrip_accounts::AccountId;
use scrip_pricing::{CATALOG, Grant};
use scrip_stripe_model::{CartSpec, Checkout, Event, Interval, Plan, PriceSpec, Receipt, Stripe};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::Mutex;

pub use after_sales::{CancelWhen, DisputeStep, PaymentState, SubscriptionState};
pub use event_log::EventLine;
pub use sent_event::SentEvent;

/// The packs' prices here, in cents: the catalog leaves them to the provider.
const PACK_PRICES: [(&str, i64); 2] = [("tune_pack", 900), ("avatar_pack", 1500)];
/// How much later an event that was refused is sent again. (No one waits: the gateway is given the time.)
const RETRY_TIME: TimeDelta = TimeDelta::seconds(1);
/// How far the provider's clock goes in one step when it is moved, and so how late an event is sent at most.
const STEP: TimeDelta = TimeDelta::minutes(10);
/// How many of a pack are sold at once, at most.
const QUANTITY_MAX: u32 = 99;

/// The running subscription of each account that has one.
type Subscriptions = BTreeMap<String, (String, Plan)>;

/// Sells: takes payments at the provider, and delivers its events to the webhook.
#[derive(Debug)]
pub(crate) struct Cashier {
    stripe: Stripe,
    webhook: Endpoint,
    /// The stack's.
    clock: Arc<Clock>,
    /// The running subscription of each account that has one. Who holds this alone buys and delivers.
    subscriptions: Mutex<Subscriptions>,
    /// The open dispute of each purchase that has one.
    disputes: std::sync::Mutex<BTreeMap<String, String>>,
    event_log: EventLog,
}

/// A purchase and the outcomes of its events.
#[derive(Debug, Clone, Serialize)]
pub struct Sale {
    /// The id that a refund names; none for a downgrade, which is paid at the next renewal.
    pub purchase_id: Option<String>,
    /// `sub_…`, of a plan.
    pub subscription_id: Option<String>,
    /// The charged amount, in cents.
    pub amount: i64,
    /// The events in order.
    pub events: Vec<SentEvent>,
}

/// Why nothing was sold.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// Not an order.
    #[error(r#"an order is {{"account_id": "…", "sku": "…"}}: {0}"#)]
    Order(String),
    /// Nothing is sold under that SKU.
    #[error("nothing is sold as {0}; there is {1}")]
    Unknown(String, String),
    /// The account is on that plan.
    #[error("{0} is subscribed to {1} already")]
    Subscribed(String, String),
    /// The provider can't do it, and why.
    #[error("{0}")]
    Impossible(String),
}

impl ShopError {
    /// The HTTP status of the refusal.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Order(_) => StatusCode::BAD_REQUEST,
            Self::Unknown(..) => StatusCode::NOT_FOUND,
            Self::Subscribed(..) | Self::Impossible(_) => StatusCode::CONFLICT,
        }
    }
}

impl Cashier {
    /// One who goes by that clock, and sends the provider's events to that webhook.
    pub(crate) fn new(stripe: Stripe, webhook: Endpoint, clock: Arc<Clock>) -> Self {
        Self {
            stripe,
            webhook,
            clock,
            subscriptions: Mutex::default(),
            disputes: std::sync::Mutex::default(),
            event_log: EventLog::default(),
        }
    }

    /// Sets the provider's clock, at which everything happens until it is set again.
    pub(crate) fn set_now(&self, now: DateTime<Utc>) {
        self.stripe.set_now(now);
    }

    /// Sells one or several of a SKU, and delivers the events before it returns.
    pub(crate) async fn buy(&self, account: &str, sku: &str, quantity: u32) -> Result<Sale, ShopError> {
        if !(1..=QUANTITY_MAX).contains(&quantity) {
            return Err(ShopError::Order(format!("a quantity is 1 to {QUANTITY_MAX}")));
        }
        AccountId::parse(account).map_err(|why| ShopError::Order(format!("an account id {why}")))?;
        let sold = for_sale(sku).ok_or_else(|| ShopError::Unknown(sku.to_owned(), range()))?;
        let mut subscriptions = self.subscriptions.lock().await;
        // A refund may just have ended the subscription.
        self.deliver_pending(&mut subscriptions).await;
        let receipt = match sold {
            SkuPrice::Pack(cents) => {
                let price = self.stripe.add_price(&PriceSpec::of_sku(sku, cents, None));
                let cart = CartSpec::payment(account, &[(price.as_str(), i64::from(quantity))]);
                self.stripe.checkout(&cart.naming(account))
            }
            SkuPrice::Plan(_) if quantity > 1 => {
                return Err(ShopError::Order("a plan is sold one at a time".to_owned()));
            }
            SkuPrice::Plan(plan) => {
                let receipt = match subscriptions.get(account) {
                    Some((_, current)) if *current == plan => {
                        return Err(ShopError::Subscribed(account.to_owned(), sku.to_owned()));
                    }
                    Some((id, current)) => self.change_plan(id, current, &plan),
                    None => {
                        let checkout = Checkout::new(account, sku, plan.price_cents);
                        self.stripe.subscribe(&checkout, plan.interval)
                    }
                };
                let id = receipt.subscription.clone().unwrap_or_default();
                subscriptions.insert(account.to_owned(), (id, plan));
                receipt
            }
        };
        let charged = receipt.events.iter().find(|event| event.kind() == "charge.succeeded");
        Ok(Sale {
            purchase_id: receipt.invoice.or(receipt.payment_intent).or(receipt.session),
            subscription_id: receipt.subscription,
            amount: charged.and_then(|event| event.object()["amount"].as_i64()).unwrap_or_default(),
            events: self.deliver(&receipt.events).await,
        })
    }

    fn change_plan(&self, subscription: &str, current: &Plan, plan: &Plan) -> Receipt {
        if current.interval != plan.interval || current.price_cents < plan.price_cents {
            return self.stripe.upgrade(subscription, plan);
        }
        let events = self.stripe.downgrade(subscription, plan);
        Receipt { events, subscription: Some(subscription.to_owned()), ..Receipt::default() }
    }

    /// Brings the provider to the stack's time, and delivers its events.
    pub(crate) async fn catch_up(&self) -> Vec<SentEvent> {
        let mut subscriptions = self.subscriptions.lock().await;
        self.go_to(self.clock.now(), &mut subscriptions).await
    }

    /// Delivers the events that calls of the API caused.
    pub(crate) async fn deliver_new(&self) -> Vec<SentEvent> {
        let mut subscriptions = self.subscriptions.lock().await;
        self.deliver_pending(&mut subscriptions).await
    }

    async fn deliver_pending(&self, subscriptions: &mut Subscriptions) -> Vec<SentEvent> {
        let events = self.stripe.take_events();
        self.announce(&events, subscriptions).await
    }

    /// Moves the provider's clock to that time, unless it has passed, and delivers the events of what falls due until
    /// then, each at most ten minutes late.
    async fn go_to(&self, time: DateTime<Utc>, subscriptions: &mut Subscriptions) -> Vec<SentEvent> {
        let mut sent = self.deliver_pending(subscriptions).await;
        while self.stripe.now() < time {
            let events = self.stripe.advance_to(time.min(self.stripe.now() + STEP));
            sent.extend(self.announce(&events, subscriptions).await);
        }
        sent
    }

    /// Delivers events, and forgets the subscriptions that they end.
    async fn announce(&self, events: &[Event], subscriptions: &mut Subscriptions) -> Vec<SentEvent> {
        for ended in events.iter().filter(|event| event.kind() == "customer.subscription.deleted") {
            subscriptions.retain(|_, (id, _)| ended.object()["id"] != id.as_str());
        }
        self.deliver(events).await
    }

    /// Sends one event of the log, once more or late; none if it has no such event.
    async fn send(&self, id: &str) -> Option<SentEvent> {
        let event = self.event_log.event(id)?;
        let now = self.stripe.now();
        let attempt = self.webhook.send(&event, now).await;
        let sent = SentEvent::of(&event, &[attempt])?;
        self.event_log.note(&event, &sent, Some(now));
        Some(sent)
    }

    async fn deliver(&self, events: &[Event]) -> Vec<SentEvent> {
        if self.event_log.is_holding_back() {
            for event in events {
                self.event_log.note(event, &SentEvent::not_yet(event), None);
            }
            return events.iter().map(SentEvent::not_yet).collect();
        }
        let course = Course { round_time: RETRY_TIME, ..Course::default() };
        let now = self.stripe.now();
        let attempts = self.webhook.deliver(events, &course, now).await;
        let mut all = Vec::new();
        for event in events {
            if let Some(sent) = SentEvent::of(event, &attempts) {
                self.event_log.note(event, &sent, Some(now));
                all.push(sent);
            }
        }
        all
    }
}

/// The price of a SKU: of one pack in cents, or of a plan.
enum SkuPrice {
    Pack(i64),
    Plan(Plan),
}

fn for_sale(sku: &str) -> Option<SkuPrice> {
    let offer = CATALOG.offer(sku)?;
    match offer.grant {
        Grant::Pack(_) => {
            PACK_PRICES.iter().find(|(pack, _)| *pack == sku).map(|(_, cents)| SkuPrice::Pack(*cents))
        }
        Grant::Plan { interval, .. } => {
            let interval = match interval? {
                scrip_pricing::Interval::Month => Interval::Month,
                scrip_pricing::Interval::Year => Interval::Year,
            };
            let price_cents = i64::try_from(offer.price?).ok()?;
            Some(SkuPrice::Plan(Plan { sku: sku.to_owned(), price_cents, interval }))
        }
    }
}

fn range() -> String {
    let skus: Vec<_> = CATALOG.offers().iter().map(|offer| offer.sku).collect();
    skus.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, http::StatusCode, routing::post};
    use scrip_stripe_model::{
        Generation,
        server::{self, Server},
    };
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// How often the webhook refuses before it takes what comes.
    const REFUSED: usize = 2;

    #[tokio::test]
    async fn events_that_are_released_are_sent_until_the_webhook_takes_them() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let answer = || async {
            let asked = ASKED.fetch_add(1, Ordering::Relaxed);
            if asked < REFUSED { StatusCode::CONFLICT } else { StatusCode::OK }
        };
        let webhook = Router::new().route("/", post(answer));
        let webhook = Server::start(server::loopback(0).await.unwrap(), webhook).unwrap();
        let endpoint = Endpoint::new(&format!("http://{}/", webhook.address()), &["whsec_test"]);
        let stripe = Stripe::new("the cashier", Generation::Basil, Clock::default().now());
        let cashier = Cashier::new(stripe, endpoint, Arc::default());

        assert!(cashier.hold_back(true).await.is_empty());
        let held = cashier.buy("buyer", "tune_pack", 1).await.unwrap().events;
        assert!(held.len() > REFUSED && held.iter().all(SentEvent::is_held_back), "{held:?}");
        // Sent alone it is refused; with the others it is sent again.
        assert_eq!(cashier.send_again(&held[0].id).await.unwrap().status, Some(409));
        let released = cashier.hold_back(false).await;
        assert_eq!(released.len(), held.len());
        assert!(released.iter().all(SentEvent::is_delivered), "{released:?}");
        let attempts: Vec<_> = cashier.events().iter().rev().map(|line| line.sent.attempts).collect();
        assert_eq!(attempts.iter().sum::<usize>(), ASKED.load(Ordering::Relaxed));
        assert_eq!((attempts[0], attempts[1]), (3, 1), "{attempts:?}");
        assert!(cashier.hold_back(false).await.is_empty());
        webhook.stop().await;
    }
}
