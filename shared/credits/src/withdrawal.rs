//! Money that goes back: refunds and disputes take credits back, and give them again when they fail or are
//! lost by the other side (rules 7 and 8).
//!
//! A purchase's record says how much of the money is gone. From that follows how many credits should be gone;
//! the entry moves what is from what was. So the provider's events can come late, twice or in another
//! order: each only changes what is known of the money.

use chrono::{DateTime, Utc};
use pricing::Credits;

use crate::{
    Account, Change, Decision, Event, Period, Reason, Record, RefundId, Refusal, Subscription,
    SubscriptionId,
    journal::Journal,
    purchase::{Buys, Dispute, FailedRefund, Purchase, Refund},
    refill,
};

/// The money-back guarantee: so long after the payment, to the second (contract, section 3).
const GUARANTEE_HOURS: i64 = 30 * 24;

/// Until when a purchase's money is given back on demand, inclusive.
#[must_use]
pub fn window_closes_at(purchase: &Purchase) -> DateTime<Utc> {
    purchase.payment.paid_at + chrono::Duration::hours(GUARANTEE_HOURS)
}

/// Decides a money-back refund: the credits are revoked and the purchase is `refund_pending`. No entries
/// where that was done.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`], [`Refusal::RefundWindowClosed`].
pub fn request(
    account: &Account,
    purchase: Option<&Purchase>,
    reason: Option<&Reason>,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let purchase = purchase.ok_or(Refusal::PurchaseNotFound)?;
    if purchase.refund.is_some() {
        return Ok(Decision::default());
    }
    let closed_at = window_closes_at(purchase);
    if now > closed_at {
        return Err(Refusal::RefundWindowClosed { closed_at });
    }
    let after = Purchase {
        refund: Some(Refund::RefundPending),
        refund_requested_at: Some(now),
        refund_reason: reason.cloned(),
        ..purchase.clone()
    };
    settle(account, purchase, after, Kind::Refund, (now, now))
}

/// Decides that the provider refused an attempt at a money-back refund: the credits come back, and the purchase
/// is as it was. No entries where that attempt isn't pending.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`], [`Refusal::BalanceLimit`].
pub fn refused(
    account: &Account,
    purchase: Option<&Purchase>,
    attempt: u32,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let purchase = purchase.ok_or(Refusal::PurchaseNotFound)?;
    if purchase.refund != Some(Refund::RefundPending) || purchase.refunds_failed != attempt {
        return Ok(Decision::default());
    }
    let refunds_failed = purchase.refunds_failed.saturating_add(1);
    let after = Purchase { refund: None, refunds_failed, ..purchase.clone() };
    settle(account, purchase, after, Kind::RefundFailed, (now, now))
}

/// Decides that the provider sent the money back at an attempt that is pending. No entries: the credits are gone
/// since it was asked for.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`].
pub fn confirmed(
    purchase: Option<&Purchase>,
    attempt: u32,
    refund_id: Option<&RefundId>,
) -> Result<Decision, Refusal> {
    let purchase = purchase.ok_or(Refusal::PurchaseNotFound)?;
    // What the provider's event said first stays, though it didn't name the refund: it may have been answered, and
    // whoever asks again is answered the same.
    let is_news = purchase.refund == Some(Refund::RefundPending) && purchase.refunds_failed == attempt;
    if !is_news {
        return Ok(Decision::default());
    }
    let after = Purchase {
        revision: purchase.revision.saturating_add(1),
        refund: Some(Refund::Refunded { refund_id: refund_id.cloned() }),
        ..purchase.clone()
    };
    Ok(recorded(after))
}

/// The subscription that ends with a purchase's money: the plan's, unless a later payment pays for it by now, which
/// goes on then (rule 8).
#[must_use]
pub fn ends_with<'a>(account: Option<&Account>, purchase: &'a Purchase) -> Option<&'a SubscriptionId> {
    let Buys::Plan { subscription_id, .. } = &purchase.payment.buys else { return None };
    let subscription = account.and_then(|account| account.subscription.as_ref());
    let goes_on = subscription.is_some_and(|subscription| {
        subscription.id == *subscription_id && subscription.purchase_id != purchase.payment.id
    });
    (!goes_on).then_some(subscription_id)
}

/// What the provider says of a purchase's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// So much of it was refunded in all.
    Refunded {
        /// The sum of all refunds that stood then.
        amount: u64,
    },
    /// A refund failed after all: so much came back.
    RefundFailed {
        /// The refund.
        id: RefundId,
        /// What it had sent back.
        amount: u64,
        /// Which of our own it was, counted from zero; `None` where somebody else asked for it.
        attempt: Option<u32>,
    },
    /// A dispute stands here.
    Disputed(Dispute),
}

/// Decides a word of the provider on a purchase's money. No entries where it says nothing new.
///
/// The newest total counts, less what failed since: a failure that came before a total is in it already.
///
/// # Errors
/// [`Refusal::PurchaseNotFound`] where the payment must come first, [`Refusal::BalanceLimit`].
pub fn hear(
    account: &Account,
    purchase: Option<&Purchase>,
    word: &Word,
    said_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let purchase = purchase.ok_or(Refusal::PurchaseNotFound)?;
    let mut after = purchase.clone();
    let kind = match word {
        Word::Refunded { amount } => {
            if (Some(said_at), *amount) <= (purchase.refunded_at, purchase.refunded_amount) {
                return Ok(Decision::default());
            }
            (after.refunded_at, after.refunded_amount) = (Some(said_at), *amount);
            // Our own refund, healed by the event where the answer was lost. A plan's stays pending: whether
            // its subscription was ended at the provider too, only asking again makes sure of.
            let is_pack = matches!(purchase.payment.buys, Buys::Pack(_));
            let is_whole = refunded(&after) >= purchase.payment.amount;
            if is_pack && is_whole && after.refund == Some(Refund::RefundPending) {
                after.refund = Some(Refund::Refunded { refund_id: None });
            }
            Kind::Refund
        }
        Word::RefundFailed { id, amount, attempt } => {
            if purchase.failed_refunds.iter().any(|failed| failed.id == *id) {
                return Ok(Decision::default());
            }
            after.failed_refunds.push(FailedRefund { id: id.clone(), amount: *amount, at: said_at });
            if is_ours(&after, id, *attempt) {
                after.refund = None;
                after.refunds_failed = purchase.refunds_failed.saturating_add(1);
            }
            Kind::RefundFailed
        }
        Word::Disputed(dispute) => {
            if purchase.dispute >= Some(*dispute) {
                return Ok(Decision::default());
            }
            after.dispute = Some(*dispute);
            if *dispute == Dispute::Won { Kind::DisputeWon } else { Kind::Dispute }
        }
    };
    settle(account, purchase, after, kind, (said_at, now))
}

/// Whether a refund is the money-back refund that is pending or done, by its name or by the attempt it was.
fn is_ours(purchase: &Purchase, id: &RefundId, attempt: Option<u32>) -> bool {
    match &purchase.refund {
        Some(Refund::Refunded { refund_id: Some(ours) }) => ours == id,
        Some(Refund::RefundPending) => attempt == Some(purchase.refunds_failed),
        // The provider said that all was refunded, by whomever: so long as that holds.
        Some(Refund::Refunded { refund_id: None }) => match attempt {
            Some(attempt) => attempt == purchase.refunds_failed,
            None => refunded(purchase) < purchase.payment.amount,
        },
        None => false,
    }
}

/// How much of the money went back and stayed there, by the provider's word.
fn refunded(purchase: &Purchase) -> u64 {
    let failed = purchase.failed_refunds.iter().filter(|failed| Some(failed.at) >= purchase.refunded_at);
    failed.fold(purchase.refunded_amount, |refunded, failed| refunded.saturating_sub(failed.amount))
}

/// What only the record changes by.
fn recorded(purchase: Purchase) -> Decision {
    Decision { entries: Vec::new(), records: vec![Record::Purchase(Box::new(purchase))] }
}

/// What the entry is written as.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Refund,
    RefundFailed,
    Dispute,
    DisputeWon,
}

impl Kind {
    fn event(self, spent: Credits) -> Event {
        match self {
            Self::Refund => Event::Refund { spent },
            Self::RefundFailed => Event::RefundFailed,
            Self::Dispute => Event::Dispute { spent },
            Self::DisputeWon => Event::DisputeWon,
        }
    }
}

/// Moves the credits from what is revoked of a purchase to what should be. Where that moves nothing, only
/// the record is written.
fn settle(
    account: &Account,
    before: &Purchase,
    mut after: Purchase,
    kind: Kind,
    (said_at, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Decision, Refusal> {
    let mut journal = Journal::open(account, now);
    let settled = journal.account().clone();
    let (was, gone) = (gone(before), gone(&after));
    let (mut takes, mut gives) = (Credits::ZERO, Credits::ZERO);
    after.revision = before.revision.saturating_add(1);
    if is_less(gone, was) {
        let share = share(worth(before, &settled), gone);
        // Playground credits of a month that is over would have expired with it. And who paid anew got
        // what is granted for that in full.
        let is_over = before.revoked_in.is_some_and(|revoked_in| revoked_in != settled.period)
            || before.revoked_at.is_some_and(|at| pays(&settled, before, at) == Pays::Not);
        let back = share.shortfall(before.revoked);
        // What no longer counts as taken back has been granted anew since.
        let playground = if is_over { 0 } else { back.playground().min(settled.returned) };
        gives = back.with_playground(playground);
        after.revoked = before.revoked.min(share);
        after.spent = after.revoked.shortfall(share);
    } else if is_less(was, gone) {
        let pays = pays(&settled, before, said_at);
        let is_whole = gone == WHOLE && pays == Pays::Now;
        // What was said of a month that is over took from credits that have expired with it.
        let is_over = Period::of(said_at) < settled.period && !is_whole;
        let share = match &before.payment.buys {
            Buys::Plan { .. } if is_over || pays == Pays::Not => Credits::ZERO,
            _ => share(worth(before, &settled), gone),
        };
        // Of the plan that is paid for now everything that is left goes, whoever granted it (rule 8).
        let left = before.revoked.playground().saturating_add(settled.balance.playground());
        let owed = if is_whole { share.with_playground(share.playground().max(left)) } else { share };
        takes = before.revoked.shortfall(owed).min(settled.balance);
        after.revoked = before.revoked.checked_add(takes).ok_or(Refusal::BalanceLimit)?;
        after.spent = after.revoked.shortfall(share);
    }
    if !takes.is_zero() {
        (after.revoked_in, after.revoked_at) = (Some(settled.period), Some(said_at));
    }
    // A newer total may be the first that is heard of a failure.
    let kind = if gives.is_zero() || !matches!(kind, Kind::Refund) { kind } else { Kind::RefundFailed };
    let subscription = withdrawn(&settled, before, (gone == WHOLE).then_some(said_at));
    if takes.is_zero() && gives.is_zero() && subscription == settled.subscription {
        return Ok(recorded(after));
    }
    let change = if takes.is_zero() { Change::give(gives) } else { Change::take(takes) };
    let change = change.ok_or(Refusal::BalanceLimit)?;
    journal.post(kind.event(after.spent), change, before.payment.id.as_str(), |account| {
        account.subscription = subscription;
        // Packs hold no playground credits.
        let returned = account.returned.saturating_add(takes.playground());
        account.returned = returned.saturating_sub(gives.playground());
    })?;
    // A plan whose money is back may have its month's refill due.
    refill::settle(&mut journal);
    Ok(journal.close(vec![Record::Purchase(Box::new(after))]))
}

/// The subscription once the money of what pays for it is gone since a moment, or is back.
fn withdrawn(
    account: &Account,
    purchase: &Purchase,
    gone_since: Option<DateTime<Utc>>,
) -> Option<Subscription> {
    let subscription = account.subscription.clone()?;
    if subscription.purchase_id != purchase.payment.id {
        return Some(subscription);
    }
    let withdrawn_at = gone_since.map(|since| subscription.withdrawn_at.unwrap_or(since));
    Some(Subscription { withdrawn_at, ..subscription })
}

/// Whether what a purchase granted is still the account's to lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pays {
    /// It pays for the plan now.
    Now,
    /// It did when the provider spoke; a later payment has taken its place since, and brought credits of
    /// its own. Or it is a pack's.
    Then,
    /// It was a plan's, and that was over.
    Not,
}

fn pays(account: &Account, purchase: &Purchase, said_at: DateTime<Utc>) -> Pays {
    let Buys::Plan { subscription_id, paid_until, .. } = &purchase.payment.buys else { return Pays::Then };
    match &account.subscription {
        Some(subscription) if subscription.purchase_id == purchase.payment.id => Pays::Now,
        Some(subscription) if subscription.id == *subscription_id => {
            let paid_at = purchase.payment.paid_at;
            let is_between = |other: DateTime<Utc>| paid_at < other && other <= said_at;
            let was_replaced =
                subscription.paid_at <= said_at || subscription.previous_paid_at.is_some_and(is_between);
            if said_at < *paid_until && !was_replaced { Pays::Then } else { Pays::Not }
        }
        _ => Pays::Not,
    }
}

/// All of the money.
const WHOLE: (u64, u64) = (1, 1);

/// How much of the money is gone, as a fraction.
fn gone(purchase: &Purchase) -> (u64, u64) {
    let all = purchase.payment.amount;
    let is_whole = purchase.refund.is_some()
        || purchase.dispute == Some(Dispute::Withdrawn)
        || (all > 0 && refunded(purchase) >= all);
    if is_whole { WHOLE } else { (refunded(purchase), all.max(1)) }
}

fn is_less((part, whole): (u64, u64), (other_part, other_whole): (u64, u64)) -> bool {
    u128::from(part) * u128::from(other_whole) < u128::from(other_part) * u128::from(whole)
}

/// What a purchase is worth in credits: what a pack gave, or a month of the plan, as far as it was granted.
fn worth(purchase: &Purchase, account: &Account) -> Credits {
    match &purchase.payment.buys {
        Buys::Pack(credits) => *credits,
        Buys::Plan { allowance, .. } => Credits::new((*allowance).min(account.granted), 0, 0),
    }
}

/// The part of the credits that the money stands for, rounded down.
fn share(credits: Credits, (part, whole): (u64, u64)) -> Credits {
    let share = |credits: u64| {
        let share = u128::from(credits) * u128::from(part) / u128::from(whole);
        u64::try_from(share).unwrap_or(credits).min(credits)
    };
    Credits::new(share(credits.playground()), share(credits.tune()), share(credits.tune_image()))
}

#[cfg(test)]
mod tests;
