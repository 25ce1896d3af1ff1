//! Facts of payments that no subscription makes: checkout sessions in mode `payment`, and bare payment intents.

use scrip_accounts::{Currency, PaymentId, ProviderTime, PurchaseId, facts::PaidFacts};
use scrip_pricing::CATALOG;

use super::{
    convert::{customer_id, paid_at, positive},
    lines::{PaymentContents, PriceSources, RawLine},
};
use crate::objects::{Expandable, Metadata, PaymentIntent, Session};

/// The contents of a checkout session in mode `payment`; `None` for any other, and unless it is paid.
///
/// # Examples
/// ```
/// use scrip_stripe::{ConfiguredPrices, facts::{self, PriceSources, Prices}, objects::Session};
///
/// let session: Session = serde_json::from_str(
///     r#"{"id": "cs_1", "mode": "payment", "status": "complete", "payment_status": "paid", "payment_intent": "pi_1",
///         "created": 1793696400, "line_items": {"data": [
///             {"id": "li_1", "quantity": 3, "amount_total": 2700, "price": "price_a"}]}}"#,
/// )?;
/// let configured: ConfiguredPrices = r#"{"price_a": "tune_pack"}"#.parse().unwrap();
/// let sources = PriceSources { configured: &configured, prices: &Prices::new() };
/// let contents = facts::session(&session, sources).unwrap();
/// assert_eq!(contents.facts.packs[0].credits.tune(), 3);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn session(session: &Session, sources: PriceSources<'_>) -> Option<PaymentContents> {
    let is_paid = matches!(session.payment_status.as_str(), "paid" | "no_payment_required");
    let is_complete = session.status.as_deref().is_none_or(|status| status == "complete");
    if session.mode != "payment" || !is_paid || !is_complete {
        return None;
    }
    let payment_id = session.payment_intent.as_ref().and_then(|payment| PaymentId::parse(payment.id()).ok());
    let intent = session.payment_intent.as_ref().and_then(|payment| payment.object());
    let items = session.line_items.as_ref().map(|items| items.data.as_slice()).unwrap_or_default();
    let fallback = sku_metadata(&session.metadata, intent);
    let lines = items.iter().map(|item| RawLine {
        id: &item.id,
        price_id: item.price.as_ref().map(Expandable::id),
        quantity: item.quantity.unwrap_or(1),
        fallback: fallback.filter(|_| items.len() == 1),
    });
    let purchase_id = payment_id.as_ref().map_or(session.id.as_str(), PaymentId::as_str);
    let mut contents = PaymentContents::new(PaidFacts {
        purchase_id: PurchaseId::parse(purchase_id).ok()?,
        amount: positive(session.amount_total.unwrap_or(0)),
        currency: Currency::from(session.currency.as_deref().unwrap_or_default()),
        paid_at: intent.map_or_else(|| ProviderTime::from(session.created), paid_at),
        invoiced_at: ProviderTime::from(session.created),
        customer_id: customer_id(session.customer.as_ref()),
        payment_ids: payment_id.into_iter().collect(),
        packs: Vec::new(),
        plan: None,
    });
    contents.add_packs(lines, sources);
    Some(contents)
}

/// The metadata that names the SKU of a session with one item: the session's or the payment's, whichever first names a
/// SKU of the catalog, else whichever first names any.
fn sku_metadata<'a>(session: &'a Metadata, intent: Option<&'a PaymentIntent>) -> Option<&'a Metadata> {
    let mut sources = [Some(session), intent.map(|intent| &intent.metadata)].into_iter().flatten();
    let is_ours =
        |metadata: &&Metadata| metadata.get("sku").is_some_and(|sku| CATALOG.offer(sku.trim()).is_some());
    sources.clone().find(is_ours).or_else(|| sources.find(|metadata| metadata.contains_key("sku")))
}

/// The contents of a payment intent without a session or an invoice, by its metadata; `None` unless it succeeded.
///
/// # Examples
/// ```
/// use scrip_stripe::{ConfiguredPrices, facts::{self, PriceSources, Prices}, objects::PaymentIntent};
///
/// let intent: PaymentIntent = serde_json::from_str(
///     r#"{"id": "pi_1", "status": "succeeded", "amount": 900, "amount_received": 900, "currency": "usd",
///         "created": 1793696400, "metadata": {"sku": "tune_pack"}}"#,
/// )?;
/// let sources = PriceSources { configured: &ConfiguredPrices::default(), prices: &Prices::new() };
/// let contents = facts::payment_intent(&intent, sources).unwrap();
/// assert_eq!(contents.facts.packs[0].credits.tune(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn payment_intent(intent: &PaymentIntent, sources: PriceSources<'_>) -> Option<PaymentContents> {
    if intent.status != "succeeded" {
        return None;
    }
    let payment_id = PaymentId::parse(intent.id.as_str()).ok()?;
    let mut contents = PaymentContents::new(PaidFacts {
        purchase_id: PurchaseId::parse(intent.id.as_str()).ok()?,
        amount: positive(intent.amount_received),
        currency: Currency::from(intent.currency.as_str()),
        paid_at: paid_at(intent),
        invoiced_at: ProviderTime::from(intent.created),
        customer_id: customer_id(intent.customer.as_ref()),
        payment_ids: vec![payment_id],
        packs: Vec::new(),
        plan: None,
    });
    if !intent.metadata.contains_key("sku") {
        // A payment that names neither a SKU nor an account is not about credits.
        if intent.metadata.contains_key("account_id") {
            contents.ungranted.push("the payment's metadata names an account and no sku".to_owned());
        }
        return Some(contents);
    }
    let quantity = match intent.metadata.get("quantity").map(|quantity| quantity.trim().parse::<u64>()) {
        None => 1,
        Some(Ok(quantity)) if quantity > 0 => quantity,
        Some(_) => {
            contents.ungranted.push("metadata.quantity of the payment is no positive number".to_owned());
            contents.is_ours = true;
            return Some(contents);
        }
    };
    let line = RawLine { id: &intent.id, price_id: None, quantity, fallback: Some(&intent.metadata) };
    contents.add_packs([line], sources);
    Some(contents)
}
