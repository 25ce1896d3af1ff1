//! What the API shows: single objects, lists with their filters, and what is expanded in either.
//!
//! Invariant: an unknown parameter or expansion is refused, lists are newest first, and an object has the shape of the
//! version that the request asks for.
//!
//! The lists of parameters were not yet compared with Stripe's reference one by one.

use super::{Call, error::ApiError, routes};
use crate::{
    account::Account,
    generation::Generation,
    records::{InvoicePayment, Session},
    shapes,
};
use serde_json::{Value, json};

/// How deep a request may expand.
const EXPAND_DEPTH_MAX: usize = 4;

/// A kind of object, by its place in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Session,
    Subscription,
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

/// A filter of a list: the parameter, and the member that must equal it.
type Filter = (&'static str, &'static str);

const CREATED: [&str; 5] = ["created", "created[gt]", "created[gte]", "created[lt]", "created[lte]"];
const PAGING: [&str; 3] = ["limit", "starting_after", "ending_before"];

impl Kind {
    fn of(path: &[&str]) -> Option<Self> {
        Some(match path {
            ["checkout", "sessions"] => Self::Session,
            ["subscriptions"] => Self::Subscription,
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
    fn name(self) -> &'static str {
        match self {
            Self::Session => "checkout.session",
            Self::Subscription => "subscription",
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

    /// The filters of its list; none of what is only read by its id here.
    fn filters(self) -> Option<&'static [Filter]> {
        Some(match self {
            Self::Session => &[
                ("customer", "/customer"),
                ("payment_intent", "/payment_intent"),
                ("subscription", "/subscription"),
                ("payment_link", "/payment_link"),
                ("status", "/status"),
                ("customer_details[email]", "/customer_details/email"),
            ],
            Self::Subscription => &[("customer", "/customer"), ("collection_method", "/collection_method")],
            Self::Invoice => &[
                ("customer", "/customer"),
                ("subscription", "/subscription"),
                ("status", "/status"),
                ("collection_method", "/collection_method"),
            ],
            Self::InvoicePayment => &[
                ("invoice", "/invoice"),
                ("status", "/status"),
                ("payment[type]", "/payment/type"),
                ("payment[payment_intent]", "/payment/payment_intent"),
            ],
            Self::PaymentIntent => &[("customer", "/customer")],
            Self::Charge => &[("customer", "/customer"), ("payment_intent", "/payment_intent")],
            Self::Refund | Self::Dispute => &[("charge", "/charge"), ("payment_intent", "/payment_intent")],
            Self::Event => &[("type", "/type")],
            Self::Price | Self::Product | Self::Customer => return None,
        })
    }

    /// Parameters of its list that aren't plain filters.
    fn others(self) -> &'static [&'static str] {
        match self {
            Self::Subscription => &["status", "price"],
            Self::Event => &["delivery_success", "types[]"],
            _ => &[],
        }
    }
}

impl Account {
    /// Answers a `GET`.
    pub(super) fn read(&self, call: &Call, path: &[&str], version: Generation) -> Result<Value, ApiError> {
        let unknown = || ApiError::unknown_url(&call.method, &call.path);
        // Invoice payments came with basil.
        if path.first() == Some(&"invoice_payments") && version < Generation::Basil {
            return Err(unknown());
        }
        let mut answer = match path {
            ["checkout", "sessions", id, "line_items"] => self.line_items(call, id, version)?,
            ["invoices", id, "lines"] => self.lines(call, id, version)?,
            path => match (Kind::of(path), path.split_last()) {
                (Some(kind), _) => self.list(call, kind, version)?,
                (None, Some((id, of))) => {
                    routes::known(call, &[])?;
                    let kind = Kind::of(of).ok_or_else(unknown)?;
                    self.find(kind, id, version).ok_or_else(|| ApiError::missing(kind.name(), id, "id"))?
                }
                (None, None) => return Err(unknown()),
            },
        };
        for (_, field) in call.parameters.iter().filter(|(name, _)| name.starts_with("expand[")) {
            let segments: Vec<_> = field.split('.').collect();
            if segments.len() > EXPAND_DEPTH_MAX {
                let message = "You cannot expand more than 4 levels of a property.";
                return Err(ApiError::invalid(None, message));
            }
            self.expand(&mut answer, &segments, field, version)?;
        }
        Ok(answer)
    }

    fn find(&self, kind: Kind, id: &str, version: Generation) -> Option<Value> {
        self.all(kind, version).into_iter().find(|object| object["id"] == id)
    }

    /// Every object of a kind, newest first.
    fn all(&self, kind: Kind, version: Generation) -> Vec<Value> {
        let render = |snapshot: crate::snapshot::Snapshot| snapshot.render(version);
        let mut all: Vec<Value> = match kind {
            Kind::Session => (0..self.sessions.len()).map(|at| render(self.session_now(at))).collect(),
            Kind::Subscription => {
                (0..self.subscriptions.len()).map(|at| render(self.subscription_now(at))).collect()
            }
            Kind::Invoice => (0..self.invoices.len()).map(|at| render(self.invoice_now(at))).collect(),
            Kind::InvoicePayment => {
                self.invoice_payments().map(shapes::invoice::payment_of_invoice).collect()
            }
            Kind::PaymentIntent => (0..self.payments.len()).map(|at| render(self.intent_now(at))).collect(),
            Kind::Charge => (0..self.payments.len()).map(|at| render(self.charge_now(at))).collect(),
            Kind::Refund => (0..self.refunds.len()).map(|at| render(self.refund_now(at))).collect(),
            Kind::Dispute => (0..self.disputes.len()).map(|at| render(self.dispute_now(at))).collect(),
            Kind::Price => self.prices.iter().map(|price| shapes::price::price(price, version)).collect(),
            Kind::Product => self.products.iter().map(shapes::price::product).collect(),
            Kind::Customer => {
                self.customers.iter().map(|customer| shapes::price::customer(customer, version)).collect()
            }
            Kind::Event => self.kept_events().map(|known| known.event.json().clone()).collect(),
        };
        all.reverse();
        all
    }

    fn invoice_payments(&self) -> impl Iterator<Item = &InvoicePayment> {
        self.invoices.iter().flat_map(|invoice| &invoice.payments)
    }

    fn list(&self, call: &Call, kind: Kind, version: Generation) -> Result<Value, ApiError> {
        let filters = kind.filters().ok_or_else(|| ApiError::unknown_url(&call.method, &call.path))?;
        let names: Vec<_> = filters.iter().map(|(name, _)| *name).collect();
        let names = [names.as_slice(), kind.others(), &CREATED, &PAGING].concat();
        routes::known(call, &names)?;
        let mut found = self.all(kind, version);
        for (name, member) in filters {
            if let Some(wanted) = call.parameter(name) {
                found.retain(|object| filtered(object, member) == Some(wanted));
            }
        }
        for (name, wanted) in call.parameters.iter().filter(|(name, _)| CREATED.contains(&name.as_str())) {
            let wanted: i64 = wanted.parse().map_err(|_| {
                ApiError::invalid(Some("parameter_invalid_integer"), &format!("Invalid integer: {wanted}"))
            })?;
            found.retain(|object| {
                let created = object["created"].as_i64().unwrap_or_default();
                match name.as_str() {
                    "created[gt]" => created > wanted,
                    "created[gte]" => created >= wanted,
                    "created[lt]" => created < wanted,
                    "created[lte]" => created <= wanted,
                    _ => created == wanted,
                }
            });
        }
        self.retain_others(call, kind, &mut found)?;
        routes::page(call, found)
    }

    fn retain_others(&self, call: &Call, kind: Kind, found: &mut Vec<Value>) -> Result<(), ApiError> {
        match kind {
            Kind::Subscription => {
                let status = call.parameter("status");
                found.retain(|object| match status {
                    // Those that are over are left out unless they are asked for.
                    None => object["status"] != "canceled" && object["status"] != "incomplete_expired",
                    Some("all") => true,
                    Some("ended") => {
                        object["status"] == "canceled" || object["status"] == "incomplete_expired"
                    }
                    Some(status) => object["status"] == status,
                });
                if let Some(price) = call.parameter("price") {
                    let items =
                        |object: &Value| object["items"]["data"].as_array().cloned().unwrap_or_default();
                    found.retain(|object| items(object).iter().any(|item| item["price"]["id"] == price));
                }
            }
            Kind::Event => {
                let delivered = match call.parameter("delivery_success") {
                    None => None,
                    Some("true") => Some(true),
                    Some("false") => Some(false),
                    Some(other) => {
                        return Err(ApiError::invalid(None, &format!("Invalid boolean: {other}")));
                    }
                };
                let is_delivered = |object: &Value| {
                    self.kept_events().any(|known| object["id"] == known.event.id() && known.delivered)
                };
                found.retain(|object| delivered.is_none_or(|delivered| is_delivered(object) == delivered));
                let types: Vec<_> = call
                    .parameters
                    .iter()
                    .filter(|(name, _)| name == "types[]")
                    .map(|(_, kind)| kind)
                    .collect();
                found.retain(|object| {
                    types.is_empty() || types.iter().any(|kind| object["type"] == kind.as_str())
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn session(&self, id: &str) -> Result<&Session, ApiError> {
        let session = self.sessions.iter().find(|session| session.id == id);
        session.ok_or_else(|| ApiError::missing("checkout.session", id, "id"))
    }

    fn line_items(&self, call: &Call, id: &str, version: Generation) -> Result<Value, ApiError> {
        routes::known(call, &PAGING)?;
        let lines = &self.session(id)?.lines;
        routes::page(call, lines.iter().map(|line| shapes::session::line_item(line, version)).collect())
    }

    fn lines(&self, call: &Call, id: &str, version: Generation) -> Result<Value, ApiError> {
        routes::known(call, &PAGING)?;
        let at = self.invoice_of(id).ok_or_else(|| ApiError::missing("invoice", id, "id"))?;
        routes::page(call, self.all_lines(at, version))
    }

    /// The lines of an invoice, in the order in which it shows its first ten.
    fn all_lines(&self, at: usize, version: Generation) -> Vec<Value> {
        let invoice = &self.invoices[at];
        invoice.lines.iter().map(|line| shapes::line::line(invoice, line, version)).collect()
    }

    /// Expands a field of an answer, of each item if it is a list.
    fn expand(
        &self,
        value: &mut Value,
        segments: &[&str],
        field: &str,
        version: Generation,
    ) -> Result<(), ApiError> {
        let Some((segment, rest)) = segments.split_first() else { return Ok(()) };
        if let Value::Array(items) = value {
            return items.iter_mut().try_for_each(|item| self.expand(item, segments, field, version));
        }
        if let Some(list) = self.includable(value, segment, version) {
            value[*segment] = list;
        }
        let Some(member) = value.get_mut(*segment) else {
            let message = format!("This property cannot be expanded ({field}).");
            return Err(ApiError::invalid(None, &message));
        };
        if let Some(object) = member.as_str().and_then(|id| self.by_id(id, version)) {
            *member = object;
        }
        if member.is_null() || (rest.is_empty() && !member.is_string()) {
            return Ok(());
        }
        if rest.is_empty() {
            let message = format!("This property cannot be expanded ({field}).");
            return Err(ApiError::invalid(None, &message));
        }
        self.expand(member, rest, field, version)
    }

    /// A list that an object has only if it is asked for.
    fn includable(&self, object: &Value, name: &str, version: Generation) -> Option<Value> {
        let id = object["id"].as_str()?;
        let (items, url) = match (object["object"].as_str()?, name) {
            ("checkout.session", "line_items") => {
                let lines = self.session(id).ok()?.lines.iter();
                let lines = lines.map(|line| shapes::session::line_item(line, version));
                (lines.collect::<Vec<_>>(), format!("/v1/checkout/sessions/{id}/line_items"))
            }
            ("invoice", "payments") if version >= Generation::Basil => {
                let payments = &self.invoices[self.invoice_of(id)?].payments;
                let payments = payments.iter().map(shapes::invoice::payment_of_invoice);
                (payments.collect(), format!("/v1/invoice_payments?invoice={id}"))
            }
            ("charge", "refunds") => {
                let refunds = self.all(Kind::Refund, version).into_iter();
                let refunds = refunds.filter(|refund| refund["charge"] == id);
                (refunds.collect(), format!("/v1/charges/{id}/refunds"))
            }
            _ => return None,
        };
        let shown: Vec<_> = items.iter().take(shapes::LISTED).cloned().collect();
        Some(shapes::list(&shown, &url, items.len() > shown.len()))
    }

    /// The object that an id names, by what it begins with.
    fn by_id(&self, id: &str, version: Generation) -> Option<Value> {
        let kinds = [
            ("cs_", Kind::Session),
            ("sub_", Kind::Subscription),
            ("in_", Kind::Invoice),
            ("pi_", Kind::PaymentIntent),
            ("ch_", Kind::Charge),
            ("re_", Kind::Refund),
            ("du_", Kind::Dispute),
            ("price_", Kind::Price),
            ("prod_", Kind::Product),
            ("cus_", Kind::Customer),
        ];
        let (_, kind) = kinds.into_iter().find(|(prefix, _)| id.starts_with(prefix))?;
        self.find(kind, id, version)
    }
}

/// The text of the member that a filter compares. An invoice names its subscription elsewhere since basil.
fn filtered<'a>(object: &'a Value, member: &str) -> Option<&'a str> {
    let plain = object.pointer(member).and_then(Value::as_str);
    let is_subscription = member == "/subscription" && object["object"] == json!("invoice");
    let parent = || object.pointer("/parent/subscription_details/subscription").and_then(Value::as_str);
    if is_subscription { plain.or_else(parent) } else { plain }
}
