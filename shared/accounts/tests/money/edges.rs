//! Combinations of rules: refunds that are confirmed while Stripe's lists are behind, lines that are granted after a
//! refund, months that turn between a change and the look that sees it.

use scrip_accounts::{
    EntryKind::{self, Purchase, Refund},
    OutflowKind, PurchaseId, PurchaseStatus, RefundId, Refusal, SubscriptionStatus, money_back, refill,
};
use scrip_pricing::Credits;

use crate::shop::{Invoice, Provider, Shop, Step, pack, time};

const YEAR: &str = "2027-11-03";
const DEC: &str = "2026-12-03";

fn invoice(id: &'static str, plan: &str, at: &'static str, until: &'static str) -> Step {
    Step::Invoice(Invoice::new(id, plan, at, until))
}

fn id(text: &str) -> PurchaseId {
    PurchaseId::parse(text).unwrap()
}

fn turn(shop: &mut Shop, month: &str) {
    shop.append(refill::decide(&shop.account, time(month)));
}

/// Looked at once in November.
fn bought(steps: &[Step]) -> (Provider, Shop) {
    let provider = Provider::after(steps);
    let mut shop = Shop::new("2026-11-01");
    shop.look(&provider, "2026-11-03");
    shop.take_kinds();
    (provider, shop)
}

fn a_pack() -> Step {
    Step::Pack("pi_1", "2026-11-03", vec![pack("tune_pack", 1)], 900)
}

fn request(shop: &mut Shop, purchase: &str, now: &str) {
    let known = shop.purchases[&id(purchase)].subscription_id.clone();
    let records = shop.records(known.as_ref(), [id(purchase)].iter());
    let decision = money_back::request(&shop.account, &records, &id(purchase), None, time(now)).unwrap();
    shop.append(decision);
}

fn confirm(shop: &mut Shop, provider: &Provider, subject: &str, purchase: &str, now: &str) {
    let known = shop.purchases[&id(purchase)].subscription_id.clone();
    let records = shop.records(known.as_ref(), [id(purchase)].iter());
    let money = provider.facts(subject).money.into_iter().find(|money| money.purchase_id == id(purchase));
    let ours = [RefundId::parse("re_1").unwrap()];
    let confirmed =
        money_back::confirmed(&shop.account, &records, &money.unwrap(), 0, &ours, time(now)).unwrap();
    shop.append(confirmed);
}

#[test]
fn a_plans_money_back_is_one_entry() {
    let (mut provider, mut shop) = bought(&[invoice("in_1", "basic", "2026-11-03", DEC)]);
    request(&mut shop, "in_1", "2026-11-04T09:00:00Z");
    provider.take(Step::Outflow("in_1", "re_1", OutflowKind::Refund, 1900, "2026-11-04T09:00:02Z"));
    confirm(&mut shop, &provider, "sub", "in_1", "2026-11-04T09:00:03Z");
    assert_eq!((shop.take_kinds(), shop.playground()), (vec![Refund], 0));
    assert_eq!(shop.purchases[&id("in_1")].status(), PurchaseStatus::Refunded);
}

#[test]
fn an_answer_that_doesnt_show_our_refund_yet_gives_nothing_back() {
    let (mut provider, mut shop) = bought(&[a_pack()]);
    let stale = provider.clone();
    request(&mut shop, "pi_1", "2026-11-04");
    confirm(&mut shop, &stale, "pi_1", "pi_1", "2026-11-04");
    assert_eq!(shop.account.balance, Credits::ZERO, "confirmed by a list that is behind");
    assert_eq!(shop.purchases[&id("pi_1")].status(), PurchaseStatus::RefundPending);
    provider.take(Step::Outflow("pi_1", "re_1", OutflowKind::Refund, 900, "2026-11-04"));
    confirm(&mut shop, &provider, "pi_1", "pi_1", "2026-11-04");
    shop.look(&stale, "2026-11-04");
    assert_eq!(shop.account.balance, Credits::ZERO, "looked at by a list that is behind");
    assert_eq!(shop.purchases[&id("pi_1")].status(), PurchaseStatus::Refunded);
}

#[test]
fn a_dispute_while_a_refund_is_pending_takes_nothing_twice() {
    let (mut provider, mut shop) = bought(&[invoice("in_1", "basic", "2026-11-03", YEAR)]);
    request(&mut shop, "in_1", "2026-11-04");
    provider.take(Step::Outflow("in_1", "dp_1", OutflowKind::Dispute, 1900, "2026-11-05"));
    shop.look(&provider, "2026-11-05");
    assert_eq!(shop.take_kinds(), [Refund]);
}

#[test]
fn an_outflow_beyond_the_paid_amount_moves_no_credits() {
    use OutflowKind::{Dispute, Refund};
    for (first, second) in [(("re_1", Refund), ("dp_1", Dispute)), (("dp_1", Dispute), ("re_1", Refund))] {
        let (mut provider, mut shop) = bought(&[invoice("in_1", "basic", "2026-11-03", YEAR)]);
        for ((outflow, kind), at) in [(first, "2026-11-10"), (second, "2026-12-05")] {
            provider.take(Step::Outflow("in_1", outflow, kind, 1900, at));
            shop.look(&provider, at);
        }
        assert_eq!(shop.plan("2026-12-06").1, time("2026-11-10"), "{first:?} first");
    }
}

#[test]
fn a_line_granted_after_half_of_the_money_went_is_granted_by_half() {
    let both = [pack("tune_pack", 3), pack("avatar_pack", 1)];
    let of = |lines: &[scrip_accounts::Line]| Step::Pack("pi_1", "2026-11-03", lines.to_vec(), 4200);
    let gone = Step::Outflow("pi_1", "re_1", OutflowKind::Refund, 2100, "2026-11-04");
    let mut shop = Shop::new("2026-11-01");
    for (steps, balance) in [
        (vec![of(&both[..1])], Credits::new(0, 3, 192)),
        (vec![of(&both[..1]), gone.clone()], Credits::new(0, 2, 96)),
        (vec![of(&both), gone.clone()], Credits::new(0, 2, 96 + 52)),
    ] {
        shop.look(&Provider::after(&steps), "2026-11-05");
        assert_eq!(shop.account.balance, balance, "{steps:?}");
    }
}

#[test]
fn a_fifth_subscription_is_refused_in_a_later_month_too() {
    let ids = [("in_1", "sub_1"), ("in_2", "sub_2"), ("in_3", "sub_3"), ("in_4", "sub_4"), ("in_5", "sub_5")];
    let steps = ids.map(|(id, of)| Step::Invoice(Invoice::new(id, "basic", "2026-11-03", YEAR).of(of)));
    let mut shop = Shop::new("2026-11-01");
    for (_, subscription) in &ids[..4] {
        shop.look_at(&Provider::after(&steps), subscription, "2026-11-04").unwrap();
    }
    let fifth = shop.look_at(&Provider::after(&steps), "sub_5", "2026-12-04");
    assert_eq!(fifth, Err(Refusal::TooManySubscriptions));
}

#[test]
fn a_renewal_after_a_downgrade_gives_no_more_than_it_pays_for() {
    for is_turned in [true, false] {
        let (mut provider, mut shop) = bought(&[invoice("in_1", "business", "2026-11-03", DEC)]);
        provider.take(Step::Item("sub", "basic"));
        shop.look(&provider, "2026-11-20");
        if is_turned {
            turn(&mut shop, "2026-12-01");
            assert_eq!(shop.playground(), 1000);
        }
        provider.take(invoice("in_2", "basic", DEC, "2027-01-03"));
        shop.look(&provider, DEC);
        assert_eq!(shop.playground(), 1000, "turned: {is_turned}");
    }
}

/// A downgrade, an upgrade that was paid for and a downgrade again, of which only the last was looked at.
#[test]
fn an_item_that_changed_twice_between_looks_has_its_latest_plan() {
    let (mut provider, mut shop) = bought(&[invoice("in_1", "business", "2026-11-03", YEAR)]);
    provider.take(Step::Item("sub", "basic"));
    shop.look(&provider, "2026-11-05");
    provider.take(Step::Invoice(Invoice::new("in_2", "business", "2026-11-10", YEAR).change(0)));
    provider.take(Step::Item("sub", "basic"));
    shop.look(&provider, "2026-11-20");
    assert_eq!(shop.account.as_of(time("2026-12-01")).balance.playground(), 1000);
}

/// What becomes known after a turn is as if it had been known before: of which change -> playground in December.
#[test]
fn a_refill_that_was_made_too_early_is_corrected() {
    let basic = || invoice("in_1", "basic", "2026-11-03", YEAR);
    let business = || invoice("in_1", "business", "2026-11-03", DEC);
    let down = || Step::Invoice(Invoice::new("in_2", "basic", "2026-11-29", DEC).change(0));
    let gone = |at| Step::Outflow("in_1", "re_1", OutflowKind::Refund, 1900, at);
    for (before, after, playground) in [
        (basic(), Step::Ended("sub", "2026-11-29"), 0),
        (basic(), Step::Ended("sub", "2026-12-01T00:00:01Z"), 1000),
        (business(), down(), 1000),
        (basic(), gone("2026-11-29"), 0),
        (basic(), gone("2026-12-02"), 0),
    ] {
        let (mut provider, mut shop) = bought(&[before]);
        provider.take(after.clone());
        turn(&mut shop, "2026-12-01T00:00:00Z");
        shop.look(&provider, "2026-12-02");
        assert_eq!(shop.playground(), playground, "{after:?}");
    }
}

/// A period that was paid for after its end gave the month's credits: if that money goes, they go.
#[test]
fn a_refund_of_a_late_payment_takes_back_its_credits() {
    let late = Step::Invoice(Invoice::new("in_2", "basic", "2026-10-05", "2026-11-05").paid("2026-11-20"));
    let (mut provider, mut shop) = bought(&[invoice("in_1", "basic", "2026-09-05", "2026-10-05")]);
    provider.take(late);
    shop.look(&provider, "2026-11-20");
    assert_eq!(shop.playground(), 1000);
    provider.take(Step::Outflow("in_2", "re_1", OutflowKind::Refund, 1900, "2026-11-21"));
    shop.look(&provider, "2026-11-21");
    assert_eq!(shop.playground(), 0);
}

#[test]
fn money_that_returns_partly_revives_the_plan() {
    let steps = [
        invoice("in_1", "business", "2026-11-03", DEC),
        Step::Outflow("in_1", "re_1", OutflowKind::Refund, 975, "2026-11-12"),
        Step::Outflow("in_1", "dp_1", OutflowKind::Dispute, 2925, "2026-11-21"),
        Step::Back("in_1", "re_1"),
    ];
    let mut shop = Shop::new("2026-11-01");
    shop.look(&Provider::after(&steps[..3]), "2026-11-22");
    assert_eq!(shop.account.subscriptions[0].status, SubscriptionStatus::Canceled);
    shop.look(&Provider::after(&steps), "2026-11-23");
    assert_eq!(shop.account.subscriptions[0].status, SubscriptionStatus::Active);
    assert_eq!(shop.playground(), 1500);
}

#[test]
fn a_subscription_after_one_that_was_refunded_is_granted() {
    let steps = [
        invoice("in_1", "basic", "2026-11-03", DEC),
        Step::Outflow("in_1", "re_1", OutflowKind::Refund, 1900, "2026-11-04"),
        Step::Invoice(Invoice::new("in_2", "basic", "2026-11-05", "2026-12-05").of("sub_2")),
    ];
    let mut shop = Shop::new("2026-11-01");
    for count in 1..=steps.len() {
        shop.look(&Provider::after(&steps[..count]), "2026-11-06");
    }
    assert_eq!((shop.take_kinds(), shop.playground()), (vec![Purchase, Refund, Purchase], 1000));
}

/// Rule 2: the month's refill is made once. What is paid for again in the month is a purchase.
#[test]
fn a_refunded_month_that_is_paid_again_has_one_refill() {
    let (mut provider, mut shop) = bought(&[invoice("in_1", "basic", "2026-11-03", "2026-12-10")]);
    turn(&mut shop, "2026-12-01T00:00:00Z");
    provider.take(Step::Outflow("in_1", "dp_1", OutflowKind::Dispute, 1900, "2026-12-05"));
    shop.look(&provider, "2026-12-05");
    provider.take(invoice("in_2", "basic", "2026-12-10", "2027-01-10"));
    shop.look(&provider, "2026-12-10");
    let kinds = shop.take_kinds();
    let refills = kinds.iter().filter(|kind| **kind == EntryKind::Refill).count();
    assert_eq!((refills, kinds.last(), shop.playground()), (1, Some(&Purchase), 1000), "{kinds:?}");
}

/// A payment of the shop's own is granted by its metadata; an invoice that it is attached to later is the same money.
#[test]
fn a_payment_that_an_invoice_shows_later_is_granted_once() {
    let line = |id: &str| scrip_accounts::Line { id: id.to_owned(), ..pack("tune_pack", 1) };
    let of = |id| Provider::after(&[Step::Pack("pi_1", "2026-11-03", vec![line(id)], 900)]);
    for (first, second, tunes) in [("pi_1", "il_1", 1), ("il_1", "il_2", 2)] {
        let mut shop = Shop::new("2026-11-01");
        shop.look(&of(first), "2026-11-03");
        shop.look(&of(second), "2026-11-04");
        assert_eq!(shop.account.balance.tune(), tunes, "{first}, then {second}");
    }
}
