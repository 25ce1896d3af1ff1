//! A payment of the provider's: what was bought, and where its money is now.

use scrip_accounts::{
    CustomerId, Line, Outflow, OutflowId, OutflowKind, PaymentId, PurchaseId, RefundId, Terms,
    facts::{MoneyFacts, PaidFacts, PlanFacts},
};
use scrip_pricing::Credits;

use crate::{commands::time, item::AccountNumber, plant::Plant};

/// The amount of each payment, in cents.
pub const AMOUNT: u64 = 1000;
/// The amount of a partial refund, in cents: not a whole share of any grant.
pub const PART: u64 = 300;
/// Images of Tunes that one pack grants.
pub const PACK: u64 = 8;
/// Playground credits that the plan grants a month.
pub const ALLOWANCE: u64 = 1000;

/// The subject of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Buys {
    Packs { quantity: u64 },
    Plan { until: &'static str },
}

/// A payment of a pack, or an invoice of the subscription.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Payment {
    pub id: &'static str,
    pub buys: Buys,
    pub at: &'static str,
    /// When its money goes, if it does.
    pub gone_at: &'static str,
    /// The account that its metadata names.
    pub named: Option<AccountNumber>,
    pub is_paid: bool,
    pub refunds: Vec<Refund>,
    /// Whether a dispute holds the money, if there was one.
    pub dispute: Option<bool>,
    /// How often something changed that the credits have to follow.
    pub changes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refund {
    /// The attempt of a money-back refund; none for a refund that the merchant made.
    pub attempt: Option<u32>,
    pub amount: u64,
    pub has_failed: bool,
}

impl Payment {
    pub fn new(
        id: &'static str,
        named: Option<AccountNumber>,
        (at, gone_at): (&'static str, &'static str),
        buys: Buys,
    ) -> Self {
        Self { id, buys, at, gone_at, named, is_paid: false, refunds: Vec::new(), dispute: None, changes: 0 }
    }

    fn purchase_id(&self) -> PurchaseId {
        PurchaseId::parse(self.id).expect("an id")
    }

    /// The credits that it grants if all of its money is there.
    pub fn grants(&self) -> Credits {
        match self.buys {
            Buys::Packs { quantity } => Credits::new(0, 0, PACK * quantity),
            Buys::Plan { .. } => Credits::new(ALLOWANCE, 0, 0),
        }
    }

    /// The refunds that haven't failed.
    pub fn effective_refunds(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.iter().filter(|refund| !refund.has_failed)
    }

    pub fn refunded(&self) -> u64 {
        self.effective_refunds().map(|refund| refund.amount).sum()
    }

    /// Money-back refunds whose money went back and stayed there.
    pub fn money_back(&self) -> usize {
        self.effective_refunds().filter(|refund| refund.attempt.is_some()).count()
    }

    fn disputed(&self) -> u64 {
        if self.dispute == Some(true) { AMOUNT - self.refunded() } else { 0 }
    }

    /// How much of the money is gone.
    pub fn gone(&self) -> u64 {
        (self.refunded() + self.disputed()).min(AMOUNT)
    }

    /// Whether its charge says that money was refunded or disputed.
    pub fn is_moved(&self) -> bool {
        self.refunded() > 0 || self.dispute.is_some()
    }

    /// The facts of what was paid and is granted for it.
    pub fn paid(&self, plant: Option<Plant>) -> PaidFacts {
        let (quantity, sku) = match self.buys {
            Buys::Packs { .. } if plant == Some(Plant::DroppedQuantity) => (1, "tune_pack"),
            Buys::Packs { quantity } => (quantity, "tune_pack"),
            Buys::Plan { .. } => (1, "basic_monthly"),
        };
        let line = |credits| Line { id: format!("li_{}", self.id), sku: sku.into(), quantity, credits };
        let (packs, plan) = match self.buys {
            Buys::Packs { .. } => (vec![line(Credits::new(0, 0, PACK * quantity))], None),
            Buys::Plan { until } => {
                let paid_until = time(until).into();
                let plan =
                    PlanFacts { line: line(self.grants()), terms: terms(), paid_until, is_change: false };
                (Vec::new(), Some(plan))
            }
        };
        let prefix = if plan.is_some() { "pi_" } else { "" };
        PaidFacts {
            purchase_id: self.purchase_id(),
            amount: AMOUNT,
            currency: "usd".into(),
            paid_at: time(self.at).into(),
            invoiced_at: time(self.at).into(),
            customer_id: Some(customer()),
            payment_ids: vec![PaymentId::parse(format!("{prefix}{}", self.id)).expect("an id")],
            packs,
            plan,
        }
    }

    /// The refunds and disputes of its money.
    pub fn money(&self) -> MoneyFacts {
        let numbered = || self.refunds.iter().enumerate();
        let outflow = |(number, refund): (usize, &Refund)| Outflow {
            id: OutflowId::from(&self.refund_id(number)),
            kind: OutflowKind::Refund,
            amount: refund.amount,
            at: time(self.gone_at),
        };
        let effective = numbered().filter(|(_, refund)| !refund.has_failed).map(outflow);
        let failed = numbered().filter(|(_, refund)| refund.has_failed);
        let attempts =
            numbered().filter_map(|(number, refund)| Some((self.refund_id(number), refund.attempt?)));
        MoneyFacts {
            purchase_id: self.purchase_id(),
            outflows: effective.chain(self.dispute()).collect(),
            failed: failed.map(|(number, _)| self.refund_id(number)).collect(),
            attempts: attempts.collect(),
        }
    }

    /// Its dispute, if that holds money.
    fn dispute(&self) -> Option<Outflow> {
        let id = || OutflowId::parse(format!("dp_{}", self.id)).expect("an id");
        (self.dispute == Some(true)).then(|| Outflow {
            id: id(),
            kind: OutflowKind::Dispute,
            amount: AMOUNT,
            at: time(self.gone_at),
        })
    }

    /// The provider's id of one of its refunds.
    pub fn refund_id(&self, number: usize) -> RefundId {
        RefundId::parse(format!("re_{}_{number}", self.id)).expect("an id")
    }
}

/// The terms of the subscription's item.
pub fn terms() -> Terms {
    Terms { allowance: ALLOWANCE, plan: "basic".into() }
}

/// Everything is paid by one customer.
pub fn customer() -> CustomerId {
    CustomerId::parse("cus_1").expect("an id")
}
