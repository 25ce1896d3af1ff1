//! Disputes: a bank takes a payment back, and may return it.
//!
//! Invariant: a disputed charge can't be refunded; only a dispute that was won lifts that.

use super::{
    Stripe,
    account::Account,
    event::Event,
    records::{Dispute, PaymentStatus},
    shapes,
};

impl Stripe {
    /// A charge (of that id, or of a payment intent or invoice of that id) is disputed over what isn't
    /// refunded of it: `charge.dispute.created`, `charge.dispute.funds_withdrawn`. Returns the dispute's id
    /// and the events.
    ///
    /// # Panics
    /// When there is no such charge, or nothing of it is left to dispute.
    #[must_use]
    pub fn dispute(&self, payment: &str) -> (String, Vec<Event>) {
        self.telling(|account| account.dispute(payment))
    }

    /// A dispute is won: `charge.dispute.closed` with `won`, `charge.dispute.funds_reinstated`.
    ///
    /// # Panics
    /// When no open dispute has that id.
    #[must_use]
    pub fn win_dispute(&self, dispute: &str) -> Vec<Event> {
        self.telling(|account| account.close_dispute(dispute, "won")).1
    }

    /// A dispute is lost, and the money stays where it is: `charge.dispute.closed` with `lost`.
    ///
    /// # Panics
    /// When no open dispute has that id.
    #[must_use]
    pub fn lose_dispute(&self, dispute: &str) -> Vec<Event> {
        self.telling(|account| account.close_dispute(dispute, "lost")).1
    }
}

impl Account {
    fn dispute(&mut self, payment: &str) -> String {
        let at = self.payment_of(payment).expect("a payment has that id");
        let (id, transaction) = (self.id("du_1", 23), self.id("txn_1", 23));
        let payment = &mut self.payments[at];
        let amount = payment.amount - payment.refunded;
        let disputable = payment.status == PaymentStatus::Succeeded && !payment.disputed && amount > 0;
        assert!(disputable, "the charge has something to dispute");
        payment.disputed = true;
        let mut dispute = Dispute {
            id: id.clone(),
            intent: payment.intent.clone(),
            charge: payment.charge.clone(),
            amount,
            status: "needs_response",
            transactions: Vec::new(),
            created: self.now,
        };
        self.emit("charge.dispute.created", shapes::returned::dispute(&dispute), None);
        dispute.transactions.push((transaction, -amount, self.now));
        self.emit("charge.dispute.funds_withdrawn", shapes::returned::dispute(&dispute), None);
        self.disputes.push(dispute);
        id
    }

    fn close_dispute(&mut self, id: &str, status: &'static str) {
        let is_it = |dispute: &Dispute| dispute.id == id && dispute.status == "needs_response";
        let at = self.disputes.iter().position(is_it).expect("an open dispute has that id");
        let (transaction, now) = (self.id("txn_1", 23), self.now);
        let before = shapes::returned::dispute(&self.disputes[at]);
        self.disputes[at].status = status;
        self.emit("charge.dispute.closed", shapes::returned::dispute(&self.disputes[at]), Some(&before));
        if status == "won" {
            let (intent, amount) = (self.disputes[at].intent.clone(), self.disputes[at].amount);
            self.disputes[at].transactions.push((transaction, amount, now));
            let payment = self.payment_of(&intent).expect("a dispute has its payment");
            self.payments[payment].disputed = false;
            let dispute = shapes::returned::dispute(&self.disputes[at]);
            self.emit("charge.dispute.funds_reinstated", dispute, None);
        }
    }
}
