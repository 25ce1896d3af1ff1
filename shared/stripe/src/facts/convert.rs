//! Conversions of Stripe's fields that several kinds of objects share.

use scrip_accounts::{CustomerId, ProviderTime};

use crate::objects::{PaymentIntent, Reference};

/// When a payment was made: the time of its charge, else of the payment intent.
pub(super) fn paid_at(intent: &PaymentIntent) -> ProviderTime {
    ProviderTime::from(intent.charge().map_or(intent.created, |charge| charge.created))
}

/// An amount in the currency's minor unit; 0 for a negative one.
pub(super) fn positive(amount: i64) -> u64 {
    amount.max(0).unsigned_abs()
}

/// The id of a customer, if there is one.
pub(super) fn customer_id(customer: Option<&Reference>) -> Option<CustomerId> {
    CustomerId::parse(customer?.id()).ok()
}
