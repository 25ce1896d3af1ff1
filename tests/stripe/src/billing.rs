//! Subscriptions as time passes: renewals, failed renewals, ends.
//!
//! Invariant: what falls due happens in the order of time, each once. A period ends at its second; the
//! invoice for the next is drafted then and collected an hour later, as Stripe does.

use super::{
    DunningEnd, Receipt, Stripe,
    account::Account,
    event::Event,
    records::{Invoice, InvoiceStatus, Subscription, SubscriptionStatus, Time},
};
use chrono::TimeDelta;

/// How long a renewal's invoice stays a draft.
const DRAFT_TIME: TimeDelta = TimeDelta::hours(1);

/// How long a first payment, or that of a change, may take.
pub(super) const INCOMPLETE_TIME: TimeDelta = TimeDelta::hours(23);

/// What can fall due.
#[derive(Clone, Copy)]
enum Due {
    /// A period of the subscription at this place ends.
    Period(usize),
    /// The drafted invoice at this place is collected.
    Collection(usize),
    /// The first payment of the subscription at this place didn't come.
    Incomplete(usize),
    /// The change of the subscription at this place isn't paid for.
    PendingUpdate(usize),
    /// The pause of the subscription at this place is over.
    Resumption(usize),
}

impl Stripe {
    /// Moves the clock to that time and does what falls due until then, oldest first: renewals, the ends of
    /// trials and pauses, of subscriptions that were cancelled, and of those that stayed unpaid for a period.
    ///
    /// # Panics
    /// When the clock has passed that time.
    #[must_use]
    pub fn advance_to(&self, time: Time) -> Vec<Event> {
        self.with_events(|account| account.advance_to(time)).1
    }

    /// The next renewal of a subscription, whenever it is due: `customer.subscription.updated` when the
    /// period ends, and an hour later, where the clock then stands, the events of its invoice.
    ///
    /// # Panics
    /// When no live subscription has that id, or it ends instead of renewing.
    #[must_use]
    pub fn renew(&self, subscription: &str) -> Receipt {
        self.receipt(|account| {
            let at = account.live(subscription);
            account.now = account.now.max(account.subscriptions[at].next_end());
            let invoice = account.end_period(at).expect("the subscription renews");
            account.now += DRAFT_TIME;
            let drafted = &account.invoices[invoice];
            let collects = drafted.status == InvoiceStatus::Draft && drafted.auto_advance;
            if collects { account.collect(invoice) } else { account.of_invoice(invoice) }
        })
    }

    /// The next renewal, but its payment is declined: `charge.failed`, `payment_intent.payment_failed`,
    /// `invoice.payment_failed`, and the subscription updated to `past_due`.
    ///
    /// # Panics
    /// As [`Stripe::renew`].
    #[must_use]
    pub fn fail_renewal(&self, subscription: &str) -> Receipt {
        self.decline_next(subscription);
        self.renew(subscription)
    }

    /// Lets the next payment of a subscription be declined, of a renewal or of a change.
    ///
    /// # Panics
    /// When no live subscription has that id.
    pub fn decline_next(&self, subscription: &str) {
        self.with(|account| {
            let at = account.live(subscription);
            account.subscriptions[at].declines_next = true;
        });
    }

    /// The oldest open invoice of a subscription is paid after all, also of one that ended: the events of a
    /// paid invoice, and a subscription that hasn't ended updated to `active`.
    ///
    /// # Panics
    /// When the subscription has no open invoice.
    #[must_use]
    pub fn pay_late(&self, subscription: &str) -> Receipt {
        self.receipt(|account| {
            let is_open = |invoice: &Invoice| {
                invoice.subscription.as_deref() == Some(subscription) && invoice.status == InvoiceStatus::Open
            };
            let at = account.invoices.iter().position(is_open).expect("the subscription has an open invoice");
            account.collect(at)
        })
    }

    /// What a subscription becomes that stayed unpaid until its period ended; it is cancelled unless this is
    /// set.
    pub fn set_dunning_end(&self, end: DunningEnd) {
        self.with(|account| account.dunning_end = end);
    }

    /// The retries of a subscription's payment are over now: what [`Stripe::set_dunning_end`] says.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn give_up(&self, subscription: &str) -> Vec<Event> {
        self.with_events(|account| account.end_dunning(account.live(subscription))).1
    }

    /// A trial ends now: the events of a renewal, whose invoice is collected at once.
    ///
    /// # Panics
    /// When no subscription of that id is in a trial.
    #[must_use]
    pub fn end_trial(&self, subscription: &str) -> Receipt {
        self.receipt(|account| {
            let (at, now) = (account.live(subscription), account.now);
            let trialing = &mut account.subscriptions[at];
            let trial = trialing.trial.as_mut().expect("the subscription is in a trial");
            trial.1 = now;
            for item in &mut trialing.items {
                item.period.1 = now;
            }
            let invoice = account.end_period(at).expect("the subscription renews");
            account.collect(invoice)
        })
    }

    /// When the current period of a subscription ends.
    ///
    /// # Panics
    /// When no subscription has that id.
    #[must_use]
    pub fn period_end(&self, subscription: &str) -> Time {
        self.with(|account| account.subscriptions[account.known(subscription)].next_end())
    }
}

impl Account {
    fn advance_to(&mut self, time: Time) {
        assert!(self.now <= time, "the clock has passed {time}");
        while let Some((due_at, due)) = self.next_due().filter(|(due_at, _)| *due_at <= time) {
            self.now = self.now.max(due_at);
            match due {
                Due::Period(at) => {
                    self.end_period(at);
                }
                Due::Collection(at) => {
                    self.collect(at);
                }
                Due::Incomplete(at) => self.expire_incomplete(at),
                Due::PendingUpdate(at) => self.expire_pending_update(at),
                Due::Resumption(at) => self.resume(at),
            }
        }
        self.now = time;
    }

    fn next_due(&self) -> Option<(Time, Due)> {
        let live =
            || self.subscriptions.iter().enumerate().filter(|(_, subscription)| subscription.is_live());
        let periods = live().map(|(at, subscription)| match subscription.status {
            SubscriptionStatus::Incomplete => (subscription.created + INCOMPLETE_TIME, Due::Incomplete(at)),
            _ => (subscription.next_end(), Due::Period(at)),
        });
        let updates = live().filter_map(|(at, subscription)| {
            Some((subscription.pending_update.as_ref()?.expires_at, Due::PendingUpdate(at)))
        });
        let resumptions = live()
            .filter_map(|(at, subscription)| Some((subscription.pause?.resumes_at?, Due::Resumption(at))));
        // What was drafted for a subscription that ended since isn't collected by itself.
        let is_due = |invoice: &Invoice| {
            let subscription = invoice.subscription.as_deref().and_then(|id| self.subscription_of(id));
            let is_live = subscription.is_some_and(|at| self.subscriptions[at].is_live());
            invoice.status == InvoiceStatus::Draft && invoice.auto_advance && is_live
        };
        let drafts = self.invoices.iter().enumerate().filter(|(_, invoice)| is_due(invoice));
        let drafts = drafts.map(|(at, invoice)| (invoice.created + DRAFT_TIME, Due::Collection(at)));
        periods.chain(updates).chain(resumptions).chain(drafts).min_by_key(|(due_at, _)| *due_at)
    }

    /// Ends a period: a draft for the next one, or the subscription's end.
    fn end_period(&mut self, at: usize) -> Option<usize> {
        let subscription = &self.subscriptions[at];
        if subscription.cancel_at_period_end && subscription.last_end() <= self.now {
            self.end(at, "cancellation_requested");
            return None;
        }
        if subscription.status == SubscriptionStatus::PastDue {
            self.end_dunning(at);
        }
        if !self.subscriptions[at].is_live() {
            return None;
        }
        let (ended, before, now) = (self.subscriptions[at].period(), self.subscription_now(at), self.now);
        let renewed = turn(&mut self.subscriptions[at], now);
        let lines = renewed.into_iter().map(|item| self.period_line(at, item)).collect();
        let draft = self.draft_of(at, "subscription_cycle", lines, ended);
        self.invoices[draft].auto_advance = self.subscriptions[at].status != SubscriptionStatus::Unpaid;
        self.emit("customer.subscription.updated", self.subscription_now(at), Some(before));
        self.pause_invoice(at, draft);
        Some(draft)
    }

    fn end_dunning(&mut self, at: usize) {
        match self.dunning_end {
            DunningEnd::Cancel => self.end(at, "payment_failed"),
            DunningEnd::Unpaid => self.set_status(at, SubscriptionStatus::Unpaid),
            DunningEnd::PastDue => {}
        }
    }

    /// A subscription whose first payment didn't come.
    fn expire_incomplete(&mut self, at: usize) {
        let invoice = self.subscriptions[at].latest_invoice.clone();
        if let Some(invoice) = self.invoice_of(&invoice) {
            self.void(invoice);
        }
        let now = self.now;
        self.change(at, "customer.subscription.updated", |subscription| {
            subscription.status = SubscriptionStatus::IncompleteExpired;
            subscription.ended_at = Some(now);
        });
    }

    /// Ends a subscription at once.
    pub(super) fn end(&mut self, at: usize, reason: &'static str) {
        let now = self.now;
        self.change(at, "customer.subscription.deleted", |subscription| {
            subscription.status = SubscriptionStatus::Canceled;
            subscription.canceled_at.get_or_insert(now);
            subscription.ended_at = Some(now);
            subscription.end_reason = Some(reason);
            subscription.pending_update = None;
        });
    }
}

/// Begins the next period of each item whose period is over, and returns which these are.
fn turn(subscription: &mut Subscription, now: Time) -> Vec<usize> {
    let after_trial = subscription.status == SubscriptionStatus::Trialing;
    if after_trial {
        subscription.anchor = subscription.next_end();
        subscription.status = SubscriptionStatus::Active;
    }
    let anchor = subscription.anchor;
    let over = subscription.items.iter_mut().enumerate().filter(|(_, item)| item.period.1 <= now);
    let renewed = over.filter_map(|(at, item)| {
        item.turns = if after_trial { 0 } else { item.turns + 1 };
        item.period = item.price.recurring?.period(anchor, item.turns);
        Some(at)
    });
    renewed.collect()
}
