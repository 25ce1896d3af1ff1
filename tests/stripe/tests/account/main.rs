//! What happens in an account of the model: each situation, the events it makes, and what the books hold
//! then.

mod changes;
mod dunning;
mod events;
mod fields;
mod invoices;
mod money;
mod purchases;
mod shapes;
mod walk;

use chrono::{DateTime, TimeZone, Utc};
use scrip_stripe_model::{BookedPurchase, CartSpec, Event, Generation, PriceSpec, Receipt, Stripe};
use serde_json::Value;

/// An account with what the tests sell.
struct Shop {
    stripe: Stripe,
    /// 10.00 a month.
    basic: String,
    /// 100.00 a year.
    basic_y: String,
    /// 30.00 a month.
    business: String,
    /// 9.00 once.
    pack: String,
    /// 15.00 once.
    avatar: String,
}

impl Shop {
    fn new(generation: Generation) -> Self {
        let stripe = Stripe::new("shop", generation, on(1, 0));
        let price = |spec: PriceSpec| stripe.add_price(&spec);
        let (basic, basic_y) = (price(PriceSpec::monthly(1000)), price(PriceSpec::annual(10_000)));
        let (business, pack) = (price(PriceSpec::monthly(3000)), price(PriceSpec::once(900)));
        let avatar = price(PriceSpec::once(1500));
        Self { stripe, basic, basic_y, business, pack, avatar }
    }

    /// Alice's subscription to so many of a price.
    fn subscribed(&self, price: &str, quantity: i64) -> (String, Receipt) {
        let receipt = self.stripe.checkout(&CartSpec::subscription("alice", &[(price, quantity)]));
        (receipt.subscription.clone().expect("a subscription"), receipt)
    }

    /// The only item of a subscription.
    fn item(&self, subscription: &str) -> String {
        self.stripe.items(subscription).first().expect("an item").0.clone()
    }

    fn last_purchase(&self) -> BookedPurchase {
        self.stripe.books().purchases.last().cloned().expect("a purchase")
    }

    fn status(&self, subscription: &str) -> &'static str {
        let books = self.stripe.books();
        books.subscriptions.iter().find(|known| known.id == subscription).expect("it is known").status
    }
}

/// A time in June 2026, a month of thirty days.
fn on(day: u32, hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, day, hour, 0, 0).single().expect("a time")
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(Event::kind).collect()
}

/// The object of the last event of a type.
fn last<'a>(events: &'a [Event], kind: &str) -> &'a Value {
    let found = events.iter().rfind(|event| event.kind() == kind);
    found.unwrap_or_else(|| panic!("{kind} is among {:?}", kinds(events))).object()
}

/// The amounts of an invoice's lines, in order.
fn amounts(invoice: &Value) -> Vec<i64> {
    let lines = invoice["lines"]["data"].as_array().expect("lines");
    lines.iter().map(|line| line["amount"].as_i64().expect("an amount")).collect()
}
