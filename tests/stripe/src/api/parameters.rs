//! The parameters of each list of the API.
//!
//! Invariant: each list takes those of Stripe's reference for 2026-03-25.dahlia and no other,
//! beside those that page and expand. What the model knows nothing of, such as test clocks, matches nothing.

use super::kind::Kind;
use crate::{call::Call, error::ApiError};
use Filter::{Any, Flag, OneOf, Text, Time};

/// What a parameter says of the objects that are listed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filter {
    /// A member has this text.
    Text(&'static str),
    /// A member has this text, which is one of those.
    OneOf(&'static str, &'static [&'static str]),
    /// A member is true or false.
    Flag(&'static str),
    /// A member has one of several texts: `ids[]`.
    Any(&'static str),
    /// A member is a time, given or within bounds: `created`, `created[gte]`.
    Time(&'static str),
    /// An item's price or plan has this id.
    Price,
    /// A subscription's status, with the words for several.
    Status,
    /// A type of event, with `*` for any end of it.
    Type,
    /// Whether every endpoint took the event.
    Delivered,
}

/// A parameter's name and what it filters by.
type Parameter = (&'static str, Filter);

const COLLECTION: Filter = OneOf("/collection_method", &["charge_automatically", "send_invoice"]);

const SESSIONS: [Parameter; 8] = [
    ("created", Time("/created")),
    ("customer", Text("/customer")),
    ("customer_account", Text("/customer_account")),
    ("customer_details[email]", Text("/customer_details/email")),
    ("payment_intent", Text("/payment_intent")),
    ("payment_link", Text("/payment_link")),
    ("status", OneOf("/status", &["complete", "expired", "open"])),
    ("subscription", Text("/subscription")),
];

const SUBSCRIPTIONS: [Parameter; 11] = [
    ("automatic_tax[enabled]", Flag("/automatic_tax/enabled")),
    ("collection_method", COLLECTION),
    ("created", Time("/created")),
    ("current_period_end", Time("/current_period_end")),
    ("current_period_start", Time("/current_period_start")),
    ("customer", Text("/customer")),
    ("customer_account", Text("/customer_account")),
    ("plan", Filter::Price),
    ("price", Filter::Price),
    ("status", Filter::Status),
    ("test_clock", Text("/test_clock")),
];

/// What a list of subscriptions can be asked for by status.
pub(super) const SUBSCRIPTION_STATUSES: [&str; 10] = [
    "active",
    "all",
    "canceled",
    "ended",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
];

const INVOICES: [Parameter; 7] = [
    ("collection_method", COLLECTION),
    ("created", Time("/created")),
    ("customer", Text("/customer")),
    ("customer_account", Text("/customer_account")),
    ("due_date", Time("/due_date")),
    ("status", OneOf("/status", &["draft", "open", "paid", "uncollectible", "void"])),
    ("subscription", Text("/subscription")),
];

const INVOICE_PAYMENTS: [Parameter; 6] = [
    ("created", Time("/created")),
    ("invoice", Text("/invoice")),
    ("payment[payment_intent]", Text("/payment/payment_intent")),
    ("payment[payment_record]", Text("/payment/payment_record")),
    ("payment[type]", OneOf("/payment/type", &["payment_intent", "payment_record"])),
    ("status", OneOf("/status", &["canceled", "open", "paid"])),
];

const PAYMENT_INTENTS: [Parameter; 3] = [
    ("created", Time("/created")),
    ("customer", Text("/customer")),
    ("customer_account", Text("/customer_account")),
];

const CHARGES: [Parameter; 4] = [
    ("created", Time("/created")),
    ("customer", Text("/customer")),
    ("payment_intent", Text("/payment_intent")),
    ("transfer_group", Text("/transfer_group")),
];

/// Of refunds and of disputes.
const RETURNED: [Parameter; 3] =
    [("charge", Text("/charge")), ("created", Time("/created")), ("payment_intent", Text("/payment_intent"))];

const PRICES: [Parameter; 9] = [
    ("active", Flag("/active")),
    ("created", Time("/created")),
    ("currency", Text("/currency")),
    ("lookup_keys", Any("/lookup_key")),
    ("product", Text("/product")),
    ("recurring[interval]", OneOf("/recurring/interval", &["day", "month", "week", "year"])),
    ("recurring[meter]", Text("/recurring/meter")),
    ("recurring[usage_type]", OneOf("/recurring/usage_type", &["licensed", "metered"])),
    ("type", OneOf("/type", &["one_time", "recurring"])),
];

const PRODUCTS: [Parameter; 6] = [
    ("active", Flag("/active")),
    ("created", Time("/created")),
    ("ids", Any("/id")),
    ("shippable", Flag("/shippable")),
    ("type", OneOf("/type", &["good", "service"])),
    ("url", Text("/url")),
];

const CUSTOMERS: [Parameter; 3] =
    [("created", Time("/created")), ("email", Text("/email")), ("test_clock", Text("/test_clock"))];

const EVENTS: [Parameter; 4] = [
    ("created", Time("/created")),
    ("delivery_success", Filter::Delivered),
    ("type", Filter::Type),
    ("types", Any("/type")),
];

impl Kind {
    /// The parameters that filter the list of this kind.
    pub(super) fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::Session => &SESSIONS,
            Self::Subscription => &SUBSCRIPTIONS,
            Self::SubscriptionItem => &[("subscription", Text("/subscription"))],
            Self::Invoice => &INVOICES,
            Self::InvoicePayment => &INVOICE_PAYMENTS,
            Self::PaymentIntent => &PAYMENT_INTENTS,
            Self::Charge => &CHARGES,
            Self::Refund | Self::Dispute => &RETURNED,
            Self::Price => &PRICES,
            Self::Product => &PRODUCTS,
            Self::Customer => &CUSTOMERS,
            Self::Event => &EVENTS,
        }
    }
}

/// Refuses a parameter that isn't named here; a name that ends in `[` stands for all that begin so.
pub(super) fn known(call: &Call, names: &[&str]) -> Result<(), ApiError> {
    let is_known = |given: &str| {
        given.starts_with("expand[")
            || names.iter().any(|name| given == *name || name.ends_with('[') && given.starts_with(name))
    };
    match call.parameters.iter().find(|(given, _)| !is_known(given)) {
        Some((given, _)) => Err(ApiError::unknown_parameter(given)),
        None => Ok(()),
    }
}
