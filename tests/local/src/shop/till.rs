//! The till: takes an order, has the provider charge it, and delivers the events.

use crate::delivery::{Course, Endpoint};
use chrono::TimeDelta;
use scrip_accounts::AccountId;
use scrip_pricing::{CATALOG, Gives};
use scrip_stripe_model::{Checkout, Event, Interval, Plan, Receipt, Stripe};
use serde::Serialize;
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// What the packs cost here, in cents: the catalog leaves their prices to the provider.
const PACK_PRICES: [(&str, i64); 2] = [("tune_pack", 900), ("avatar_pack", 1500)];
/// How much later an event that was refused is sent again. (No one waits: the gateway is told the time.)
const RETRY_TIME: TimeDelta = TimeDelta::seconds(1);

/// Where people pay: the provider, and the webhook that its events go to.
#[derive(Debug)]
pub(super) struct Till {
    pub(super) stripe: Stripe,
    pub(super) webhook: Endpoint,
    /// The running subscription of each account that has one. Who holds this alone buys and delivers.
    pub(super) subscriptions: Mutex<BTreeMap<String, (String, Plan)>>,
}

/// A purchase and what became of its events.
#[derive(Debug, Clone, Serialize)]
pub struct Sale {
    /// What a refund names; none of a downgrade, which is paid at the next renewal.
    pub purchase_id: Option<String>,
    /// `sub_…`, of a plan.
    pub subscription_id: Option<String>,
    /// What was charged, in cents.
    pub amount: i64,
    /// The events in order.
    pub events: Vec<Told>,
}

/// An event and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// `evt_…`
    pub id: String,
    /// `invoice.paid`, say.
    pub event: String,
    /// The status of the last attempt's answer; none where there was no answer.
    pub status: Option<u16>,
    /// What the webhook said: its outcome, or the code of its problem.
    pub outcome: Option<String>,
    /// How often it was sent.
    pub attempts: usize,
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
}

impl Told {
    /// Whether the webhook has taken it.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Till {
    pub(super) async fn buy(&self, account: &str, sku: &str) -> Result<Sale, ShopError> {
        AccountId::parse(account).map_err(|why| ShopError::Order(format!("an account id {why}")))?;
        let sold = for_sale(sku).ok_or_else(|| ShopError::Unknown(sku.to_owned(), range()))?;
        let mut subscriptions = self.subscriptions.lock().await;
        // A refund may just have ended the subscription.
        self.tell(&mut subscriptions).await;
        let receipt = match sold {
            Sold::Pack(cents) => self.stripe.buy_pack(&Checkout::new(account, sku, cents)),
            Sold::Plan(plan) => {
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

    pub(super) async fn tell(&self, subscriptions: &mut BTreeMap<String, (String, Plan)>) -> Vec<Told> {
        let events = self.stripe.take_events();
        for ended in events.iter().filter(|event| event.kind() == "customer.subscription.deleted") {
            subscriptions.retain(|_, (id, _)| ended.object()["id"] != id.as_str());
        }
        self.deliver(&events).await
    }

    async fn deliver(&self, events: &[Event]) -> Vec<Told> {
        let course = Course { round_time: RETRY_TIME, ..Course::default() };
        let attempts = self.webhook.deliver(events, &course, self.stripe.now()).await;
        let told = events.iter().filter_map(|event| {
            let of_it = attempts.iter().filter(|attempt| attempt.event == *event);
            let last = of_it.clone().next_back()?;
            let said = last.answer["outcome"].as_str().or(last.answer["code"].as_str());
            Some(Told {
                id: event.id().to_owned(),
                event: event.kind().to_owned(),
                status: last.status,
                outcome: said.map(str::to_owned),
                attempts: of_it.count(),
            })
        });
        told.collect()
    }
}

/// What a SKU is here.
enum Sold {
    Pack(i64),
    Plan(Plan),
}

fn for_sale(sku: &str) -> Option<Sold> {
    let offer = CATALOG.offer(sku)?;
    match offer.gives {
        Gives::Pack(_) => {
            PACK_PRICES.iter().find(|(pack, _)| *pack == sku).map(|(_, cents)| Sold::Pack(*cents))
        }
        Gives::Plan { interval, .. } => {
            let interval = match interval? {
                scrip_pricing::Interval::Month => Interval::Month,
                scrip_pricing::Interval::Year => Interval::Year,
            };
            let price_cents = i64::try_from(offer.price?).ok()?;
            Some(Sold::Plan(Plan { sku: sku.to_owned(), price_cents, interval }))
        }
    }
}

fn range() -> String {
    let skus: Vec<_> = CATALOG.offers().iter().map(|offer| offer.sku).collect();
    skus.join(", ")
}
