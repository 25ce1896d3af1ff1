//! From the provider's objects to the facts that `accounts` decides from. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scrip_accounts::{
    CustomerId, Line, Outflow, OutflowId, OutflowKind, PaymentId, PurchaseId, RefundId, SubscriptionId,
    Terms,
    facts::{MoneyFacts, PaidFacts, PlanFacts, SubscriptionFacts},
};
use scrip_pricing::{CATALOG, Credits, Gives, Offer};

use crate::{
    objects::{
        Dispute, Expandable, Invoice, InvoiceLine, Metadata, PaymentIntent, Price, Reference, Refund,
        Session, Subscription,
    },
    skus::{ConfiguredPrices, LineSku},
};

/// The prices that were read, by id.
pub type Prices = BTreeMap<String, Price>;

/// What a payment brings, and what of it can't be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// What can be granted.
    pub facts: PaidFacts,
    /// Why the rest can't: a sentence for each line.
    pub ungranted: Vec<String>,
    /// Whether a SKU of ours is named.
    pub is_ours: bool,
}

/// How the lines of one payment are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// What the configuration says of prices.
    pub configured: &'a ConfiguredPrices,
    /// The prices that were read.
    pub prices: &'a Prices,
}

/// A line, before it is known what it stands for.
struct RawLine<'a> {
    id: &'a str,
    price_id: Option<&'a str>,
    quantity: u64,
    fallback: Option<&'a Metadata>,
}

impl Reading<'_> {
    fn sku(&self, line: &RawLine<'_>) -> LineSku {
        let price = line.price_id.and_then(|id| self.prices.get(id));
        self.configured.sku(line.price_id, price, line.fallback)
    }

    /// The line of a pack; why it can't be granted, if it is none.
    fn pack(line: &RawLine<'_>, offer: &Offer) -> Result<Line, String> {
        let sku = offer.sku;
        match offer.gives {
            Gives::Plan { .. } => Err(format!("{sku} is a plan, and this is a one-off payment")),
            Gives::Pack(credits) => {
                let credits = credits.checked_mul(line.quantity);
                let credits = credits.ok_or_else(|| format!("{} of {sku} are too many", line.quantity))?;
                Ok(Line { id: line.id.to_owned(), sku: sku.to_owned(), quantity: line.quantity, credits })
            }
        }
    }
}

/// What a plan's SKU gives a month, times its quantity; why not, if it can't be known.
fn terms(offer: &Offer, quantity: u64, agreed: &[&Metadata]) -> Result<Option<Terms>, String> {
    let Gives::Plan { plan, allowance, .. } = offer.gives else { return Ok(None) };
    let allowance = if let Some(allowance) = allowance {
        allowance
    } else {
        let text = agreed.iter().find_map(|metadata| metadata.get("playground_credits"));
        let text = text.ok_or_else(|| format!("{plan} has no metadata.playground_credits"))?;
        text.trim().parse().map_err(|_| format!("playground_credits of {plan} is no number"))?
    };
    let allowance = Credits::new(allowance, 0, 0).checked_mul(quantity).filter(|credits| !credits.is_zero());
    let allowance =
        allowance.ok_or_else(|| format!("{quantity} of {plan} are none, or too many"))?.playground();
    Ok(Some(Terms { allowance, plan: plan.to_owned() }))
}

/// The prices of a session or an invoice that must be read to know what its lines stand for.
pub fn unread_prices<'a>(
    ids: impl IntoIterator<Item = &'a str>,
    configured: &ConfiguredPrices,
    prices: &Prices,
) -> Vec<String> {
    let unread = ids.into_iter().filter(|id| !configured.knows(id) && !prices.contains_key(*id));
    let unread: std::collections::BTreeSet<_> = unread.map(str::to_owned).collect();
    unread.into_iter().collect()
}

/// Whether a subscription shows all its items, and of each price what it stands for: if not, the products must be read.
#[must_use]
pub fn is_shown_whole(subscription: &Subscription, configured: &ConfiguredPrices) -> bool {
    let is_known = |price: &Price| configured.sku(Some(&price.id), Some(price), None) != LineSku::Unknown;
    !subscription.items.has_more && subscription.items.data.iter().all(|item| is_known(&item.price))
}

/// A checkout session in mode `payment` that is paid; `None` for any other.
#[must_use]
pub fn session(session: &Session, reading: Reading<'_>) -> Option<Paid> {
    let is_paid = matches!(session.payment_status.as_str(), "paid" | "no_payment_required");
    let is_complete = session.status.as_deref().is_none_or(|status| status == "complete");
    if session.mode != "payment" || !is_paid || !is_complete {
        return None;
    }
    let payment_id = session.payment_intent.as_ref().and_then(|payment| PaymentId::parse(payment.id()).ok());
    let intent = session.payment_intent.as_ref().and_then(|payment| payment.object());
    let items = session.line_items.as_ref().map(|items| items.data.as_slice()).unwrap_or_default();
    let sources = [Some(&session.metadata), intent.map(|intent| &intent.metadata)].into_iter().flatten();
    let is_ours =
        |metadata: &&Metadata| metadata.get("sku").is_some_and(|sku| CATALOG.offer(sku.trim()).is_some());
    let fallback =
        sources.clone().find(is_ours).or(sources.clone().find(|metadata| metadata.contains_key("sku")));
    let raw = items.iter().map(|item| RawLine {
        id: &item.id,
        price_id: item.price.as_ref().map(Expandable::id),
        quantity: item.quantity.unwrap_or(1),
        fallback: fallback.filter(|_| items.len() == 1),
    });
    let purchase_id = payment_id.as_ref().map_or(session.id.as_str(), PaymentId::as_str);
    let mut paid = Paid {
        facts: PaidFacts {
            purchase_id: PurchaseId::parse(purchase_id).ok()?,
            amount: positive(session.amount_total.unwrap_or(0)),
            currency: session.currency.clone().unwrap_or_default(),
            paid_at: intent.map_or(session.created, paid_at),
            invoiced_at: session.created,
            customer_id: customer(session.customer.as_ref().map(Reference::id)),
            payment_ids: payment_id.into_iter().collect(),
            packs: Vec::new(),
            plan: None,
        },
        ungranted: Vec::new(),
        is_ours: false,
    };
    add_packs(&mut paid, raw, reading);
    Some(paid)
}

/// A payment without a session or an invoice; `None` unless it succeeded.
#[must_use]
pub fn payment(intent: &PaymentIntent, reading: Reading<'_>) -> Option<Paid> {
    if intent.status != "succeeded" {
        return None;
    }
    let payment_id = PaymentId::parse(intent.id.as_str()).ok()?;
    let mut paid = Paid {
        facts: PaidFacts {
            purchase_id: PurchaseId::parse(intent.id.as_str()).ok()?,
            amount: positive(intent.amount_received),
            currency: intent.currency.clone(),
            paid_at: paid_at(intent),
            invoiced_at: intent.created,
            customer_id: customer(intent.customer.as_ref().map(Reference::id)),
            payment_ids: vec![payment_id],
            packs: Vec::new(),
            plan: None,
        },
        ungranted: Vec::new(),
        is_ours: false,
    };
    if !intent.metadata.contains_key("sku") {
        // Without either it is somebody else's.
        if intent.metadata.contains_key("account_id") {
            paid.ungranted.push("the payment's metadata names an account and no sku".to_owned());
        }
        return Some(paid);
    }
    let quantity = match intent.metadata.get("quantity").map(|quantity| quantity.trim().parse::<u64>()) {
        None => 1,
        Some(Ok(quantity)) if quantity > 0 => quantity,
        Some(_) => {
            paid.ungranted.push("metadata.quantity of the payment is no positive number".to_owned());
            paid.is_ours = true;
            return Some(paid);
        }
    };
    let raw = RawLine { id: &intent.id, price_id: None, quantity, fallback: Some(&intent.metadata) };
    add_packs(&mut paid, [raw], reading);
    Some(paid)
}

fn add_packs<'a>(paid: &mut Paid, lines: impl IntoIterator<Item = RawLine<'a>>, reading: Reading<'_>) {
    for line in lines {
        if line.quantity == 0 {
            continue;
        }
        match reading.sku(&line) {
            LineSku::NotCredits => {}
            LineSku::Unknown => paid.ungranted.push(unknown(&line)),
            LineSku::Offer(offer) => {
                paid.is_ours = true;
                match Reading::pack(&line, &offer) {
                    Ok(pack) => paid.facts.packs.push(pack),
                    Err(why) => paid.ungranted.push(why),
                }
            }
        }
    }
}

fn unknown(line: &RawLine<'_>) -> String {
    format!("no SKU is known for the price {}", line.price_id.unwrap_or("(none)"))
}

/// A paid invoice, of a subscription or of none; `None` unless it is paid.
#[must_use]
pub fn invoice(invoice: &Invoice, subscription: Option<&Subscription>, reading: Reading<'_>) -> Option<Paid> {
    if invoice.status.as_deref() != Some("paid") {
        return None;
    }
    let payment_ids = payments(invoice);
    let purchase_id = match (subscription, payment_ids.first()) {
        (None, Some(payment_id)) => payment_id.as_str(),
        _ => invoice.id.as_str(),
    };
    let mut paid = Paid {
        facts: PaidFacts {
            purchase_id: PurchaseId::parse(purchase_id).ok()?,
            amount: positive(invoice.amount_paid),
            currency: invoice.currency.clone(),
            paid_at: invoice.paid_at().unwrap_or(invoice.created),
            invoiced_at: invoice.created,
            customer_id: customer(invoice.customer.as_ref().map(Reference::id)),
            payment_ids,
            packs: Vec::new(),
            plan: None,
        },
        ungranted: Vec::new(),
        is_ours: false,
    };
    let lines = InvoiceReading { invoice, subscription, reading };
    lines.read(&mut paid);
    Some(paid)
}

/// The payments that paid an invoice.
#[must_use]
pub fn payments(invoice: &Invoice) -> Vec<PaymentId> {
    let payments = invoice.payments.as_ref().map(|payments| payments.data.as_slice()).unwrap_or_default();
    let paid = payments.iter().filter(|payment| payment.status == "paid");
    paid.filter_map(|payment| PaymentId::parse(payment.payment.payment_intent.as_ref()?.id()).ok()).collect()
}

struct InvoiceReading<'a> {
    invoice: &'a Invoice,
    subscription: Option<&'a Subscription>,
    reading: Reading<'a>,
}

/// A line of an invoice that a plan was paid by.
struct PlanLine<'a> {
    line: &'a InvoiceLine,
    offer: Offer,
    terms: Terms,
}

impl<'a> InvoiceReading<'a> {
    fn read(&self, paid: &mut Paid) {
        let mut plans = Vec::new();
        for line in &self.invoice.lines.data {
            let raw = self.raw(line);
            match self.reading.sku(&raw) {
                // A credit takes nothing; only what was paid must be known.
                LineSku::Unknown if line.amount > 0 => paid.ungranted.push(unknown(&raw)),
                LineSku::NotCredits | LineSku::Unknown => {}
                LineSku::Offer(offer) => {
                    paid.is_ours = true;
                    if self.counts(line) {
                        self.read_offer(line, &raw, offer, paid, &mut plans);
                    }
                }
            }
        }
        if let Some(plan) = self.choose(plans) {
            paid.facts.plan = Some(self.plan(&plan));
        }
    }

    fn read_offer(
        &self,
        line: &'a InvoiceLine,
        raw: &RawLine<'_>,
        offer: Offer,
        paid: &mut Paid,
        plans: &mut Vec<PlanLine<'a>>,
    ) {
        if let Gives::Plan { .. } = offer.gives
            && let Some(subscription) = self.subscription
        {
            let price = raw.price_id.and_then(|id| self.reading.prices.get(id));
            let agreed =
                [Some(&subscription.metadata), price.map(|price| &price.metadata), Some(&line.metadata)];
            let agreed: Vec<_> = agreed.into_iter().flatten().collect();
            match terms(&offer, raw.quantity, &agreed) {
                Ok(Some(terms)) => plans.push(PlanLine { line, offer, terms }),
                Ok(None) => {}
                Err(why) => paid.ungranted.push(why),
            }
        } else if !line.is_proration() {
            match Reading::pack(raw, &offer) {
                Ok(pack) => paid.facts.packs.push(pack),
                Err(why) => paid.ungranted.push(why),
            }
        }
    }

    fn raw(&self, line: &'a InvoiceLine) -> RawLine<'a> {
        let price_id = line.price_id();
        let only_item = self.subscription.map(|subscription| subscription.items.data.as_slice());
        let is_only = match only_item {
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

    /// Whether a line says that something was paid for: a credit doesn't, nor does a trial, which is free.
    fn counts(&self, line: &InvoiceLine) -> bool {
        // By when it begins: a trial that is ended early has an end before that of its line.
        let is_in_trial = self.subscription.is_some_and(|subscription| {
            let has_begun = subscription.trial_start.is_none_or(|start| start <= line.period.start);
            has_begun && subscription.trial_end.is_some_and(|end| line.period.start < end)
        });
        line.amount >= 0
            && !(line.amount == 0 && is_in_trial)
            && line.quantity != Some(0)
            && !(line.amount == 0 && line.is_proration())
    }

    /// The line of the plan that one is on after this invoice: of several changes the last, and of those made at the
    /// same time the best. What is still a current item outweighs what was passed through.
    fn choose(&self, plans: Vec<PlanLine<'a>>) -> Option<PlanLine<'a>> {
        let items =
            self.subscription.map(|subscription| subscription.items.data.as_slice()).unwrap_or_default();
        let is_current = |plan: &PlanLine<'_>| {
            items.iter().any(|item| {
                Some(item.price.id.as_str()) == plan.line.price_id()
                    && item.quantity.unwrap_or(1) == plan.line.quantity.unwrap_or(1)
            })
        };
        plans.into_iter().max_by_key(|plan| {
            // A renewal's own line covers the next period; what is settled with it is of the one before.
            (!plan.line.is_proration(), is_current(plan), plan.line.period.start, plan.terms.clone())
        })
    }

    fn plan(&self, plan: &PlanLine<'_>) -> PlanFacts {
        let reason = self.invoice.billing_reason.as_deref().unwrap_or_default();
        let has_prorations = self.invoice.lines.data.iter().any(InvoiceLine::is_proration);
        let is_new_period = matches!(reason, "subscription_create" | "subscription_cycle");
        PlanFacts {
            line: Line {
                id: plan.line.id.clone(),
                sku: plan.offer.sku.to_owned(),
                quantity: plan.line.quantity.unwrap_or(1),
                credits: Credits::new(plan.terms.allowance, 0, 0),
            },
            terms: plan.terms.clone(),
            paid_until: plan.line.period.end,
            is_change: !is_new_period && has_prorations,
        }
    }
}

/// A subscription as it is now; `settled` are paid invoices that need not be looked at again.
#[must_use]
pub fn subscription(
    subscription: &Subscription,
    settled: Vec<PurchaseId>,
    reading: Reading<'_>,
) -> Option<SubscriptionFacts> {
    let ended_at = match subscription.status.as_str() {
        "canceled" | "incomplete_expired" => {
            Some(subscription.ended_at.or(subscription.canceled_at).unwrap_or(subscription.created))
        }
        _ => None,
    };
    let items = subscription.items.data.as_slice();
    let item = items.iter().filter_map(|item| {
        let fallback = (items.len() == 1).then_some(&subscription.metadata);
        let price = reading.prices.get(&item.price.id).or(Some(&item.price));
        let LineSku::Offer(offer) = reading.configured.sku(Some(&item.price.id), price, fallback) else {
            return None;
        };
        terms(&offer, item.quantity.unwrap_or(1), &[&subscription.metadata, &item.price.metadata]).ok()?
    });
    Some(SubscriptionFacts {
        id: SubscriptionId::parse(subscription.id.as_str()).ok()?,
        past_due: matches!(subscription.status.as_str(), "past_due" | "unpaid"),
        ended_at,
        item: item.max(),
        settled,
    })
}

/// What became of the money of a purchase: the refunds and disputes of all its payments.
#[must_use]
pub fn money(purchase_id: &PurchaseId, refunds: &[Refund], disputes: &[Dispute]) -> MoneyFacts {
    let of_refund = |refund: &Refund| outflow(&refund.id, OutflowKind::Refund, refund.amount, refund.created);
    let of_dispute =
        |dispute: &Dispute| outflow(&dispute.id, OutflowKind::Dispute, dispute.amount, dispute.created);
    let standing = refunds.iter().filter(|refund| is_refund_gone(&refund.status)).filter_map(of_refund);
    let held = disputes.iter().filter(|dispute| is_dispute_gone(&dispute.status)).filter_map(of_dispute);
    let mut outflows: Vec<_> = standing.chain(held).collect();
    outflows.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    let id = |refund: &Refund| RefundId::parse(refund.id.as_str()).ok();
    let failed = refunds.iter().filter(|refund| !is_refund_gone(&refund.status)).filter_map(id).collect();
    let attempt = |refund: &Refund| Some((id(refund)?, refund.metadata.get(ATTEMPT)?.parse().ok()?));
    let attempts = refunds.iter().filter_map(attempt).collect();
    MoneyFacts { purchase_id: purchase_id.clone(), outflows, failed, attempts }
}

/// The metadata of our own refunds that says which attempt it was.
pub const ATTEMPT: &str = "scrip_attempt";

/// Whether a refund of that status holds money: Stripe took it from the merchant's balance.
fn is_refund_gone(status: &str) -> bool {
    matches!(status, "succeeded" | "pending" | "requires_action")
}

/// Whether a dispute of that status holds money. An inquiry doesn't, nor one that was won or prevented.
fn is_dispute_gone(status: &str) -> bool {
    matches!(status, "needs_response" | "under_review" | "lost")
}

fn outflow(id: &str, kind: OutflowKind, amount: i64, at: DateTime<Utc>) -> Option<Outflow> {
    let amount = positive(amount);
    (amount > 0).then_some(Outflow { id: OutflowId::parse(id).ok()?, kind, amount, at })
}

fn paid_at(intent: &PaymentIntent) -> DateTime<Utc> {
    intent.charge().map_or(intent.created, |charge| charge.created)
}

fn positive(amount: i64) -> u64 {
    amount.max(0).unsigned_abs()
}

fn customer(id: Option<&str>) -> Option<CustomerId> {
    CustomerId::parse(id?).ok()
}
