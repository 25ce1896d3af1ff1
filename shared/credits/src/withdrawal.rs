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
    let is_news = match &purchase.refund {
        _ if purchase.refunds_failed != attempt => false,
        Some(Refund::RefundPending) => true,
        // The provider's event was faster than its answer, and didn't name the refund.
        Some(Refund::Refunded { refund_id: known }) => known.is_none() && refund_id.is_some(),
        None => false,
    };
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
        gives = if is_over { back.with_playground(0) } else { back };
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
                is_between(subscription.paid_at) || subscription.previous_paid_at.is_some_and(is_between);
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
mod tests {
    use super::*;
    use crate::{EntryKind, Payment, PurchaseId, SubscriptionId, purchase};

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const BOUGHT: &str = "2026-11-03T09:00:00Z";
    const NOW: &str = "2026-11-20T00:00:00Z";

    fn payment(id: &str, buys: Buys) -> Payment {
        Payment {
            id: PurchaseId::parse(id).unwrap(),
            sku: "sku".into(),
            amount: 1000,
            currency: "usd".into(),
            paid_at: time(BOUGHT),
            invoiced_at: None,
            payment_id: None,
            customer_id: None,
            buys,
        }
    }

    fn pack() -> Payment {
        payment("pi", Buys::Pack(Credits::new(0, 1, 64)))
    }

    fn basic(id: &str, paid_at: &str, paid_until: &str) -> Payment {
        let buys = Buys::Plan {
            subscription_id: SubscriptionId::parse("sub").unwrap(),
            plan: "basic".into(),
            allowance: 1000,
            paid_until: time(paid_until),
        };
        Payment { paid_at: time(paid_at), ..payment(id, buys) }
    }

    /// An account that bought something, and the purchase's record.
    fn bought(payment: &Payment) -> (Account, Purchase) {
        apply(
            &Account::unseen(payment.paid_at),
            purchase::decide(&Account::unseen(payment.paid_at), None, payment, payment.paid_at),
        )
    }

    fn apply(account: &Account, decided: Result<Decision, Refusal>) -> (Account, Purchase) {
        let decision = decided.unwrap();
        let account = decision.entries.last().map_or(account.clone(), |entry| entry.account.clone());
        let Some(Record::Purchase(record)) = decision.records.into_iter().next() else { panic!("no record") };
        (account, *record)
    }

    fn failed(id: &str, amount: u64, attempt: Option<u32>) -> Word {
        Word::RefundFailed { id: RefundId::parse(id).unwrap(), amount, attempt }
    }

    /// The account with some of its credits spent.
    fn spend(account: &Account, credits: Credits) -> Account {
        Account { balance: account.balance.checked_sub(credits).unwrap(), ..account.clone() }
    }

    #[test]
    fn a_pack_is_revoked_in_proportion_up_to_what_is_left() {
        let c = Credits::new;
        // spent, refunded of 1000 -> left, revoked, not recovered
        for (spent, refunded, left, revoked, lost) in [
            (c(0, 0, 0), 1000, c(0, 0, 0), c(0, 1, 64), c(0, 0, 0)),
            (c(0, 1, 8), 1000, c(0, 0, 0), c(0, 0, 56), c(0, 1, 8)),
            (c(0, 0, 0), 500, c(0, 1, 32), c(0, 0, 32), c(0, 0, 0)),
            (c(0, 0, 0), 999, c(0, 1, 1), c(0, 0, 63), c(0, 0, 0)),
            (c(0, 0, 0), 1, c(0, 1, 64), c(0, 0, 0), c(0, 0, 0)),
            (c(0, 1, 64), 1000, c(0, 0, 0), c(0, 0, 0), c(0, 1, 64)),
        ] {
            let (account, purchase) = bought(&pack());
            let account = spend(&account, spent);
            let word = Word::Refunded { amount: refunded };
            let decided = hear(&account, Some(&purchase), &word, time(NOW), time(NOW));
            let (after, purchase) = apply(&account, decided);
            assert_eq!(after.balance, left, "{spent:?} {refunded}");
            assert_eq!((purchase.revoked, purchase.spent), (revoked, lost), "{spent:?} {refunded}");
            // Said again, it says nothing new.
            let again = hear(&after, Some(&purchase), &word, time(NOW), time(NOW));
            assert_eq!(again, Ok(Decision::default()));
        }
    }

    #[test]
    fn a_refund_of_what_pays_for_the_plan_ends_it_and_one_of_an_earlier_payment_does_not() {
        let first = basic("in1", BOUGHT, "2026-12-03T09:00:00Z");
        let renewal = basic("in2", "2026-12-03T09:00:00Z", "2027-01-03T09:00:00Z");
        let whole = Word::Refunded { amount: 1000 };

        let (account, purchase) = bought(&first);
        let account = spend(&account, Credits::new(300, 0, 0));
        let (after, refunded) =
            apply(&account, hear(&account, Some(&purchase), &whole, time(NOW), time(NOW)));
        assert_eq!((after.balance.playground(), after.is_active(time(NOW))), (0, false));
        assert_eq!((refunded.revoked.playground(), refunded.spent.playground()), (700, 300));
        assert_eq!(after.as_of(time("2026-12-01T00:00:00Z")).balance.playground(), 0);

        // Renewed since, and refunded after that: an earlier one revokes nothing.
        let (account, _) = apply(&account, purchase::decide(&account, None, &renewal, renewal.paid_at));
        let later = time("2026-12-20T00:00:00Z");
        let (after, refunded) = apply(&account, hear(&account, Some(&purchase), &whole, later, later));
        assert_eq!((after.balance.playground(), after.is_active(later)), (1000, true));
        assert_eq!(refunded.revoked, Credits::ZERO);
    }

    #[test]
    fn who_got_the_money_back_and_subscribes_anew_gets_what_they_pay_for() {
        let (account, purchase) = bought(&basic("in1", BOUGHT, "2026-12-03T09:00:00Z"));
        let (account, _) = apply(&account, request(&account, Some(&purchase), None, time(NOW)));
        assert_eq!(account.balance.playground(), 0);
        let anew = |id: &str, subscription: &str, at: &str, allowance: u64| {
            let buys = Buys::Plan {
                subscription_id: SubscriptionId::parse(subscription).unwrap(),
                plan: "plan".into(),
                allowance,
                paid_until: time("2026-12-21T00:00:00Z"),
            };
            Payment { paid_at: time(at), ..payment(id, buys) }
        };
        let mut account = account;
        for (id, subscription, at, allowance, balance) in [
            ("in2", "sub2", "2026-11-21T00:00:00Z", 1000, 1000),
            // From then on rule 5 holds again: going up grants the difference, going anew nothing.
            ("in3", "sub2", "2026-11-22T00:00:00Z", 2500, 2500),
            ("in4", "sub3", "2026-11-23T00:00:00Z", 2500, 2500),
        ] {
            let paid = anew(id, subscription, at, allowance);
            (account, _) = apply(&account, purchase::decide(&account, None, &paid, time(at)));
            assert_eq!(account.balance.playground(), balance, "{id}");
        }
    }

    #[test]
    fn money_that_comes_back_brings_the_credits_and_the_plan_back() {
        for (payment, left) in [
            (pack(), Credits::new(0, 1, 64)),
            (basic("in1", BOUGHT, "2026-12-03T09:00:00Z"), Credits::new(1000, 0, 0)),
        ] {
            let (account, bought) = bought(&payment);
            let at = |day: u32| time(&format!("2026-11-{day}T00:00:00Z"));
            let words = [
                (Word::Disputed(Dispute::Withdrawn), Credits::ZERO, EntryKind::Dispute),
                (Word::Disputed(Dispute::Won), left, EntryKind::DisputeWon),
                (Word::Refunded { amount: 1000 }, Credits::ZERO, EntryKind::Refund),
                (failed("re_1", 1000, None), left, EntryKind::RefundFailed),
            ];
            let (mut account, mut purchase) = (account, bought);
            for (day, (word, balance, kind)) in (10..).zip(words) {
                let decided = hear(&account, Some(&purchase), &word, at(day), at(day));
                assert_eq!(decided.as_ref().unwrap().entries[0].event.kind(), kind);
                (account, purchase) = apply(&account, decided);
                assert_eq!(account.balance, balance, "{word:?}");
            }
            assert_eq!(account.is_active(at(20)), matches!(payment.buys, Buys::Plan { .. }));
        }
    }

    #[test]
    fn the_guarantee_is_thirty_days_to_the_second() {
        let (account, purchase) = bought(&pack());
        for (now, is_open) in
            [("2026-12-03T08:59:59Z", true), ("2026-12-03T09:00:00Z", true), ("2026-12-03T09:00:01Z", false)]
        {
            let decided = request(&account, Some(&purchase), None, time(now));
            match decided {
                Ok(decision) => {
                    assert!(is_open, "{now}");
                    let (after, pending) = apply(&account, Ok(decision));
                    assert_eq!(
                        (after.balance, pending.refund.clone()),
                        (Credits::ZERO, Some(Refund::RefundPending))
                    );
                    // Asked again, nothing more is written; refused by the provider, all is as it was.
                    assert_eq!(request(&after, Some(&pending), None, time(now)), Ok(Decision::default()));
                    let (restored, record) = apply(&after, refused(&after, Some(&pending), 0, time(now)));
                    assert_eq!((restored.balance, record.refund), (account.balance, None));
                    assert_eq!(record.refunds_failed, 1);
                }
                Err(refusal) => {
                    assert!(!is_open, "{now}");
                    let closed_at = time("2026-12-03T09:00:00Z");
                    assert_eq!(refusal, Refusal::RefundWindowClosed { closed_at });
                }
            }
        }
        assert_eq!(request(&account, None, None, time(NOW)), Err(Refusal::PurchaseNotFound));
    }

    #[test]
    fn what_says_no_more_money_gone_takes_no_more_credits() {
        let (account, purchase) = bought(&pack());
        let account = spend(&account, Credits::new(0, 0, 8));
        let (after, pending) = apply(&account, request(&account, Some(&purchase), None, time(NOW)));
        assert_eq!(pending.spent, Credits::new(0, 0, 8));
        // Bought since; the provider's event of the same refund leaves it alone.
        let after = Account { balance: Credits::new(0, 0, 104), ..after };
        for word in [Word::Refunded { amount: 1000 }, failed("re_other", 10, None)] {
            let heard = hear(&after, Some(&pending), &word, time(NOW), time(NOW)).unwrap();
            assert_eq!(heard.entries, [], "{word:?}");
        }
    }

    #[test]
    fn a_refund_of_a_month_that_is_over_takes_nothing_of_this_one() {
        let year = "2027-11-03T09:00:00Z";
        let (account, purchase) = bought(&basic("in1", BOUGHT, year));
        let (said_at, now) = (time("2026-11-28T00:00:00Z"), time("2026-12-04T00:00:00Z"));
        // In part, of what still pays; and whole, of what has been renewed since.
        let half = Word::Refunded { amount: 500 };
        let heard = hear(&account, Some(&purchase), &half, said_at, now).unwrap();
        assert_eq!(heard.entries, []);
        let renewal = basic("in2", "2026-12-03T09:00:00Z", year);
        let (account, _) = apply(&account, purchase::decide(&account, None, &renewal, renewal.paid_at));
        let heard = hear(&account, Some(&purchase), &Word::Refunded { amount: 1000 }, said_at, now).unwrap();
        assert_eq!(heard.entries, []);
    }

    #[test]
    fn a_plan_is_worth_what_it_granted() {
        let (account, purchase) = bought(&basic("in1", BOUGHT, "2027-11-03T09:00:00Z"));
        // Moved to a plan of 400 in November: December's refill is that.
        let account = Account { balance: Credits::new(400, 0, 0), granted: 400, ..account };
        for (amount, left, spent) in [(1000, 0, 0), (500, 200, 0)] {
            let word = Word::Refunded { amount };
            let decided = hear(&account, Some(&purchase), &word, time(NOW), time(NOW));
            let (after, refunded) = apply(&account, decided);
            assert_eq!((after.balance.playground(), refunded.spent.playground()), (left, spent), "{amount}");
        }
    }

    #[test]
    fn a_refund_is_ours_by_its_name_or_its_attempt_or_while_all_is_refunded() {
        let refunded = |refund_id: Option<&str>| Refund::Refunded {
            refund_id: refund_id.map(|id| RefundId::parse(id).unwrap()),
        };
        let (pending, whole, part) = (Refund::RefundPending, 1000, 900);
        // the refund, attempts that failed, the provider's total; who failed: id, amount, attempt -> ours
        for (refund, failures, total, (id, amount, attempt), is_ours) in [
            (refunded(Some("re_1")), 0, whole, ("re_1", 1000, Some(0)), true),
            (refunded(Some("re_1")), 0, whole, ("re_1", 1000, None), true),
            (refunded(Some("re_1")), 0, whole, ("re_2", 100, None), false),
            (pending.clone(), 0, whole, ("re_1", 1000, Some(0)), true),
            (pending.clone(), 1, whole, ("re_1", 1000, Some(0)), false),
            (pending, 0, whole, ("re_2", 100, None), false),
            (refunded(None), 0, whole, ("re_1", 1000, Some(0)), true),
            (refunded(None), 1, whole, ("re_1", 1000, Some(0)), false),
            // All of it was refunded in the dashboard before support asked.
            (refunded(None), 0, whole, ("re_2", 1000, None), true),
            (refunded(None), 0, part, ("re_2", 100, None), true),
        ] {
            let (account, purchase) = bought(&pack());
            let at = Some(time(NOW));
            let purchase = Purchase {
                refund: Some(refund.clone()),
                refunds_failed: failures,
                refunded_amount: total,
                refunded_at: at,
                ..purchase
            };
            let word = failed(id, amount, attempt);
            let (_, heard) = apply(&account, hear(&account, Some(&purchase), &word, time(NOW), time(NOW)));
            assert_eq!(heard.refund.is_none(), is_ours, "{refund:?} {failures} {total} {word:?}");
        }
    }

    #[test]
    fn an_answer_to_an_earlier_attempt_changes_nothing() {
        let (account, purchase) = bought(&pack());
        let (account, pending) = apply(&account, request(&account, Some(&purchase), None, time(NOW)));
        let (account, restored) = apply(&account, refused(&account, Some(&pending), 0, time(NOW)));
        let (account, again) = apply(&account, request(&account, Some(&restored), None, time(NOW)));
        assert_eq!(refused(&account, Some(&again), 0, time(NOW)), Ok(Decision::default()));
        assert_eq!(confirmed(Some(&again), 0, None), Ok(Decision::default()));
        let (_, done) = apply(&account, confirmed(Some(&again), 1, None));
        assert_eq!(done.refund, Some(Refund::Refunded { refund_id: None }));
    }

    #[test]
    fn the_providers_word_confirms_a_refund_and_takes_nothing_twice() {
        let (account, purchase) = bought(&pack());
        let (after, pending) = apply(&account, request(&account, Some(&purchase), None, time(NOW)));
        let word = Word::Refunded { amount: 1000 };
        let heard = hear(&after, Some(&pending), &word, time(NOW), time(NOW)).unwrap();
        assert!(heard.entries.is_empty());
        let (_, record) = apply(&after, Ok(heard));
        assert_eq!(record.refund, Some(Refund::Refunded { refund_id: None }));
        assert_eq!(record.revoked, Credits::new(0, 1, 64));
    }
}
