//! What a payment left behind.

use super::event::Event;

/// What a payment left behind: its events in the order in which Stripe makes them, and the ids of its
/// objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Receipt {
    /// The events.
    pub events: Vec<Event>,
    /// `cs_test_…`, where it began with a checkout.
    pub session: Option<String>,
    /// `sub_…`
    pub subscription: Option<String>,
    /// `in_…`, of a subscription's payment, or of a payment that made one.
    pub invoice: Option<String>,
    /// `pi_…`; none where there was nothing to pay.
    pub payment_intent: Option<String>,
    /// `ch_…`; none where there was nothing to pay.
    pub charge: Option<String>,
}
