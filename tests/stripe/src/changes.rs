//! Changes of a subscription's items: prices and quantities.
//!
//! Invariant: a change keeps the billing anchor unless it changes the interval, which starts a new period now
//! and is invoiced at once.

use super::{
    ItemChange, PaymentBehavior, ProrationBehavior, Receipt, Stripe,
    account::Account,
    billing::INCOMPLETE_TIME,
    calendar,
    lines::{Correction, discount},
    plan::Metadata,
    records::{Item, Line, PendingUpdate, PeriodCharge, Price, Subscription, SubscriptionStatus, Time},
};

/// A change of a subscription's items.
#[derive(Debug, Clone)]
pub struct Change {
    /// What changes, in order.
    pub items: Vec<ItemChange>,
    /// How the unused time of the replaced items is credited.
    pub proration: ProrationBehavior,
    /// How the change is handled if its payment is declined.
    pub payment: PaymentBehavior,
}

impl Change {
    /// A change that is invoiced at once.
    #[must_use]
    pub fn invoiced(items: Vec<ItemChange>) -> Self {
        let (proration, payment) = (ProrationBehavior::AlwaysInvoice, PaymentBehavior::AllowIncomplete);
        Self { items, proration, payment }
    }

    /// A change whose prorations wait for the next invoice.
    #[must_use]
    pub fn prorated(items: Vec<ItemChange>) -> Self {
        Self { proration: ProrationBehavior::CreateProrations, ..Self::invoiced(items) }
    }

    /// A change that is paid for from the next renewal on.
    #[must_use]
    pub fn unprorated(items: Vec<ItemChange>) -> Self {
        Self { proration: ProrationBehavior::None, ..Self::invoiced(items) }
    }
}

impl Stripe {
    /// The items of a subscription: id, price, quantity.
    ///
    /// # Panics
    /// When no subscription has that id.
    #[must_use]
    pub fn items(&self, subscription: &str) -> Vec<(String, String, i64)> {
        self.with(|account| {
            let items = &account.subscriptions[account.known(subscription)].items;
            items.iter().map(|item| (item.id.clone(), item.price.id.clone(), item.quantity)).collect()
        })
    }

    /// Changes a subscription's items: `customer.subscription.updated`, and the events of an invoice if one
    /// is made, which has the lines of earlier changes too.
    ///
    /// # Panics
    /// When no live subscription has that id, or the change names an item or price that isn't known.
    #[must_use]
    pub fn change(&self, subscription: &str, change: &Change) -> Receipt {
        self.receipt(|account| {
            let at = account.live(subscription);
            account.change_items(at, change)
        })
    }

    /// Invoices what waits for the next invoice of a subscription: the events of that invoice.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn invoice_now(&self, subscription: &str) -> Receipt {
        self.receipt(|account| {
            let (at, now) = (account.live(subscription), account.now);
            let invoice = account.draft_of(at, "manual", Vec::new(), (now, now));
            account.collect(invoice)
        })
    }
}

/// Items as a change leaves them, and what it touches.
struct Changed {
    items: Vec<Item>,
    /// What is gone or was otherwise before.
    old: Vec<Item>,
    /// Which of the new items are new or otherwise.
    new: Vec<String>,
    /// Whether a period begins now.
    restarts: bool,
}

impl Account {
    pub(super) fn change_items(&mut self, at: usize, change: &Change) -> Receipt {
        let (before, now) = (self.subscription_now(at), self.now);
        let changed = self.changed(at, &change.items);
        let restarts = changed.restarts;
        let earlier = self.subscriptions[at].clone();
        let old: Vec<_> = if restarts { earlier.items.clone() } else { changed.old.clone() };
        let trials = earlier.status == SubscriptionStatus::Trialing;
        let prorates = change.proration != ProrationBehavior::None && !trials;
        let mut lines = Vec::new();
        for item in old.iter().filter(|_| prorates) {
            lines.push(self.credit(at, item));
        }
        if restarts {
            (self.subscriptions[at].anchor, self.subscriptions[at].items) = (now, changed.items);
            for place in 0..self.subscriptions[at].items.len() {
                lines.push(self.restarted(at, place, prorates));
            }
        } else {
            self.subscriptions[at].items = changed.items;
            for id in changed.new.iter().filter(|_| prorates) {
                lines.extend(self.rest(at, id));
            }
        }
        let invoices = restarts || (change.proration == ProrationBehavior::AlwaysInvoice && !trials);
        if !invoices {
            self.subscriptions[at].pending.extend(lines);
            self.emit("customer.subscription.updated", self.subscription_now(at), Some(before));
            let subscription = Some(self.subscriptions[at].id.clone());
            return Receipt { subscription, ..Receipt::default() };
        }
        if self.subscriptions[at].pending.is_empty() && lines.is_empty() {
            self.emit("customer.subscription.updated", self.subscription_now(at), Some(before));
            let subscription = Some(self.subscriptions[at].id.clone());
            return Receipt { subscription, ..Receipt::default() };
        }
        // With lines of earlier changes before them, the newest come first; alone, the credit does.
        if !self.subscriptions[at].pending.is_empty() {
            self.subscriptions[at].pending.append(&mut lines);
        }
        let invoice = self.draft_of(at, "subscription_update", lines, (now, now));
        if change.payment == PaymentBehavior::PendingIfIncomplete && self.subscriptions[at].declines_next {
            self.wait_for_payment(at, invoice, &earlier, restarts);
            let receipt = self.collect(invoice);
            self.emit("customer.subscription.updated", self.subscription_now(at), Some(before));
            return receipt;
        }
        self.emit("customer.subscription.updated", self.subscription_now(at), Some(before));
        self.collect(invoice)
    }

    /// Takes a change back until its invoice is paid.
    fn wait_for_payment(&mut self, at: usize, invoice: usize, earlier: &Subscription, restarts: bool) {
        let (now, invoice) = (self.now, self.invoices[invoice].id.clone());
        let subscription = &mut self.subscriptions[at];
        let anchor = std::mem::replace(&mut subscription.anchor, earlier.anchor);
        let items = std::mem::replace(&mut subscription.items, earlier.items.clone());
        let expires_at = now + INCOMPLETE_TIME;
        let new_anchor = restarts.then_some(anchor);
        subscription.pending_update = Some(PendingUpdate { items, anchor, new_anchor, invoice, expires_at });
    }

    /// Makes a change that waited for this invoice.
    pub(super) fn apply_pending_update(&mut self, at: usize, invoice: usize) {
        let waits = |update: &PendingUpdate| update.invoice == self.invoices[invoice].id;
        if !self.subscriptions[at].pending_update.as_ref().is_some_and(waits) {
            return;
        }
        let before = self.subscription_now(at);
        let subscription = &mut self.subscriptions[at];
        if let Some(update) = subscription.pending_update.take() {
            (subscription.items, subscription.anchor) = (update.items, update.anchor);
        }
        self.emit("customer.subscription.pending_update_applied", self.subscription_now(at), None);
        self.emit("customer.subscription.updated", self.subscription_now(at), Some(before));
    }

    /// Gives up a change whose payment didn't come.
    pub(super) fn expire_pending_update(&mut self, at: usize) {
        let before = self.subscription_now(at);
        let Some(update) = self.subscriptions[at].pending_update.take() else { return };
        if let Some(invoice) = self.invoice_of(&update.invoice) {
            self.void(invoice);
        }
        self.emit("customer.subscription.pending_update_expired", self.subscription_now(at), None);
        self.emit("customer.subscription.updated", self.subscription_now(at), Some(before));
    }

    fn changed(&mut self, at: usize, changes: &[ItemChange]) -> Changed {
        let mut items = self.subscriptions[at].items.clone();
        let known = |items: &[Item], id: &str| {
            items.iter().position(|item| item.id == *id).expect("the subscription has that item")
        };
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                ItemChange::Add { price, quantity } => {
                    let price = self.price(price);
                    let item = self.new_item(at, price, *quantity);
                    new.push(item.id.clone());
                    items.push(item);
                }
                ItemChange::Set { item, price, quantity } => {
                    let (place, price) = (known(&items, item), self.price(price));
                    old.push(items[place].clone());
                    if items[place].price.recurring != price.recurring {
                        (items[place].turns, items[place].period) = self.current_period(at, &price);
                    }
                    (items[place].price, items[place].quantity) = (price, *quantity);
                    new.push(item.clone());
                }
                ItemChange::Remove { item } => {
                    let place = known(&items, item);
                    old.push(items.remove(place));
                }
            }
        }
        let intervals =
            |items: &[Item]| -> Vec<_> { items.iter().map(|item| item.price.recurring).collect() };
        let before = intervals(&self.subscriptions[at].items);
        let is_trial = self.subscriptions[at].status == SubscriptionStatus::Trialing;
        let restarts = !is_trial && intervals(&items).iter().all(|interval| !before.contains(interval));
        Changed { items, old, new, restarts }
    }

    pub(super) fn new_item(&mut self, at: usize, price: Price, quantity: i64) -> Item {
        let (id, now) = (self.id("si_", 14), self.now);
        let (turns, period) = self.current_period(at, &price);
        let metadata = Metadata::new();
        Item { id, price, quantity, metadata, turns, period, charged: None, created: now }
    }

    /// The period of a price's interval that runs now, and how many ended since the anchor. A trial is one.
    fn current_period(&self, at: usize, price: &Price) -> (u32, (Time, Time)) {
        let (subscription, now) = (&self.subscriptions[at], self.now);
        if let Some(trial) =
            subscription.trial.filter(|_| subscription.status == SubscriptionStatus::Trialing)
        {
            return (0, trial);
        }
        let Some(interval) = price.recurring else { return (0, (now, now)) };
        let mut periods = (0..).map(|turns| (turns, interval.period(subscription.anchor, turns)));
        periods.find(|(_, (_, end))| *end > now).unwrap_or((0, (now, now)))
    }

    /// What an item's unused time is worth.
    pub(super) fn credit(&mut self, at: usize, item: &Item) -> Line {
        let (now, subscription) = (self.now, &self.subscriptions[at]);
        let amount = if subscription.flexible {
            // The share of the amount that was really charged.
            item.charged.as_ref().map_or(0, |charge| share(charge.amount, charge.period, now))
        } else {
            share(item.amount() - discount(subscription, item.amount()), item.period, now)
        };
        let invoice_line = |charge: &PeriodCharge| Some((charge.invoice.clone()?, charge.line.clone()));
        let correction = Correction {
            amount: -amount,
            discount: 0,
            description: format!("Unused time on {} after {}", named(item), now.format("%d %b %Y")),
            until: item.period.1,
            credited: item.charged.as_ref().and_then(invoice_line),
        };
        self.proration_line(at, item, correction)
    }

    /// The charge for the rest of the period of a new item, which it then stands on.
    fn rest(&mut self, at: usize, id: &str) -> Option<Line> {
        let place = self.subscriptions[at].items.iter().position(|item| item.id == id)?;
        let item = self.subscriptions[at].items[place].clone();
        Some(self.charge_rest(at, place, &item, share(item.amount(), item.period, self.now)))
    }

    /// The charge for a period that begins now: in the flexible billing mode a proration of the whole of it.
    fn restarted(&mut self, at: usize, place: usize, prorates: bool) -> Line {
        let now = self.now;
        let item = &mut self.subscriptions[at].items[place];
        item.turns = 0;
        if let Some(interval) = item.price.recurring {
            item.period = interval.period(now, 0);
        }
        let item = item.clone();
        if self.subscriptions[at].flexible && prorates {
            self.charge_rest(at, place, &item, item.amount())
        } else {
            self.period_line(at, place)
        }
    }

    fn charge_rest(&mut self, at: usize, place: usize, item: &Item, amount: i64) -> Line {
        let discount = discount(&self.subscriptions[at], amount);
        let description = format!("Remaining time on {} after {}", named(item), self.now.format("%d %b %Y"));
        let correction = Correction { amount, discount, description, until: item.period.1, credited: None };
        let line = self.proration_line(at, item, correction);
        let charge = PeriodCharge {
            invoice: None,
            line: line.id.clone(),
            amount: amount - discount,
            period: line.period,
        };
        self.subscriptions[at].items[place].charged = Some(charge);
        line
    }
}

/// The share of an amount for what is left of its period.
fn share(amount: i64, (start, end): (Time, Time), now: Time) -> i64 {
    if end <= now || end <= start { 0 } else { calendar::share(amount, end - now, end - start) }
}

fn named(item: &Item) -> String {
    if item.quantity == 1 {
        item.price.name.clone()
    } else {
        format!("{} × {}", item.quantity, item.price.name)
    }
}
