//! What an account's money bought, by sums over Stripe's books (docs/rules.md, rules 2 to 5 and 8 to 11).
//!
//! Invariant: nothing here is computed by the code under test, nor read by its way of reading Stripe.

use chrono::{DateTime, Utc};
use scrip_stripe_model::{BookedLine, BookedPurchase, Books};

use crate::{
    entry::{Amounts, sum},
    memory::PlanChange,
    offers::{Grant, offer, offer_of},
};

/// What a paid purchase must have granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedPurchase {
    /// The id of its record.
    pub id: String,
    /// The credits of its packs.
    pub packs: Amounts,
    /// The plan's SKU and its credits a month, if a plan was paid.
    pub plan: Option<(&'static str, i64)>,
    /// Whether that changed a period that an earlier one paid for.
    pub changes: bool,
    /// Whether something of it can't be granted, so that it must be parked.
    pub is_parked: bool,
    pub amount: i64,
    /// How much of the amount is gone.
    pub gone: i64,
}

impl ExpectedPurchase {
    pub fn of(purchase: &BookedPurchase) -> Self {
        let lines = || purchase.lines.iter().filter(|line| !line.proration);
        let packs = lines().filter_map(|line| match offer_of(&line.price).gives {
            Grant::Pack(pack) => Some(pack.map(|one| one * line.quantity)),
            _ => None,
        });
        // The metadata of a payment without a session names its SKU.
        let named = purchase.payment_metadata.get("sku").filter(|_| purchase.lines.is_empty());
        let alone = named.map(|sku| {
            let quantity =
                purchase.payment_metadata.get("quantity").and_then(|quantity| quantity.parse().ok());
            match offer(sku).gives {
                Grant::Pack(pack) => pack.map(|one| one * quantity.unwrap_or(1)),
                _ => [0; 3],
            }
        });
        let packs = packs.chain(alone);
        let is_unknown = |line: &BookedLine| offer_of(&line.price).gives == Grant::Unknown && line.amount > 0;
        Self {
            id: id(purchase).to_owned(),
            packs: packs.fold([0; 3], sum),
            changes: plan_line(purchase).is_some_and(|line| line.proration),
            plan: plan_line(purchase).map(|line| (offer_of(&line.price).sku, gives(line))),
            is_parked: lines().any(is_unknown),
            amount: purchase.amount,
            gone: (purchase.refunded + purchase.disputed).min(purchase.amount),
        }
    }

    /// Whether all of its money is gone.
    pub fn is_gone(&self) -> bool {
        self.amount > 0 && self.gone == self.amount
    }

    /// Whether anything of it is granted.
    pub fn is_granted(&self) -> bool {
        self.plan.is_some() || self.packs != [0; 3]
    }

    /// The credits of its packs, less those whose money is gone.
    pub fn left_of_packs(&self) -> Amounts {
        self.packs.map(|granted| granted - share(granted, self.gone, self.amount))
    }
}

/// The id of a purchase: a subscription's is its invoice, another's its payment, else its session or invoice.
pub fn id(purchase: &BookedPurchase) -> &str {
    let payment = purchase.payments.first().map(|payment| payment.payment_intent.as_str());
    let invoice = purchase.invoice.as_deref();
    let known = if purchase.subscription.is_some() { invoice } else { payment };
    known.or(purchase.session.as_deref()).or(invoice).unwrap_or_default()
}

/// The line of the plan that one is on after a purchase: the renewal's own, else the newest change's.
fn plan_line(purchase: &BookedPurchase) -> Option<&BookedLine> {
    let is_plan =
        |line: &&BookedLine| matches!(offer_of(&line.price).gives, Grant::Plan(_)) && line.amount > 0;
    let lines = purchase.lines.iter().filter(is_plan);
    lines.max_by_key(|line| (!line.proration, line.period.0, gives(line)))
}

fn gives(line: &BookedLine) -> i64 {
    match offer_of(&line.price).gives {
        Grant::Plan(allowance) => allowance * line.quantity,
        _ => 0,
    }
}

/// The part of some credits that the money stands for, rounded down.
fn share(credits: i64, part: i64, whole: i64) -> i64 {
    if whole == 0 { 0 } else { credits * part / whole }
}

/// A paid invoice of a subscription's plan.
#[derive(Debug, Clone, Copy)]
struct Payment {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    paid_at: DateTime<Utc>,
    gives: i64,
    /// Whether it changed a period that an earlier one paid for.
    changes: bool,
    amount: i64,
    gone: i64,
    /// How much was gone when the month began.
    gone_before: i64,
}

/// A month of an account.
pub struct Month<'a> {
    pub start: DateTime<Utc>,
    /// The books now, and when the month began.
    pub books: &'a Books,
    pub before: &'a Books,
    /// The changes of subscriptions' plans, oldest first.
    pub moved: &'a [PlanChange],
}

impl Month<'_> {
    /// What the money of some subscriptions bought of playground credits for the month: the highest counts. At least and
    /// at most: the rules leave open what money that went in an earlier month takes of this one's, and whether a plan that
    /// was moved down just before the month began was seen in time.
    pub fn playground<'s>(&self, subscriptions: impl Iterator<Item = &'s str>) -> (i64, i64) {
        let levels = subscriptions.map(|subscription| self.of_subscription(subscription));
        levels.fold((0, 0), |(least, most), level| (least.max(level.0), most.max(level.1)))
    }

    fn of_subscription(&self, subscription: &str) -> (i64, i64) {
        let of_it = |purchase: &&BookedPurchase| purchase.subscription.as_deref() == Some(subscription);
        let purchases = self.books.purchases.iter().filter(of_it);
        let mut payments: Vec<_> = purchases.filter_map(|purchase| self.payment(purchase)).collect();
        payments.sort_by_key(|payment| (payment.from, payment.changes, payment.paid_at));
        let known = self.books.subscriptions.iter().find(|known| known.id == subscription);
        let has_ended = known.and_then(|known| known.ended_at).is_some_and(|ended_at| ended_at <= self.start);
        let is_it = |moved: &&PlanChange| moved.subscription == subscription && moved.at < self.start;
        let item = self.moved.iter().rfind(is_it).map(|moved| moved.gives);
        let level = |item, counts: fn(&Payment) -> i64| level(&payments, self.start, has_ended, item, counts);
        let least = level(item, |payment| payment.gone);
        let most = level(None, |payment| (payment.gone - payment.gone_before).max(0));
        (least, most)
    }

    fn payment(&self, purchase: &BookedPurchase) -> Option<Payment> {
        let line = plan_line(purchase)?;
        let gone = |purchase: &BookedPurchase| (purchase.refunded + purchase.disputed).min(purchase.amount);
        let before = self.before.purchases.iter().find(|before| id(before) == id(purchase));
        Some(Payment {
            from: line.period.0,
            until: line.period.1,
            paid_at: purchase.paid_at,
            gives: gives(line),
            changes: line.proration,
            amount: purchase.amount,
            gone: gone(purchase),
            gone_before: before.map_or(0, gone),
        })
    }
}

/// What is left of what the payments of a subscription brought for the month that begins at `start`: each adds what it
/// gives more than those before it, less the part of its money that is gone.
fn level(
    payments: &[Payment],
    start: DateTime<Utc>,
    has_ended: bool,
    item: Option<i64>,
    gone: fn(&Payment) -> i64,
) -> i64 {
    // A payment whose money is all gone ends the changes of its period too, because they build on it.
    let (mut counting, mut chain, mut is_cut) = (Vec::new(), 0, false);
    for payment in payments {
        if !payment.changes {
            (chain, is_cut) = (chain + 1, false);
        }
        is_cut |= payment.amount > 0 && payment.gone >= payment.amount;
        if !is_cut {
            counting.push((chain, payment));
        }
    }
    let earlier = counting.iter().rfind(|(_, payment)| payment.paid_at < start);
    let refill = earlier.filter(|(_, payment)| payment.until > start && !has_ended);
    let refill = refill.map(|(chain, payment)| (*chain, item.unwrap_or(payment.gives).min(payment.gives)));
    let (mut reached, mut left) = (0, 0);
    for (chain, payment) in counting {
        let counts = match refill {
            _ if payment.paid_at >= start => payment.gives,
            Some((of, gives)) if of == chain && payment.until > start => payment.gives.min(gives),
            _ => 0,
        };
        let adds = (counts - reached).max(0);
        reached = reached.max(counts);
        left += adds - share(adds, gone(payment), payment.amount);
    }
    left
}
