//! The kinds of objects that the API shows.

/// A kind of object, by its place in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Session,
    Subscription,
    SubscriptionItem,
    Invoice,
    InvoicePayment,
    PaymentIntent,
    Charge,
    Refund,
    Dispute,
    Price,
    Product,
    Customer,
    Event,
}

impl Kind {
    pub(super) fn of(path: &[&str]) -> Option<Self> {
        Some(match path {
            ["checkout", "sessions"] => Self::Session,
            ["subscriptions"] => Self::Subscription,
            ["subscription_items"] => Self::SubscriptionItem,
            ["invoices"] => Self::Invoice,
            ["invoice_payments"] => Self::InvoicePayment,
            ["payment_intents"] => Self::PaymentIntent,
            ["charges"] => Self::Charge,
            ["refunds"] => Self::Refund,
            ["disputes"] => Self::Dispute,
            ["prices"] => Self::Price,
            ["products"] => Self::Product,
            ["customers"] => Self::Customer,
            ["events"] => Self::Event,
            _ => return None,
        })
    }

    /// As error messages name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Session => "checkout.session",
            Self::Subscription => "subscription",
            Self::SubscriptionItem => "subscription_item",
            Self::Invoice => "invoice",
            Self::InvoicePayment => "invoice_payment",
            Self::PaymentIntent => "payment_intent",
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::Price => "price",
            Self::Product => "product",
            Self::Customer => "customer",
            Self::Event => "event",
        }
    }
}
