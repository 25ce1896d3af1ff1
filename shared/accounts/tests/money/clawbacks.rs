//! Refunds and disputes take credits back in proportion; if the money returns, the credits are given again
//! (docs/rules.md, rules 7 to 9).

use scrip_accounts::{
    EntryKind::{Dispute, DisputeWon, Expiry, Refund, RefundFailed},
    OutflowKind, PurchaseStatus,
};
use scrip_pricing::Credits;

use crate::shop::{Invoice, Provider, Shop, Step, pack, time};

const DEC: &str = "2026-12-03";

fn gone(purchase: &'static str, id: &'static str, amount: u64) -> Step {
    let kind = if id.starts_with("dp_") { OutflowKind::Dispute } else { OutflowKind::Refund };
    Step::Outflow(purchase, id, kind, amount, "2026-11-10")
}

/// Cases 13 to 17: a pack of 104 for 1000 cents.
#[test]
fn a_pack_goes_with_its_money_and_comes_back_with_it() {
    let bought = || Step::Pack("pi_1", "2026-11-03", vec![pack("avatar_pack", 1)], 1000);
    let back = |id| Step::Back("pi_1", id);
    // what happens, one look after each -> balances, kinds
    let rows: &[(&[Step], &[u64], &[_])] = &[
        (&[gone("pi_1", "re_1", 1000)], &[0], &[Refund]),
        (&[gone("pi_1", "dp_1", 250)], &[78], &[Dispute]),
        (&[gone("pi_1", "re_1", 1)], &[104], &[Refund]),
        (&[gone("pi_1", "re_1", 1000), back("re_1")], &[0, 104], &[Refund, RefundFailed]),
        (
            &[gone("pi_1", "dp_1", 1000), back("dp_1"), gone("pi_1", "dp_2", 1000)],
            &[0, 104, 0],
            &[Dispute, DisputeWon, Dispute],
        ),
        // Two disputes at once: what belongs to the other stays taken.
        (
            &[gone("pi_1", "dp_1", 500), gone("pi_1", "dp_2", 500), back("dp_1")],
            &[52, 0, 52],
            &[Dispute, Dispute, DisputeWon],
        ),
        // A refund above the paid amount counts as the whole amount.
        (
            &[gone("pi_1", "re_1", 600), gone("pi_1", "dp_1", 1000), back("re_1")],
            &[42, 0, 0],
            &[Refund, Dispute],
        ),
    ];
    for (steps, balances, kinds) in rows {
        let mut provider = Provider::after(&[bought()]);
        let mut shop = Shop::new("2026-11-01");
        shop.look(&provider, "2026-11-03");
        shop.take_kinds();
        for (step, balance) in steps.iter().zip(*balances) {
            provider.take(step.clone());
            shop.look(&provider, "2026-11-12");
            assert_eq!(shop.account.balance.tune_image(), *balance, "{step:?} of {steps:?}");
            shop.look(&provider, "2026-11-13");
        }
        assert_eq!(shop.take_kinds(), *kinds, "{steps:?}");
    }
}

#[test]
fn spent_credits_are_owed_and_given_again_in_the_same_way() {
    let mut provider =
        Provider::after(&[Step::Pack("pi_1", "2026-11-03", vec![pack("avatar_pack", 1)], 1000)]);
    let mut shop = Shop::new("2026-11-01");
    shop.look(&provider, "2026-11-03");
    shop.spend(Credits::new(0, 0, 64));
    provider.take(gone("pi_1", "re_1", 1000));
    shop.look(&provider, "2026-11-10");
    let c = |images| Credits::new(0, 0, images);
    let purchase = shop.purchases.values().next().unwrap();
    assert_eq!(
        (purchase.revoked, purchase.spent, purchase.status()),
        (c(40), c(64), PurchaseStatus::Refunded)
    );
    assert_eq!((shop.account.balance, shop.account.owed), (c(0), c(64)));
    provider.take(Step::Back("pi_1", "re_1"));
    shop.look(&provider, "2026-11-11");
    assert_eq!((shop.account.balance, shop.account.owed), (c(40), c(0)));
    let purchase = shop.purchases.values().next().unwrap();
    assert_eq!((purchase.revoked, purchase.spent, purchase.status()), (c(0), c(0), PurchaseStatus::Paid));
}

#[test]
fn a_plan_goes_in_proportion_and_ends_if_all_of_it_is_gone() {
    let basic = || Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", DEC));
    let standard = || Step::Invoice(Invoice::new("in_1", "standard", "2026-11-03", DEC));
    let up = || Step::Invoice(Invoice::new("in_2", "business", "2026-11-05", DEC).change(3000));
    let beside = || Step::Invoice(Invoice::new("in_3", "business", "2026-11-05", DEC).of("sub_2"));
    let below = || Step::Invoice(Invoice::new("in_3", "basic", "2026-11-05", DEC).of("sub_2"));
    // what happened -> playground, plan and whether it is still paid
    let rows: &[(&[Step], u64, &str, bool)] = &[
        (&[standard(), gone("in_1", "dp_1", 500)], 2500 - 431, "standard", true),
        (&[basic(), gone("in_1", "re_1", 1900)], 0, "basic", false),
        // An upgrade's money gone leaves what was paid before it; what it stands on gone ends all.
        (&[basic(), up(), gone("in_2", "re_1", 3000)], 1000, "basic", true),
        (&[basic(), up(), gone("in_2", "re_1", 1500)], 3500, "business", true),
        (&[basic(), up(), gone("in_1", "re_1", 950)], 5500, "business", true),
        (&[basic(), up(), gone("in_1", "re_1", 1900)], 0, "business", false),
        // Case 9: two subscriptions, and the better one's money goes back.
        (&[basic(), beside(), gone("in_3", "re_1", 3900)], 1000, "basic", true),
        // Case 8: the lesser one's adds nothing.
        (&[standard(), below(), gone("in_3", "re_1", 1900)], 2500, "standard", true),
    ];
    for (steps, playground, plan, is_paid) in rows {
        let mut shop = Shop::new("2026-11-01");
        // One look at all of it, and one after each step, end in the same.
        shop.look(&Provider::after(steps), "2026-11-12");
        let mut stepwise = Shop::new("2026-11-01");
        for count in 1..=steps.len() {
            stepwise.look(&Provider::after(&steps[..count]), "2026-11-12");
        }
        assert_eq!(shop.end(), stepwise.end(), "{steps:?}");
        assert_eq!(shop.playground(), *playground, "{steps:?}");
        let now = time("2026-11-13");
        assert_eq!(shop.account.plan(now).unwrap().plan, *plan, "{steps:?}");
        assert_eq!(shop.account.is_active(now), *is_paid, "{steps:?}");
    }
}

/// Case 33: two halves on different days, upgraded in between.
#[test]
fn two_halves_of_a_payment_end_the_same_in_every_order() {
    let basic = Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", DEC));
    let up = Step::Invoice(Invoice::new("in_2", "standard", "2026-11-08", DEC).change(1000));
    let (first, second) = (gone("in_1", "re_1", 950), gone("in_1", "re_2", 950));
    for (steps, balances) in [
        ([&basic, &first, &up, &second], [1000, 500, 2000, 0]),
        ([&basic, &up, &first, &second], [1000, 2500, 2000, 0]),
        ([&basic, &first, &second, &up], [1000, 500, 0, 0]),
    ] {
        let (mut provider, mut shop) = (Provider::default(), Shop::new("2026-11-01"));
        for (step, playground) in steps.into_iter().zip(balances) {
            provider.take(step.clone());
            shop.look(&provider, "2026-11-12");
            assert_eq!(shop.playground(), playground, "after {step:?}");
        }
    }
}

#[test]
fn money_of_a_period_that_is_over_takes_nothing() {
    let steps = [
        Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", DEC)),
        Step::Invoice(Invoice::new("in_2", "basic", DEC, "2027-01-03")),
    ];
    let mut provider = Provider::after(&steps);
    let mut shop = Shop::new("2026-11-01");
    shop.look(&provider, DEC);
    assert_eq!(shop.playground(), 1000);
    shop.take_kinds();
    provider.take(Step::Outflow("in_1", "re_1", OutflowKind::Refund, 1900, "2026-12-04"));
    shop.look(&provider, "2026-12-04");
    assert_eq!((shop.take_kinds(), shop.playground()), (vec![Refund], 1000));
    assert!(shop.account.is_active(time("2026-12-05")));
}

#[test]
fn a_plan_whose_money_returns_in_a_later_month_has_that_months_credits() {
    let mut provider =
        Provider::after(&[Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", "2027-11-03"))]);
    let mut shop = Shop::new("2026-11-01");
    shop.look(&provider, "2026-11-03");
    provider.take(gone("in_1", "dp_1", 1900));
    shop.look(&provider, "2026-11-10");
    assert_eq!((shop.playground(), shop.account.is_active(time("2026-11-11"))), (0, false));
    assert_eq!(shop.account.as_of(time("2026-12-01")).balance.playground(), 0);
    shop.append(scrip_accounts::refill::decide(&shop.account, time("2026-12-01")));
    provider.take(Step::Back("in_1", "dp_1"));
    shop.look(&provider, "2026-12-05");
    assert_eq!((shop.playground(), shop.account.is_active(time("2026-12-06"))), (1000, true));
}

#[test]
fn a_plan_that_is_paid_for_again_is_granted_in_full() {
    let mut provider = Provider::after(&[Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", DEC))]);
    let mut shop = Shop::new("2026-11-01");
    shop.look(&provider, "2026-11-03");
    shop.spend(Credits::new(700, 0, 0));
    provider.take(gone("in_1", "re_1", 1900));
    shop.look(&provider, "2026-11-10");
    assert_eq!((shop.playground(), shop.account.owed.playground()), (0, 700));
    provider.take(Step::Invoice(Invoice::new("in_2", "basic", "2026-11-11", "2026-12-11").of("sub_2")));
    shop.look(&provider, "2026-11-11");
    // New purchases pay nothing off.
    assert_eq!((shop.playground(), shop.account.owed.playground()), (1000, 700));
}

#[test]
fn a_refund_before_the_turn_leaves_nothing_to_refill() {
    let mut provider =
        Provider::after(&[Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", "2027-11-03"))]);
    let mut shop = Shop::new("2026-11-01");
    shop.look(&provider, "2026-11-03");
    shop.take_kinds();
    provider.take(Step::Outflow("in_1", "re_1", OutflowKind::Refund, 1900, "2026-11-30"));
    // Nothing was written in December before.
    shop.look(&provider, "2026-12-02");
    assert_eq!((shop.take_kinds(), shop.playground()), (vec![Expiry, Refund], 0));
}
