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
    Options, Stack, StartError,
    cashier::Cashier,
    clock,
    delivery::Endpoint,
    page::{self, Page},
    stack::{API_KEY, WEBHOOK_SECRET},
};
use chrono::{DateTime, Utc};
use scrip_stripe_model::{
    Generation, Stripe,
    server::{self, Server},
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::time::interval;

pub use crate::cashier::{Sale, SentEvent, ShopError};

/// How often [`Shop::watch`] looks for events.
const WATCH_TIME: Duration = Duration::from_millis(200);

/// A provider with its API, a webhook it delivers to, and a counter at which people buy.
#[derive(Debug)]
pub struct Shop {
    cashier: Arc<Cashier>,
    api: Server,
    counter: Server,
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
        // The page needs what only a running stack has; until then, it answers nothing.
        let page = Arc::new(OnceLock::new());
        let beside = options.beside.clone().merge(page::router(&page));
        let stack = Stack::start(Options { stripe_api_base, beside, ..options }).await?;
        let url = format!("{}/v1/webhooks/stripe", stack.base_url());
        let webhook = Endpoint::new(&url, &[WEBHOOK_SECRET]).of(&stripe);
        let cashier = Arc::new(Cashier::new(stripe, webhook, Arc::clone(&stack.clock)));
        // It is set here only, so it is empty.
        let _ = page.set(Page::new(&stack, &cashier));
        let counter = Server::start(counter, counter::router(&cashier)).map_err(no_port)?;
        Ok((stack, Self { cashier, api, counter }))
    }

    /// The address that answers `POST /local/buy`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.counter.address())
    }

    /// Sets the provider's clock, at which everything happens until it is set again.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.cashier.set_now(now);
    }

    /// Buys a pack, subscribes to a plan, or changes the plan of a running subscription: at once and paid
    /// in proportion, but to a cheaper one without a payment. The events are delivered before it returns.
    ///
    /// # Errors
    /// When the SKU isn't sold here, or the account has the plan already.
    pub async fn buy(&self, account: &str, sku: &str) -> Result<Sale, ShopError> {
        self.cashier.buy(account, sku, 1).await
    }

    /// Delivers the events that calls of the API caused, a refund's for one.
    pub async fn deliver_new(&self) -> Vec<SentEvent> {
        self.cashier.deliver_new().await
    }

    /// Keeps the provider at the stack's time: what falls due happens, and its events are delivered. Prints the outcome
    /// of each if `show` is set.
    pub async fn watch(&self, show: bool) -> ! {
        let mut ticks = interval(WATCH_TIME);
        loop {
            ticks.tick().await;
            let sent = self.cashier.catch_up().await;
            for event in sent.iter().filter(|_| show) {
                eprintln!("stripe | {event}");
            }
        }
    }

    /// Closes the counter and the provider's API.
    pub async fn stop(self) {
        self.counter.stop().await;
        self.api.stop().await;
    }
}
