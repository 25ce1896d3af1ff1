//! Facts of paid invoices: the plan and the packs that their lines pay for.

use scrip_accounts::{
    Currency, Line, PaymentId, ProviderTime, PurchaseId, Sku, Terms,
    facts::{PaidFacts, PlanFacts},
};
use scrip_pricing::{Credits, Grant, Offer};

use super::{
    convert::{customer_id, positive},
    lines::{PaymentContents, PriceSources, RawLine, terms},
};
use crate::{
    objects::{Invoice, InvoiceLine, Subscription},
    skus::LineSku,
};

/// The contents of an invoice, of a subscription or of none; `None` unless it is paid.
///
/// # Examples
/// ```
/// use scrip_stripe::{ConfiguredPrices, facts::{self, PriceSources, Prices}, objects::Invoice};
///
/// let invoice: Invoice = serde_json::from_str(
///     r#"{"id": "in_1", "status": "paid", "amount_paid": 900, "amount_due": 900, "total": 900, "currency": "usd",
///         "created": 1793696400, "status_transitions": {"paid_at": 1793696400}, "lines": {"data": [
///             {"id": "il_1", "amount": 900, "quantity": 1, "period": {"start": 1793696400, "end": 1793696400},
///                 "pricing": {"price_details": {"price": "price_a", "product": "prod_1"}}}]}}"#,
/// )?;
/// let configured: ConfiguredPrices = r#"{"price_a": "tune_pack"}"#.parse().unwrap();
/// let sources = PriceSources { configured: &configured, prices: &Prices::new() };
/// let contents = facts::invoice(&invoice, None, sources).unwrap();
/// assert_eq!(contents.facts.packs[0].credits.tune(), 1);
/// // Its payments aren't expanded.
/// assert!(facts::payment_ids(&invoice).is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn invoice(
    invoice: &Invoice,
    subscription: Option<&Subscription>,
    sources: PriceSources<'_>,
) -> Option<PaymentContents> {
    if invoice.status.as_deref() != Some("paid") {
        return None;
    }
    let payment_ids = payment_ids(invoice);
    let purchase_id = match (subscription, payment_ids.first()) {
        (None, Some(payment_id)) => payment_id.as_str(),
        _ => invoice.id.as_str(),
    };
    let mut contents = PaymentContents::new(PaidFacts {
        purchase_id: PurchaseId::parse(purchase_id).ok()?,
        amount: positive(invoice.amount_paid),
        currency: Currency::from(invoice.currency.as_str()),
        paid_at: ProviderTime::from(invoice.paid_at().unwrap_or(invoice.created)),
        invoiced_at: ProviderTime::from(invoice.created),
        customer_id: customer_id(invoice.customer.as_ref()),
        payment_ids,
        packs: Vec::new(),
        plan: None,
    });
    InvoiceReader { invoice, subscription, sources }.read_lines(&mut contents);
    Some(contents)
}

/// The ids of the payments that paid an invoice. Empty if its payments aren't expanded, or if it was paid out of band or
/// from the customer's balance.
///
/// # Examples
/// ```
/// use scrip_stripe::{facts, objects::Invoice};
///
/// let invoice: Invoice = serde_json::from_str(
///     r#"{"id": "in_1", "amount_paid": 900, "amount_due": 900, "total": 900, "currency": "usd",
///         "created": 1793696400, "status_transitions": {}, "lines": {"data": []},
///         "payments": {"data": [{"id": "inpay_1", "status": "paid", "invoice": "in_1",
///             "payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]}}"#,
/// )?;
/// assert_eq!(facts::payment_ids(&invoice)[0].as_str(), "pi_1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn payment_ids(invoice: &Invoice) -> Vec<PaymentId> {
    let payments = invoice.payments.as_ref().map(|payments| payments.data.as_slice()).unwrap_or_default();
    let paid = payments.iter().filter(|payment| payment.status == "paid");
    paid.filter_map(|payment| PaymentId::parse(payment.payment.payment_intent.as_ref()?.id()).ok()).collect()
}

/// Reads the lines of an invoice.
struct InvoiceReader<'a> {
    invoice: &'a Invoice,
    subscription: Option<&'a Subscription>,
    sources: PriceSources<'a>,
}

/// A line that pays for a plan.
struct PlanLine<'a> {
    line: &'a InvoiceLine,
    offer: Offer,
    terms: Terms,
}

impl<'a> InvoiceReader<'a> {
    fn read_lines(&self, contents: &mut PaymentContents) {
        let mut plans = Vec::new();
        for line in &self.invoice.lines.data {
            let raw = self.raw_line(line);
            match self.sources.sku(&raw) {
                // A credit grants nothing, so its price need not be known.
                LineSku::Unknown if line.amount > 0 => contents.ungranted.push(raw.unknown_price()),
                LineSku::NotCredits | LineSku::Unknown => {}
                LineSku::Offer(offer) => {
                    contents.is_ours = true;
                    if self.grants(line) {
                        plans.extend(self.read_offer(line, &raw, offer, contents));
                    }
                }
            }
        }
        contents.facts.plan = self.select_plan(plans).map(|plan| self.plan_facts(&plan));
    }

    /// Reads a line of a known offer: returns a plan's line, and adds a pack to the contents.
    fn read_offer(
        &self,
        line: &'a InvoiceLine,
        raw: &RawLine<'_>,
        offer: Offer,
        contents: &mut PaymentContents,
    ) -> Option<PlanLine<'a>> {
        if let Grant::Plan { .. } = offer.grant
            && let Some(subscription) = self.subscription
        {
            let price = raw.price_id.and_then(|id| self.sources.prices.get(id));
            let agreed =
                [Some(&subscription.metadata), price.map(|price| &price.metadata), Some(&line.metadata)];
            let agreed: Vec<_> = agreed.into_iter().flatten().collect();
            return match terms(&offer, raw.quantity, &agreed) {
                Ok(terms) => terms.map(|terms| PlanLine { line, offer, terms }),
                Err(why) => {
                    contents.ungranted.push(why);
                    None
                }
            };
        }
        if !line.is_proration() {
            contents.add_pack(raw, &offer);
        }
        None
    }

    fn raw_line(&self, line: &'a InvoiceLine) -> RawLine<'a> {
        let price_id = line.price_id();
        let items = self.subscription.map(|subscription| subscription.items.data.as_slice());
        let is_only = match items {
            Some([item]) => price_id == Some(item.price.id.as_str()),
            Some(_) => false,
            None => self.invoice.lines.data.len() == 1,
        };
        let metadata =
            self.subscription.map_or(&self.invoice.metadata, |subscription| &subscription.metadata);
        RawLine {
            id: &line.id,
            price_id,
            quantity: line.quantity.unwrap_or(1),
            fallback: is_only.then_some(metadata),
        }
    }

    /// Whether a line grants what it is for. A credit doesn't, nor does a trial, which is free.
    fn grants(&self, line: &InvoiceLine) -> bool {
        // A line is in the trial if it begins in it: if a trial is ended early, the line ends after the trial.
        let is_in_trial = self.subscription.is_some_and(|subscription| {
            let has_begun = subscription.trial_start.is_none_or(|start| start <= line.period.start);
            has_begun && subscription.trial_end.is_some_and(|end| line.period.start < end)
        });
        line.amount >= 0
            && !(line.amount == 0 && is_in_trial)
            && line.quantity != Some(0)
            && !(line.amount == 0 && line.is_proration())
    }

    /// Selects the plan that the subscription has after this invoice: of several changes the latest, and of changes made at
    /// the same time the best. A plan that is a current item wins over one that was left again in between.
    fn select_plan(&self, plans: Vec<PlanLine<'a>>) -> Option<PlanLine<'a>> {
        let items =
            self.subscription.map(|subscription| subscription.items.data.as_slice()).unwrap_or_default();
        let is_current = |plan: &PlanLine<'_>| {
            items.iter().any(|item| {
                Some(item.price.id.as_str()) == plan.line.price_id()
                    && item.quantity.unwrap_or(1) == plan.line.quantity.unwrap_or(1)
            })
        };
        plans.into_iter().max_by_key(|plan| {
            // A renewal's own line covers the next period; a proration on the same invoice belongs to the one before.
            (!plan.line.is_proration(), is_current(plan), plan.line.period.start, plan.terms.clone())
        })
    }

    fn plan_facts(&self, plan: &PlanLine<'_>) -> PlanFacts {
        let reason = self.invoice.billing_reason.as_deref().unwrap_or_default();
        let has_prorations = self.invoice.lines.data.iter().any(InvoiceLine::is_proration);
        let is_new_period = matches!(reason, "subscription_create" | "subscription_cycle");
        PlanFacts {
            line: Line {
                id: plan.line.id.clone(),
                sku: Sku::from(plan.offer.sku),
                quantity: plan.line.quantity.unwrap_or(1),
                credits: Credits::new(plan.terms.allowance, 0, 0),
            },
            terms: plan.terms.clone(),
            paid_until: ProviderTime::from(plan.line.period.end),
            is_change: !is_new_period && has_prorations,
        }
    }
}
