//! The refunds and disputes of a purchase, taken over from Stripe, and the state of its money-back refund, which
//! follows from them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{MoneyBackStatus, Outflow, OutflowId, OutflowKind, Purchase, RefundId, facts::MoneyFacts};

/// Takes over the refunds and disputes of a purchase, and updates its money-back refund.
pub(crate) fn update_money(purchase: &mut Purchase, money: &MoneyFacts, now: DateTime<Utc>) {
    set_outflows(purchase, money, now);
    update_money_back(purchase, money);
}

/// Takes over the refunds and disputes that hold money of a purchase now.
///
/// A refund doesn't vanish at Stripe: it fails or is canceled, and is listed with that status. So an answer that lacks
/// a known refund is older than the refund, and the refund stays.
pub(crate) fn set_outflows(purchase: &mut Purchase, money: &MoneyFacts, now: DateTime<Utc>) {
    let pending = purchase.money_back.as_ref().filter(|_| purchase.is_refund_pending());
    let requested_at = pending.map(|refund| refund.requested_at);
    let known = |id: &OutflowId| purchase.outflows.iter().find(|known| known.id == *id);
    let outflow = |outflow: &Outflow| {
        // If this clock is behind Stripe's, the outflow must not be in a month that hasn't begun here.
        let seen = outflow.at.min(now);
        // The credits of a money-back refund have been gone since it was requested.
        let since = requested_at.filter(|_| outflow.kind == OutflowKind::Refund).unwrap_or(seen);
        let at = known(&outflow.id).map_or(seen.min(since), |known| known.at);
        Outflow { at, ..outflow.clone() }
    };
    let is_shown = |id: &OutflowId| {
        money.outflows.iter().any(|shown| shown.id == *id)
            || money.failed.iter().any(|failed| OutflowId::from(failed) == *id)
    };
    let unseen =
        purchase.outflows.iter().filter(|known| known.kind == OutflowKind::Refund && !is_shown(&known.id));
    let mut outflows: Vec<_> = money.outflows.iter().map(outflow).chain(unseen.cloned()).collect();
    outflows.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    purchase.outflows = outflows;
}

/// Updates a purchase's money-back refund from its refunds at Stripe.
///
/// A refund that failed is given up. If the answer to the request was lost, the refund counts as carried out once the
/// whole amount is refunded. That of a plan stays pending instead, because only a repeated request ensures that its
/// subscription has ended too.
pub(crate) fn update_money_back(purchase: &mut Purchase, money: &MoneyFacts) {
    let Some(refund) = &purchase.money_back else { return };
    let attempt = purchase.refunds_failed;
    let is_own = |id: &RefundId| money.attempts.get(id) == Some(&attempt) || refund.refund_ids.contains(id);
    let has_failed = money.failed.iter().any(is_own);
    let gone = purchase.outflows.iter().map(|outflow| outflow.amount).fold(0, u64::saturating_add);
    let refunded = purchase.outflow(OutflowKind::Refund);
    let is_pending = refund.status == MoneyBackStatus::Pending;
    if has_failed {
        give_up(purchase);
    } else if is_pending && !purchase.has_plan() && refunded >= purchase.amount {
        finish(purchase, money, &[]);
    } else if !is_pending && refund.refund_ids.is_empty() && gone < purchase.amount {
        // It counted as carried out only because of refunds that others requested, and some of that money came back.
        give_up(purchase);
    }
}

/// Gives up a money-back refund: the purchase is as before, and the next attempt uses a new key.
pub(crate) fn give_up(purchase: &mut Purchase) {
    purchase.money_back = None;
    purchase.refunds_failed = purchase.refunds_failed.saturating_add(1);
}

/// Marks a money-back refund as carried out, by the `answered` refunds and by all others that Scrip requested: if an
/// answer was lost, only Stripe's list has its refund.
pub(crate) fn finish(purchase: &mut Purchase, money: &MoneyFacts, answered: &[RefundId]) {
    let amount_held = |id: &RefundId| {
        let outflow = purchase.outflows.iter().find(|outflow| outflow.id == OutflowId::from(id))?;
        Some((id.clone(), outflow.amount))
    };
    let own: BTreeMap<_, _> = answered.iter().chain(money.attempts.keys()).filter_map(amount_held).collect();
    if let Some(refund) = &mut purchase.money_back {
        refund.status = MoneyBackStatus::Refunded;
        refund.amount = own.values().copied().fold(0, u64::saturating_add);
        refund.refund_ids = own.into_keys().collect();
    }
}
