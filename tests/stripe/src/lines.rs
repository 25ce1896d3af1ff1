//! The lines that subscriptions and carts are charged by.
//!
//! Invariant: a line has a copy of its price, so that a later change of the subscription doesn't reach it.

use super::{
    account::Account,
    invoices::dollars,
    plan::Metadata,
    records::{Item, Line, PeriodCharge, Price, Proration, Subscription, SubscriptionStatus, Time},
};

/// A line that corrects a period in the middle.
pub struct Correction {
    pub amount: i64,
    pub discount: i64,
    pub description: String,
    pub until: Time,
    pub credited: Option<(String, String)>,
}

impl Account {
    /// The line that charges for an item's current period in full, which the item then stands on.
    pub(super) fn period_line(&mut self, at: usize, item: usize) -> Line {
        let id = self.id("il_1", 23);
        let subscription = &mut self.subscriptions[at];
        let charged = &subscription.items[item];
        let (price, quantity) = (charged.price.clone(), charged.quantity);
        let (amount, description) = if subscription.status == SubscriptionStatus::Trialing {
            (0, format!("Free trial for {quantity} × {}", price.name))
        } else {
            let interval = price.recurring.map_or("", super::plan::Interval::name);
            let each = dollars(price.unit_amount);
            (charged.amount(), format!("{quantity} × {} (at {each} / {interval})", price.name))
        };
        let line = Line {
            id: id.clone(),
            amount,
            discount: discount(subscription, amount),
            description,
            price,
            quantity,
            period: charged.period,
            subscription: Some(subscription.id.clone()),
            item: Some(charged.id.clone()),
            invoice_item: None,
            proration: None,
            flexible: subscription.flexible,
            // A subscription's line shows the subscription's metadata.
            metadata: subscription.metadata.clone(),
        };
        subscription.items[item].charged = Some(PeriodCharge {
            invoice: None,
            line: id,
            amount: line.amount - line.discount,
            period: line.period,
        });
        line
    }

    /// A line that corrects an item's period from now on.
    pub(super) fn proration_line(&mut self, at: usize, item: &Item, correction: Correction) -> Line {
        let (id, invoice_item, now) = (self.id("il_1", 23), self.id("ii_1", 23), self.now);
        let subscription = &self.subscriptions[at];
        Line {
            id,
            amount: correction.amount,
            discount: correction.discount,
            description: correction.description,
            price: item.price.clone(),
            quantity: item.quantity,
            period: (now, correction.until),
            subscription: Some(subscription.id.clone()),
            item: Some(item.id.clone()),
            invoice_item: Some(invoice_item),
            proration: Some(Proration { credited: correction.credited }),
            flexible: subscription.flexible,
            // An invoice item has metadata of its own.
            metadata: Metadata::new(),
        }
    }

    /// The line of what is paid once.
    pub(super) fn single_line(&mut self, price: &Price, quantity: i64, period: (Time, Time)) -> Line {
        Line {
            id: self.id("il_1", 23),
            amount: price.unit_amount * quantity,
            discount: 0,
            description: price.name.clone(),
            price: price.clone(),
            quantity,
            period,
            subscription: None,
            item: None,
            invoice_item: Some(self.id("ii_1", 23)),
            proration: None,
            flexible: false,
            metadata: Metadata::new(),
        }
    }
}

/// What the subscription's coupon takes off an amount.
pub(super) fn discount(subscription: &Subscription, amount: i64) -> i64 {
    subscription.discount.as_ref().map_or(0, |discount| discount.of(amount))
}
