//! Subscriptions as time passes: renewals, failed renewals, ends.
//!
//! Invariant: what falls due happens in the order of time, each once. A period ends at its second; the
//! invoice for the next is drafted then and collected an hour later, as Stripe does.

use super::{
    Receipt, Stripe,
    account::Account,
    event::Event,
    records::{InvoiceStatus, SubscriptionStatus, Time},
};
use chrono::TimeDelta;

/// How long a renewal's invoice stays a draft.
pub(super) const DRAFT_TIME: TimeDelta = TimeDelta::hours(1);

/// What can fall due.
enum Due {
    /// The period of the subscription at this place ends.
    Period(usize),
    /// The drafted invoice at this place is collected.
    Collection(usize),
}

impl Stripe {
    /// Moves the clock to that time and does what falls due until then, oldest first: renewals, the ends
    /// of subscriptions that were cancelled, and of those that stayed unpaid for a whole period.
    ///
    /// # Panics
    /// When the clock has passed that time.
    #[must_use]
    pub fn advance_to(&self, time: Time) -> Vec<Event> {
        self.telling(|account| account.advance_to(time)).1
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
            let (_, end) = account.subscriptions[at].period();
            account.now = account.now.max(end);
            let invoice = account.end_period(at).expect("the subscription renews");
            account.now += DRAFT_TIME;
            account.collect(invoice)
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

    /// Lets the next payment of a subscription be declined, of a renewal or of an upgrade.
    ///
    /// # Panics
    /// When no live subscription has that id.
    pub fn decline_next(&self, subscription: &str) {
        self.with(|account| {
            let at = account.live(subscription);
            account.subscriptions[at].declines_next = true;
        });
    }

    /// The open invoice of a subscription is paid after all: the events of a paid invoice, and the
    /// subscription updated to `active`.
    ///
    /// # Panics
    /// When the subscription has no open invoice.
    #[must_use]
    pub fn pay_late(&self, subscription: &str) -> Receipt {
        self.receipt(|account| {
            let is_open = |invoice: &super::records::Invoice| {
                invoice.subscription == subscription && invoice.status == InvoiceStatus::Open
            };
            let at = account.invoices.iter().position(is_open).expect("the subscription has an open invoice");
            account.collect(at)
        })
    }

    /// When the current period of a subscription ends.
    ///
    /// # Panics
    /// When no subscription has that id.
    #[must_use]
    pub fn period_end(&self, subscription: &str) -> Time {
        self.with(|account| {
            let at = account.subscription_of(subscription).expect("a subscription has that id");
            account.subscriptions[at].period().1
        })
    }
}

impl Account {
    pub(super) fn live(&self, subscription: &str) -> usize {
        let at = self.subscription_of(subscription).filter(|at| self.subscriptions[*at].is_live());
        at.expect("a live subscription has that id")
    }

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
            }
        }
        self.now = time;
    }

    fn next_due(&self) -> Option<(Time, Due)> {
        let periods =
            self.subscriptions.iter().enumerate().filter(|(_, subscription)| subscription.is_live());
        let periods = periods.map(|(at, subscription)| (subscription.period().1, Due::Period(at)));
        // What was drafted for a subscription that ended since isn't collected by itself.
        let is_due = |invoice: &super::records::Invoice| {
            let subscription = self.subscriptions.iter().find(|known| known.id == invoice.subscription);
            invoice.status == InvoiceStatus::Draft
                && subscription.is_some_and(super::records::Subscription::is_live)
        };
        let drafts = self.invoices.iter().enumerate().filter(|(_, invoice)| is_due(invoice));
        let drafts = drafts.map(|(at, invoice)| (invoice.created + DRAFT_TIME, Due::Collection(at)));
        periods.chain(drafts).min_by_key(|(due_at, _)| *due_at)
    }

    /// Ends the period: a draft for the next one, or the subscription's end.
    fn end_period(&mut self, at: usize) -> Option<usize> {
        let subscription = &self.subscriptions[at];
        if subscription.cancel_at_period_end {
            self.end(at, "cancellation_requested");
            return None;
        }
        if subscription.status == SubscriptionStatus::PastDue {
            self.end(at, "payment_failed");
            return None;
        }
        let (ended, before) = (subscription.period(), self.subscription(at));
        self.subscriptions[at].turns += 1;
        let lines = vec![self.period_line(at)];
        let draft = self.draft(at, "subscription_cycle", lines, ended);
        self.emit("customer.subscription.updated", self.subscription(at), Some(&before));
        Some(draft)
    }

    /// Ends a subscription at once.
    pub(super) fn end(&mut self, at: usize, reason: &'static str) {
        let now = self.now;
        self.change(at, "customer.subscription.deleted", |subscription| {
            subscription.status = SubscriptionStatus::Canceled;
            subscription.canceled_at.get_or_insert(now);
            subscription.ended_at = Some(now);
            subscription.end_reason = Some(reason);
        });
    }
}
