//! Long histories of many customers: money adds up whatever happens, in whatever order.

use super::{Shop, on};
use chrono::TimeDelta;
use fastrand::Rng;
use scrip_stripe_model::{
    CancelSpec, CartSpec, Change, CouponSpec, DisputeSpec, DunningEnd, Generation, ItemChange, PauseBehavior,
    PaymentBehavior, ProrationBehavior, Tender,
};

const HISTORIES: u64 = 150;
const STEPS: usize = 40;

/// A history and what it takes to go on.
struct Walk {
    shop: Shop,
    rng: Rng,
    subscriptions: Vec<String>,
    invoices: Vec<String>,
    charges: Vec<String>,
    refunds: Vec<String>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let shop = Shop::new(Generation::EVERY[rng.usize(..Generation::EVERY.len())]);
        let ends = [DunningEnd::Cancel, DunningEnd::Unpaid, DunningEnd::PastDue];
        shop.stripe.set_dunning_end(ends[rng.usize(..3)]);
        let (subscriptions, invoices, charges, refunds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { shop, rng, subscriptions, invoices, charges, refunds }
    }

    fn pick(&mut self, from: &[String]) -> Option<String> {
        (!from.is_empty()).then(|| from[self.rng.usize(..from.len())].clone())
    }

    /// A subscription that hasn't ended.
    fn live(&mut self) -> Option<String> {
        let books = self.shop.stripe.books();
        let live = books.subscriptions.iter().filter(|known| known.ended_at.is_none());
        let live: Vec<_> = live.map(|known| known.id.clone()).collect();
        self.pick(&live)
    }

    fn buy(&mut self) {
        let account = ["alice", "bob", "firm"][self.rng.usize(..3)];
        let quantity = self.rng.i64(1..4);
        let (pack, plan) =
            (self.shop.pack.clone(), [&self.shop.basic, &self.shop.basic_y][self.rng.usize(..2)].clone());
        let recurring = self.rng.bool();
        let cart = if recurring {
            CartSpec::subscription(account, &[(&*plan, quantity), (&*pack, 1)][..self.rng.usize(1..3)])
        } else {
            CartSpec::payment(account, &[(&pack, quantity), (&self.shop.avatar, 1)])
        };
        let coupon = match self.rng.u8(..6) {
            0 => Some(CouponSpec::forever(self.rng.i64(1..101))),
            1 => Some(CouponSpec::once(30)),
            _ => None,
        };
        let trial_days = (recurring && self.rng.u8(..5) == 0).then_some(10);
        let tender = if recurring || self.rng.bool() { Tender::Card } else { Tender::Delayed };
        let invoice_creation = self.rng.bool();
        let receipt =
            self.shop.stripe.checkout(&CartSpec { coupon, trial_days, tender, invoice_creation, ..cart });
        if tender == Tender::Delayed && receipt.payment_intent.is_some() && self.rng.bool() {
            let _ = self.shop.stripe.payment_arrives(&receipt.session.expect("a session"));
        } else if tender == Tender::Card {
            self.charges.extend(receipt.charge);
        }
        self.subscriptions.extend(receipt.subscription);
    }

    fn change(&mut self, subscription: &str) {
        let items = self.shop.stripe.items(subscription);
        let (item, _, _) = items[self.rng.usize(..items.len())].clone();
        let prices = [&self.shop.basic, &self.shop.business, &self.shop.basic_y];
        let price = prices[self.rng.usize(..3)].clone();
        let quantity = self.rng.i64(1..4);
        let change = match self.rng.u8(..4) {
            0 => ItemChange::Add { price, quantity },
            1 if items.len() > 1 => ItemChange::Remove { item },
            _ => ItemChange::Set { item, price, quantity },
        };
        let prorations =
            [ProrationBehavior::None, ProrationBehavior::CreateProrations, ProrationBehavior::AlwaysInvoice];
        let payments = [PaymentBehavior::AllowIncomplete, PaymentBehavior::PendingIfIncomplete];
        let (proration, payment) = (prorations[self.rng.usize(..3)], payments[self.rng.usize(..2)]);
        let receipt =
            self.shop.stripe.change(subscription, &Change { items: vec![change], proration, payment });
        self.invoices.extend(receipt.invoice);
    }

    fn step(&mut self) {
        let stripe = self.shop.stripe.clone();
        match (self.rng.u8(..14), self.live()) {
            (0 | 1, _) => self.buy(),
            (2, _) => {
                let _ = stripe.advance_to(stripe.now() + TimeDelta::days(self.rng.i64(1..40)));
            }
            (3 | 4, Some(subscription)) => self.change(&subscription),
            (5, Some(subscription)) => stripe.decline_next(&subscription),
            (6, Some(subscription)) => {
                let behaviors =
                    [PauseBehavior::Void, PauseBehavior::KeepAsDraft, PauseBehavior::MarkUncollectible];
                let until = self.rng.bool().then(|| stripe.now() + TimeDelta::days(20));
                let _ = stripe.pause(&subscription, behaviors[self.rng.usize(..3)], until);
            }
            (7, Some(subscription)) => {
                let _ = stripe.unpause(&subscription);
            }
            (8, Some(subscription)) => {
                let _ = match self.rng.u8(..3) {
                    0 => stripe.cancel_at_period_end(&subscription),
                    1 => stripe.uncancel(&subscription),
                    _ => stripe.cancel_with(
                        &subscription,
                        CancelSpec { prorate: self.rng.bool(), invoice_now: self.rng.bool() },
                    ),
                };
            }
            (9, _) => {
                let cart = CartSpec::payment("alice", &[(&self.shop.pack, self.rng.i64(1..4))]);
                let invoice = stripe.send_invoice(&cart).invoice.expect("an invoice");
                let _ = match self.rng.u8(..4) {
                    0 => stripe.pay_out_of_band(&invoice),
                    1 => stripe.void_invoice(&invoice),
                    2 => stripe.write_off_invoice(&invoice),
                    _ => stripe.pay_invoice(&invoice).events,
                };
            }
            (10 | 11, _) => {
                let charges = self.charges.clone();
                let Some(charge) = self.pick(&charges) else { return };
                let amount = self.rng.bool().then(|| self.rng.i64(1..400));
                self.refunds.extend(stripe.refund_in_dashboard(&charge, amount).map(|(refund, _)| refund));
            }
            (12, _) => {
                if let Some(refund) = self.refunds.pop() {
                    let _ = stripe.fail_refund(&refund);
                }
            }
            (13, _) => self.dispute(),
            _ => {}
        }
    }

    fn dispute(&mut self) {
        let books = self.shop.stripe.books();
        let payments = books.purchases.iter().flat_map(|purchase| &purchase.payments);
        let left: Vec<_> = payments
            .map(|payment| {
                (payment.payment_intent.clone(), payment.amount - payment.refunded - payment.disputed)
            })
            .filter(|(_, left)| *left > 0)
            .collect();
        if left.is_empty() {
            return;
        }
        let (payment, left) = left[self.rng.usize(..left.len())].clone();
        let spec = DisputeSpec { amount: Some(self.rng.i64(1..=left)), inquiry: self.rng.bool() };
        let (dispute, _) = self.shop.stripe.dispute_with(&payment, spec);
        let _ = match (self.rng.u8(..3), spec.inquiry) {
            (0, true) => self.shop.stripe.close_inquiry(&dispute),
            (0, false) => self.shop.stripe.win_dispute(&dispute),
            (1, false) => self.shop.stripe.lose_dispute(&dispute),
            _ => self.shop.stripe.answer_dispute(&dispute),
        };
    }

    /// What must be true at every moment.
    fn check(&self, seed: u64) {
        let books = self.shop.stripe.books();
        for purchase in &books.purchases {
            let of_lines: i64 = purchase.lines.iter().map(|line| line.amount).sum();
            let paid = purchase.amount + purchase.from_balance;
            if !purchase.out_of_band {
                assert_eq!(purchase.total, paid, "seed {seed}: {purchase:?}");
            }
            assert_eq!(of_lines, purchase.total, "seed {seed}: {purchase:?}");
            assert!(purchase.paid_at <= books.now && purchase.amount >= 0);
            for payment in &purchase.payments {
                assert!(payment.refunded >= 0 && payment.disputed >= 0);
                assert!(payment.refunded + payment.disputed <= payment.amount, "seed {seed}: {payment:?}");
            }
        }
        let mut intents: Vec<_> = books.purchases.iter().flat_map(|purchase| &purchase.payments).collect();
        let count = intents.len();
        intents.sort_by_key(|payment| &payment.payment_intent);
        intents.dedup_by_key(|payment| &payment.payment_intent);
        assert_eq!(intents.len(), count, "seed {seed}: no payment pays twice");
    }
}

#[test]
fn money_adds_up_in_any_history() {
    for seed in 0..HISTORIES {
        let mut walk = Walk::new(seed);
        for _ in 0..STEPS {
            walk.step();
            walk.check(seed);
        }
        // Periods go on: once all that is due is done, no live subscription has one that is over.
        let now = walk.shop.stripe.now().max(on(1, 0)) + TimeDelta::days(1);
        let _ = walk.shop.stripe.advance_to(now);
        let books = walk.shop.stripe.books();
        let live = books.subscriptions.iter().filter(|known| known.ended_at.is_none());
        for item in live.flat_map(|known| &known.items) {
            assert!(item.period.0 <= now && now < item.period.1, "seed {seed}: {item:?}");
        }
    }
}

#[test]
fn the_same_history_makes_the_same_bytes() {
    let [first, second] = [7, 7].map(|seed| {
        let mut walk = Walk::new(seed);
        (0..STEPS).for_each(|_| walk.step());
        let events = walk.shop.stripe.events_in(Generation::Dahlia);
        events.iter().map(scrip_stripe_model::Event::body).collect::<Vec<_>>()
    });
    assert!(!first.is_empty());
    assert_eq!(first, second);
}
