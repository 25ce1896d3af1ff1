//! Looks at a subject: reads from the provider what there is to know of it, over records that were read before.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use scrip_accounts::{
    AccountId, CustomerId, PaymentId, Purchase, PurchaseId, Records, SubscriptionId, SubscriptionRecord,
    facts::{Facts, MoneyFacts},
};
use scrip_ledger::Ledger;
use scrip_stripe::{
    Api, ConfiguredPrices,
    facts::{self, Paid, Prices, Reading},
    objects::{Charge, Expandable, Invoice, Metadata, Reference, Subscription},
};

use crate::{failure::Failure, subject::Subject};

/// The records that were read before the provider was: the facts are written over these revisions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Before {
    /// The account that the subject is known to belong to.
    pub(crate) account_id: Option<AccountId>,
    /// The subscription's record.
    pub(crate) subscription: Option<SubscriptionRecord>,
    /// The purchases' records, by id; those that aren't named had none, as far as is known.
    pub(crate) purchases: BTreeMap<PurchaseId, Purchase>,
}

impl Before {
    /// The records that the facts stand on.
    pub(crate) fn records(&self) -> Records {
        let purchases = self.purchases.values().cloned().collect();
        Records { subscription: self.subscription.clone(), purchases }
    }
}

/// Whose something may be, by what the provider's objects say, in the order in which they count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hints {
    /// `metadata.account_id`s, then a `client_reference_id`.
    pub(crate) named: Vec<String>,
    /// Who paid.
    pub(crate) customer_id: Option<CustomerId>,
}

impl Hints {
    fn name(&mut self, metadata: &Metadata) {
        self.named.extend(metadata.get("account_id").filter(|name| !name.is_empty()).cloned());
    }
}

/// Something paid that can't be granted whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ungranted {
    /// The provider's name of the kind of object, and its id.
    pub(crate) object: (&'static str, String),
    /// The purchase, which is looked at again with it.
    pub(crate) purchase_id: PurchaseId,
    /// Why: a sentence for each line.
    pub(crate) reasons: Vec<String>,
}

/// What was found out about a subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) facts: Facts,
    pub(crate) subscription_id: Option<SubscriptionId>,
    pub(crate) hints: Hints,
    pub(crate) ungranted: Vec<Ungranted>,
    /// The purchases on record whose money was looked at, whether any of it is gone or not.
    pub(crate) looked_at: Vec<PurchaseId>,
    /// Whether a SKU of ours is named.
    pub(crate) is_ours: bool,
    /// The invoices that were looked at, of which there are more if `has_more`.
    pub(crate) invoices: Vec<String>,
    pub(crate) has_more: bool,
}

impl Found {
    /// The purchases that the facts speak of.
    pub(crate) fn purchase_ids(&self) -> BTreeSet<&PurchaseId> {
        let paid = self.facts.paid.iter().map(|paid| &paid.purchase_id);
        paid.chain(self.facts.money.iter().map(|money| &money.purchase_id)).collect()
    }

    /// These, and the purchases on record whose money is as it was.
    pub(crate) fn all_purchase_ids(&self) -> Vec<PurchaseId> {
        let mut ids = self.purchase_ids();
        ids.extend(&self.looked_at);
        ids.into_iter().cloned().collect()
    }
}

/// What a look comes to.
#[derive(Debug)]
pub(crate) enum Look {
    /// These are the facts.
    Found(Box<Found>),
    /// Another object says what there is to know: that is looked at instead.
    Elsewhere(Subject),
    /// Nothing was paid: there is nothing to do.
    Nothing,
    /// The provider doesn't show it, or it is nothing of ours.
    Foreign,
}

/// Reads subjects.
pub(crate) struct Looker<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) api: &'a Api<'a>,
    pub(crate) configured: &'a ConfiguredPrices,
    /// Whether every invoice of a subscription is looked at, also those that were recorded.
    pub(crate) is_thorough: bool,
    pub(crate) now: DateTime<Utc>,
}

/// How many items of the table an invoice takes, but for those of its payments: its purchase, that in the list and by the
/// invoice's id, and two entries.
const INVOICE_ITEMS: usize = 5;
/// How many of the hundred items of a write the invoices of one look take: more wait for the next. Up to sixteen holds
/// may be released by the same write, and two months turned.
const ITEMS_MAX: usize = 54;
/// The most purchases on record that one look holds others back of: a write has a hundred items at most. More than that
/// are payments of one subscription, whose record holds them back as well.
const LOOKED_AT_MAX: usize = 20;

impl Looker<'_> {
    /// Reads what is known of a subject.
    pub(crate) async fn before(&self, subject: &Subject) -> Result<Before, Failure> {
        let mut before = Before::default();
        match subject {
            Subject::Subscription { id, invoice } => {
                if let Ok(id) = SubscriptionId::parse(id.as_str())
                    && let Some((account_id, record)) = self.ledger.subscription(&id).await?
                {
                    (before.account_id, before.subscription) = (Some(account_id), Some(record));
                }
                let ids = before.subscription.iter().flat_map(|record| record.running(self.now));
                let ids: Vec<_> = ids.map(ToString::to_string).chain(invoice.clone()).collect();
                for id in ids {
                    self.add_purchase(&mut before, &id).await?;
                }
            }
            Subject::Session { id, payment } => {
                self.add_purchase(&mut before, payment.as_ref().unwrap_or(id)).await?;
            }
            Subject::Payment { id, .. } | Subject::Invoice(id) => self.add_purchase(&mut before, id).await?,
            Subject::Charge(_) => {}
        }
        Ok(before)
    }

    /// Reads the purchase that a payment, an invoice or a session is for, if one is recorded.
    pub(crate) async fn add_purchase(&self, before: &mut Before, id: &str) -> Result<(), Failure> {
        let (Some(account_id), purchase_id) = self.owner(id).await? else { return Ok(()) };
        if let Some(purchase) = self.ledger.purchase(&account_id, &purchase_id).await? {
            if let Some(id) = purchase.subscription_id.as_ref().filter(|_| before.subscription.is_none()) {
                before.subscription = self.ledger.subscription(id).await?.map(|(_, record)| record);
            }
            before.purchases.insert(purchase_id, purchase);
        }
        before.account_id.get_or_insert(account_id);
        Ok(())
    }

    async fn owner(&self, id: &str) -> Result<(Option<AccountId>, PurchaseId), Failure> {
        let purchase_id = PurchaseId::parse(id).map_err(|_| Failure::Foreign)?;
        let payment = PaymentId::parse(id).map_err(|_| Failure::Foreign)?;
        Ok(match self.ledger.payment(&payment).await? {
            Some((account_id, purchase_id)) => (Some(account_id), purchase_id),
            None => (None, purchase_id),
        })
    }

    /// Reads from the provider what there is to know of a subject, but for the invoices that this application has seen.
    pub(crate) async fn look(
        &self,
        subject: &Subject,
        before: &Before,
        seen: &BTreeSet<String>,
    ) -> Result<Look, Failure> {
        let look = match subject {
            Subject::Session { id, .. } => self.session(id, before).await,
            Subject::Subscription { id, invoice } => {
                self.subscription(id, invoice.as_deref(), before, seen).await
            }
            Subject::Invoice(id) => self.invoice(id, before).await,
            Subject::Payment { id, with_money } => self.payment(id, *with_money, before).await,
            Subject::Charge(id) => self.charge(id).await,
        };
        match look {
            Err(Failure::Stripe(scrip_stripe::Error::Missing)) => Ok(Look::Foreign),
            look => look,
        }
    }

    async fn session(&self, id: &str, before: &Before) -> Result<Look, Failure> {
        let session = self.api.session(id).await?;
        if session.mode == "subscription" {
            return Ok(match &session.subscription {
                Some(subscription) => {
                    Look::Elsewhere(Subject::of_subscription(subscription.id().to_owned(), None))
                }
                None => Look::Nothing,
            });
        }
        let items = session.line_items.as_ref().map(|items| items.data.as_slice()).unwrap_or_default();
        let shown = items.iter().filter_map(|item| item.price.as_ref()?.object().cloned());
        let ids = items.iter().filter_map(|item| Some(item.price.as_ref()?.id()));
        let prices = self.prices(shown.map(|price| (price.id.clone(), price)).collect(), ids).await?;
        let Some(paid) = facts::session(&session, self.reading(&prices)) else { return Ok(Look::Nothing) };
        let intent = session.payment_intent.as_ref().and_then(|intent| intent.object());
        let is_moved = intent.and_then(|intent| intent.charge()).is_some_and(is_moved);
        let mut hints = Hints { customer_id: paid.facts.customer_id.clone(), ..Hints::default() };
        hints.name(&session.metadata);
        if let Some(intent) = intent {
            hints.name(&intent.metadata);
        }
        hints.named.extend(session.client_reference_id.clone().filter(|name| !name.is_empty()));
        self.one_off(paid, hints, ("checkout.session", id), is_moved, before).await
    }

    /// What was found of something that was paid once; `is_moved` if some of its money may be gone.
    async fn one_off(
        &self,
        paid: Paid,
        hints: Hints,
        object: (&'static str, &str),
        is_moved: bool,
        before: &Before,
    ) -> Result<Look, Failure> {
        let purchase_id = paid.facts.purchase_id.clone();
        let mut found = Found { hints, is_ours: paid.is_ours, ..Found::default() };
        let known = before.purchases.get(&purchase_id);
        if is_moved || known.is_some_and(|known| !known.outflows.is_empty()) {
            found.facts.money.push(self.money(&purchase_id, &paid.facts.payment_ids).await?);
        }
        if !paid.ungranted.is_empty() {
            let (kind, id) = object;
            found.ungranted.push(Ungranted {
                object: (kind, id.to_owned()),
                purchase_id,
                reasons: paid.ungranted,
            });
        }
        found.facts.paid.push(paid.facts);
        Ok(Look::Found(Box::new(found)))
    }

    async fn subscription(
        &self,
        id: &str,
        named: Option<&str>,
        before: &Before,
        seen: &BTreeSet<String>,
    ) -> Result<Look, Failure> {
        let record = before.subscription.as_ref();
        let is_known = |invoice: &str| {
            !self.is_thorough
                && record.is_some_and(|record| record.recorded.iter().any(|known| known.as_str() == invoice))
        };
        let mut invoices = self.api.paid_invoices_of_subscription(id, is_known).await?;
        let shown =
            invoices.first().and_then(|newest| newest.subscription()?.subscription.as_ref()?.object());
        let subscription = match shown.filter(|shown| facts::is_shown_whole(shown, self.configured)) {
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
        invoices.retain(|invoice| named == Some(invoice.id.as_str()) || !is_known(&invoice.id));
        invoices.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        invoices.retain(|invoice| !seen.contains(&invoice.id));
        let mut items = 0;
        let fitting = invoices.iter().take_while(|invoice| {
            items += INVOICE_ITEMS + facts::payments(invoice).len();
            items <= ITEMS_MAX
        });
        let fitting = fitting.count().max(1);
        let has_more = invoices.len() > fitting;
        invoices.truncate(fitting);
        let charges = self.charges(&subscription, &invoices, before).await?;
        let mut found = self.found_of_subscription(&subscription, &invoices, &charges, before).await?;
        found.has_more = has_more;
        found.invoices = invoices.into_iter().map(|invoice| invoice.id).collect();
        Ok(Look::Found(Box::new(found)))
    }

    async fn found_of_subscription(
        &self,
        subscription: &Subscription,
        invoices: &[Invoice],
        charges: &Charges,
        before: &Before,
    ) -> Result<Found, Failure> {
        let shown = subscription.items.data.iter().map(|item| (item.price.id.clone(), item.price.clone()));
        let ids = invoices.iter().flat_map(|invoice| &invoice.lines.data);
        let prices = self.prices(shown.collect(), ids.filter_map(|line| line.price_id())).await?;
        let reading = self.reading(&prices);
        let subscription_id =
            SubscriptionId::parse(subscription.id.as_str()).map_err(|_| Failure::Foreign)?;
        let mut found = Found { subscription_id: Some(subscription_id), ..Found::default() };
        found.hints.name(&subscription.metadata);
        let customer = subscription.customer.as_ref().map(Reference::id);
        found.hints.customer_id = customer.and_then(|customer| CustomerId::parse(customer).ok());
        found.looked_at.extend(before.purchases.keys().take(LOOKED_AT_MAX).cloned());
        for purchase in before.purchases.values() {
            let is_new = invoices.iter().any(|invoice| invoice.id == purchase.id.as_str());
            if !is_new && charges.are_moved(&purchase.payment_ids, Some(purchase)) {
                found.facts.money.push(self.money(&purchase.id, &purchase.payment_ids).await?);
            }
        }
        let mut settled = Vec::new();
        for invoice in invoices {
            let Some(paid) = facts::invoice(invoice, Some(subscription), reading) else { continue };
            found.is_ours |= paid.is_ours;
            found.hints.name(&invoice.metadata);
            if let Some(details) = invoice.subscription() {
                found.hints.name(&details.metadata);
            }
            let purchase_id = paid.facts.purchase_id.clone();
            if charges.are_moved(&paid.facts.payment_ids, before.purchases.get(&purchase_id)) {
                found.facts.money.push(self.money(&purchase_id, &paid.facts.payment_ids).await?);
            }
            let grants = paid.facts.plan.is_some() || !paid.facts.packs.is_empty();
            let mut reasons = paid.ungranted;
            if reasons.is_empty() && !grants && paid.facts.amount > 0 && !self.is_all_mapped_away(invoice) {
                reasons.push("none of its lines grants anything".to_owned());
            }
            if !reasons.is_empty() {
                let object = ("invoice", invoice.id.clone());
                found.ungranted.push(Ungranted { object, purchase_id: purchase_id.clone(), reasons });
            }
            settled.push(purchase_id);
            if grants {
                found.facts.paid.push(paid.facts);
            }
        }
        let facts = facts::subscription(subscription, settled, reading);
        found.is_ours |= facts.as_ref().is_some_and(|facts| facts.item.is_some());
        found.facts.subscription = facts;
        Ok(found)
    }

    /// Whether the configuration says of every line that was paid that it isn't about credits.
    fn is_all_mapped_away(&self, invoice: &Invoice) -> bool {
        let mut paid = invoice.lines.data.iter().filter(|line| line.amount > 0);
        paid.all(|line| {
            line.price_id().is_some_and(|id| {
                self.configured.sku(Some(id), None, None) == scrip_stripe::LineSku::NotCredits
            })
        })
    }

    /// Whether refunds and disputes of an invoice's payments must be read: not where the charges say that there are none.
    async fn is_money_moved(&self, paid: &Paid, recorded: Option<&Purchase>) -> Result<bool, Failure> {
        if recorded.is_some_and(|purchase| !purchase.outflows.is_empty()) {
            return Ok(true);
        }
        for payment_id in &paid.facts.payment_ids {
            let intent = self.api.payment_intent(payment_id.as_str()).await?;
            if intent.charge().is_some_and(is_moved) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn invoice(&self, id: &str, before: &Before) -> Result<Look, Failure> {
        let known = before.purchases.values().find_map(|purchase| purchase.subscription_id.as_ref());
        if let Some(subscription_id) = known {
            let id = Some(id.to_owned());
            return Ok(Look::Elsewhere(Subject::of_subscription(subscription_id.to_string(), id)));
        }
        let invoice = self.api.invoice(id).await?;
        if let Some(subscription) = subject_of(&invoice) {
            return Ok(Look::Elsewhere(subscription));
        }
        if let Some(session) = self.session_of_invoice(&invoice).await? {
            return Ok(Look::Elsewhere(session));
        }
        let lines = invoice.lines.data.iter().filter_map(|line| line.price_id());
        let prices = self.prices(Prices::new(), lines).await?;
        let Some(paid) = facts::invoice(&invoice, None, self.reading(&prices)) else {
            return Ok(Look::Nothing);
        };
        let mut hints = Hints { customer_id: paid.facts.customer_id.clone(), ..Hints::default() };
        hints.name(&invoice.metadata);
        let is_moved = self.is_money_moved(&paid, before.purchases.get(&paid.facts.purchase_id)).await?;
        self.one_off(paid, hints, ("invoice", id), is_moved, before).await
    }

    /// The checkout session that made an invoice without a subscription: its line items say what was bought.
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
        let made = |session: &&scrip_stripe::objects::Session| {
            session.invoice.as_ref().is_some_and(|made| made.id() == invoice.id)
        };
        Ok(sessions
            .iter()
            .find(made)
            .map(|session| Subject::Session { id: session.id.clone(), payment: None }))
    }

    async fn payment(&self, id: &str, with_money: bool, before: &Before) -> Result<Look, Failure> {
        // What is recorded may be granted in part only: a thorough look begins with what was bought.
        if let Some((purchase_id, purchase)) = before.purchases.iter().next().filter(|_| !self.is_thorough) {
            return self.known_payment(id, with_money, purchase_id, purchase).await;
        }
        let invoice = self.api.invoice_of_payment(id).await?;
        if let Some(subscription) = invoice.as_ref().and_then(Expandable::object).and_then(subject_of) {
            return Ok(Look::Elsewhere(subscription));
        }
        if let Some(session) = self.api.session_of_payment(id).await? {
            return Ok(Look::Elsewhere(Subject::Session { id: session.id, payment: Some(id.to_owned()) }));
        }
        if let Some(invoice) = invoice {
            return Ok(Look::Elsewhere(Subject::Invoice(invoice.id().to_owned())));
        }
        let intent = self.api.payment_intent(id).await?;
        let Some(paid) = facts::payment(&intent, self.reading(&Prices::new())) else {
            return Ok(Look::Nothing);
        };
        let mut hints = Hints { customer_id: paid.facts.customer_id.clone(), ..Hints::default() };
        hints.name(&intent.metadata);
        let is_moved = intent.charge().is_some_and(is_moved);
        self.one_off(paid, hints, ("payment_intent", id), is_moved, before).await
    }

    /// What became of the money of a purchase that is recorded.
    async fn known_payment(
        &self,
        id: &str,
        with_money: bool,
        purchase_id: &PurchaseId,
        purchase: &Purchase,
    ) -> Result<Look, Failure> {
        let is_moved = with_money || !purchase.outflows.is_empty() || {
            let intent = self.api.payment_intent(id).await?;
            intent.charge().is_some_and(is_moved)
        };
        let mut found = Found { subscription_id: purchase.subscription_id.clone(), ..Found::default() };
        found.looked_at.push(purchase_id.clone());
        if is_moved {
            found.facts.money.push(self.money(purchase_id, &purchase.payment_ids).await?);
        }
        Ok(Look::Found(Box::new(found)))
    }

    async fn charge(&self, id: &str) -> Result<Look, Failure> {
        let charge = self.api.charge(id).await?;
        Ok(match charge.payment_intent {
            Some(payment) => {
                Look::Elsewhere(Subject::Payment { id: payment.id().to_owned(), with_money: true })
            }
            // A charge of the time before payment intents is no purchase of ours.
            None => Look::Foreign,
        })
    }

    /// The charges of a subscription's customer, as far back as its payments go whose money counts.
    async fn charges(
        &self,
        subscription: &Subscription,
        invoices: &[Invoice],
        before: &Before,
    ) -> Result<Charges, Failure> {
        let known = before.purchases.values().flat_map(|purchase| purchase.payment_ids.iter().cloned());
        let payments: Vec<_> = known.chain(invoices.iter().flat_map(facts::payments)).collect();
        Ok(Charges(match subscription.customer.as_ref().map(Reference::id) {
            Some(customer) if !payments.is_empty() => {
                match self.api.charges_of_customer(customer, &payments).await {
                    // One that was deleted.
                    Err(scrip_stripe::Error::Missing) => Vec::new(),
                    charges => charges?,
                }
            }
            _ => Vec::new(),
        }))
    }

    async fn money(&self, purchase_id: &PurchaseId, payments: &[PaymentId]) -> Result<MoneyFacts, Failure> {
        Ok(self.api.money(purchase_id, payments).await?)
    }

    fn reading<'a>(&'a self, prices: &'a Prices) -> Reading<'a> {
        Reading { configured: self.configured, prices }
    }

    /// Completes prices with those that neither the configuration nor the objects say enough of.
    async fn prices<'a>(
        &self,
        mut prices: Prices,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<Prices, Failure> {
        for id in facts::unread_prices(ids, self.configured, &prices) {
            match self.api.price(&id).await {
                Ok(price) => drop(prices.insert(id, price)),
                Err(scrip_stripe::Error::Missing) => {}
                Err(why) => return Err(why.into()),
            }
        }
        Ok(prices)
    }

    /// What the checkout session says that made a subscription, if one did.
    pub(crate) async fn add_session_hints(&self, found: &mut Found) -> Result<(), Failure> {
        let Some(subscription_id) = &found.subscription_id else { return Ok(()) };
        let Some(session) = self.api.session_of_subscription(subscription_id.as_str()).await? else {
            return Ok(());
        };
        found.hints.name(&session.metadata);
        found.hints.named.extend(session.client_reference_id.filter(|name| !name.is_empty()));
        Ok(())
    }
}

/// The subscription of an invoice, which is looked at instead.
fn subject_of(invoice: &Invoice) -> Option<Subject> {
    let id = invoice.subscription_id()?.to_owned();
    Some(Subject::of_subscription(id, Some(invoice.id.clone())))
}

/// The charges of a customer: they say by which payments nothing was refunded or disputed.
struct Charges(Vec<Charge>);

impl Charges {
    /// Whether the refunds and disputes of some payments must be read: not if each charge says that there are none, and
    /// none is known.
    fn are_moved(&self, payments: &[PaymentId], known: Option<&Purchase>) -> bool {
        let is_still = |payment: &PaymentId| {
            let charges = || self.0.iter().filter(|charge| charge.payment_intent() == Some(payment.as_str()));
            charges().next().is_some() && !charges().any(is_moved)
        };
        known.is_some_and(|known| !known.outflows.is_empty() || known.money_back.is_some())
            || !payments.iter().all(is_still)
    }
}

/// Whether some of a charge's money may be gone.
fn is_moved(charge: &Charge) -> bool {
    charge.amount_refunded > 0 || charge.disputed
}
