//! A stack with a provider of its own, and support's calls to it.

use chrono::{DateTime, TimeDelta, Utc};
use scrip_local::{
    Options, Stack,
    delivery::Endpoint,
    stack::{API_KEY, WEBHOOK_SECRET},
};
use scrip_stripe_model::{Checkout, Event, Generation, Receipt, Stripe, server};
use serde_json::{Value, json};

use crate::api::{Reply, send};

pub const NOW: &str = "2026-11-10T09:00:00Z";
pub const REFUND: &str = "POST /v1/refunds";

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A stack with a provider of its own, whose time begins on the 3rd of November.
pub struct Shop {
    pub stack: Stack,
    pub stripe: Stripe,
    provider: server::Server,
}

impl Shop {
    pub async fn open(name: &str, generation: Generation) -> Self {
        let stripe = Stripe::new(name, generation, time("2026-11-03T09:00:00Z"));
        let provider = stripe.serve(server::loopback(0).await.unwrap(), API_KEY).unwrap();
        let options = Options {
            instances: 2,
            stripe_api_base: Some(format!("http://{}", provider.address())),
            ..Options::default()
        };
        Self { stack: Stack::start(options).await.unwrap(), stripe, provider }
    }

    pub async fn deliver(&self, events: &[Event], at: DateTime<Utc>) {
        let url = format!("{}/v1/webhooks/stripe", self.stack.base_url());
        let endpoint = Endpoint::new(&url, &[WEBHOOK_SECRET]);
        for event in events {
            assert!(endpoint.send(event, at).await.is_delivered(), "{}", event.kind());
        }
    }

    /// Buys, and returns the purchase's id.
    pub async fn buy(&self, receipt: &Receipt) -> String {
        self.deliver(&receipt.events, self.stripe.now()).await;
        let id = receipt.invoice.clone().or(receipt.payment_intent.clone()).or(receipt.session.clone());
        id.unwrap()
    }

    pub async fn pack(&self, account: &str) -> String {
        self.buy(&self.stripe.buy_pack(&Checkout::new(account, "tune_pack", 900))).await
    }

    pub async fn refund(&self, account: &str, purchase: &str, at: &str) -> Reply {
        self.stripe.set_now(self.stripe.now().max(time(at)));
        let token = self.stack.tokens().issue("support", &["credits:refund"], TimeDelta::hours(1));
        let path = format!("/v1/accounts/{account}/purchases/{purchase}/refund");
        let request = reqwest::Client::new()
            .post(format!("{}{path}", self.stack.base_url()))
            .bearer_auth(token)
            .header("local-time", at)
            .json(&json!({"reason": "changed their mind"}));
        send(request).await
    }

    pub async fn get(&self, account: &str, rest: &str, at: &str) -> Value {
        let token =
            self.stack.tokens().issue(account, &["credits:read", "credits:debit"], TimeDelta::hours(1));
        let request = reqwest::Client::new()
            .get(format!("{}/v1/accounts/{account}{rest}", self.stack.base_url()))
            .bearer_auth(token)
            .header("local-time", at);
        send(request).await.is(200).json.clone()
    }

    pub async fn kinds(&self, account: &str) -> Vec<String> {
        let page = self.get(account, "/entries", NOW).await;
        let kinds = page["entries"].as_array().unwrap().iter();
        kinds.rev().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// How often the provider was asked for a refund.
    pub fn asked(&self) -> usize {
        self.stripe.calls().iter().filter(|call| call.operation() == REFUND).count()
    }

    pub async fn close(self) {
        self.stack.stop().await;
        self.provider.stop().await;
    }
}
