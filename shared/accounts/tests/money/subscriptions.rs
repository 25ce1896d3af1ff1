//! The credits that payments for plans grant (docs/rules.md, rules 4, 5, 10 and 11).

use scrip_accounts::{
    Command, CommandState, Decision,
    EntryKind::{Expiry, Purchase, Refill, Release, Subscription},
    Hold, HoldId, Posting, Refusal, SubscriptionStatus,
};
use scrip_pricing::Credits;

use crate::shop::{Invoice, Provider, Shop, Step, pack, terms, time};

const YEAR: &str = "2027-11-03";
const DEC: &str = "2026-12-03";

#[test]
fn each_payment_grants_the_difference_to_earlier_ones() {
    let basic = || Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", DEC));
    let up = |id, plan, at| Step::Invoice(Invoice::new(id, plan, at, DEC).change(1000));
    let down = |at| Step::Invoice(Invoice::new("in_down", "basic", at, DEC).change(0));
    // what happened, by November -> kinds, playground, plan
    let rows: &[(&[Step], &[_], u64, &str)] = &[
        (&[basic()], &[Purchase], 1000, "basic"),
        (&[basic(), up("in_2", "standard", "2026-11-10")], &[Purchase, Purchase], 2500, "standard"),
        (
            &[basic(), up("in_2", "standard", "2026-11-10"), up("in_3", "business", "2026-11-12")],
            &[Purchase, Purchase, Purchase],
            6000,
            "business",
        ),
        // Going up and down yields no more than the highest that was paid for.
        (
            &[basic(), up("in_2", "business", "2026-11-10"), down("2026-11-11")],
            &[Purchase, Purchase, Subscription],
            6000,
            "basic",
        ),
        (
            &[
                basic(),
                up("in_2", "business", "2026-11-10"),
                down("2026-11-11"),
                up("in_3", "standard", "2026-11-12"),
            ],
            &[Purchase, Purchase, Subscription, Subscription],
            6000,
            "standard",
        ),
        // An upgrade that isn't paid for counts when it is; a downgrade counts from the next refill.
        (&[basic(), Step::Item("sub", "business")], &[Purchase], 1000, "basic"),
        // Cancelled and subscribed again within the month.
        (
            &[
                basic(),
                Step::Ended("sub", "2026-11-05"),
                Step::Invoice(Invoice::new("in_2", "basic", "2026-11-06", "2026-12-06").of("sub_2")),
            ],
            &[Purchase, Subscription],
            1000,
            "basic",
        ),
    ];
    for (steps, kinds, playground, plan) in rows {
        let mut shop = Shop::new("2026-11-01");
        shop.look(&Provider::after(steps), "2026-11-20");
        assert_eq!(shop.take_kinds(), *kinds, "{steps:?}");
        assert_eq!(shop.playground(), *playground, "{steps:?}");
        assert_eq!(shop.plan("2026-11-20").0, *plan, "{steps:?}");
        // Looking again finds nothing to do.
        shop.look(&Provider::after(steps), "2026-11-21");
        assert_eq!(shop.take_kinds(), [], "{steps:?}");
    }
}

#[test]
fn a_plan_with_a_pack_is_one_purchase_of_two_lines() {
    let invoice =
        Invoice { packs: vec![pack("tune_pack", 1)], ..Invoice::new("in_1", "basic", "2026-11-03", DEC) };
    let mut shop = Shop::new("2026-11-01");
    shop.look(&Provider::after(&[Step::Invoice(invoice)]), "2026-11-03");
    assert_eq!(shop.take_kinds(), [Purchase]);
    assert_eq!(shop.account.balance, Credits::new(1000, 1, 64));
    let purchase = shop.purchases.values().next().unwrap();
    let skus: Vec<_> = purchase.lines.iter().map(|line| line.sku.as_str()).collect();
    assert_eq!(skus, ["basic_monthly", "tune_pack"]);
}

#[test]
fn a_line_that_is_granted_later_is_granted_once() {
    let both = [pack("tune_pack", 3), pack("avatar_pack", 1)];
    let mut shop = Shop::new("2026-11-01");
    for (lines, balance) in [
        (&both[..1], Credits::new(0, 3, 192)),
        (&both[..1], Credits::new(0, 3, 192)),
        (&both[..], Credits::new(0, 3, 296)),
        (&both[..], Credits::new(0, 3, 296)),
    ] {
        shop.look(&Provider::after(&[Step::Pack("pi_1", "2026-11-03", lines.to_vec(), 4200)]), "2026-11-03");
        assert_eq!(shop.account.balance, balance);
    }
}

#[test]
fn a_quantity_of_a_plan_is_refilled_too() {
    let plan = scrip_accounts::Terms { allowance: 3000, ..terms("basic") };
    let invoice = Invoice { plan, amount: 5700, ..Invoice::new("in_1", "basic", "2026-11-03", YEAR) };
    let mut shop = Shop::new("2026-11-01");
    shop.look(&Provider::after(&[Step::Invoice(invoice)]), "2026-11-03");
    assert_eq!(shop.playground(), 3000);
    assert_eq!(shop.account.as_of(time("2026-12-01")).balance.playground(), 3000);
}

/// Case 7: a paid year is not lost to a mistaken month.
#[test]
fn the_paid_subscription_with_the_highest_allowance_counts() {
    let year = Step::Invoice(Invoice::new("in_1", "standard", "2026-11-03", YEAR));
    let month = Step::Invoice(Invoice::new("in_2", "basic", "2026-11-10", "2026-12-10").of("sub_2"));
    let ended = Step::Ended("sub_2", "2026-11-10");
    let mut shop = Shop::new("2026-11-01");
    shop.look(&Provider::after(&[year, month, ended]), "2026-11-10");
    assert_eq!(shop.playground(), 2500);
    assert_eq!(shop.plan("2026-11-11"), ("standard".to_owned(), time(YEAR)));
    for first in ["2026-12-01", "2027-06-01", "2027-11-01"] {
        assert_eq!(shop.account.as_of(time(first)).balance.playground(), 2500, "on {first}");
    }
    assert_eq!(shop.account.as_of(time("2027-12-01")).balance.playground(), 0);
}

#[test]
fn a_fifth_subscription_is_refused() {
    let ids = [("in_1", "sub_1"), ("in_2", "sub_2"), ("in_3", "sub_3"), ("in_4", "sub_4"), ("in_5", "sub_5")];
    let invoice = |(id, sub)| Step::Invoice(Invoice::new(id, "basic", "2026-11-03", DEC).of(sub));
    let mut steps: Vec<_> = ids.map(invoice).into();
    let mut shop = Shop::new("2026-11-01");
    for (_, sub) in &ids[..4] {
        shop.look_at(&Provider::after(&steps), sub, "2026-11-04").unwrap();
    }
    let fifth = shop.look_at(&Provider::after(&steps), "sub_5", "2026-11-04");
    assert_eq!(fifth, Err(Refusal::TooManySubscriptions));
    // One that is over makes room.
    steps.push(Step::Ended("sub_1", "2026-11-05"));
    shop.look_at(&Provider::after(&steps), "sub_1", "2026-11-06").unwrap();
    shop.look_at(&Provider::after(&steps), "sub_5", "2026-11-06").unwrap();
    assert_eq!(shop.account.running().count(), 4);
}

/// Case 22: an annual plan that is changed to a monthly one is paid to the month's end.
#[test]
fn an_interval_change_ends_the_earlier_paid_time() {
    let year = Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", YEAR));
    let change = Step::Invoice(Invoice::new("in_2", "business", "2026-11-10", "2026-12-10").change(0));
    let mut shop = Shop::new("2026-11-01");
    shop.look(&Provider::after(&[year, change]), "2026-11-10");
    assert_eq!(shop.plan("2026-11-11"), ("business".to_owned(), time("2026-12-10")));
    assert_eq!(shop.account.as_of(time("2026-12-01")).balance.playground(), 6000);
    assert_eq!(shop.account.as_of(time("2027-01-01")).balance.playground(), 0);
}

/// Case 23: an old invoice that is paid after the end of its subscription.
#[test]
fn a_late_payment_of_an_ended_subscription_is_granted_once() {
    let steps = [
        Step::Invoice(Invoice::new("in_1", "basic", "2026-09-20", "2026-10-20")),
        Step::Invoice(Invoice::new("in_2", "basic", "2026-10-20", "2026-11-20").paid("2026-11-15")),
        Step::Ended("sub", "2026-11-10"),
    ];
    let mut shop = Shop::new("2026-09-01");
    shop.look(&Provider::after(&steps[..1]), "2026-09-20");
    shop.look(&Provider::after(&steps), "2026-11-15");
    assert_eq!(shop.playground(), 1000);
    assert_eq!(shop.account.subscriptions[0].status, SubscriptionStatus::Canceled);
    assert_eq!(shop.account.as_of(time("2026-12-01")).balance.playground(), 0);
}

#[test]
fn a_late_payment_brings_the_months_refill() {
    let first = Step::Invoice(Invoice::new("in_1", "basic", "2026-10-28", "2026-11-28"));
    let late = Step::Invoice(Invoice::new("in_2", "basic", "2026-11-28", "2026-12-28").paid("2026-12-05"));
    let mut shop = Shop::new("2026-10-01");
    shop.look(&Provider::after(std::slice::from_ref(&first)), "2026-10-28");
    shop.append(scrip_accounts::refill::decide(&shop.account, time("2026-12-01")));
    assert_eq!(shop.playground(), 0);
    shop.take_kinds();
    shop.look(&Provider::after(&[first, late]), "2026-12-05");
    assert_eq!((shop.take_kinds(), shop.playground()), (vec![Refill, Subscription], 1000));
}

/// A refill sets the balance (rule 2), at a late payment too: credits that a hold gave back before it don't come on top.
#[test]
fn the_refill_of_a_late_payment_ends_what_a_hold_gave_back() {
    let first = Step::Invoice(Invoice::new("in_1", "basic", "2026-11-01", "2026-11-28"));
    let late = Step::Invoice(Invoice::new("in_2", "basic", "2026-11-28", "2026-12-28").paid("2026-12-05"));
    let mut shop = Shop::new("2026-10-01");
    shop.look(&Provider::after(std::slice::from_ref(&first)), "2026-11-01");
    let request = r#"{"operation":"upscale","factor":4,"images":1,"expires_in":86400}"#;
    let hold = Hold { id: HoldId::parse("job-1").unwrap(), request: serde_json::from_str(request).unwrap() };
    let Posting { due, entry, .. } =
        hold.decide(&CommandState::of_account(&shop.account, time("2026-11-30"))).unwrap();
    assert_eq!((due.len(), entry.account.held().playground()), (0, 2));
    shop.append(Decision { entries: vec![entry], records: Vec::new() });
    shop.take_kinds();
    shop.look(&Provider::after(&[first, late]), "2026-12-05");
    assert_eq!(shop.take_kinds(), [Expiry, Release, Expiry, Refill, Subscription]);
    assert_eq!((shop.playground(), shop.account.holds.len()), (1000, 0));
}
