//! Subscriptions as their owners change them: upgrades, downgrades, cancellation.
//!
//! Invariant: a change of plan keeps the billing anchor unless it changes the interval, which starts a
//! new period now.

use super::{Receipt, Stripe, account::Account, calendar, event::Event, plan::Plan, records::Line};

impl Stripe {
    /// Changes the plan and invoices the difference at once (`proration_behavior=always_invoice`):
    /// `customer.subscription.updated` and the events of an invoice with a credit for the unused time of
    /// the old plan and a line for the new one. With another interval the new plan's first period starts
    /// now and is charged in full. The subscription's metadata stays what it was.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn upgrade(&self, subscription: &str, plan: &Plan) -> Receipt {
        self.receipt(|account| account.upgrade(subscription, plan))
    }

    /// Changes the plan without an invoice (`proration_behavior=none`): the subscription has the new
    /// price at once (`customer.subscription.updated`), and pays it from the next renewal.
    ///
    /// # Panics
    /// When no live subscription has that id, or the interval is another: Stripe would charge for that at
    /// once.
    #[must_use]
    pub fn downgrade(&self, subscription: &str, plan: &Plan) -> Vec<Event> {
        let downgrade = |account: &mut Account| {
            let at = account.live(subscription);
            let current = account.subscriptions[at].plan.interval;
            assert_eq!(current, plan.interval, "a downgrade keeps the interval");
            account.change(at, "customer.subscription.updated", |changed| changed.plan = plan.clone());
        };
        self.telling(downgrade).1
    }

    /// Ends a subscription now: `customer.subscription.deleted`.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn cancel(&self, subscription: &str) -> Vec<Event> {
        let cancel =
            |account: &mut Account| account.end(account.live(subscription), "cancellation_requested");
        self.telling(cancel).1
    }

    /// Lets a subscription end with its period: `customer.subscription.updated` now,
    /// `customer.subscription.deleted` once [`Stripe::advance_to`] gets there.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn cancel_at_period_end(&self, subscription: &str) -> Vec<Event> {
        let cancel = |account: &mut Account| {
            let (at, now) = (account.live(subscription), account.now);
            account.change(at, "customer.subscription.updated", |changed| {
                changed.cancel_at_period_end = true;
                changed.canceled_at = Some(now);
                changed.end_reason = Some("cancellation_requested");
            });
        };
        self.telling(cancel).1
    }
}

impl Account {
    fn upgrade(&mut self, subscription: &str, plan: &Plan) -> Receipt {
        let (at, now) = (self.live(subscription), self.now);
        let before = self.subscription(at);
        let changed = &mut self.subscriptions[at];
        let (start, end) = changed.period();
        let (left, whole, free) = (end - now, end - start, changed.free);
        let credited = changed.charged_by.clone();
        let old = std::mem::replace(&mut changed.plan, plan.clone());
        let keeps_anchor = old.interval == plan.interval;
        if !keeps_anchor {
            (changed.anchor, changed.turns) = (now, 0);
        }
        let day = now.format("%d %b %Y");
        let unused = if free { 0 } else { calendar::share(old.price_cents, left, whole) };
        let unused = (-unused, format!("Unused time on {} after {day}", old.sku));
        let credit = self.proration_line(unused, old, end, Some(credited));
        let charge = if keeps_anchor {
            let owed = calendar::share(plan.price_cents, left, whole);
            let rest = (owed, format!("Remaining time on {} after {day}", plan.sku));
            let line = self.proration_line(rest, plan.clone(), end, None);
            Line { discount: if free { owed } else { 0 }, ..line }
        } else {
            self.period_line(at)
        };
        let invoice = self.draft(at, "subscription_update", vec![credit, charge], (now, now));
        self.emit("customer.subscription.updated", self.subscription(at), Some(&before));
        self.collect(invoice)
    }
}
