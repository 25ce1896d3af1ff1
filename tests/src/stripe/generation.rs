//! The two generations of Stripe's object shapes that are met in the wild.
//!
//! Invariant: within a generation the shapes modelled here are the same in every version.

/// Which shapes objects have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Up to `2025-02-24.acacia`: an invoice names its subscription, payment and charge, its lines hold
    /// their prices whole, and the period stands on the subscription.
    Acacia,
    /// From `2025-03-31.basil` on: an invoice names its subscription under `parent` and its payments
    /// nowhere (they are asked for, or come as `invoice_payment.paid`), its lines name their prices by
    /// id only, and the period stands on the subscription's items.
    Basil,
}

impl Generation {
    /// Both, for tests of either.
    pub const ALL: [Self; 2] = [Self::Acacia, Self::Basil];

    /// The version that events and answers say they have.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Acacia => "2025-02-24.acacia",
            Self::Basil => "2025-08-27.basil",
        }
    }

    /// The generation of a version, as a request asks for it with `Stripe-Version`; none if it is no
    /// version. Versions are dates, which order as text.
    pub(super) fn of_version(version: &str) -> Option<Self> {
        let dated = version.get(..10)?;
        let is_date = dated.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        is_date.then_some(if dated < "2025-03-31" { Self::Acacia } else { Self::Basil })
    }
}
