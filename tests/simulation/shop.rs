//! What is bought and what money goes back at the provider.

use std::sync::Arc;

use scrip_tests::stripe::{Checkout, Interval, Receipt};

use crate::{memory::Sale, plan::Bought, scheduler::lock, world::World};

impl World {
    pub fn buy(self: &Arc<Self>, account: usize, sku: &'static str) {
        let checkout = Checkout::new(&self.plan.accounts[account], sku, price(sku));
        let receipt = if sku.ends_with("_pack") {
            self.stripe.buy_pack(&checkout)
        } else {
            self.stripe.subscribe(&checkout, Interval::Month)
        };
        self.sold(account, sku, receipt);
    }

    pub fn sold(self: &Arc<Self>, account: usize, sku: &'static str, receipt: Receipt) {
        let Receipt { events, subscription, invoice, payment_intent, charge, .. } = receipt;
        // What is declined is no sale.
        let is_paid = events.iter().any(|event| event.kind() == "payment_intent.succeeded");
        if is_paid {
            let purchase = invoice.or(payment_intent).expect("what is paid has a name");
            let charge = charge.expect("what is paid is charged");
            let sale = Sale { account, sku, purchase, charge, subscription, at: self.now() };
            lock(&self.memory).sales.push(sale);
        }
        self.tell(events);
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

    /// What the account pays a month, in cents.
    pub fn pays(&self, account: usize) -> i64 {
        self.sale(account, Bought::Plan).map_or(0, |sale| price(sale.sku))
    }

    /// The account's newest purchase of that kind.
    pub fn sale(&self, account: usize, bought: Bought) -> Option<Sale> {
        let is_it =
            |sale: &&Sale| sale.account == account && sale.sku.ends_with("_pack") == (bought == Bought::Pack);
        lock(&self.memory).sales.iter().rfind(is_it).cloned()
    }

    /// The account's subscription, while the provider has it running.
    pub fn subscription(&self, account: usize) -> Option<String> {
        let subscription = self.sale(account, Bought::Plan)?.subscription?;
        let (_, body) = self.provider_says(&format!("/v1/subscriptions/{subscription}"));
        (body["status"] != "canceled").then_some(subscription)
    }

    /// What a charge was, what of it was refunded, and whether it is disputed.
    pub fn charged(&self, charge: &str) -> (i64, i64, bool) {
        let (_, body) = self.provider_says(&format!("/v1/charges/{charge}"));
        let number = |name: &str| body[name].as_i64().unwrap_or_default();
        (number("amount"), number("amount_refunded"), body["disputed"] == true)
    }

    pub fn refund_at_provider(self: &Arc<Self>, account: usize, bought: Bought, percent: i64) {
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
}

/// What something costs, in cents.
pub fn price(sku: &str) -> i64 {
    match sku {
        "basic_monthly" => 1900,
        "standard_monthly" => 2900,
        "business_monthly" => 3900,
        "tune_pack" => 900,
        _ => 1500,
    }
}
