//! What strangers may send as an event: any header, any body, and a signed event with one bit changed.
//!
//! Each check is a function of its input alone, in a file of its own, since the fuzzer (`tests/fuzz`) draws for it
//! too; it panics where the rule doesn't hold.

mod body;
mod header;

/// The provider's events, as `events/stripe` has them.
const SAMPLES: [&str; 14] = [
    include_str!("../../../../events/stripe/charge.dispute.funds_reinstated.json"),
    include_str!("../../../../events/stripe/charge.dispute.funds_withdrawn.json"),
    include_str!("../../../../events/stripe/charge.refunded.json"),
    include_str!("../../../../events/stripe/checkout.session.async_payment_succeeded.json"),
    include_str!("../../../../events/stripe/checkout.session.completed.json"),
    include_str!("../../../../events/stripe/customer.subscription.deleted.json"),
    include_str!("../../../../events/stripe/customer.subscription.updated.json"),
    include_str!("../../../../events/stripe/invoice.paid.json"),
    include_str!("../../../../events/stripe/invoice.payment_failed.json"),
    include_str!("../../../../events/stripe/invoice.payment_succeeded.json"),
    include_str!("../../../../events/stripe/invoice_payment.paid.json"),
    include_str!("../../../../events/stripe/payment_intent.succeeded.json"),
    include_str!("../../../../events/stripe/refund.failed.json"),
    include_str!("../../../../events/stripe/refund.updated.json"),
];
