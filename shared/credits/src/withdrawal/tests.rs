//! What goes back, as a table of facts: what was bought, what is said of its money, what is left.

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
    let reason = Some(Reason::try_from("changed their mind".to_owned()).unwrap());
    for (now, is_open) in
        [("2026-12-03T08:59:59Z", true), ("2026-12-03T09:00:00Z", true), ("2026-12-03T09:00:01Z", false)]
    {
        let decided = request(&account, Some(&purchase), reason.as_ref(), time(now));
        match decided {
            Ok(decision) => {
                assert!(is_open, "{now}");
                let (after, pending) = apply(&account, Ok(decision));
                assert_eq!(
                    (after.balance, pending.refund.clone()),
                    (Credits::ZERO, Some(Refund::RefundPending))
                );
                assert_eq!((pending.refund_requested_at, &pending.refund_reason), (Some(time(now)), &reason));
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
    let plan = |id: &str, subscription: &str, allowance, paid_at: &str, paid_until: &str| {
        let buys = Buys::Plan {
            subscription_id: SubscriptionId::parse(subscription).unwrap(),
            plan: "plan".into(),
            allowance,
            paid_until: time(paid_until),
        };
        Payment { paid_at: time(paid_at), ..payment(id, buys) }
    };
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
fn a_refund_is_ours_by_its_name_or_its_attempt_or_while_all_is_refunded() {
    let refunded = |refund_id: Option<&str>| Refund::Refunded {
        refund_id: refund_id.map(|id| RefundId::parse(id).unwrap()),
    };
    let (pending, whole, part) = (Refund::RefundPending, 1000, 900);
    // the refund, attempts that failed, the provider's total; who failed: id, amount, attempt, said at -> ours
    for (refund, failures, total, (id, amount, attempt), said_at, is_ours) in [
        (refunded(Some("re_1")), 0, whole, ("re_1", 1000, Some(0)), NOW, true),
        (refunded(Some("re_1")), 0, whole, ("re_1", 1000, None), NOW, true),
        (refunded(Some("re_1")), 0, whole, ("re_2", 100, None), NOW, false),
        (pending.clone(), 0, whole, ("re_1", 1000, Some(0)), NOW, true),
        (pending.clone(), 1, whole, ("re_1", 1000, Some(0)), NOW, false),
        (pending, 0, whole, ("re_2", 100, None), NOW, false),
        (refunded(None), 0, whole, ("re_1", 1000, Some(0)), NOW, true),
        (refunded(None), 1, whole, ("re_1", 1000, Some(0)), NOW, false),
        // All of it was refunded in the dashboard before support asked.
        (refunded(None), 0, whole, ("re_2", 1000, None), NOW, true),
        // A failure before the total is in it already: all of it is refunded still.
        (refunded(None), 0, whole, ("re_2", 100, None), "2026-11-19T23:59:59Z", false),
        (refunded(None), 0, part, ("re_2", 100, None), NOW, true),
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
        let (_, heard) = apply(&account, hear(&account, Some(&purchase), &word, time(said_at), time(NOW)));
        assert_eq!(heard.refund.is_none(), is_ours, "{refund:?} {failures} {total} {word:?}");
    }
}

#[test]
fn a_confirmation_is_news_once() {
    let id = |id: &str| RefundId::parse(id).unwrap();
    let refunded = |refund_id: Option<&str>| Some(Refund::Refunded { refund_id: refund_id.map(id) });
    let pending = Some(Refund::RefundPending);
    // where the refund stands, attempts that failed; confirmed: the attempt, by its name or without -> news
    for (refund, failures, attempt, name, is_news) in [
        (pending.clone(), 0, 0, Some("re_1"), true),
        (pending.clone(), 0, 0, None, true),
        (pending, 1, 0, Some("re_1"), false),
        // The provider's event was faster, and didn't name it.
        (refunded(None), 0, 0, Some("re_1"), true),
        (refunded(None), 0, 0, None, false),
        (refunded(Some("re_1")), 0, 0, Some("re_1"), false),
        (refunded(Some("re_1")), 0, 0, None, false),
        (None, 0, 0, Some("re_1"), false),
    ] {
        let (account, purchase) = bought(&pack());
        let purchase = Purchase { refund, refunds_failed: failures, ..purchase };
        let decided = confirmed(Some(&purchase), attempt, name.map(id).as_ref());
        let known = format!("{:?} {failures} {attempt} {name:?}", purchase.refund);
        if is_news {
            let (_, after) = apply(&account, decided);
            let revision = purchase.revision + 1;
            assert_eq!(after, Purchase { refund: refunded(name), revision, ..purchase }, "{known}");
        } else {
            assert_eq!(decided, Ok(Decision::default()), "{known}");
        }
    }
    assert_eq!(confirmed(None, 0, None), Err(Refusal::PurchaseNotFound));
}

#[test]
fn the_providers_total_confirms_a_packs_whole_refund_only() {
    // Whether a plan's subscription was ended too, only asking again makes sure of.
    for (payment, amount, is_confirmed) in [
        (pack(), 1000, true),
        (pack(), 999, false),
        (basic("in1", BOUGHT, "2026-12-03T09:00:00Z"), 1000, false),
    ] {
        let (account, purchase) = bought(&payment);
        let (account, pending) = apply(&account, request(&account, Some(&purchase), None, time(NOW)));
        let decided = hear(&account, Some(&pending), &Word::Refunded { amount }, time(NOW), time(NOW));
        let (_, heard) = apply(&account, decided);
        let expected =
            if is_confirmed { Refund::Refunded { refund_id: None } } else { Refund::RefundPending };
        assert_eq!(heard.refund, Some(expected), "{amount} of {:?}", payment.buys);
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

#[test]
fn each_refund_fails_once() {
    let (account, purchase) = bought(&pack());
    let word = Word::Refunded { amount: 1000 };
    let (mut account, mut purchase) =
        apply(&account, hear(&account, Some(&purchase), &word, time(NOW), time(NOW)));
    for (id, is_news, left) in [("re_1", true, 32), ("re_1", false, 32), ("re_2", true, 64)] {
        let decided = hear(&account, Some(&purchase), &failed(id, 500, None), time(NOW), time(NOW));
        if is_news {
            (account, purchase) = apply(&account, decided);
        } else {
            assert_eq!(decided, Ok(Decision::default()), "{id}");
        }
        assert_eq!(account.balance.tune_image(), left, "{id}");
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
