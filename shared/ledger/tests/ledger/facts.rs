//! Facts from Stripe, as the functions pass them to the ledger.

use scrip_accounts::{
    CustomerId, Line, Outflow, OutflowId, OutflowKind, PaymentId, PurchaseId, SubscriptionId, Terms,
    facts::{Facts, MoneyFacts, PaidFacts, PlanFacts, SubscriptionFacts},
};
use scrip_pricing::Credits;

use crate::world::{NOW, time};

/// An invoice that was paid for the basic plan, 1000 credits a month.
pub fn plan(id: &str, subscription: &str, paid_at: &str, paid_until: &str) -> Facts {
    let terms = Terms { allowance: 1000, plan: "basic".into() };
    let plan = PlanFacts {
        line: line(id, "basic_monthly", Credits::new(1000, 0, 0)),
        terms: terms.clone(),
        paid_until: time(paid_until).into(),
        is_change: false,
    };
    let mut facts = pack(id);
    let paid = &mut facts.paid[0];
    paid.packs.clear();
    paid.plan = Some(plan);
    (paid.paid_at, paid.invoiced_at) = (time(paid_at).into(), time(paid_at).into());
    facts.subscription = Some(SubscriptionFacts { item: Some(terms), ..subscription_facts(subscription) });
    facts
}

/// A payment for a pack: one Tune, 64 images. Its payment intent is named after it.
pub fn pack(id: &str) -> Facts {
    let paid_at = time("2026-11-20T00:00:00Z").into();
    let paid = PaidFacts {
        purchase_id: PurchaseId::parse(id).unwrap(),
        amount: 1900,
        currency: "usd".into(),
        paid_at,
        invoiced_at: paid_at,
        customer_id: Some(CustomerId::parse("cus_1").unwrap()),
        payment_ids: vec![PaymentId::parse(format!("pay-{id}")).unwrap()],
        packs: vec![line(id, "tune_pack", Credits::new(0, 1, 64))],
        plan: None,
    };
    Facts { paid: vec![paid], new_customer: Some(CustomerId::parse("cus_1").unwrap()), ..Facts::default() }
}

/// The same, paid at another time.
pub fn pack_at(id: &str, paid_at: &str) -> Facts {
    let mut facts = pack(id);
    facts.paid[0].paid_at = time(paid_at).into();
    facts
}

fn line(id: &str, sku: &str, credits: Credits) -> Line {
    Line { id: format!("il_{id}"), sku: sku.into(), quantity: 1, credits }
}

/// A subscription in order, of which nothing else is shown.
pub fn subscription_facts(id: &str) -> SubscriptionFacts {
    SubscriptionFacts {
        id: SubscriptionId::parse(id).unwrap(),
        past_due: false,
        ended_at: None,
        item: None,
        settled: Vec::new(),
    }
}

/// A subscription whose payment failed.
pub fn past_due(id: &str) -> Facts {
    let subscription = SubscriptionFacts { past_due: true, ..subscription_facts(id) };
    Facts { subscription: Some(subscription), ..Facts::default() }
}

/// A subscription that ended.
pub fn ended(id: &str, at: &str) -> Facts {
    let subscription = SubscriptionFacts { ended_at: Some(time(at).into()), ..subscription_facts(id) };
    Facts { subscription: Some(subscription), ..Facts::default() }
}

/// A subscription with an invoice that has nothing to grant.
pub fn settled(id: &str, invoice: &str) -> Facts {
    let invoices = vec![PurchaseId::parse(invoice).unwrap()];
    let subscription = SubscriptionFacts { settled: invoices, ..subscription_facts(id) };
    Facts { subscription: Some(subscription), ..Facts::default() }
}

/// All refunds of a purchase.
pub fn money(purchase: &str, outflows: Vec<Outflow>) -> MoneyFacts {
    MoneyFacts {
        purchase_id: PurchaseId::parse(purchase).unwrap(),
        outflows,
        failed: Vec::new(),
        attempts: std::collections::BTreeMap::new(),
    }
}

pub fn outflow(id: &str, amount: u64) -> Outflow {
    Outflow { id: OutflowId::parse(id).unwrap(), kind: OutflowKind::Refund, amount, at: time(NOW) }
}

/// Whose records facts are decided over.
pub fn subjects(facts: &Facts) -> (Option<SubscriptionId>, Vec<PurchaseId>) {
    let subscription = facts.subscription.as_ref().map(|subscription| subscription.id.clone());
    let mut purchases: Vec<_> = facts.paid.iter().map(|paid| paid.purchase_id.clone()).collect();
    purchases.extend(facts.money.iter().map(|money| money.purchase_id.clone()));
    purchases.sort();
    purchases.dedup();
    (subscription, purchases)
}
