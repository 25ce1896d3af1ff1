//! Clients that make drawn commands until the last kill, each repeated until its definite answer.

use std::sync::Arc;

use fastrand::Rng;
use scrip_stripe_model::{Checkout, Interval, Receipt};
use serde_json::{Value, json};

use super::{
    PLANS,
    book::Book,
    world::{Command, World},
};
use crate::api::{Reply, credits, enhance};

/// How many requests are answered between two batches.
const ANSWERS_PER_BATCH: u32 = 20;

/// A client of an account.
pub struct Client {
    world: Arc<World>,
    account: usize,
    number: usize,
    commands: usize,
    rng: Rng,
    /// The keys of its debits.
    debits: Vec<String>,
    /// The packs it bought and didn't return.
    packs: Vec<BoughtItem>,
    /// The plan it bought; only the first client of an account has one.
    plan: Option<BoughtItem>,
}

/// A purchase, and its payment.
struct BoughtItem {
    id: String,
    payment: String,
}

impl Client {
    pub fn new(world: Arc<World>, (account, number): (usize, usize), rng: Rng) -> Self {
        Self { world, account, number, commands: 0, rng, debits: vec![], packs: vec![], plan: None }
    }

    /// Acts until the last kill.
    pub async fn act(mut self) {
        self.buy_pack().await;
        while !self.world.is_over() {
            if self.number == 0 && self.plan.is_none() {
                self.buy_plan().await;
            }
            match self.rng.u8(0..100) {
                0..50 => self.debit().await,
                50..66 => self.reverse().await,
                66..74 => self.buy_pack().await,
                74..80 => self.return_pack().await,
                80..82 => self.return_plan().await,
                82..90 => self.ask_price().await,
                _ => self.look().await,
            }
        }
    }

    fn book(&self) -> &Book {
        &self.world.accounts[self.account]
    }

    /// A key that no other command has.
    fn key(&mut self, kind: &str) -> String {
        self.commands += 1;
        format!("{kind}-{}-{}", self.number, self.commands)
    }

    /// The definite answer to a command. One in four is sent twice at once: if both succeed,
    /// their answers are the same.
    async fn settle(&mut self, command: &Command) -> Reply {
        if self.rng.u8(0..4) > 0 {
            return self.world.ask(command).await;
        }
        let (one, other) = tokio::join!(self.world.ask(command), self.world.ask(command));
        if one.status == other.status && one.status < 300 {
            assert_eq!(one.text, other.text, "{command:?}");
        }
        // One may be refused, and the other succeed after something was bought.
        if one.status < 300 { one } else { other }
    }

    async fn debit(&mut self) {
        let key = self.key("debit");
        let operation = match self.rng.u8(0..4) {
            0 => json!({"operation": "tune_images", "prompts": self.rng.u8(1..=5)}),
            1 => json!({"operation": "train_tune", "prompts": self.rng.u8(0..=8)}),
            _ => enhance(self.rng.usize(1..=100)),
        };
        let path = self.book().path("/debits");
        let command = Command::post(path, Some(key.clone()), operation);
        let reply = self.settle(&command).await;
        match reply.status {
            201 => {
                self.book().debited(command, &reply);
                self.debits.push(key);
            }
            402 => self.world.tally.add("refused debits"),
            _ => panic!("{command:?}: {}", reply.text),
        }
    }

    async fn reverse(&mut self) {
        let Some(debit) = self.rng.choice(&self.debits).cloned() else { return };
        let key = self.key("reversal");
        let path = self.book().path(&format!("/debits/{debit}/reversals"));
        let body = match self.rng.u8(0..3) {
            0 => json!({"credits": credits(1, 0, 0)}),
            1 => json!({"credits": credits(0, 0, 8), "reason": "an image failed"}),
            _ => json!({}),
        };
        let command = Command::post(path, Some(key), body);
        let reply = self.settle(&command).await;
        match reply.status {
            201 => self.book().reversed(command, &reply),
            409 => self.world.tally.add("refused reversals"),
            _ => panic!("{command:?}: {}", reply.text),
        }
    }

    async fn buy_pack(&mut self) {
        let sku = if self.rng.bool() { "tune_pack" } else { "avatar_pack" };
        self.world.set_provider();
        let receipt = self.world.stripe.buy_pack(&Checkout::new(&self.book().account, sku, 900));
        let bought = self.bought(sku, receipt).await;
        self.packs.push(bought);
    }

    async fn buy_plan(&mut self) {
        let sku = PLANS[self.account];
        let interval = if sku.ends_with("annual") { Interval::Year } else { Interval::Month };
        let receipt = self.world.stripe.subscribe(&Checkout::new(&self.book().account, sku, 1900), interval);
        self.plan = Some(self.bought(sku, receipt).await);
    }

    /// Delivers the events of a payment.
    async fn bought(&mut self, sku: &'static str, receipt: Receipt) -> BoughtItem {
        let payment = receipt.payment_intent.unwrap();
        let id = receipt.invoice.unwrap_or_else(|| payment.clone());
        self.book().paid(&id, sku);
        self.world.deliver(&receipt.events, &mut self.rng).await;
        BoughtItem { id, payment }
    }

    async fn return_pack(&mut self) {
        if !self.packs.is_empty() {
            let pack = self.packs.swap_remove(self.rng.usize(..self.packs.len()));
            self.refund(&pack).await;
        }
    }

    async fn return_plan(&mut self) {
        if let Some(plan) = self.plan.take()
            && !self.refund(&plan).await
        {
            self.plan = Some(plan);
        }
    }

    /// Asks for the money back; returns whether it came back. After thirty days it doesn't.
    async fn refund(&mut self, BoughtItem { id, payment }: &BoughtItem) -> bool {
        let path = self.book().path(&format!("/purchases/{id}/refund"));
        let command = Command::post(path, None, json!({"reason": "changed their mind"}));
        let reply = self.settle(&command).await;
        if reply.status == 409 {
            reply.is_problem(409, "refund_window_closed");
            return false;
        }
        assert_eq!(reply.is(200).json["status"], "refunded", "{command:?}");
        self.book().refunded(command, &reply, payment);
        true
    }

    async fn ask_price(&mut self) {
        let images = self.rng.usize(1..=100);
        let command = Command::post(self.book().path("/quotes"), None, enhance(images));
        let quote = self.world.ask(&command).await;
        assert_eq!(quote.is(200).json["credits"], credits(i64::try_from(images).unwrap(), 0, 0));
    }

    async fn look(&mut self) {
        let account = self.world.ask(&Command::get(self.book().path(""))).await;
        let balance = account.is(200).json["balance"].as_object().unwrap();
        assert!(balance.values().all(Value::is_u64), "{}", account.text);
    }
}

/// The provider: subscriptions renew as time passes, and the events of its API's calls are delivered.
pub async fn provider(world: Arc<World>, mut rng: Rng) {
    while !world.is_over() {
        world.set_provider();
        world.deliver(&world.take_events(), &mut rng).await;
        tokio::task::yield_now().await;
    }
}

/// The schedule's queue, far more eager than on AWS: the month is settled again and again.
pub async fn schedule(world: Arc<World>) {
    while !world.is_over() {
        world.settle_month().await;
        world.answers(ANSWERS_PER_BATCH).await;
    }
}
