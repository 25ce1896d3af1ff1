//! The subject of an event: the one object that is read from Stripe because of it.

use scrip_stripe::StripeEvent;

/// An object to read from Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A checkout session.
    Session {
        /// `cs_…`
        id: String,
        /// `pi_…`, the session's payment if the event names it.
        payment: Option<String>,
    },
    /// A subscription.
    Subscription {
        /// `sub_…`
        id: String,
        /// `in_…`, an invoice of it that is read however old it is.
        invoice: Option<String>,
    },
    /// An invoice, of a subscription or of none.
    Invoice(String),
    /// A payment intent.
    Payment {
        /// `pi_…`
        id: String,
        /// Whether to read its refunds and disputes even if its charge shows none.
        with_money: bool,
    },
    /// A charge, whose payment intent is read in its place.
    Charge(String),
}

impl Subject {
    /// The subject of an event; `None` if events of its type change nothing here.
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
                    // An unpaid invoice grants nothing, so it need not be read itself.
                    Some(id) => {
                        Self::of_subscription(id, (kind != "invoice.payment_failed").then_some(invoice))
                    }
                    None => Self::Invoice(invoice),
                })
            }
            "invoice_payment.paid" => object.invoice.clone().map(Self::Invoice),
            "payment_intent.succeeded" => Some(Self::Payment { id: id()?, with_money: false }),
            "charge.refunded" => Self::of_money(object.payment_intent.clone(), object.id.clone()),
            kind if is_refund_or_dispute(kind) => {
                Self::of_money(object.payment_intent.clone(), object.charge.clone())
            }
            _ => None,
        }
    }

    /// A subscription, and an invoice of it that is read in any case.
    pub(crate) fn of_subscription(id: String, invoice: Option<String>) -> Self {
        Self::Subscription { id, invoice }
    }

    fn of_money(payment: Option<String>, charge: Option<String>) -> Option<Self> {
        payment.map(|id| Self::Payment { id, with_money: true }).or(charge.map(Self::Charge))
    }

    /// Stripe's name of the kind of object, and the object's id.
    pub(crate) fn name(&self) -> (&'static str, &str) {
        match self {
            Self::Session { id, .. } => ("checkout.session", id),
            Self::Subscription { id, .. } => ("subscription", id),
            Self::Invoice(id) => ("invoice", id),
            Self::Payment { id, .. } => ("payment_intent", id),
            Self::Charge(id) => ("charge", id),
        }
    }

    /// The subject with that id, by the id's prefix; `None` for any other prefix.
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

/// Whether events of that type are about a refund or a dispute, which names its payment intent or charge.
fn is_refund_or_dispute(kind: &str) -> bool {
    ["refund.", "charge.refund.", "charge.dispute."].iter().any(|prefix| kind.starts_with(prefix))
}
