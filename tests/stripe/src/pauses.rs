//! Subscriptions whose collection is paused.
//!
//! Invariant: a paused subscription renews all the same; only its invoices end otherwise.

use super::{
    PauseBehavior, Stripe,
    account::Account,
    event::Event,
    records::{Pause, Time},
};

impl Stripe {
    /// Pauses the collection of a subscription (`pause_collection`), until that time if there is one:
    /// `customer.subscription.updated`.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn pause(&self, subscription: &str, behavior: PauseBehavior, resumes_at: Option<Time>) -> Vec<Event> {
        let pause = Pause { behavior: behavior.name(), resumes_at };
        let act = |account: &mut Account| {
            let at = account.live(subscription);
            account.change(at, "customer.subscription.updated", |changed| changed.pause = Some(pause));
        };
        self.with_events(act).1
    }

    /// Ends a pause: `customer.subscription.updated`. Drafts that it kept stay drafts.
    ///
    /// # Panics
    /// When no live subscription has that id.
    #[must_use]
    pub fn unpause(&self, subscription: &str) -> Vec<Event> {
        self.with_events(|account| account.resume(account.live(subscription))).1
    }
}

impl Account {
    pub(super) fn resume(&mut self, at: usize) {
        self.change(at, "customer.subscription.updated", |changed| changed.pause = None);
    }

    /// Does with a renewal's invoice what the pause says.
    pub(super) fn pause_invoice(&mut self, at: usize, invoice: usize) {
        let Some(pause) = self.subscriptions[at].pause else { return };
        self.invoices[invoice].auto_advance = false;
        match pause.behavior {
            "void" => {
                self.finalize(invoice);
                self.void(invoice);
            }
            "mark_uncollectible" => {
                self.finalize(invoice);
                self.mark_uncollectible(invoice);
            }
            _ => {}
        }
    }
}
