//! Refunds, asked for in the dashboard or through the API.
//!
//! Invariant: the refunds of a charge that didn't fail never exceed it. A refund that fails gives its
//! amount back to the charge, which then can be refunded again.

use super::{
    Stripe,
    account::Account,
    api::error::ApiError,
    event::Event,
    invoices::dollars,
    plan::Metadata,
    records::{PaymentStatus, Refund, RefundStatus},
    shapes,
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
        let (refund, events) = self.telling(refund);
        Ok((refund?, events))
    }

    /// Whether refunds from now on stay `pending`, as those to bank accounts do, until
    /// [`Stripe::refund_arrives`] or [`Stripe::fail_refund`].
    pub fn let_refunds_pend(&self, pend: bool) {
        self.with(|account| account.refunds_pend = pend);
    }

    /// A pending refund succeeds: `refund.updated`, `charge.refund.updated`.
    ///
    /// # Panics
    /// When no refund has that id.
    #[must_use]
    pub fn refund_arrives(&self, refund: &str) -> Vec<Event> {
        self.telling(|account| account.turn_refund(refund, RefundStatus::Succeeded)).1
    }

    /// A refund fails, also one that succeeded days ago: `refund.updated`, `charge.refund.updated`,
    /// `refund.failed`.
    ///
    /// # Panics
    /// When no refund has that id, or it failed before.
    #[must_use]
    pub fn fail_refund(&self, refund: &str) -> Vec<Event> {
        self.telling(|account| account.turn_refund(refund, RefundStatus::Failed)).1
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
        if payment.disputed {
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
        let before = self.charge(at);
        let refund = Refund {
            id: self.id("re_3", 23),
            transaction: self.id("txn_3", 23),
            intent: self.payments[at].intent.clone(),
            charge,
            amount,
            reason: request.reason,
            metadata: request.metadata,
            status: if self.refunds_pend { RefundStatus::Pending } else { RefundStatus::Succeeded },
            failure_transaction: None,
            created: self.now,
        };
        self.payments[at].refunded += amount;
        let object = shapes::returned::refund(&refund);
        self.refunds.push(refund);
        self.emit("refund.created", object.clone(), None);
        self.emit("charge.refunded", self.charge(at), Some(&before));
        // The reference number of the card network arrives.
        self.emit("refund.updated", object, Some(&serde_json::json!({})));
        Ok(self.refunds.len() - 1)
    }

    fn turn_refund(&mut self, id: &str, status: RefundStatus) {
        let at = self.refunds.iter().position(|refund| refund.id == id).expect("a refund has that id");
        assert_ne!(self.refunds[at].status, RefundStatus::Failed, "a failed refund stays failed");
        let before = shapes::returned::refund(&self.refunds[at]);
        let failed = status == RefundStatus::Failed;
        let transaction = failed.then(|| self.id("txn_3", 23));
        let refund = &mut self.refunds[at];
        (refund.status, refund.failure_transaction) = (status, transaction);
        let object = shapes::returned::refund(refund);
        if failed {
            let (intent, amount) = (refund.intent.clone(), refund.amount);
            let payment = self.payment_of(&intent).expect("a refund has its payment");
            self.payments[payment].refunded -= amount;
        }
        self.emit("refund.updated", object.clone(), Some(&before));
        self.emit("charge.refund.updated", object.clone(), Some(&before));
        if failed {
            self.emit("refund.failed", object, None);
        }
    }
}
