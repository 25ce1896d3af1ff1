//! What is paid, as tables of facts: payments, when they are heard of, what they grant.

use super::*;
use crate::EntryKind;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A payment for a plan: subscription, plan, allowance, paid at, paid until.
fn plan(id: &str, subscription: &str, allowance: u64, paid_at: &str, paid_until: &str) -> Payment {
    Payment {
        id: PurchaseId::parse(id).unwrap(),
        sku: "plan".into(),
        amount: 1900,
        currency: "usd".into(),
        paid_at: time(paid_at),
        invoiced_at: None,
        payment_id: None,
        customer_id: None,
        buys: Buys::Plan {
            subscription_id: crate::SubscriptionId::parse(subscription).unwrap(),
            plan: format!("plan-of-{allowance}"),
            allowance,
            paid_until: time(paid_until),
        },
    }
}

#[test]
fn a_plan_grants_up_to_its_allowance_within_a_month() {
    use EntryKind::{Purchase, Refill, Subscription};
    const DEC: &str = "2026-12-03T09:00:00Z";
    const JAN: &str = "2027-01-03T09:00:00Z";
    const FEB: &str = "2027-02-03T09:00:00Z";
    // Payments in order, each with when it is heard of, its own entry, and the playground balance after.
    let rows = [
        (plan("in1", "s1", 1000, "2026-11-03T09:00:00Z", DEC), "2026-11-03T09:00:00Z", Purchase, 1000),
        (plan("in2", "s1", 2500, "2026-11-04T09:00:00Z", DEC), "2026-11-04T09:00:00Z", Purchase, 2500),
        (plan("in3", "s1", 1000, "2026-11-05T09:00:00Z", DEC), "2026-11-05T09:00:00Z", Subscription, 2500),
        (plan("in4", "s2", 2500, "2026-11-06T09:00:00Z", DEC), "2026-11-06T09:00:00Z", Subscription, 2500),
        (plan("in5", "s2", 6000, "2026-11-30T23:59:59Z", DEC), "2026-11-30T23:59:59Z", Purchase, 6000),
        // December refilled by itself; the renewal moves the time.
        (plan("in6", "s2", 6000, DEC, JAN), DEC, Subscription, 6000),
        // Paid three days late: January's refill came due at its first moment, since that was paid.
        (plan("in7", "s2", 6000, "2027-01-06T09:00:00Z", FEB), "2027-01-06T09:00:00Z", Subscription, 6000),
        // A whole month late: nothing was refilled on the 1st of March, and the payment brings it.
        (
            plan("in8", "s2", 6000, "2027-03-06T09:00:00Z", "2027-04-03T09:00:00Z"),
            "2027-03-06T09:00:00Z",
            Subscription,
            6000,
        ),
    ];
    let mut account = Account::unseen(time("2026-11-03T09:00:00Z"));
    for (payment, now, kind, after) in rows {
        let decision = decide(&account, None, &payment, time(now)).unwrap();
        let own = decision.entries.last().unwrap();
        assert_eq!(own.event.kind(), kind, "{}", payment.id);
        assert_eq!(own.account.balance.playground(), after, "{}", payment.id);
        let refills = decision.entries.iter().filter(|entry| entry.event.kind() == Refill).count();
        let is_turn = ["in6", "in7", "in8"].contains(&payment.id.as_str());
        assert_eq!(refills, usize::from(is_turn), "{}", payment.id);
        account = own.account.clone();
    }
}

#[test]
fn a_late_renewal_brings_the_months_refill_and_nothing_by_itself() {
    let first = plan("in1", "s1", 2500, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z");
    let paid = decide(&Account::unseen(first.paid_at), None, &first, first.paid_at).unwrap();
    let account = &paid.entries.last().unwrap().account;
    // Went down in December, and December's renewal is heard of in January.
    let subscription = crate::SubscriptionId::parse("s1").unwrap();
    let terms = crate::Terms { allowance: 1000, plan: "plan-of-1000".into() };
    let chosen = Some(crate::Chosen { at: time("2026-12-10T09:00:00Z"), terms });
    let standing = Standing { chosen, ..Standing::unheard(subscription) };
    let late = plan("in2", "s1", 2500, "2026-12-03T09:00:00Z", "2027-02-03T09:00:00Z");
    let decision = decide(account, Some(&standing), &late, time("2027-01-02T00:00:00Z")).unwrap();
    let account = &decision.entries.last().unwrap().account;
    assert_eq!((account.balance.playground(), account.granted), (1000, 1000));
}

#[test]
fn a_renewal_of_this_month_grants_what_was_paid_for_though_less_was_chosen_since() {
    let first = plan("in1", "s1", 2500, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let paid = decide(&Account::unseen(first.paid_at), None, &first, first.paid_at).unwrap();
    let account = &paid.entries.last().unwrap().account;
    let subscription = crate::SubscriptionId::parse("s1").unwrap();
    let terms = crate::Terms { allowance: 1000, plan: "plan-of-1000".into() };
    let chosen = Some(crate::Chosen { at: time("2027-01-01T01:30:00Z"), terms });
    let standing = Standing { chosen, ..Standing::unheard(subscription) };
    for (paid_at, granted) in [
        // One of the month before brings the refill of what one is on now.
        ("2026-12-31T23:59:59Z", 1000),
        ("2027-01-01T00:00:00Z", 2500),
        ("2027-01-01T01:00:00Z", 2500),
    ] {
        let renewal = plan("in2", "s1", 2500, paid_at, "2027-02-01T00:00:00Z");
        let decision = decide(account, Some(&standing), &renewal, time("2027-01-01T02:00:00Z")).unwrap();
        let balance = decision.entries.last().unwrap().account.balance;
        assert_eq!(balance.playground(), granted, "{paid_at}");
    }
}

#[test]
fn when_an_invoice_was_asked_for_is_kept_where_that_was_earlier() {
    for (invoiced_at, is_kept) in [("2026-11-03T08:59:59Z", true), ("2026-11-03T09:00:00Z", false)] {
        let invoiced_at = Some(time(invoiced_at));
        let payment = plan("in1", "s1", 1000, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z");
        let payment = Payment { invoiced_at, ..payment };
        let decision = decide(&Account::unseen(payment.paid_at), None, &payment, payment.paid_at).unwrap();
        let subscription = decision.entries[0].account.subscription.as_ref().unwrap();
        assert_eq!(subscription.invoiced_at, invoiced_at.filter(|_| is_kept));
    }
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let payment = plan("in1", "s1", 1000, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z");
    let decision = decide(&Account::unseen(payment.paid_at), None, &payment, payment.paid_at).unwrap();
    let Record::Purchase(fresh) = &decision.records[0] else { panic!("{decision:?}") };
    for refunds_failed in 0..3 {
        let purchase = Purchase { refunds_failed, ..*fresh.clone() };
        let written = serde_json::to_value(&purchase).unwrap();
        // What never happened takes no room.
        assert_eq!(written.get("refunds_failed").is_some(), refunds_failed > 0);
        assert_eq!(serde_json::from_value::<Purchase>(written).unwrap(), purchase);
    }
}

#[test]
fn a_plan_chosen_while_an_invoice_waited_to_be_paid_counts_from_the_next_refill() {
    let terms = crate::Terms { allowance: 1000, plan: "plan-of-1000".into() };
    let subscription = crate::SubscriptionId::parse("s1").unwrap();
    let chosen = Some(crate::Chosen { at: time("2026-12-03T09:30:00Z"), terms });
    let standing = Standing { chosen, ..Standing::unheard(subscription) };
    let renewal = Payment {
        invoiced_at: Some(time("2026-12-03T09:00:00Z")),
        ..plan("in2", "s1", 2500, "2026-12-03T10:00:00Z", "2027-01-03T09:00:00Z")
    };
    let now = renewal.paid_at;
    let decision = decide(&Account::unseen(now), Some(&standing), &renewal, now).unwrap();
    let account = &decision.entries.last().unwrap().account;
    assert_eq!(account.balance.playground(), 2500);
    assert_eq!(account.as_of(time("2027-01-01T00:00:00Z")).balance.playground(), 1000);
}

#[test]
fn a_pack_adds_what_it_gives() {
    let now = time("2026-11-03T09:00:00Z");
    let buys = Buys::Pack(Credits::new(0, 1, 64));
    let pack = Payment { buys, ..plan("pi1", "s", 0, "2026-11-03T09:00:00Z", "2026-11-03T09:00:00Z") };
    let decision = decide(&Account::unseen(now), None, &pack, now).unwrap();
    assert_eq!(decision.entries[0].account.balance, Credits::new(0, 1, 64));
    let full = Account { balance: Credits::new(0, 0, Credits::MAX_OF_A_KIND), ..Account::unseen(now) };
    assert_eq!(decide(&full, None, &pack, now), Err(Refusal::BalanceLimit));
}
