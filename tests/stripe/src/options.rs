//! Choices that calls of the model take.
//!
//! Invariant: each is a parameter of Stripe's API, and its variants are that parameter's values.

/// What a change does with the time that is left (`proration_behavior`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProrationBehavior {
    /// `none`: no credit, no charge; the new price counts from the next renewal.
    None,
    /// `create_prorations`: a credit and a charge, which wait for the next invoice.
    CreateProrations,
    /// `always_invoice`: the same, invoiced at once together with all that waits.
    AlwaysInvoice,
}

/// What becomes of a change whose payment is declined (`payment_behavior`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentBehavior {
    /// `allow_incomplete`: it is made, and the subscription is past due.
    AllowIncomplete,
    /// `pending_if_incomplete`: it waits until it is paid for, for 23 hours, and the subscription stays in
    /// order.
    PendingIfIncomplete,
}

/// A change of one item of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemChange {
    /// Another item.
    Add {
        /// The price's id.
        price: String,
        /// How many.
        quantity: i64,
    },
    /// Another price or quantity of an item.
    Set {
        /// `si_…`
        item: String,
        /// The price's id.
        price: String,
        /// How many.
        quantity: i64,
    },
    /// One item less.
    Remove {
        /// `si_…`
        item: String,
    },
}

/// What a cancellation does beside ending the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CancelSpec {
    /// `prorate`: the unused time is credited, by lines that wait for the next invoice.
    pub prorate: bool,
    /// `invoice_now`: what waits for the next invoice is invoiced.
    pub invoice_now: bool,
}

/// How the invoices of a paused subscription end (`pause_collection[behavior]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseBehavior {
    /// `void`
    Void,
    /// `keep_as_draft`
    KeepAsDraft,
    /// `mark_uncollectible`
    MarkUncollectible,
}

impl PauseBehavior {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::KeepAsDraft => "keep_as_draft",
            Self::MarkUncollectible => "mark_uncollectible",
        }
    }
}

/// What a subscription becomes whose payment has failed for good, a setting of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DunningEnd {
    /// It is cancelled.
    Cancel,
    /// It is `unpaid`: it goes on, and its invoices stay drafts.
    Unpaid,
    /// It stays `past_due`, and its invoices go on being collected.
    PastDue,
}
