//! Stripe's events, read into what they say of an account: tolerant of both generations of object shapes.
//!
//! Pure: what a field is called and where it stands is known here and nowhere else.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use credits::{
    AccountId, Buys, CustomerId, Dispute, EventId, Payment, PaymentId, PurchaseId, Status, StatusChange,
    SubscriptionId, Terms, Word,
};
use lambda_http::Error;
use pricing::{CATALOG, Credits, Gives};
use serde::Deserialize;
use serde_json::Value;

/// An event as Stripe sends it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: EventId,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Seconds since 1970.
    created: i64,
    data: Data,
}

#[derive(Debug, Clone, Deserialize)]
struct Data {
    object: Value,
}

/// Which SKU a price stands for, where the configuration says so.
#[derive(Debug, Clone, Default)]
pub struct Prices(BTreeMap<String, String>);

impl Prices {
    /// Reads the variable `STRIPE_PRICES`, a JSON object of price ids and SKUs; empty where it isn't set.
    ///
    /// # Errors
    /// Where it is set and isn't that.
    pub fn from_env() -> Result<Self, Error> {
        match std::env::var("STRIPE_PRICES") {
            Ok(text) if !text.is_empty() => Ok(text.parse()?),
            _ => Ok(Self::default()),
        }
    }
}

impl std::str::FromStr for Prices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let prices = serde_json::from_str(text);
        prices.map(Self).map_err(|error| format!("STRIPE_PRICES must be JSON, price id to SKU: {error}"))
    }
}

/// Whom an event is about, as far as it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Whom {
    /// The account, by name.
    pub(crate) account: Option<String>,
    /// The customer, who may be known.
    pub(crate) customer: Option<CustomerId>,
    /// The payment, which may be known.
    pub(crate) payment: Option<PaymentId>,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// Nothing for us.
    Nothing,
    /// Something was paid, and there may be an invoice for it that grants nothing by itself.
    Paid(Box<Payment>, Option<PurchaseId>),
    /// A pack's invoice was paid, which its checkout session or its payment grants.
    Invoiced(PurchaseId, Option<PaymentId>),
    /// Something was paid that can't be granted, and why.
    Ungrantable(String),
    /// Something was paid that names no SKU of ours: nobody's here, unless its customer is known. There may be
    /// an invoice for it.
    Unpriced(String, Option<PurchaseId>),
    /// A customer pays for an account.
    Customer(CustomerId),
    /// A payment was for an invoice.
    Invoice(PaymentId, PurchaseId),
    /// The status of a subscription, and whether a SKU of ours is named.
    Status(StatusChange, bool),
    /// Money of a purchase moved.
    Money(Word),
}

impl Event {
    /// When Stripe made the event.
    pub(crate) fn at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.created, 0)
    }

    /// What the event says, and whom it is about.
    pub(crate) fn read(&self, prices: &Prices, at: DateTime<Utc>) -> (Whom, Said) {
        let object = &self.data.object;
        let whom = whom(object);
        let said = match self.kind.as_str() {
            "checkout.session.completed" | "checkout.session.async_payment_succeeded" => session(object, at),
            "payment_intent.succeeded" => intent(object, at),
            "invoice.paid" | "invoice.payment_succeeded" => invoice(object, prices, at),
            "invoice_payment.paid" => invoice_payment(object),
            "customer.subscription.updated" | "customer.subscription.deleted" => {
                subscription(object, self.kind.ends_with("deleted"), prices, at)
            }
            "invoice.payment_failed" => failed_invoice(object, prices, at),
            "charge.refunded" => number(&object["amount_refunded"])
                .map_or(Said::Nothing, |amount| Said::Money(Word::Refunded { amount })),
            "refund.updated" | "refund.failed" => refund(object),
            "charge.dispute.funds_withdrawn" => Said::Money(Word::Disputed(Dispute::Withdrawn)),
            "charge.dispute.funds_reinstated" => Said::Money(Word::Disputed(Dispute::Won)),
            _ => Said::Nothing,
        };
        (whom, said)
    }
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// An id, or the id of an object that stands in its place where it was expanded.
fn id<Id: TryFrom<String>>(value: &Value) -> Option<Id> {
    let id = text(value).or_else(|| text(&value["id"]))?;
    Id::try_from(id.to_owned()).ok()
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64()
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(value.as_i64()?, 0)
}

/// The objects whose `metadata` may name the account or the SKU: the object, and the subscription an invoice
/// is for, in both generations.
fn metadata<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    [
        &object["metadata"][name],
        &object["subscription_details"]["metadata"][name],
        &object["parent"]["subscription_details"]["metadata"][name],
    ]
    .into_iter()
    .find_map(text)
}

fn whom(object: &Value) -> Whom {
    let line_account = || lines(object).find_map(|line| text(&line["metadata"]["account_id"]));
    Whom {
        account: metadata(object, "account_id")
            .or_else(|| text(&object["client_reference_id"]))
            .or_else(line_account)
            .map(str::to_owned),
        customer: id(&object["customer"]),
        payment: payment_of(object),
    }
}

/// The payment that an object is, has or belongs to.
fn payment_of(object: &Value) -> Option<PaymentId> {
    if object["object"] == "payment_intent" {
        return id(&object["id"]);
    }
    let in_payments = &object["payments"]["data"][0]["payment"]["payment_intent"];
    id(&object["payment_intent"])
        .or_else(|| id(in_payments))
        .or_else(|| id(&object["payment"]["payment_intent"]))
}

fn lines(invoice: &Value) -> impl Iterator<Item = &Value> {
    invoice["lines"]["data"].as_array().into_iter().flatten()
}

/// What a one-off payment bought, by the SKU that its metadata names.
fn one_off(object: &Value, id: Option<PurchaseId>, amount: &Value, at: DateTime<Utc>) -> Said {
    let Some(sku) = metadata(object, "sku") else {
        return Said::Unpriced("the payment names no SKU".to_owned(), self::id(&object["invoice"]));
    };
    let Some(id) = id else { return Said::Ungrantable("no id".to_owned()) };
    let buys = match CATALOG.offer(sku).map(|offer| offer.gives) {
        Some(Gives::Pack(credits)) => Buys::Pack(credits),
        Some(Gives::Plan { .. }) => {
            return Said::Ungrantable(format!("the SKU {sku} is a plan's, and this is a one-off payment"));
        }
        None => return Said::Ungrantable(format!("the SKU {sku:.64} isn't in the catalog")),
    };
    let payment = Payment {
        id,
        sku: sku.to_owned(),
        amount: number(amount).unwrap_or(0),
        currency: text(&object["currency"]).unwrap_or_default().to_owned(),
        paid_at: at,
        invoiced_at: None,
        payment_id: payment_of(object),
        customer_id: self::id(&object["customer"]),
        buys,
    };
    Said::Paid(Box::new(payment), self::id(&object["invoice"]))
}

fn session(session: &Value, at: DateTime<Utc>) -> Said {
    match session["mode"].as_str() {
        Some("payment") => {
            let is_paid =
                ["paid", "no_payment_required"].map(Value::from).contains(&session["payment_status"]);
            if !is_paid {
                return Said::Nothing;
            }
            // A session that cost nothing has no payment: it is known by itself.
            let purchase_id = id(&session["payment_intent"]).or_else(|| id(&session["id"]));
            one_off(session, purchase_id, &session["amount_total"], at)
        }
        // The invoice grants; the session may be all that says whose customer this is.
        Some("subscription") => id(&session["customer"]).map_or(Said::Nothing, Said::Customer),
        _ => Said::Nothing,
    }
}

fn intent(intent: &Value, at: DateTime<Utc>) -> Said {
    // An invoice's and most sessions' payments name no SKU: those objects speak for them.
    if metadata(intent, "sku").is_none() || !intent["invoice"].is_null() {
        return Said::Nothing;
    }
    one_off(intent, id(&intent["id"]), &intent["amount_received"], at)
}

/// The line an invoice counts for: the positive one with the latest period end.
fn paid_line(invoice: &Value) -> Option<&Value> {
    let positive = lines(invoice).filter(|line| line["amount"].as_i64().is_some_and(|amount| amount > 0));
    positive.max_by_key(|line| line["period"]["end"].as_i64())
}

fn sku_of<'a>(invoice: &'a Value, line: &'a Value, prices: &'a Prices) -> Option<&'a str> {
    let price = &line["price"];
    let price_id = text(&price["id"]).or_else(|| text(&line["pricing"]["price_details"]["price"]));
    price_id
        .and_then(|id| prices.0.get(id))
        .map(String::as_str)
        .or_else(|| text(&price["lookup_key"]))
        .or_else(|| text(&price["metadata"]["sku"]))
        .or_else(|| text(&line["metadata"]["sku"]))
        .or_else(|| metadata(invoice, "sku"))
}

/// What a plan's SKU gives, a custom one's as agreed in the metadata of the object or of its part; `None`
/// where it is no plan's, or nothing was agreed.
fn terms(sku: &str, object: &Value, part: &Value) -> Option<Terms> {
    let Gives::Plan { plan, allowance, .. } = CATALOG.offer(sku)?.gives else { return None };
    let agreed =
        || metadata(object, "playground_credits").or_else(|| text(&part["metadata"]["playground_credits"]));
    let allowance = allowance.or_else(|| agreed()?.parse().ok())?;
    let is_allowance = (1..=Credits::MAX_OF_A_KIND).contains(&allowance);
    is_allowance.then(|| Terms { allowance, plan: plan.to_owned() })
}

fn subscription_of(invoice: &Value) -> Option<SubscriptionId> {
    id(&invoice["subscription"]).or_else(|| id(&invoice["parent"]["subscription_details"]["subscription"]))
}

fn invoice(invoice: &Value, prices: &Prices, at: DateTime<Utc>) -> Said {
    let Some(line) = paid_line(invoice) else { return Said::Nothing };
    let Some(sku) = sku_of(invoice, line, prices) else {
        return Said::Unpriced("the invoice names no SKU".to_owned(), None);
    };
    let Some(offer) = CATALOG.offer(sku) else {
        return Said::Unpriced(format!("the SKU {sku:.64} isn't in the catalog"), None);
    };
    let Gives::Plan { .. } = offer.gives else {
        return id(&invoice["id"]).map_or(Said::Nothing, |id| Said::Invoiced(id, payment_of(invoice)));
    };
    let (Some(terms), Some(subscription_id), Some(paid_until), Some(id)) = (
        terms(sku, invoice, line),
        subscription_of(invoice),
        time(&line["period"]["end"]),
        id(&invoice["id"]),
    ) else {
        return Said::Ungrantable("no subscription, no period or no agreed playground_credits".to_owned());
    };
    let payment = Payment {
        id,
        sku: sku.to_owned(),
        amount: number(&invoice["amount_paid"]).unwrap_or(0),
        currency: text(&invoice["currency"]).unwrap_or_default().to_owned(),
        paid_at: time(&invoice["status_transitions"]["paid_at"]).unwrap_or(at),
        invoiced_at: time(&invoice["created"]),
        payment_id: payment_of(invoice),
        customer_id: self::id(&invoice["customer"]),
        buys: Buys::Plan { subscription_id, plan: terms.plan, allowance: terms.allowance, paid_until },
    };
    Said::Paid(Box::new(payment), None)
}

fn invoice_payment(object: &Value) -> Said {
    match (payment_of(object), id(&object["invoice"])) {
        (Some(payment), Some(invoice)) => Said::Invoice(payment, invoice),
        _ => Said::Nothing,
    }
}

fn subscription(object: &Value, is_deleted: bool, prices: &Prices, at: DateTime<Utc>) -> Said {
    let Some(subscription_id) = id(&object["id"]) else { return Said::Nothing };
    let ended_at = || time(&object["ended_at"]).or_else(|| time(&object["canceled_at"])).unwrap_or(at);
    let status = match object["status"].as_str() {
        _ if is_deleted => Status::Ended(ended_at()),
        Some("canceled") => Status::Ended(ended_at()),
        Some("active" | "trialing") => Status::Active,
        Some("past_due" | "unpaid") => Status::PastDue,
        // Never paid for: there is nothing to end.
        _ => return Said::Nothing,
    };
    let items = || object["items"]["data"].as_array().into_iter().flatten();
    let skus = || items().filter_map(|item| Some((sku_of(object, item, prices)?, item)));
    let is_ours = skus().any(|(sku, _)| CATALOG.offer(sku).is_some());
    // Of several plans the best counts.
    let terms = skus().filter_map(|(sku, item)| terms(sku, object, item)).max();
    Said::Status(StatusChange { subscription_id, at, status, terms }, is_ours)
}

fn failed_invoice(invoice: &Value, prices: &Prices, at: DateTime<Utc>) -> Said {
    let is_ours = lines(invoice)
        .filter_map(|line| sku_of(invoice, line, prices))
        .any(|sku| CATALOG.offer(sku).is_some());
    // A first payment that fails leaves nothing that could be past due.
    match subscription_of(invoice) {
        Some(subscription_id) if invoice["billing_reason"] != "subscription_create" => {
            let change = StatusChange { subscription_id, at, status: Status::PastDue, terms: None };
            Said::Status(change, is_ours)
        }
        _ => Said::Nothing,
    }
}

fn refund(refund: &Value) -> Said {
    let is_failed = ["failed", "canceled"].map(Value::from).contains(&refund["status"]);
    let attempt = metadata(refund, "scrip_attempt").and_then(|attempt| attempt.parse().ok());
    match (is_failed, number(&refund["amount"]), id(&refund["id"])) {
        (true, Some(amount), Some(id)) => Said::Money(Word::RefundFailed { id, amount, attempt }),
        _ => Said::Nothing,
    }
}

/// The account an event names, where it is one.
pub(crate) fn account(whom: &Whom) -> Option<AccountId> {
    AccountId::parse(whom.account.as_deref()?).ok()
}
