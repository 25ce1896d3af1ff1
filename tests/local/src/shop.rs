//! The shop of a local stack: sells plans and packs through the provider's fake, whose signed webhooks go
//! to the local gateway.
//!
//! Invariant: it grants nothing by itself; what is bought is granted by the webhook or not at all. It is
//! part of no deployment: there, the provider's own checkout stands in its place.
//!
//! The fake forgets everything when it ends. A purchase that a data file remembers from an earlier run
//! can't be refunded, since this run's provider never saw it.

mod counter;

use crate::{
    Options, Stack, StartError, clock,
    delivery::{Course, Endpoint},
    stack::{API_KEY, WEBHOOK_SECRET},
};
use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::AccountId;
use scrip_pricing::{CATALOG, Gives};
use scrip_stripe_model::{
    Checkout, Event, Generation, Interval, Plan, Receipt, Stripe,
    server::{self, Server},
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::interval};

/// What the packs cost here, in cents: the catalog leaves their prices to the provider.
const PACK_PRICES: [(&str, i64); 2] = [("tune_pack", 900), ("avatar_pack", 1500)];
/// How often [`Shop::watch`] looks for events.
const WATCH_TIME: Duration = Duration::from_millis(200);
/// How much later an event that was refused is sent again. (No one waits: the gateway is told the time.)
const RETRY_TIME: TimeDelta = TimeDelta::seconds(1);

/// A provider with its API, a webhook it delivers to, and a counter at which people buy.
#[derive(Debug)]
pub struct Shop {
    till: Arc<Till>,
    api: Server,
    counter: Server,
}

#[derive(Debug)]
struct Till {
    stripe: Stripe,
    webhook: Endpoint,
    /// The running subscription of each account that has one. Who holds this alone buys and delivers.
    subscriptions: Mutex<BTreeMap<String, (String, Plan)>>,
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

impl Shop {
    /// Starts a stack whose payment provider is a new fake, and the shop that belongs to both. Fakes of
    /// different seeds share no ids.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn start(options: Options, seed: &str) -> Result<(Stack, Self), StartError> {
        let no_port = |why| StartError::Port(0, why);
        let stripe = Stripe::new(seed, Generation::Basil, clock::now());
        let api = stripe.serve(server::loopback(0).await.map_err(no_port)?, API_KEY).map_err(no_port)?;
        let stripe_api_base = Some(format!("http://{}", api.address()));
        let counter = server::loopback(0).await.map_err(no_port)?;
        let stack = Stack::start(Options { stripe_api_base, ..options }).await?;
        let url = format!("{}/v1/webhooks/stripe", stack.base_url());
        let webhook = Endpoint::new(&url, &[WEBHOOK_SECRET]).of(&stripe);
        let till = Arc::new(Till { stripe, webhook, subscriptions: Mutex::default() });
        let counter = Server::start(counter, counter::router(&till)).map_err(no_port)?;
        Ok((stack, Self { till, api, counter }))
    }

    /// Where `POST /local/buy` is answered.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.counter.address())
    }

    /// Sets the provider's clock, at which everything happens until it is set again.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.till.stripe.set_now(now);
    }

    /// Buys a pack, subscribes to a plan, or changes the plan of a running subscription: at once and paid
    /// in proportion, but to a cheaper one without a payment. The events are delivered before it returns.
    ///
    /// # Errors
    /// When the SKU isn't sold here, or the account has the plan already.
    pub async fn buy(&self, account: &str, sku: &str) -> Result<Sale, ShopError> {
        self.till.buy(account, sku).await
    }

    /// Delivers the events that calls of the API caused, a refund's for one.
    pub async fn tell(&self) -> Vec<Told> {
        let mut subscriptions = self.till.subscriptions.lock().await;
        self.till.tell(&mut subscriptions).await
    }

    /// Does that for ever, at the machine's time, and prints what became of each event if it is to `show`
    /// it.
    pub async fn watch(&self, show: bool) -> ! {
        let mut ticks = interval(WATCH_TIME);
        loop {
            ticks.tick().await;
            self.set_now(clock::now());
            for Told { event, status, outcome, .. } in self.tell().await {
                if show {
                    let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                    eprintln!("stripe | {event}: {status} {}", outcome.unwrap_or_default());
                }
            }
        }
    }

    /// Closes the counter and the provider's API.
    pub async fn stop(self) {
        self.counter.stop().await;
        self.api.stop().await;
    }
}

impl Told {
    /// Whether the webhook has taken it.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Till {
    async fn buy(&self, account: &str, sku: &str) -> Result<Sale, ShopError> {
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

    async fn tell(&self, subscriptions: &mut BTreeMap<String, (String, Plan)>) -> Vec<Told> {
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
