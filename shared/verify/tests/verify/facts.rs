//! What the payment provider shows, as the functions give it to the ledger.

use scrip_accounts::{
    CustomerId, Line, PaymentId, PurchaseId, SubscriptionId, Terms,
    facts::{Facts, PaidFacts, PlanFacts, SubscriptionFacts},
};
use scrip_pricing::Credits;

use crate::world::time;

const PAID_AT: &str = "2026-11-20T00:00:00Z";

/// An invoice that was paid for a year of the basic plan, 1000 credits a month.
pub fn plan(id: &str, subscription: &str) -> Facts {
    let terms = Terms { allowance: 1000, plan: "basic".into() };
    let mut facts = pack(id);
    let paid = &mut facts.paid[0];
    paid.packs.clear();
    paid.plan = Some(PlanFacts {
        line: line(id, "basic_annual", Credits::new(1000, 0, 0)),
        terms: terms.clone(),
        paid_until: time("2027-11-20T00:00:00Z").into(),
        is_change: false,
    });
    facts.subscription = Some(SubscriptionFacts {
        id: SubscriptionId::parse(subscription).unwrap(),
        past_due: false,
        ended_at: None,
        item: Some(terms),
        settled: Vec::new(),
    });
    facts
}

/// A payment for a pack: one Tune, 64 images. Its payment intent is named after it.
pub fn pack(id: &str) -> Facts {
    let customer = || Some(CustomerId::parse("cus_1").unwrap());
    let paid = PaidFacts {
        purchase_id: PurchaseId::parse(id).unwrap(),
        amount: 1900,
        currency: "usd".into(),
        paid_at: time(PAID_AT).into(),
        invoiced_at: time(PAID_AT).into(),
        customer_id: customer(),
        payment_ids: vec![PaymentId::parse(format!("pay-{id}")).unwrap()],
        packs: vec![line(id, "tune_pack", Credits::new(0, 1, 64))],
        plan: None,
    };
    Facts { paid: vec![paid], new_customer: customer(), ..Facts::default() }
}

fn line(id: &str, sku: &str, credits: Credits) -> Line {
    Line { id: format!("il_{id}"), sku: sku.into(), quantity: 1, credits }
}
