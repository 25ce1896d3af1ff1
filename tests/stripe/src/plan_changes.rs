//! Subscriptions as their owners change them: upgrades, downgrades, cancellation.
//!
//! Invariant: a change of plan leaves the subscription's metadata what it was.

use super::{
    CancelSpec, Change, ItemChange, Receipt, Stripe,
    account::Account,
    event::Event,
    plan::{Metadata, Plan},
};

impl Stripe {
    /// Changes the plan and invoices the difference at once (`proration_behavior=always_invoice`):
    /// `customer.subscription.updated` and the events of an invoice with a credit for the unused time of
    /// the old plan and a line for the new one. With another interval the new plan's first period starts
    /// now and is charged in full.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn upgrade(&self, subscription: &str, plan: &Plan) -> Receipt {
        self.receipt(|account| {
            let at = account.live(subscription);
            let change = account.swap(at, plan);
            account.change_items(at, &Change::invoiced(vec![change]))
        })
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
            let current = account.subscriptions[at].items.first().and_then(|item| item.price.recurring);
            assert_eq!(current, Some(plan.interval), "a downgrade keeps the interval");
            let change = account.swap(at, plan);
            account.change_items(at, &Change::unprorated(vec![change]))
        };
        self.with_events(downgrade).1
    }

    /// Ends a subscription now: `customer.subscription.deleted`.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn cancel(&self, subscription: &str) -> Vec<Event> {
        self.cancel_with(subscription, CancelSpec::default())
    }

    /// Ends a subscription now, with the credits and invoice that are asked for:
    /// `customer.subscription.deleted`, and the events of the invoice.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn cancel_with(&self, subscription: &str, spec: CancelSpec) -> Vec<Event> {
        let cancel = |account: &mut Account| account.end_with(account.live(subscription), spec);
        self.with_events(cancel).1
    }

    /// Lets a subscription end with its period: `customer.subscription.updated` now,
    /// `customer.subscription.deleted` once [`Stripe::advance_to`] gets there.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn cancel_at_period_end(&self, subscription: &str) -> Vec<Event> {
        let cancel = |account: &mut Account| account.set_end(account.live(subscription), true);
        self.with_events(cancel).1
    }

    /// Gives a subscription other metadata: `customer.subscription.updated`. Invoices keep what they have.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn edit_metadata(&self, subscription: &str, metadata: &Metadata) -> Vec<Event> {
        let edit = |account: &mut Account| {
            let at = account.live(subscription);
            account.change(at, "customer.subscription.updated", |changed| {
                changed.metadata.clone_from(metadata);
            });
        };
        self.with_events(edit).1
    }

    /// Takes [`Stripe::cancel_at_period_end`] back: `customer.subscription.updated`.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn uncancel(&self, subscription: &str) -> Vec<Event> {
        self.with_events(|account| account.set_end(account.live(subscription), false)).1
    }
}

impl Account {
    /// Says whether a subscription ends with its period.
    pub(super) fn set_end(&mut self, at: usize, with_period: bool) {
        let now = self.now;
        self.change(at, "customer.subscription.updated", |changed| {
            changed.cancel_at_period_end = with_period;
            changed.canceled_at = with_period.then_some(now);
            changed.end_reason = with_period.then_some("cancellation_requested");
        });
    }

    pub(super) fn end_with(&mut self, at: usize, spec: CancelSpec) {
        if spec.prorate {
            for item in self.subscriptions[at].items.clone() {
                let credit = self.credit(at, &item);
                self.subscriptions[at].pending.push(credit);
            }
        }
        self.end(at, "cancellation_requested");
        if spec.invoice_now && !self.subscriptions[at].pending.is_empty() {
            let now = self.now;
            let invoice = self.draft_of(at, "subscription_update", Vec::new(), (now, now));
            self.collect(invoice);
        }
    }

    /// Another plan for the first item.
    fn swap(&mut self, at: usize, plan: &Plan) -> ItemChange {
        let price = self.sku(&plan.sku, plan.price_cents, Some(plan.interval)).id;
        let item = &self.subscriptions[at].items[0];
        ItemChange::Set { item: item.id.clone(), price, quantity: item.quantity }
    }
}
