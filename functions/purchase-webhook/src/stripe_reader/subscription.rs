//! Reads a subscription with its invoices, and the refunds and disputes of what they paid.

use std::collections::BTreeSet;

use scrip_accounts::{CustomerId, SubscriptionId};
use scrip_stripe::{
    Api, facts,
    objects::{Invoice, Reference, Subscription},
};

use super::{charges::CustomerCharges, prices::PriceReader};
use crate::{
    failure::Failure,
    findings::{Findings, Lookup, UngrantedPayment},
    records::KnownRecords,
};

/// How many items of a write an invoice takes, apart from those of its payments: its purchase, the purchase in the list
/// and by the invoice's id, and two entries.
const INVOICE_ITEMS: usize = 5;
/// How many items of a write the invoices of one lookup take at most; more invoices wait for the next lookup. DynamoDB
/// takes 100 items a write; the rest are for up to 16 holds that are released, and two turns of a month.
const ITEMS_MAX: usize = 54;
/// The most recorded purchases whose revisions one write checks, because a write has at most 100 items. If a subscription
/// has more, its own record's revision guards them too.
const CHECKED_PURCHASES_MAX: usize = 20;

/// Reads subscriptions.
pub(super) struct SubscriptionReader<'a> {
    pub(super) api: &'a Api<'a>,
    pub(super) prices: PriceReader<'a>,
    /// Whether to read every invoice, even those that are recorded.
    pub(super) is_thorough: bool,
    pub(super) known: &'a KnownRecords,
}

impl SubscriptionReader<'_> {
    /// Reads a subscription, its paid invoices that aren't recorded or in `seen`, and the invoice `named` in any case.
    pub(super) async fn read(
        &self,
        id: &str,
        named: Option<&str>,
        seen: &BTreeSet<String>,
    ) -> Result<Lookup, Failure> {
        let record = self.known.subscription.as_ref();
        let is_recorded = |invoice: &str| {
            !self.is_thorough
                && record.is_some_and(|record| record.recorded.iter().any(|known| known.as_str() == invoice))
        };
        let mut invoices = self.api.paid_invoices_of_subscription(id, is_recorded).await?;
        let shown =
            invoices.first().and_then(|newest| newest.subscription()?.subscription.as_ref()?.object());
        let subscription = match shown.filter(|shown| facts::is_shown_whole(shown, self.prices.configured)) {
            Some(shown) => shown.clone(),
            None => self.api.subscription(id).await?,
        };
        if let Some(named) = named
            && !invoices.iter().any(|invoice| invoice.id == named)
        {
            match self.api.invoice(named).await {
                Ok(invoice) => invoices.push(invoice),
                Err(scrip_stripe::Error::Missing) => {}
                Err(why) => return Err(why.into()),
            }
        }
        invoices.retain(|invoice| named == Some(invoice.id.as_str()) || !is_recorded(&invoice.id));
        invoices.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        invoices.retain(|invoice| !seen.contains(&invoice.id));
        let fitting = count_fitting(&invoices);
        let has_more = invoices.len() > fitting;
        invoices.truncate(fitting);
        let charges = self.charges(&subscription, &invoices).await?;
        let mut findings = self.findings(&subscription, &invoices, &charges).await?;
        findings.has_more = has_more;
        findings.invoices = invoices.into_iter().map(|invoice| invoice.id).collect();
        Ok(Lookup::Found(Box::new(findings)))
    }

    async fn findings(
        &self,
        subscription: &Subscription,
        invoices: &[Invoice],
        charges: &CustomerCharges,
    ) -> Result<Findings, Failure> {
        let known = self.known;
        let shown = subscription.items.data.iter().map(|item| (item.price.id.clone(), item.price.clone()));
        let lines = invoices.iter().flat_map(|invoice| &invoice.lines.data);
        let prices = self.prices.complete(shown.collect(), lines.filter_map(|line| line.price_id())).await?;
        let sources = self.prices.sources(&prices);
        let subscription_id =
            SubscriptionId::parse(subscription.id.as_str()).map_err(|_| Failure::Foreign)?;
        let mut findings = Findings { subscription_id: Some(subscription_id), ..Findings::default() };
        findings.hints.add_metadata(&subscription.metadata);
        let customer = subscription.customer.as_ref().map(Reference::id);
        findings.hints.customer_id = customer.and_then(|customer| CustomerId::parse(customer).ok());
        findings.checked_purchases.extend(known.purchases.keys().take(CHECKED_PURCHASES_MAX).cloned());
        for purchase in known.purchases.values() {
            let is_read_below = invoices.iter().any(|invoice| invoice.id == purchase.id.as_str());
            if !is_read_below && charges.may_have_outflows(&purchase.payment_ids, Some(purchase)) {
                findings.facts.money.push(self.api.money(&purchase.id, &purchase.payment_ids).await?);
            }
        }
        let mut settled = Vec::new();
        for invoice in invoices {
            let Some(contents) = facts::invoice(invoice, Some(subscription), sources) else { continue };
            findings.is_ours |= contents.is_ours;
            findings.hints.add_metadata(&invoice.metadata);
            if let Some(details) = invoice.subscription() {
                findings.hints.add_metadata(&details.metadata);
            }
            let purchase_id = contents.facts.purchase_id.clone();
            if charges.may_have_outflows(&contents.facts.payment_ids, known.purchases.get(&purchase_id)) {
                let money = self.api.money(&purchase_id, &contents.facts.payment_ids).await?;
                findings.facts.money.push(money);
            }
            let grants = contents.facts.plan.is_some() || !contents.facts.packs.is_empty();
            let mut reasons = contents.ungranted;
            let is_paid = contents.facts.amount > 0;
            if reasons.is_empty() && !grants && is_paid && !self.prices.sells_no_credits(invoice) {
                reasons.push("none of its lines grants anything".to_owned());
            }
            if !reasons.is_empty() {
                let (object, purchase_id) = (("invoice", invoice.id.clone()), purchase_id.clone());
                findings.ungranted.push(UngrantedPayment { object, purchase_id, reasons });
            }
            settled.push(purchase_id);
            if grants {
                findings.facts.paid.push(contents.facts);
            }
        }
        let facts = facts::subscription(subscription, settled, sources);
        findings.is_ours |= facts.as_ref().is_some_and(|facts| facts.item.is_some());
        findings.facts.subscription = facts;
        Ok(findings)
    }

    /// The charges of the subscription's customer, back to the oldest payment whose money still counts.
    async fn charges(
        &self,
        subscription: &Subscription,
        invoices: &[Invoice],
    ) -> Result<CustomerCharges, Failure> {
        let recorded =
            self.known.purchases.values().flat_map(|purchase| purchase.payment_ids.iter().cloned());
        let payments: Vec<_> = recorded.chain(invoices.iter().flat_map(facts::payment_ids)).collect();
        Ok(CustomerCharges(match subscription.customer.as_ref().map(Reference::id) {
            Some(customer) if !payments.is_empty() => {
                match self.api.charges_of_customer(customer, &payments).await {
                    // The customer was deleted.
                    Err(scrip_stripe::Error::Missing) => Vec::new(),
                    charges => charges?,
                }
            }
            _ => Vec::new(),
        }))
    }
}

/// How many of the invoices, oldest first, fit into one write; at least one.
fn count_fitting(invoices: &[Invoice]) -> usize {
    let mut items = 0;
    let fitting = invoices.iter().take_while(|invoice| {
        items += INVOICE_ITEMS + facts::payment_ids(invoice).len();
        items <= ITEMS_MAX
    });
    fitting.count().max(1)
}
