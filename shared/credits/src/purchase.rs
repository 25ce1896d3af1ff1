//! A purchase: what was paid becomes credits (rules 4 and 5), once, in whatever order the provider's events
//! speak of it.

use chrono::{DateTime, Utc};
use pricing::Credits;
use serde::{Deserialize, Serialize};

use crate::{
    Account, Change, CustomerId, Decision, Event, PaymentId, Period, PurchaseId, Reason, Record, RefundId,
    Refusal, Standing, Subscription, journal::Journal, refill,
};

/// A payment that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What the purchase is known by: the invoice of a plan; the payment, or else the session, of a pack.
    pub id: PurchaseId,
    /// What was bought.
    pub sku: String,
    /// How much was paid, in the currency's minor unit.
    pub amount: u64,
    /// The currency's ISO code, in lower case.
    pub currency: String,
    /// When, by the provider's time.
    pub paid_at: DateTime<Utc>,
    /// When it was asked for, where that was earlier: a plan's invoice is for what one was on then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoiced_at: Option<DateTime<Utc>>,
    /// What moved the money; none where nothing had to be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// Who paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// What it buys.
    pub buys: Buys,
}

/// What a payment buys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Buys {
    /// A plan, up to a moment.
    Plan {
        /// The provider's subscription.
        subscription_id: crate::SubscriptionId,
        /// The plan's name in the catalog.
        plan: String,
        /// Playground credits a month.
        allowance: u64,
        /// The end of the period that was paid.
        paid_until: DateTime<Utc>,
    },
    /// A pack, with what it gives.
    Pack(Credits),
}

/// What is kept of a purchase: what was paid and granted, and what was taken back since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Counts the changes of this record: a write fails where it isn't the one that was read.
    pub revision: u64,
    /// What was paid.
    pub payment: Payment,
    /// What the purchase itself granted.
    pub granted: Credits,
    /// What a refund or dispute has taken back of it, and not given again.
    pub revoked: Credits,
    /// What a refund or dispute couldn't take back, because it was spent.
    pub spent: Credits,
    /// The month in which playground credits were taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_in: Option<Period>,
    /// When the provider said what they were taken back for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
    /// How much of the money went back in all, by the provider's word.
    pub refunded_amount: u64,
    /// The provider's time of that word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_at: Option<DateTime<Utc>>,
    /// Where a dispute stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Dispute>,
    /// Where a money-back refund stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<Refund>,
    /// When the money-back refund was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_requested_at: Option<DateTime<Utc>>,
    /// How many money-back refunds were refused or failed: each further one is asked for with a key of its
    /// own, since the provider answers an old key with the old answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunds_failed: u32,
    /// The provider's refunds that failed after all, whoever asked for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_refunds: Vec<FailedRefund>,
    /// Why it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_reason: Option<Reason>,
}

/// A refund whose money came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRefund {
    /// The provider's refund.
    pub id: RefundId,
    /// What it had sent back, in the currency's minor unit.
    pub amount: u64,
    /// When it failed, by the provider's time.
    pub at: DateTime<Utc>,
}

/// Where a dispute stands. It only ever goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dispute {
    /// The money is gone.
    Withdrawn,
    /// The money came back.
    Won,
}

/// Where a money-back refund stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Refund {
    /// The credits are revoked; the provider is asked, or is yet to be.
    RefundPending,
    /// The provider sent the money back.
    Refunded {
        /// The provider's refund, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refund_id: Option<RefundId>,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Decides a payment: its record, and the entry for what it changes. A pack adds what it gives. A plan adds
/// its allowance, less what this month granted already, so that going up, down and up again within a month
/// never yields more than the highest allowance paid for. A renewal that comes after its month has begun
/// brings the month's refill, and one that changes nothing but the time is a `subscription` entry.
///
/// A plan's payment stands under what was said of its subscription so far, which is written again with it:
/// neither can overtake the other unseen.
///
/// # Errors
/// [`Refusal::BalanceLimit`] where a balance would rise above what one may hold.
pub fn decide(
    account: &Account,
    standing: Option<&Standing>,
    payment: &Payment,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let mut journal = Journal::open(account, now);
    let (granted, standing) = match &payment.buys {
        Buys::Pack(credits) => {
            let change = Change::give(*credits).ok_or(Refusal::BalanceLimit)?;
            journal.post(Event::Purchase, change, payment.id.as_str(), |_| {})?;
            (*credits, None)
        }
        Buys::Plan { subscription_id, plan, allowance, paid_until } => {
            let paid = Subscription {
                id: subscription_id.clone(),
                plan: plan.clone(),
                allowance: *allowance,
                purchase_id: payment.id.clone(),
                paid_at: payment.paid_at,
                invoiced_at: payment.invoiced_at.filter(|at| *at < payment.paid_at),
                previous_paid_at: None,
                paid_until: *paid_until,
                ended_at: None,
                withdrawn_at: None,
                past_due: false,
                paid_terms: None,
            };
            let standing =
                standing.cloned().unwrap_or_else(|| Standing::unheard(subscription_id.clone())).revised();
            (subscribe(&mut journal, paid, &standing)?, Some(Record::Standing(standing)))
        }
    };
    let purchase = Purchase {
        revision: 1,
        payment: payment.clone(),
        granted,
        revoked: Credits::ZERO,
        spent: Credits::ZERO,
        revoked_in: None,
        revoked_at: None,
        refunded_amount: 0,
        refunded_at: None,
        dispute: None,
        refund: None,
        refund_requested_at: None,
        refunds_failed: 0,
        failed_refunds: Vec::new(),
        refund_reason: None,
    };
    let records = [Record::Purchase(Box::new(purchase))].into_iter().chain(standing);
    Ok(journal.close(records.collect()))
}

/// Enters a payment for a plan into the account; what it granted.
fn subscribe(journal: &mut Journal, paid: Subscription, standing: &Standing) -> Result<Credits, Refusal> {
    let (id, reference) = (paid.id.clone(), paid.purchase_id.clone());
    let (allowance, paid_at) = (paid.allowance, paid.paid_at);
    let before = journal.account().subscription.clone();
    let is_renewal = before.as_ref().is_some_and(|before| before.id == id);
    // The money of the payment that is known was said gone after this one was paid.
    let withdrawn_at = before.as_ref().and_then(|before| before.withdrawn_at);
    let is_late = withdrawn_at >= Some(paid_at);
    // It was said gone when nothing was paid any more: this one pays for a time of its own.
    let is_after_a_gap = before.as_ref().is_some_and(|before| before.withdrawn_at >= Some(before.paid_until));
    let after = match before {
        Some(before) => before.after(paid),
        None => paid,
    };
    let after = if after.id == id { after.under(standing) } else { after };
    let mut brings_refill = false;
    if is_renewal {
        // It moves the time, and who pays late gets the month's refill with it (rule 4).
        journal.update(|account| account.subscription = Some(after.clone()));
        let granted = journal.account().granted;
        refill::settle(journal);
        brings_refill = journal.account().granted > granted;
    }
    let is_payer = after.purchase_id == reference;
    if is_payer && (!is_renewal || is_late || is_after_a_gap) {
        // What was taken back with its money doesn't count against what is paid for anew.
        journal.update(|account| {
            account.granted = account.granted.saturating_sub(account.returned);
            account.returned = 0;
        });
    }
    let begun = journal.account().period.start();
    // A renewal of a month before grants nothing but the refill that it brings.
    let is_refill_all = brings_refill && paid_at < begun;
    let missing = if is_refill_all { 0 } else { allowance.saturating_sub(journal.account().granted) };
    if is_late && !is_payer {
        // It would have been taken back with the rest; of a month before, nothing of it would be left.
        let taken_back = if withdrawn_at >= Some(begun) { missing } else { 0 };
        journal.post(Event::Subscription, Change::NONE, reference.as_str(), |account| {
            account.granted = account.granted.saturating_add(taken_back);
            account.returned = account.returned.saturating_add(taken_back);
            account.subscription = Some(after);
        })?;
        return Ok(Credits::ZERO);
    }
    // What a settled month already refilled was no purchase of this one's.
    let granted = Credits::new(missing, 0, 0);
    let event = if granted.is_zero() { Event::Subscription } else { Event::Purchase };
    let change = Change::give(granted).ok_or(Refusal::BalanceLimit)?;
    journal.post(event, change, reference.as_str(), |account| {
        account.granted = account.granted.saturating_add(missing);
        account.subscription = Some(after);
    })?;
    Ok(granted)
}

#[cfg(test)]
mod tests;
