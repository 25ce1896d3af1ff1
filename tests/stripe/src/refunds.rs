//! Refunds, asked for in the dashboard or through the API.
//!
//! Invariant: the refunds of a charge that didn't fail never exceed it. A refund that fails gives its
//! amount back to the charge, which then can be refunded again.

use super::{
    Stripe,
    account::Account,
    error::ApiError,
    event::Event,
    invoices::dollars,
    plan::Metadata,
    records::{Dispute, PaymentStatus, Refund, RefundStatus},
};

/// What is asked for.
#[derive(Debug, Default)]
pub struct RefundRequest {
    /// All that is left if there is none.
    pub amount: Option<i64>,
    pub reason: Option<String>,
    pub metadata: Metadata,
}

impl Stripe {
    /// Refunds a charge, a payment intent's or an invoice's, in whole (what is left) or in part:
    /// `refund.created`, `charge.refunded`, `refund.updated`. Returns the refund's id and the events.
    ///
    /// # Errors
    /// As the API answers.
    pub fn refund_in_dashboard(
        &self,
        payment: &str,
        amount: Option<i64>,
    ) -> Result<(String, Vec<Event>), ApiError> {
        let request = RefundRequest { amount, ..RefundRequest::default() };
        let refund = |account: &mut Account| {
            let at = account.payment_of(payment);
            let at = at.ok_or_else(|| ApiError::missing("charge", payment, "id"))?;
            account.refund(at, request).map(|at| account.refunds[at].id.clone())
        };
        let (refund, events) = self.with_events(refund);
        Ok((refund?, events))
    }

    /// Whether refunds from now on stay `pending`, as those to bank accounts do, until
    /// [`Stripe::refund_arrives`] or [`Stripe::fail_refund`].
    pub fn let_refunds_pend(&self, pend: bool) {
        let begin = if pend { RefundStatus::Pending } else { RefundStatus::Succeeded };
        self.with(|account| account.refunds_begin = begin);
    }

    /// Lets refunds from now on wait for the customer (`requires_action`), as those by bank transfer do,
    /// until [`Stripe::refund_arrives`], [`Stripe::fail_refund`] or [`Stripe::cancel_refund`].
    pub fn let_refunds_require_action(&self) {
        self.with(|account| account.refunds_begin = RefundStatus::RequiresAction);
    }

    /// A pending refund succeeds: `refund.updated`, `charge.refund.updated`.
    ///
    /// # Panics
    /// When no refund has that id.
    #[must_use]
    pub fn refund_arrives(&self, refund: &str) -> Vec<Event> {
        self.with_events(|account| account.turn_refund(refund, RefundStatus::Succeeded)).1
    }

    /// A refund fails, also one that succeeded days ago: `refund.updated`, `charge.refund.updated`,
    /// `refund.failed`; an account of before 2024-10-28 gets the second only.
    ///
    /// # Panics
    /// When no refund has that id, or it failed before.
    #[must_use]
    pub fn fail_refund(&self, refund: &str) -> Vec<Event> {
        self.with_events(|account| account.turn_refund(refund, RefundStatus::Failed)).1
    }

    /// A refund that waits is canceled: `refund.updated`, `charge.refund.updated`.
    ///
    /// # Panics
    /// When no refund has that id, or it failed before.
    #[must_use]
    pub fn cancel_refund(&self, refund: &str) -> Vec<Event> {
        self.with_events(|account| account.turn_refund(refund, RefundStatus::Canceled)).1
    }
}

impl Account {
    /// Refunds the payment at this place and returns where the refund is.
    pub(super) fn refund(&mut self, at: usize, request: RefundRequest) -> Result<usize, ApiError> {
        let payment = &self.payments[at];
        let (charge, left) = (payment.charge.clone(), payment.amount - payment.refunded);
        if payment.status != PaymentStatus::Succeeded {
            return Err(ApiError::refused("charge_not_refundable", "This payment has no successful charge."));
        }
        let holds = |dispute: &Dispute| dispute.intent == payment.intent && dispute.holds_funds();
        if self.disputes.iter().any(holds) {
            let why = format!("Charge {charge} has been charged back; cannot issue a refund.");
            return Err(ApiError::refused("charge_disputed", &why));
        }
        if left == 0 {
            let why = format!("Charge {charge} has already been refunded.");
            return Err(ApiError::refused("charge_already_refunded", &why));
        }
        let amount = request.amount.unwrap_or(left);
        if amount > left {
            let (what, left) = match payment.refunded {
                0 => ("charge amount", left),
                _ => ("unrefunded amount on charge", left),
            };
            let why =
                format!("Refund amount ({}) is greater than {what} ({})", dollars(amount), dollars(left));
            return Err(ApiError::refused_parameter("amount", &why));
        }
        let before = self.charge_now(at);
        let refund = Refund {
            id: self.id("re_3", 23),
            transaction: self.id("txn_3", 23),
            intent: self.payments[at].intent.clone(),
            charge,
            amount,
            reason: request.reason,
            metadata: request.metadata,
            status: self.refunds_begin,
            failure_transaction: None,
            created: self.now,
        };
        self.payments[at].refunded += amount;
        self.refunds.push(refund);
        let made = self.refunds.len() - 1;
        self.emit("refund.created", self.refund_now(made), None);
        self.emit("charge.refunded", self.charge_now(at), Some(before));
        // The reference number of the card network arrives.
        let before = self.refund_now(made);
        if self.generation.has_event("refund.updated") {
            self.emit("refund.updated", self.refund_now(made), Some(before));
        } else {
            self.emit("charge.refund.updated", self.refund_now(made), Some(before));
        }
        Ok(made)
    }

    fn turn_refund(&mut self, id: &str, status: RefundStatus) {
        let at = self.refunds.iter().position(|refund| refund.id == id).expect("a refund has that id");
        assert!(self.refunds[at].status.stands(), "a failed refund stays failed");
        let before = self.refund_now(at);
        let failed = status == RefundStatus::Failed;
        let transaction = failed.then(|| self.id("txn_3", 23));
        let refund = &mut self.refunds[at];
        (refund.status, refund.failure_transaction) = (status, transaction);
        if !status.stands() {
            let (intent, amount) = (refund.intent.clone(), refund.amount);
            let payment = self.payment_of(&intent).expect("a refund has its payment");
            self.payments[payment].refunded -= amount;
        }
        self.emit("refund.updated", self.refund_now(at), Some(before.clone()));
        self.emit("charge.refund.updated", self.refund_now(at), Some(before));
        if failed {
            self.emit("refund.failed", self.refund_now(at), None);
        }
    }
}
