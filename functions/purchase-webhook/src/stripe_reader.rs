//! Reads a subject from Stripe's API: sessions, payments, and invoices without a subscription here; subscriptions in
//! `subscription`.

mod charges;
mod prices;
mod subscription;

use std::collections::BTreeSet;

use scrip_accounts::{Purchase, PurchaseId};
use scrip_stripe::{
    Api, ConfiguredPrices,
    facts::{self, PaymentContents, Prices},
    objects::{Expandable, Invoice, Session},
};

use crate::{
    failure::Failure,
    findings::{AccountHints, Findings, Lookup, UngrantedPayment},
    records::KnownRecords,
    subject::Subject,
};
use charges::may_have_outflows;
use prices::PriceReader;
use subscription::SubscriptionReader;

/// Reads subjects from Stripe.
pub(crate) struct StripeReader<'a> {
    pub(crate) api: &'a Api<'a>,
    pub(crate) configured: &'a ConfiguredPrices,
    /// Whether to read every invoice of a subscription, even those that are recorded.
    pub(crate) is_thorough: bool,
}

/// A payment that no subscription makes.
struct OneOffPayment<'a> {
    contents: PaymentContents,
    hints: AccountHints,
    /// The kind and the id of Stripe's object.
    object: (&'static str, &'a str),
    /// Whether some of its money may have been refunded or disputed.
    may_have_outflows: bool,
}

impl StripeReader<'_> {
    /// Reads a subject, except for the invoices in `seen`, which this application has read before.
    pub(crate) async fn read(
        &self,
        subject: &Subject,
        known: &KnownRecords,
        seen: &BTreeSet<String>,
    ) -> Result<Lookup, Failure> {
        let lookup = match subject {
            Subject::Session { id, .. } => self.session(id, known).await,
            Subject::Subscription { id, invoice } => {
                let (prices, is_thorough) = (self.prices(), self.is_thorough);
                let reader = SubscriptionReader { api: self.api, prices, is_thorough, known };
                reader.read(id, invoice.as_deref(), seen).await
            }
            Subject::Invoice(id) => self.invoice(id, known).await,
            Subject::Payment { id, with_money } => self.payment(id, *with_money, known).await,
            Subject::Charge(id) => self.charge(id).await,
        };
        match lookup {
            Err(Failure::Stripe(scrip_stripe::Error::Missing)) => Ok(Lookup::Foreign),
            lookup => lookup,
        }
    }

    fn prices(&self) -> PriceReader<'_> {
        PriceReader { api: self.api, configured: self.configured }
    }

    async fn session(&self, id: &str, known: &KnownRecords) -> Result<Lookup, Failure> {
        let session = self.api.session(id).await?;
        if session.mode == "subscription" {
            return Ok(match &session.subscription {
                Some(subscription) => {
                    Lookup::Redirect(Subject::of_subscription(subscription.id().to_owned(), None))
                }
                None => Lookup::NothingPaid,
            });
        }
        let items = session.line_items.as_ref().map(|items| items.data.as_slice()).unwrap_or_default();
        let shown = items.iter().filter_map(|item| item.price.as_ref()?.object().cloned());
        let shown = shown.map(|price| (price.id.clone(), price)).collect();
        let ids = items.iter().filter_map(|item| Some(item.price.as_ref()?.id()));
        let prices = self.prices().complete(shown, ids).await?;
        let Some(contents) = facts::session(&session, self.prices().sources(&prices)) else {
            return Ok(Lookup::NothingPaid);
        };
        let intent = session.payment_intent.as_ref().and_then(|intent| intent.object());
        let mut hints = AccountHints::from_customer(contents.facts.customer_id.clone());
        hints.add_metadata(&session.metadata);
        if let Some(intent) = intent {
            hints.add_metadata(&intent.metadata);
        }
        hints.add_name(session.client_reference_id.clone());
        let payment = OneOffPayment {
            contents,
            hints,
            object: ("checkout.session", id),
            may_have_outflows: intent.and_then(|intent| intent.charge()).is_some_and(may_have_outflows),
        };
        self.one_off(payment, known).await
    }

    async fn one_off(&self, payment: OneOffPayment<'_>, known: &KnownRecords) -> Result<Lookup, Failure> {
        let OneOffPayment { contents, hints, object: (kind, id), may_have_outflows } = payment;
        let purchase_id = contents.facts.purchase_id.clone();
        let mut findings = Findings { hints, is_ours: contents.is_ours, ..Findings::default() };
        let recorded = known.purchases.get(&purchase_id);
        if may_have_outflows || recorded.is_some_and(|purchase| !purchase.outflows.is_empty()) {
            findings.facts.money.push(self.api.money(&purchase_id, &contents.facts.payment_ids).await?);
        }
        if !contents.ungranted.is_empty() {
            let (object, reasons) = ((kind, id.to_owned()), contents.ungranted);
            findings.ungranted.push(UngrantedPayment { object, purchase_id, reasons });
        }
        findings.facts.paid.push(contents.facts);
        Ok(Lookup::Found(Box::new(findings)))
    }

    async fn invoice(&self, id: &str, known: &KnownRecords) -> Result<Lookup, Failure> {
        let recorded = known.purchases.values().find_map(|purchase| purchase.subscription_id.as_ref());
        if let Some(subscription_id) = recorded {
            let id = Some(id.to_owned());
            return Ok(Lookup::Redirect(Subject::of_subscription(subscription_id.to_string(), id)));
        }
        let invoice = self.api.invoice(id).await?;
        if let Some(subscription) = subscription_of(&invoice) {
            return Ok(Lookup::Redirect(subscription));
        }
        if let Some(session) = self.session_of_invoice(&invoice).await? {
            return Ok(Lookup::Redirect(session));
        }
        let ids = invoice.lines.data.iter().filter_map(|line| line.price_id());
        let prices = self.prices().complete(Prices::new(), ids).await?;
        let Some(contents) = facts::invoice(&invoice, None, self.prices().sources(&prices)) else {
            return Ok(Lookup::NothingPaid);
        };
        let mut hints = AccountHints::from_customer(contents.facts.customer_id.clone());
        hints.add_metadata(&invoice.metadata);
        let recorded = known.purchases.get(&contents.facts.purchase_id);
        let may_have_outflows = self.invoice_may_have_outflows(&contents, recorded).await?;
        let payment = OneOffPayment { contents, hints, object: ("invoice", id), may_have_outflows };
        self.one_off(payment, known).await
    }

    /// Whether the refunds and disputes of an invoice's payments must be read. They need not be if each payment's
    /// charge shows that it has none.
    async fn invoice_may_have_outflows(
        &self,
        contents: &PaymentContents,
        recorded: Option<&Purchase>,
    ) -> Result<bool, Failure> {
        if recorded.is_some_and(|purchase| !purchase.outflows.is_empty()) {
            return Ok(true);
        }
        for payment_id in &contents.facts.payment_ids {
            let intent = self.api.payment_intent(payment_id.as_str()).await?;
            if intent.charge().is_some_and(may_have_outflows) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The checkout session that made an invoice without a subscription. The session's line items show what was bought.
    async fn session_of_invoice(&self, invoice: &Invoice) -> Result<Option<Subject>, Failure> {
        let payments = invoice.payments.as_ref().map(|payments| payments.data.as_slice()).unwrap_or_default();
        for payment in payments.iter().filter_map(|payment| payment.payment.payment_intent.as_ref()) {
            if let Some(session) = self.api.session_of_payment(payment.id()).await? {
                return Ok(Some(Subject::Session { id: session.id, payment: Some(payment.id().to_owned()) }));
            }
        }
        let Some(customer) = invoice.customer.as_ref().filter(|_| payments.is_empty()) else {
            return Ok(None);
        };
        let sessions = self.api.sessions_of_customer(customer.id()).await?;
        let made_invoice = |session: &&Session| {
            session.invoice.as_ref().is_some_and(|of_session| of_session.id() == invoice.id)
        };
        let session = sessions.iter().find(made_invoice);
        Ok(session.map(|session| Subject::Session { id: session.id.clone(), payment: None }))
    }

    async fn payment(&self, id: &str, with_money: bool, known: &KnownRecords) -> Result<Lookup, Failure> {
        // A recorded purchase may be granted in part only, so a thorough lookup reads again what was bought.
        if let Some((purchase_id, purchase)) = known.purchases.iter().next().filter(|_| !self.is_thorough) {
            return self.recorded_payment(id, with_money, purchase_id, purchase).await;
        }
        let invoice = self.api.invoice_of_payment(id).await?;
        if let Some(subscription) = invoice.as_ref().and_then(Expandable::object).and_then(subscription_of) {
            return Ok(Lookup::Redirect(subscription));
        }
        if let Some(session) = self.api.session_of_payment(id).await? {
            let payment = Some(id.to_owned());
            return Ok(Lookup::Redirect(Subject::Session { id: session.id, payment }));
        }
        if let Some(invoice) = invoice {
            return Ok(Lookup::Redirect(Subject::Invoice(invoice.id().to_owned())));
        }
        let intent = self.api.payment_intent(id).await?;
        let no_prices = Prices::new();
        let Some(contents) = facts::payment_intent(&intent, self.prices().sources(&no_prices)) else {
            return Ok(Lookup::NothingPaid);
        };
        let mut hints = AccountHints::from_customer(contents.facts.customer_id.clone());
        hints.add_metadata(&intent.metadata);
        let may_have_outflows = intent.charge().is_some_and(may_have_outflows);
        let payment = OneOffPayment { contents, hints, object: ("payment_intent", id), may_have_outflows };
        self.one_off(payment, known).await
    }

    /// Reads the refunds and disputes of a recorded purchase.
    async fn recorded_payment(
        &self,
        id: &str,
        with_money: bool,
        purchase_id: &PurchaseId,
        purchase: &Purchase,
    ) -> Result<Lookup, Failure> {
        let must_read_money = with_money || !purchase.outflows.is_empty() || {
            let intent = self.api.payment_intent(id).await?;
            intent.charge().is_some_and(may_have_outflows)
        };
        let subscription_id = purchase.subscription_id.clone();
        let mut findings = Findings { subscription_id, ..Findings::default() };
        findings.checked_purchases.push(purchase_id.clone());
        if must_read_money {
            findings.facts.money.push(self.api.money(purchase_id, &purchase.payment_ids).await?);
        }
        Ok(Lookup::Found(Box::new(findings)))
    }

    async fn charge(&self, id: &str) -> Result<Lookup, Failure> {
        let charge = self.api.charge(id).await?;
        Ok(match charge.payment_intent {
            Some(payment) => {
                Lookup::Redirect(Subject::Payment { id: payment.id().to_owned(), with_money: true })
            }
            // A charge without a payment intent is older than payment intents, so it pays for nothing of ours.
            None => Lookup::Foreign,
        })
    }

    /// Adds the account's names from the checkout session that made the subscription, if one did.
    pub(crate) async fn add_session_hints(&self, findings: &mut Findings) -> Result<(), Failure> {
        let Some(subscription_id) = &findings.subscription_id else { return Ok(()) };
        let Some(session) = self.api.session_of_subscription(subscription_id.as_str()).await? else {
            return Ok(());
        };
        findings.hints.add_metadata(&session.metadata);
        findings.hints.add_name(session.client_reference_id);
        Ok(())
    }
}

/// The subscription of an invoice, to be read in place of the invoice; `None` if the invoice has none.
fn subscription_of(invoice: &Invoice) -> Option<Subject> {
    let id = invoice.subscription_id()?.to_owned();
    Some(Subject::of_subscription(id, Some(invoice.id.clone())))
}
