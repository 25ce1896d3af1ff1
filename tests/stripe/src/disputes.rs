//! Disputes: a bank takes a payment back, and may return it. Inquiries: it only asks.
//!
//! Invariant: the disputes of a charge that hold money, with its refunds, never exceed it. A charge of which
//! a dispute holds money can't be refunded.

use super::{
    Stripe,
    account::Account,
    event::Event,
    records::{Dispute, PaymentStatus},
};

/// What is disputed of a charge, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DisputeSpec {
    /// How much; what is left of the charge if there is none.
    pub amount: Option<i64>,
    /// Whether the bank only asks: nothing is withdrawn.
    pub inquiry: bool,
}

impl Stripe {
    /// A charge (of that id, or of a payment intent or invoice of that id) is disputed over what isn't
    /// refunded of it: `charge.dispute.created`, `charge.dispute.funds_withdrawn`. Returns the dispute's id
    /// and the events.
    ///
    /// # Panics
    /// When there is no such charge, or nothing of it is left to dispute.
    #[must_use]
    pub fn dispute(&self, payment: &str) -> (String, Vec<Event>) {
        self.dispute_with(payment, DisputeSpec::default())
    }

    /// The same of a part of it, beside other disputes, or as an inquiry, which has no
    /// `charge.dispute.funds_withdrawn`.
    ///
    /// # Panics
    /// When there is no such charge, or less of it is left to dispute.
    #[must_use]
    pub fn dispute_with(&self, payment: &str, spec: DisputeSpec) -> (String, Vec<Event>) {
        self.with_events(|account| account.dispute(payment, spec))
    }

    /// Evidence against a dispute is handed in: `charge.dispute.updated` with `under_review`, of an inquiry
    /// `warning_under_review`.
    ///
    /// # Panics
    /// When no dispute of that id waits for an answer.
    #[must_use]
    pub fn answer_dispute(&self, dispute: &str) -> Vec<Event> {
        let answer = |account: &mut Account| {
            let at = account.open_dispute(dispute);
            let inquiry = account.disputes[at].is_inquiry();
            let status = if inquiry { "warning_under_review" } else { "under_review" };
            account.update_dispute(at, "charge.dispute.updated", status);
        };
        self.with_events(answer).1
    }

    /// An inquiry becomes a dispute: `charge.dispute.updated` with `needs_response`,
    /// `charge.dispute.funds_withdrawn`.
    ///
    /// # Panics
    /// When no open inquiry has that id.
    #[must_use]
    pub fn escalate_inquiry(&self, dispute: &str) -> Vec<Event> {
        let escalate = |account: &mut Account| {
            let at = account.open_dispute(dispute);
            assert!(account.disputes[at].is_inquiry(), "it is an inquiry");
            account.update_dispute(at, "charge.dispute.updated", "needs_response");
            account.withdraw(at);
        };
        self.with_events(escalate).1
    }

    /// An inquiry comes to nothing: `charge.dispute.closed` with `warning_closed`.
    ///
    /// # Panics
    /// When no open dispute has that id.
    #[must_use]
    pub fn close_inquiry(&self, dispute: &str) -> Vec<Event> {
        self.with_events(|account| account.close_dispute(dispute, "warning_closed")).1
    }

    /// A dispute is won: `charge.dispute.closed` with `won`, `charge.dispute.funds_reinstated`.
    ///
    /// # Panics
    /// When no open dispute has that id.
    #[must_use]
    pub fn win_dispute(&self, dispute: &str) -> Vec<Event> {
        self.with_events(|account| account.close_dispute(dispute, "won")).1
    }

    /// A dispute is lost, and the money stays where it is: `charge.dispute.closed` with `lost`.
    ///
    /// # Panics
    /// When no open dispute has that id.
    #[must_use]
    pub fn lose_dispute(&self, dispute: &str) -> Vec<Event> {
        self.with_events(|account| account.close_dispute(dispute, "lost")).1
    }

    /// A dispute is averted before it counts: `charge.dispute.closed` with `prevented`, and
    /// `charge.dispute.funds_reinstated` if money had been withdrawn.
    ///
    /// # Panics
    /// When no open dispute has that id.
    #[must_use]
    pub fn prevent_dispute(&self, dispute: &str) -> Vec<Event> {
        self.with_events(|account| account.close_dispute(dispute, "prevented")).1
    }
}

impl Account {
    fn dispute(&mut self, payment: &str, spec: DisputeSpec) -> String {
        let at = self.payment_of(payment).expect("a payment has that id");
        let id = self.id("du_1", 23);
        let payment = &self.payments[at];
        let holds = |dispute: &&Dispute| dispute.intent == payment.intent && dispute.holds_funds();
        let held: i64 = self.disputes.iter().filter(holds).map(|dispute| dispute.amount).sum();
        let left = payment.amount - payment.refunded - held;
        let amount = spec.amount.unwrap_or(left);
        let disputable = payment.status == PaymentStatus::Succeeded && amount > 0 && amount <= left;
        assert!(disputable, "the charge has something to dispute");
        self.disputes.push(Dispute {
            id: id.clone(),
            intent: payment.intent.clone(),
            charge: payment.charge.clone(),
            amount,
            status: if spec.inquiry { "warning_needs_response" } else { "needs_response" },
            transactions: Vec::new(),
            created: self.now,
        });
        let payment = &mut self.payments[at];
        (payment.disputed, payment.dispute) = (true, Some(id.clone()));
        let at = self.disputes.len() - 1;
        self.emit("charge.dispute.created", self.dispute_now(at), None);
        if !spec.inquiry {
            self.withdraw(at);
        }
        id
    }

    fn open_dispute(&self, id: &str) -> usize {
        let is_it = |dispute: &Dispute| dispute.id == id && dispute.is_open();
        self.disputes.iter().position(is_it).expect("an open dispute has that id")
    }

    fn update_dispute(&mut self, at: usize, kind: &str, status: &'static str) {
        let before = self.dispute_now(at);
        self.disputes[at].status = status;
        self.emit(kind, self.dispute_now(at), Some(before));
    }

    fn withdraw(&mut self, at: usize) {
        let (transaction, now) = (self.id("txn_1", 23), self.now);
        let amount = self.disputes[at].amount;
        self.disputes[at].transactions.push((transaction, -amount, now));
        self.emit("charge.dispute.funds_withdrawn", self.dispute_now(at), None);
    }

    fn close_dispute(&mut self, id: &str, status: &'static str) {
        let at = self.open_dispute(id);
        self.update_dispute(at, "charge.dispute.closed", status);
        let withdrawn = self.disputes[at].transactions.iter().map(|(_, amount, _)| amount).sum::<i64>() < 0;
        if matches!(status, "won" | "prevented") && withdrawn {
            let (transaction, now, amount) = (self.id("txn_1", 23), self.now, self.disputes[at].amount);
            self.disputes[at].transactions.push((transaction, amount, now));
            self.emit("charge.dispute.funds_reinstated", self.dispute_now(at), None);
        }
    }
}
