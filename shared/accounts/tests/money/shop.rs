//! A model of Stripe's state, and an account that is reconciled with it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scrip_accounts::{
    Account, Decision, EntryKind, Line, Outflow, OutflowId, OutflowKind, PaymentId, Purchase, PurchaseId,
    Record, Records, RefundId, Refusal, Sequence, SubscriptionId, SubscriptionRecord, Terms,
    facts::{Facts, MoneyFacts, PaidFacts, PlanFacts, SubscriptionFacts},
    reconcile,
};
use scrip_pricing::Credits;

pub fn time(text: &str) -> DateTime<Utc> {
    let text = if text.len() == 10 { format!("{text}T09:00:00Z") } else { text.to_owned() };
    text.parse().unwrap()
}

/// A pack of the catalog, times a quantity.
pub fn pack(sku: &str, quantity: u64) -> Line {
    let each = match sku {
        "tune_pack" => Credits::new(0, 1, 64),
        "avatar_pack" => Credits::new(0, 0, 104),
        other => panic!("no pack {other}"),
    };
    let credits = each.checked_mul(quantity).unwrap();
    Line { id: format!("il_{sku}"), sku: sku.into(), quantity, credits }
}

/// A plan's terms.
pub fn terms(plan: &str) -> Terms {
    let allowance = match plan {
        "basic" => 1000,
        "standard" => 2500,
        "business" => 6000,
        other => panic!("no plan {other}"),
    };
    Terms { allowance, plan: plan.into() }
}

/// An invoice of a subscription.
#[derive(Debug, Clone)]
pub struct Invoice {
    pub id: &'static str,
    pub subscription: &'static str,
    pub plan: Terms,
    pub amount: u64,
    pub made_at: &'static str,
    pub paid_at: &'static str,
    pub until: &'static str,
    pub is_change: bool,
    pub packs: Vec<Line>,
}

impl Invoice {
    /// A monthly or annual period that is paid at once.
    pub fn new(id: &'static str, plan: &str, at: &'static str, until: &'static str) -> Self {
        let amount = match plan {
            "basic" => 1900,
            "standard" => 2900,
            _ => 3900,
        };
        Self {
            id,
            subscription: "sub",
            plan: terms(plan),
            amount,
            made_at: at,
            paid_at: at,
            until,
            is_change: false,
            packs: Vec::new(),
        }
    }

    pub fn of(self, subscription: &'static str) -> Self {
        Self { subscription, ..self }
    }

    pub fn change(self, amount: u64) -> Self {
        Self { is_change: true, amount, ..self }
    }

    pub fn paid(self, paid_at: &'static str) -> Self {
        Self { paid_at, ..self }
    }

    fn facts(&self) -> PaidFacts {
        let line = Line {
            id: format!("il_{}", self.id),
            sku: format!("{}_monthly", self.plan.plan).into(),
            quantity: 1,
            credits: Credits::new(self.plan.allowance, 0, 0),
        };
        PaidFacts {
            purchase_id: PurchaseId::parse(self.id).unwrap(),
            amount: self.amount,
            currency: "usd".into(),
            paid_at: time(self.paid_at).into(),
            invoiced_at: time(self.made_at).into(),
            customer_id: None,
            payment_ids: (self.amount > 0)
                .then(|| PaymentId::parse(format!("pi_{}", self.id)).unwrap())
                .into_iter()
                .collect(),
            packs: self.packs.clone(),
            plan: Some(PlanFacts {
                line,
                terms: self.plan.clone(),
                paid_until: time(self.until).into(),
                is_change: self.is_change,
            }),
        }
    }
}

/// One thing that happens at the provider.
#[derive(Debug, Clone)]
pub enum Step {
    Invoice(Invoice),
    Pack(&'static str, &'static str, Vec<Line>, u64),
    /// A subscription's item, changed without an invoice.
    Item(&'static str, &'static str),
    PastDue(&'static str, bool),
    Ended(&'static str, &'static str),
    /// A refund or dispute holds money: purchase, id, kind, amount, since.
    Outflow(&'static str, &'static str, OutflowKind, u64, &'static str),
    /// It doesn't any more.
    Back(&'static str, &'static str),
    /// A refund was of our own: of that attempt.
    Own(&'static str, u32),
}

/// The provider as a subject shows it.
#[derive(Debug, Clone, Default)]
pub struct Provider {
    invoices: Vec<Invoice>,
    packs: Vec<(PurchaseId, PaidFacts)>,
    items: BTreeMap<&'static str, Terms>,
    past_due: BTreeMap<&'static str, bool>,
    ended: BTreeMap<&'static str, &'static str>,
    gone: BTreeMap<&'static str, Vec<Outflow>>,
    failed: BTreeMap<&'static str, Vec<RefundId>>,
    attempts: BTreeMap<RefundId, u32>,
}

impl Provider {
    pub fn after(steps: &[Step]) -> Self {
        let mut provider = Self::default();
        for step in steps {
            provider.take(step.clone());
        }
        provider
    }

    pub fn take(&mut self, step: Step) {
        match step {
            Step::Invoice(invoice) => {
                self.items.insert(invoice.subscription, invoice.plan.clone());
                self.invoices.push(invoice);
            }
            Step::Pack(id, at, packs, amount) => {
                let facts = PaidFacts {
                    purchase_id: PurchaseId::parse(id).unwrap(),
                    amount,
                    currency: "usd".into(),
                    paid_at: time(at).into(),
                    invoiced_at: time(at).into(),
                    customer_id: None,
                    payment_ids: (amount > 0).then(|| PaymentId::parse(id).unwrap()).into_iter().collect(),
                    packs,
                    plan: None,
                };
                self.packs.push((facts.purchase_id.clone(), facts));
            }
            Step::Item(subscription, plan) => drop(self.items.insert(subscription, terms(plan))),
            Step::PastDue(subscription, is_late) => drop(self.past_due.insert(subscription, is_late)),
            Step::Ended(subscription, at) => drop(self.ended.insert(subscription, at)),
            Step::Own(id, attempt) => drop(self.attempts.insert(RefundId::parse(id).unwrap(), attempt)),
            Step::Outflow(purchase, id, kind, amount, at) => {
                let outflow = Outflow { id: OutflowId::parse(id).unwrap(), kind, amount, at: time(at) };
                self.gone.entry(purchase).or_default().push(outflow);
            }
            Step::Back(purchase, id) => {
                let outflows = self.gone.entry(purchase).or_default();
                outflows.retain(|outflow| outflow.id.as_str() != id);
                if id.starts_with("re_") {
                    self.failed.entry(purchase).or_default().push(RefundId::parse(id).unwrap());
                }
            }
        }
    }

    /// The subjects: subscriptions, and what was bought once.
    pub fn subjects(&self) -> Vec<&str> {
        let mut subjects: Vec<_> = self.invoices.iter().map(|invoice| invoice.subscription).collect();
        subjects.extend(self.packs.iter().map(|(id, _)| id.as_str()));
        subjects.sort_unstable();
        subjects.dedup();
        subjects
    }

    pub fn facts(&self, subject: &str) -> Facts {
        let money = |id: &str| MoneyFacts {
            purchase_id: PurchaseId::parse(id).unwrap(),
            outflows: self.gone.get(id).cloned().unwrap_or_default(),
            failed: self.failed.get(id).cloned().unwrap_or_default(),
            attempts: self.attempts.clone(),
        };
        let mut facts = Facts::default();
        if let Some((_, paid)) = self.packs.iter().find(|(id, _)| id.as_str() == subject) {
            facts.money.push(money(subject));
            facts.paid.push(paid.clone());
            return facts;
        }
        let mut invoices: Vec<_> =
            self.invoices.iter().filter(|invoice| invoice.subscription == subject).collect();
        invoices.sort_by_key(|invoice| time(invoice.made_at));
        facts.subscription = Some(SubscriptionFacts {
            id: SubscriptionId::parse(subject).unwrap(),
            past_due: self.past_due.get(subject).copied().unwrap_or_default(),
            ended_at: self.ended.get(subject).map(|at| time(at).into()),
            item: self.items.get(subject).cloned(),
            settled: Vec::new(),
        });
        facts.paid = invoices.iter().map(|invoice| invoice.facts()).collect();
        facts.money = invoices.iter().map(|invoice| money(invoice.id)).collect();
        facts
    }
}

/// An account and the records beside it.
#[derive(Debug, Clone)]
pub struct Shop {
    pub account: Account,
    pub subscriptions: BTreeMap<SubscriptionId, SubscriptionRecord>,
    pub purchases: BTreeMap<PurchaseId, Purchase>,
    pub kinds: Vec<EntryKind>,
    /// Playground credits that the refill of a late payment ended: it sets the balance, as the turn's does (rule 2).
    pub ended_by_late_refill: u64,
}

impl Shop {
    pub fn new(now: &str) -> Self {
        Self {
            account: Account::unseen(time(now)),
            subscriptions: BTreeMap::new(),
            purchases: BTreeMap::new(),
            kinds: Vec::new(),
            ended_by_late_refill: 0,
        }
    }

    /// Brings the account in line with what the provider shows of each subject.
    pub fn look(&mut self, provider: &Provider, now: &str) {
        for subject in provider.subjects() {
            self.look_at(provider, subject, now).unwrap();
        }
    }

    pub fn look_at(&mut self, provider: &Provider, subject: &str, now: &str) -> Result<(), Refusal> {
        let facts = provider.facts(subject);
        let ids = facts.paid.iter().map(|paid| &paid.purchase_id);
        let records = self.records(facts.subscription.as_ref().map(|facts| &facts.id), ids);
        let decision = reconcile::decide(&self.account, &records, &facts, time(now))?;
        self.append(decision);
        Ok(())
    }

    pub fn records<'a>(
        &self,
        subscription: Option<&SubscriptionId>,
        ids: impl Iterator<Item = &'a PurchaseId>,
    ) -> Records {
        Records {
            subscription: subscription.and_then(|id| self.subscriptions.get(id)).cloned(),
            purchases: ids.filter_map(|id| self.purchases.get(id)).cloned().collect(),
        }
    }

    /// Takes a decision over, checking that each entry follows from the one before.
    pub fn append(&mut self, decision: Decision) {
        for pair in decision.entries.windows(2) {
            let kinds = (pair[0].event.kind(), pair[1].event.kind());
            // The expiry of a month's turn names the month before.
            if kinds == (EntryKind::Expiry, EntryKind::Refill) && pair[0].reference == pair[1].reference {
                self.ended_by_late_refill += pair[0].change.taken().playground();
            }
        }
        for entry in &decision.entries {
            assert_eq!(entry.account.sequence, self.account.sequence.next());
            assert_eq!(entry.change.apply(self.account.balance), Some(entry.account.balance), "{entry:?}");
            assert!(entry.at >= self.account.updated_at);
            self.kinds.push(entry.event.kind());
            self.account = entry.account.clone();
        }
        for record in decision.records {
            match record {
                Record::Purchase(purchase) => {
                    let before = self.purchases.insert(purchase.id.clone(), (*purchase).clone());
                    assert_eq!(purchase.revision, before.map_or(1, |before| before.revision + 1));
                }
                Record::Subscription(record) => {
                    let before = self.subscriptions.insert(record.id.clone(), (*record).clone());
                    assert_eq!(record.revision, before.map_or(1, |before| before.revision + 1));
                }
                Record::SeenPurchase(id, revision) => {
                    let known = self.purchases.get_mut(&id).unwrap();
                    known.revision += 1;
                    assert_eq!(known.revision, revision);
                }
                Record::SeenSubscription(id, revision) => {
                    let known = self.subscriptions.get_mut(&id).unwrap();
                    known.revision += 1;
                    assert_eq!(known.revision, revision);
                }
                Record::Customer(_) | Record::Reversed { .. } => {}
            }
        }
    }

    /// Spends credits as a debit does, without a price.
    pub fn spend(&mut self, credits: Credits) {
        self.account.balance = self.account.balance.checked_sub(credits).unwrap();
    }

    /// The kinds of the entries since this was asked last.
    pub fn take_kinds(&mut self) -> Vec<EntryKind> {
        std::mem::take(&mut self.kinds)
    }

    pub fn playground(&self) -> u64 {
        self.account.balance.playground()
    }

    /// The account without what depends on how many writes it took and when.
    pub fn end(&self) -> Account {
        let mut account = self.account.clone();
        account.subscriptions.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
        Account { sequence: Sequence::NONE, updated_at: DateTime::UNIX_EPOCH, ..account }
    }

    /// The plan that counts, and until when it is paid.
    pub fn plan(&self, now: &str) -> (String, DateTime<Utc>) {
        let plan = self.account.plan(time(now)).unwrap();
        (plan.plan.to_string(), plan.paid_through)
    }
}
