//! What is bought and what money goes back at the provider.

use std::sync::Arc;

use scrip_stripe_model::{CartSpec, Change, DisputeSpec, ItemChange, Mode, Plan, Receipt, price_id};

use crate::{
    entitlement::id,
    memory::{PlanChange, Sale},
    offers::{Grant, offer, offer_of},
    plan::{Cart, Naming, PurchaseKind},
    scheduler::lock,
    world::World,
};

impl World {
    pub fn buy(self: &Arc<Self>, account: usize, cart: &Cart) {
        let name = &self.plan.accounts[account];
        let items: Vec<_> = cart.items.iter().map(|(sku, quantity)| (price_id(sku), *quantity)).collect();
        let mode = if cart.plan().is_some() { Mode::Subscription } else { Mode::Payment };
        let invoice_creation = cart.has_invoice && mode == Mode::Payment;
        let bought =
            CartSpec { account: Some(name.clone()), mode, items, invoice_creation, ..CartSpec::default() };
        let bought = match cart.naming {
            Naming::Metadata => bought.naming(name),
            Naming::Reference => bought.referring(name),
            Naming::OfOtherCustomer => {
                let customer = self.stripe.customer_of(&self.plan.accounts[1 - account]);
                CartSpec { customer: Some(customer), ..bought.referring(name) }
            }
        };
        let bought = if cart.is_alone { alone(bought.naming(name), cart) } else { bought };
        let receipt = self.stripe.checkout(&bought);
        self.sold(account, cart.plan(), receipt);
    }

    fn sold(self: &Arc<Self>, account: usize, plan: Option<&'static str>, receipt: Receipt) {
        let Receipt { events, session, subscription, invoice, payment_intent, charge } = receipt;
        // A declined payment is no sale.
        let is_paid = events.iter().any(|event| event.kind() == "payment_intent.succeeded");
        {
            let mut memory = lock(&self.memory);
            let ids = [&session, &subscription, &payment_intent].into_iter().flatten();
            memory.owners.extend(ids.map(|id| (id.clone(), account)));
            if is_paid {
                let purchase = invoice.filter(|_| plan.is_some()).or(payment_intent);
                let purchase = purchase.expect("what is paid has a name");
                let charge = charge.expect("what is paid is charged");
                memory.sales.push(Sale { account, plan, purchase, charge, subscription, at: self.now() });
            }
        }
        self.tell(events);
    }

    /// Moves the account to another plan: to a larger one, which is invoiced at once, or later if it is `prorated`; to a
    /// smaller one, which is paid from the next renewal on.
    pub fn move_to(self: &Arc<Self>, account: usize, sku: &'static str, prorated: bool) {
        let Some(subscription) = self.subscription(account) else { return };
        let Some((item, price, quantity)) = self.stripe.items(&subscription).into_iter().next() else {
            return;
        };
        let (now, then) = (offer_of(&price), offer(sku));
        let Grant::Plan(allowance) = then.gives else { return };
        if now.cents == then.cents {
            return;
        }
        let gives = allowance * quantity;
        let moved = PlanChange { subscription: subscription.clone(), at: self.now(), gives };
        lock(&self.memory).moved.push(moved);
        if now.cents > then.cents {
            self.tell(self.stripe.downgrade(&subscription, &Plan::monthly(sku, then.cents)));
        } else if prorated {
            let change = ItemChange::Set { item, price: price_id(sku), quantity };
            let receipt = self.stripe.change(&subscription, &Change::prorated(vec![change]));
            self.tell(receipt.events);
        } else {
            let receipt = self.stripe.upgrade(&subscription, &Plan::monthly(sku, then.cents));
            self.sold(account, Some(sku), receipt);
        }
    }

    /// Whether a move to that plan would be one to a larger one.
    pub fn is_larger(&self, account: usize, sku: &str) -> bool {
        let Some(subscription) = self.subscription(account) else { return false };
        let items = self.stripe.items(&subscription);
        items.first().is_some_and(|(_, price, _)| offer_of(price).cents < offer(sku).cents)
    }

    /// Lets the provider do what has fallen due.
    pub fn bill(self: &Arc<Self>) {
        let events = self.stripe.advance_to(self.now());
        self.tell(events);
    }

    /// Pays the invoice that was declined, if one is open.
    pub fn pay_late(self: &Arc<Self>, account: usize) {
        let Some(subscription) = self.subscription(account) else { return };
        let (_, running) = self.provider_says(&format!("/v1/subscriptions/{subscription}"));
        let newest = running["latest_invoice"].as_str().unwrap_or_default();
        let (_, invoice) = self.provider_says(&format!("/v1/invoices/{newest}"));
        if invoice["status"] == "open" {
            self.tell(self.stripe.pay_late(&subscription).events);
        }
    }

    /// The account's newest purchase of that kind.
    pub fn sale(&self, account: usize, bought: PurchaseKind) -> Option<Sale> {
        let is_it =
            |sale: &&Sale| sale.account == account && sale.plan.is_some() == (bought == PurchaseKind::Plan);
        lock(&self.memory).sales.iter().rfind(is_it).cloned()
    }

    /// The account's newest subscription, while the provider has it running.
    pub fn subscription(&self, account: usize) -> Option<String> {
        let subscription = self.sale(account, PurchaseKind::Plan)?.subscription?;
        let (_, body) = self.provider_says(&format!("/v1/subscriptions/{subscription}"));
        (body["status"] != "canceled").then_some(subscription)
    }

    /// A charge's amount, the refunded part of it, and whether it is disputed.
    pub fn charged(&self, charge: &str) -> (i64, i64, bool) {
        let (_, body) = self.provider_says(&format!("/v1/charges/{charge}"));
        let number = |name: &str| body[name].as_i64().unwrap_or_default();
        (number("amount"), number("amount_refunded"), body["disputed"] == true)
    }

    pub fn refund_at_provider(self: &Arc<Self>, account: usize, bought: PurchaseKind, percent: i64) {
        let Some(sale) = self.sale(account, bought) else { return };
        let (amount, refunded, disputed) = self.charged(&sale.charge);
        let asked = (amount * percent / 100).min(amount - refunded);
        if asked > 0 && !disputed {
            let (refund, events) =
                self.stripe.refund_in_dashboard(&sale.charge, Some(asked)).expect("so much of it is left");
            lock(&self.memory).refunds.push((account, refund));
            self.tell(events);
        }
    }

    /// The buyer's bank takes some percent of the money back, or only asks.
    pub fn dispute(self: &Arc<Self>, account: usize, bought: PurchaseKind, percent: i64, inquiry: bool) {
        let Some(sale) = self.sale(account, bought) else { return };
        let books = self.stripe.books();
        let Some(paid) = books.purchases.iter().find(|paid| id(paid) == sale.purchase) else { return };
        let asked = paid.amount * percent / 100;
        if asked > 0 && paid.refunded + paid.disputed + asked <= paid.amount {
            let spec = DisputeSpec { amount: Some(asked), inquiry };
            let (dispute, events) = self.stripe.dispute_with(&sale.charge, spec);
            lock(&self.memory).disputes.push((account, dispute));
            self.tell(events);
        }
    }
}

/// A payment intent of one's own: its metadata says what it is for.
fn alone(bought: CartSpec, cart: &Cart) -> CartSpec {
    let (sku, quantity) = cart.items[0];
    let mut payment_metadata = bought.payment_metadata.clone();
    payment_metadata.insert("sku".to_owned(), sku.to_owned());
    payment_metadata.insert("quantity".to_owned(), quantity.to_string());
    CartSpec { payment_metadata, without_session: true, invoice_creation: false, ..bought }
}
