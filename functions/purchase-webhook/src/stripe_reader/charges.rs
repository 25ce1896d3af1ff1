//! Charges, which show whether any of their money was refunded or disputed.

use scrip_accounts::{PaymentId, Purchase};
use scrip_stripe::objects::Charge;

/// The charges of a customer. They spare reading the refunds and disputes of payments that have none.
pub(super) struct CustomerCharges(pub(super) Vec<Charge>);

impl CustomerCharges {
    /// Whether the refunds and disputes of these payments must be read: unless each payment has a charge without any,
    /// and the recorded purchase has none either.
    pub(super) fn may_have_outflows(&self, payments: &[PaymentId], recorded: Option<&Purchase>) -> bool {
        let has_none = |payment: &PaymentId| {
            let charges = || self.0.iter().filter(|charge| charge.payment_intent() == Some(payment.as_str()));
            charges().next().is_some() && !charges().any(may_have_outflows)
        };
        recorded.is_some_and(|purchase| !purchase.outflows.is_empty() || purchase.money_back.is_some())
            || !payments.iter().all(has_none)
    }
}

/// Whether some of a charge's money may have been refunded or disputed.
pub(super) fn may_have_outflows(charge: &Charge) -> bool {
    charge.amount_refunded > 0 || charge.disputed
}
