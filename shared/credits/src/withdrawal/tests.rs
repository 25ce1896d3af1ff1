//! What goes back, as a table of facts: what was bought, what is said of its money, what is left.

mod refunds;

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
    plan(id, "sub", 1000, paid_at, paid_until)
}

/// A payment for a plan: subscription, allowance, paid at, paid until.
fn plan(id: &str, subscription: &str, allowance: u64, paid_at: &str, paid_until: &str) -> Payment {
    let buys = Buys::Plan {
        subscription_id: SubscriptionId::parse(subscription).unwrap(),
        plan: format!("plan-of-{allowance}"),
        allowance,
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
    let (after, refunded) = apply(&account, hear(&account, Some(&purchase), &whole, time(NOW), time(NOW)));
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
    let mut account = account;
    for (id, subscription, at, allowance, balance) in [
        ("in2", "sub2", "2026-11-21T00:00:00Z", 1000, 1000),
        // From then on rule 5 holds again: going up grants the difference, going anew nothing.
        ("in3", "sub2", "2026-11-22T00:00:00Z", 2500, 2500),
        ("in4", "sub3", "2026-11-23T00:00:00Z", 2500, 2500),
    ] {
        let paid = plan(id, subscription, allowance, at, "2026-12-21T00:00:00Z");
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
    // Of a plan all was taken that was left, more than it had granted.
    let (account, purchase) = bought(&basic("in1", BOUGHT, "2026-12-03T09:00:00Z"));
    let account = Account { balance: Credits::new(1200, 0, 0), ..account };
    let whole = Word::Refunded { amount: 1000 };
    let (after, gone) = apply(&account, hear(&account, Some(&purchase), &whole, time(BOUGHT), time(NOW)));
    assert_eq!(after.balance, Credits::ZERO);
    let heard = hear(&after, Some(&gone), &whole, time(NOW), time(NOW)).unwrap();
    assert_eq!(heard.entries, []);
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
fn a_refund_heard_late_takes_from_who_paid_when_it_was_said() {
    const LATER: &str = "2026-11-28T00:00:00Z";
    let upgraded = [
        plan("in1", "sub", 1000, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
        plan("in2", "sub", 2500, "2026-11-10T09:00:00Z", "2026-12-03T09:00:00Z"),
        plan("in3", "sub", 1000, "2026-11-20T09:00:00Z", "2026-12-20T09:00:00Z"),
    ];
    let with_a_gap = [
        plan("in1", "sub", 1000, "2026-11-01T09:00:00Z", "2026-11-05T09:00:00Z"),
        plan("in2", "sub", 1000, "2026-11-10T09:00:00Z", "2026-12-10T09:00:00Z"),
    ];
    let anew = [
        plan("in1", "sub", 1000, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
        plan("in2", "sub2", 1000, "2026-11-10T09:00:00Z", "2026-12-10T09:00:00Z"),
    ];
    // payments, all heard of; whose money went, and when that was said -> left
    for (payments, of, said_at, left) in [
        (&upgraded[..], 0, "2026-11-09T09:00:00Z", 1500),
        (&upgraded, 0, "2026-11-10T08:59:59Z", 1500),
        (&upgraded, 0, "2026-11-10T09:00:00Z", 2500),
        (&upgraded, 0, "2026-11-15T09:00:00Z", 2500),
        (&upgraded, 1, "2026-11-15T09:00:00Z", 0),
        (&upgraded, 1, "2026-11-20T08:59:59Z", 0),
        (&upgraded, 1, "2026-11-20T09:00:00Z", 2500),
        (&with_a_gap, 0, "2026-11-05T08:59:59Z", 0),
        (&with_a_gap, 0, "2026-11-05T09:00:00Z", 1000),
        (&anew, 0, "2026-11-05T09:00:00Z", 1000),
        (&anew, 0, "2026-11-12T09:00:00Z", 1000),
    ] {
        let mut account = Account::unseen(time(BOUGHT));
        let mut purchases = Vec::new();
        for payment in payments {
            let purchase;
            (account, purchase) = apply(&account, purchase::decide(&account, None, payment, payment.paid_at));
            purchases.push(purchase);
        }
        let word = Word::Refunded { amount: 1000 };
        let decided = hear(&account, Some(&purchases[of]), &word, time(said_at), time(LATER));
        let (after, _) = apply(&account, decided);
        assert_eq!(after.balance.playground(), left, "{of} at {said_at}");
    }
}

#[test]
fn a_subscription_ends_with_the_money_of_what_pays_for_it() {
    let (account, purchase) = bought(&basic("in1", BOUGHT, "2026-12-03T09:00:00Z"));
    let renewal = basic("in2", "2026-12-03T09:00:00Z", "2027-01-03T09:00:00Z");
    let (renewed, _) = apply(&account, purchase::decide(&account, None, &renewal, renewal.paid_at));
    let sub = SubscriptionId::parse("sub").unwrap();
    assert_eq!(ends_with(Some(&account), &purchase), Some(&sub));
    assert_eq!(ends_with(Some(&renewed), &purchase), None);
    let (_, pack) = bought(&pack());
    assert_eq!(ends_with(Some(&account), &pack), None);
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
fn a_total_that_rises_takes_the_rest() {
    let (mut account, mut purchase) = bought(&pack());
    for (day, amount, left) in [(10, 250, 48), (11, 500, 32), (12, 750, 16), (13, 1000, 0)] {
        let at = time(&format!("2026-11-{day}T00:00:00Z"));
        let decided = hear(&account, Some(&purchase), &Word::Refunded { amount }, at, at);
        (account, purchase) = apply(&account, decided);
        assert_eq!(account.balance.tune_image(), left, "{amount}");
    }
}

#[test]
fn what_cost_nothing_is_given_back_as_well() {
    let (account, purchase) = bought(&Payment { amount: 0, ..pack() });
    // No word on its money can say that something of it is gone.
    let heard = hear(&account, Some(&purchase), &Word::Refunded { amount: 0 }, time(NOW), time(NOW));
    assert_eq!(heard.unwrap().entries, []);
    let (after, _) = apply(&account, request(&account, Some(&purchase), None, time(NOW)));
    assert_eq!(after.balance, Credits::ZERO);
}
