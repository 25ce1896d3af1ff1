//! The 30-day money-back refund (contract, section 3). One write revokes the credits and records the request; a second
//! one records that Stripe carried the refund out, or that Stripe refused it.

use chrono::{DateTime, Utc};
use scrip_pricing::Credits;

use crate::{
    Account, Decision, MoneyBack, MoneyBackStatus, OutflowId, Purchase, PurchaseId, Reason, Record, Records,
    RefundId, Refusal, SubscriptionId,
    draft::Draft,
    facts::MoneyFacts,
    journal::Journal,
    outflows::{finish, give_up, set_outflows, update_money_back},
};

/// Decides a request for a money-back refund: the credits are revoked, and the purchase is `refund_pending`. The
/// decision is empty if the refund was requested before.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`], [`Refusal::NothingToRefund`] if no money was paid through Stripe,
/// [`Refusal::RefundWindowClosed`].
pub fn request(
    account: &Account,
    records: &Records,
    id: &PurchaseId,
    reason: Option<&Reason>,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let purchase = find(records, id)?;
    if purchase.money_back.is_some() {
        return Ok(Decision::default());
    }
    if purchase.amount == 0 || purchase.payment_ids.is_empty() {
        return Err(Refusal::NothingToRefund);
    }
    let closed_at = purchase.refundable_until();
    if now > closed_at {
        return Err(Refusal::RefundWindowClosed { closed_at });
    }
    let refund = MoneyBack {
        requested_at: now.max(account.updated_at),
        reason: reason.cloned(),
        amount: purchase.amount.saturating_sub(purchase.gone().amount),
        revoked: Credits::ZERO,
        spent: Credits::ZERO,
        status: MoneyBackStatus::Pending,
        refund_ids: Vec::new(),
    };
    let mut decision = change(account, records, id, now, |purchase| purchase.money_back = Some(refund))?;
    for record in &mut decision.records {
        if let Record::Purchase(purchase) = record
            && let Some(refund) = &mut purchase.money_back
        {
            (refund.revoked, refund.spent) = (purchase.revoked, purchase.spent);
        }
    }
    Ok(decision)
}

/// Decides that Stripe refused an attempt: the revoked credits come back, and the purchase is as before. The decision
/// is empty unless that attempt is pending.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`], [`Refusal::BalanceLimit`].
pub fn refused(
    account: &Account,
    records: &Records,
    id: &PurchaseId,
    attempt: u32,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    if !is_pending(find(records, id)?, attempt) {
        return Ok(Decision::default());
    }
    change(account, records, id, now, give_up)
}

/// Decides that Stripe sent the money back at a pending attempt, by the refunds in `refund_ids`.
///
/// `money` must have been read after these refunds were made. If it lacks one of them, it is older, the decision is
/// empty, and the refund stays pending. The credits count as gone from the time of the request.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`], [`Refusal::BalanceLimit`].
pub fn confirmed(
    account: &Account,
    records: &Records,
    money: &MoneyFacts,
    attempt: u32,
    refund_ids: &[RefundId],
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let id = &money.purchase_id;
    if !is_pending(find(records, id)?, attempt) {
        return Ok(Decision::default());
    }
    let is_shown = |id: &RefundId| {
        money.outflows.iter().any(|shown| shown.id == OutflowId::from(id)) || money.failed.contains(id)
    };
    if !refund_ids.iter().all(is_shown) {
        return Ok(Decision::default());
    }
    change(account, records, id, now, |purchase| {
        set_outflows(purchase, money, now.max(account.updated_at));
        finish(purchase, money, refund_ids);
        update_money_back(purchase, money);
    })
}

/// The subscription that ends when a purchase is refunded, and the time of its end; `None` if none ends.
#[must_use]
pub fn ending<'a>(records: &'a Records, id: &PurchaseId) -> Option<(&'a SubscriptionId, Ending)> {
    let record = records.subscription.as_ref()?;
    let payment = record.payment(id)?;
    // A later payment for a period of its own keeps the subscription.
    let goes_on =
        record.payments.iter().any(|other| !other.is_change && other.invoiced_at > payment.invoiced_at);
    let ending = if payment.is_change { Ending::WithPeriod } else { Ending::Now };
    (!goes_on).then_some((&record.id, ending))
}

/// The time at which a refunded subscription ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At once, because no payment is left.
    Now,
    /// At the end of its period, because the payment before the upgrade still covers it.
    WithPeriod,
}

fn is_pending(purchase: &Purchase, attempt: u32) -> bool {
    purchase.is_refund_pending() && purchase.refunds_failed == attempt
}

fn find<'a>(records: &'a Records, id: &PurchaseId) -> Result<&'a Purchase, Refusal> {
    records.purchase(id).ok_or(Refusal::PurchaseNotFound)
}

fn change(
    account: &Account,
    records: &Records,
    id: &PurchaseId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Purchase),
) -> Result<Decision, Refusal> {
    let mut draft = Draft::new(records, now.max(account.updated_at));
    let mut journal = Journal::open(account, now);
    draft.record_money(&mut journal, id, change)?;
    let month = journal.account().period;
    Ok(journal.close(draft.into_records(records, month)))
}
