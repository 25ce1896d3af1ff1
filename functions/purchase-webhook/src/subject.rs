//! The subject of an event: the one object of the provider's that is read because of it.

use scrip_stripe::StripeEvent;

/// What is read from the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A checkout session, and the payment that it names.
    Session {
        /// `cs_…`
        id: String,
        /// `pi_…`
        payment: Option<String>,
    },
    /// A subscription, and an invoice of it that is looked at however old it is.
    Subscription {
        /// `sub_…`
        id: String,
        /// `in_…`
        invoice: Option<String>,
    },
    /// An invoice, of a subscription or of none.
    Invoice(String),
    /// A payment, with its refunds and disputes.
    Payment {
        /// `pi_…`
        id: String,
        /// Whether its refunds and disputes are read in any case.
        with_money: bool,
    },
    /// A charge, which knows its payment.
    Charge(String),
}

impl Subject {
    /// The subject of an event; `None` for one that changes nothing here.
    pub(crate) fn of(event: &StripeEvent) -> Option<Self> {
        let object = &event.object;
        let id = || object.id.clone();
        match event.kind.as_str() {
            "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
                Some(match object.subscription.clone() {
                    Some(id) => Self::of_subscription(id, None),
                    None => Self::Session { id: id()?, payment: object.payment_intent.clone() },
                })
            }
            kind if kind.starts_with("customer.subscription.") => Some(Self::of_subscription(id()?, None)),
            kind @ ("invoice.paid" | "invoice.payment_succeeded" | "invoice.payment_failed") => {
                let invoice = id()?;
                Some(match object.subscription.clone() {
                    // What isn't paid needs no look at the invoice itself.
                    Some(id) => {
                        Self::of_subscription(id, (kind != "invoice.payment_failed").then_some(invoice))
                    }
                    None => Self::Invoice(invoice),
                })
            }
            "invoice_payment.paid" => object.invoice.clone().map(Self::Invoice),
            "payment_intent.succeeded" => Some(Self::Payment { id: id()?, with_money: false }),
            "charge.refunded" => Self::of_money(object.payment_intent.clone(), object.id.clone()),
            kind if is_about_money(kind) => {
                Self::of_money(object.payment_intent.clone(), object.charge.clone())
            }
            _ => None,
        }
    }

    /// A subscription with all there is to know of it, and an invoice that is looked at in any case.
    pub(crate) fn of_subscription(id: String, invoice: Option<String>) -> Self {
        Self::Subscription { id, invoice }
    }

    fn of_money(payment: Option<String>, charge: Option<String>) -> Option<Self> {
        payment.map(|id| Self::Payment { id, with_money: true }).or(charge.map(Self::Charge))
    }

    /// The provider's name of the kind of object, and its id.
    pub(crate) fn name(&self) -> (&'static str, &str) {
        match self {
            Self::Session { id, .. } => ("checkout.session", id),
            Self::Subscription { id, .. } => ("subscription", id),
            Self::Invoice(id) => ("invoice", id),
            Self::Payment { id, .. } => ("payment_intent", id),
            Self::Charge(id) => ("charge", id),
        }
    }

    /// The subject of an object that is named by its id alone, as a person names it; `None` for any other id.
    pub(crate) fn by_id(id: &str) -> Option<Self> {
        let prefix = id.split_once('_').map(|(prefix, _)| prefix)?;
        let id = id.to_owned();
        match prefix {
            "cs" => Some(Self::Session { id, payment: None }),
            "sub" => Some(Self::of_subscription(id, None)),
            "in" => Some(Self::Invoice(id)),
            "pi" => Some(Self::Payment { id, with_money: true }),
            "ch" | "py" => Some(Self::Charge(id)),
            _ => None,
        }
    }
}

/// Whether events of that type are about a refund or a dispute, and name their payment or charge.
fn is_about_money(kind: &str) -> bool {
    ["refund.", "charge.refund.", "charge.dispute."].iter().any(|prefix| kind.starts_with(prefix))
}
