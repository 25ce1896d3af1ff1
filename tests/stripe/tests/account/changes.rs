//! Changes of what a subscription holds.

use super::{Shop, amounts, kinds, last, on};
use chrono::TimeDelta;
use scrip_stripe_model::{
    CancelSpec, CartSpec, Change, CouponSpec, Generation, ItemChange, PaymentBehavior, Plan, price_id,
};

fn set(item: &str, price: &str, quantity: i64) -> ItemChange {
    ItemChange::Set { item: item.to_owned(), price: price.to_owned(), quantity }
}

/// Half of June is left.
fn midway(shop: &Shop) {
    shop.stripe.set_now(on(16, 0));
}

#[test]
fn a_change_is_invoiced_as_its_proration_behavior_says() {
    // The change from one basic, the lines of an invoice at once, those of the renewal.
    type Make = fn(&Shop, &str) -> Change;
    type Case = (&'static str, Make, Option<&'static [i64]>, &'static [i64]);
    let cases: [Case; 7] = [
        ("none", |s, i| Change::unprorated(vec![set(i, &s.business, 1)]), None, &[3000]),
        ("pending", |s, i| Change::prorated(vec![set(i, &s.business, 1)]), None, &[1500, -500, 3000]),
        ("at once", |s, i| Change::invoiced(vec![set(i, &s.business, 1)]), Some(&[-500, 1500]), &[3000]),
        ("quantity", |s, i| Change::invoiced(vec![set(i, &s.basic, 3)]), Some(&[-500, 1500]), &[3000]),
        ("the same", |s, i| Change::prorated(vec![set(i, &s.basic, 1)]), None, &[500, -500, 1000]),
        (
            "another item",
            |s, _| Change::invoiced(vec![ItemChange::Add { price: s.business.clone(), quantity: 2 }]),
            Some(&[3000]),
            &[1000, 6000],
        ),
        ("nothing", |_, _| Change::invoiced(Vec::new()), None, &[1000]),
    ];
    for generation in [Generation::Acacia, Generation::Dahlia] {
        for (name, change, at_once, renewal) in cases {
            let shop = Shop::new(generation);
            let (subscription, _) = shop.subscribed(&shop.basic, 1);
            let change = change(&shop, &shop.item(&subscription));
            midway(&shop);
            let receipt = shop.stripe.change(&subscription, &change);
            assert!(kinds(&receipt.events).contains(&"customer.subscription.updated"), "{name}");
            let invoiced = receipt.invoice.is_some().then(|| amounts(last(&receipt.events, "invoice.paid")));
            assert_eq!(invoiced.as_deref(), at_once, "{name} in {generation:?}");
            let renewed = shop.stripe.renew(&subscription);
            assert_eq!(amounts(last(&renewed.events, "invoice.paid")), renewal, "{name} in {generation:?}");
        }
    }
}

#[test]
fn an_invoice_at_once_has_what_waits_too_the_newest_first() {
    let shop = Shop::new(Generation::Acacia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    let item = shop.item(&subscription);
    midway(&shop);
    let _ = shop.stripe.change(&subscription, &Change::prorated(vec![set(&item, &shop.basic, 2)]));
    shop.stripe.set_now(on(21, 0));
    let changed = shop.stripe.change(&subscription, &Change::invoiced(vec![set(&item, &shop.business, 1)]));
    // A third of June is left: 30.00 for 10.00, two basics back for 6.67; before that half of it.
    assert_eq!(amounts(last(&changed.events, "invoice.paid")), [1000, -667, 1000, -500]);
    let ends: Vec<_> = shop.last_purchase().lines.iter().map(|line| line.period.1).collect();
    assert_eq!(ends, [shop.stripe.period_end(&subscription); 4]);
}

#[test]
fn an_item_can_be_removed_for_a_credit() {
    let shop = Shop::new(Generation::Dahlia);
    let cart = CartSpec::subscription("alice", &[(&shop.basic, 1), (&shop.business, 1)]);
    let subscription = shop.stripe.checkout(&cart).subscription.unwrap();
    let business = shop.stripe.items(&subscription)[1].0.clone();
    midway(&shop);
    let removed =
        shop.stripe.change(&subscription, &Change::invoiced(vec![ItemChange::Remove { item: business }]));
    let invoice = last(&removed.events, "invoice.paid");
    assert_eq!((amounts(invoice), invoice["amount_paid"].as_i64()), (vec![-1500], Some(0)));
    assert_eq!(shop.stripe.items(&subscription).len(), 1);
    let customer = shop.stripe.customer_of("alice");
    assert_eq!(shop.stripe.balance(&customer), -1500);
}

#[test]
fn another_interval_begins_a_period_now_and_a_surplus_goes_to_the_balance() {
    for generation in Generation::EVERY {
        let shop = Shop::new(generation);
        let (subscription, _) = shop.subscribed(&shop.basic_y, 1);
        let item = shop.item(&subscription);
        shop.stripe.set_now(on(8, 0));
        let changed =
            shop.stripe.change(&subscription, &Change::prorated(vec![set(&item, &shop.business, 1)]));
        let invoice = last(&changed.events, "invoice.paid");
        // 358 of 365 days are left.
        assert_eq!(amounts(invoice), [-9808, 3000], "{generation:?}");
        assert_eq!((&invoice["amount_paid"], &invoice["ending_balance"]), (&0.into(), &(-6808).into()));
        assert_eq!(
            (changed.payment_intent, shop.stripe.period_end(&subscription)),
            (None, on(8, 0) + TimeDelta::days(30))
        );
        let purchase = shop.last_purchase();
        assert_eq!((purchase.total, purchase.amount, purchase.from_balance), (-6808, 0, -6808));
        // The next two renewals come from the balance, the third in part.
        for (paid, balance) in [(0, -3808), (0, -808), (2192, 0)] {
            let renewed = shop.stripe.renew(&subscription);
            let invoice = last(&renewed.events, "invoice.paid");
            assert_eq!(
                (&invoice["amount_paid"], &invoice["ending_balance"]),
                (&paid.into(), &balance.into())
            );
            assert_eq!(renewed.payment_intent.is_some(), paid > 0);
            assert_eq!(shop.last_purchase().from_balance, 3000 - paid);
        }
    }
}

#[test]
fn a_change_that_waits_for_its_payment_leaves_the_subscription_in_order() {
    for pays in [true, false] {
        let shop = Shop::new(Generation::Dahlia);
        let (subscription, _) = shop.subscribed(&shop.basic, 1);
        let change = Change {
            payment: PaymentBehavior::PendingIfIncomplete,
            ..Change::invoiced(vec![set(&shop.item(&subscription), &shop.business, 1)])
        };
        midway(&shop);
        shop.stripe.decline_next(&subscription);
        let failed = shop.stripe.change(&subscription, &change);
        let shown = last(&failed.events, "customer.subscription.updated");
        assert_eq!(shown["status"], "active");
        assert_eq!(shown["pending_update"]["subscription_items"][0]["price"]["id"], shop.business.as_str());
        assert_eq!(shop.stripe.items(&subscription)[0].1, shop.basic);
        if pays {
            let paid = shop.stripe.pay_late(&subscription);
            assert!(kinds(&paid.events).contains(&"customer.subscription.pending_update_applied"));
            assert_eq!(shop.stripe.items(&subscription)[0].1, shop.business);
        } else {
            let events = shop.stripe.advance_to(on(16, 23));
            assert!(kinds(&events).contains(&"customer.subscription.pending_update_expired"));
            assert!(kinds(&events).contains(&"invoice.voided"));
            assert_eq!(shop.stripe.items(&subscription)[0].1, shop.basic);
        }
        assert_eq!(shop.status(&subscription), "active");
    }
}

#[test]
fn a_change_that_is_allowed_to_fail_is_made_and_past_due() {
    let shop = Shop::new(Generation::Dahlia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    midway(&shop);
    shop.stripe.decline_next(&subscription);
    let change = Change::invoiced(vec![set(&shop.item(&subscription), &shop.business, 1)]);
    let _ = shop.stripe.change(&subscription, &change);
    assert_eq!(
        (shop.status(&subscription), &shop.stripe.items(&subscription)[0].1),
        ("past_due", &shop.business)
    );
    let _ = shop.stripe.pay_late(&subscription);
    assert_eq!(shop.status(&subscription), "active");
}

#[test]
fn credits_come_from_what_was_charged_in_the_flexible_mode_and_else_from_the_price() {
    for (generation, credit) in [(Generation::Basil, -1500), (Generation::Clover, -500)] {
        let shop = Shop::new(generation);
        let (subscription, _) = shop.subscribed(&shop.basic, 1);
        let item = shop.item(&subscription);
        let _ = shop.stripe.change(&subscription, &Change::unprorated(vec![set(&item, &shop.business, 1)]));
        midway(&shop);
        let back = shop.stripe.change(&subscription, &Change::invoiced(vec![set(&item, &shop.basic, 1)]));
        assert_eq!(amounts(last(&back.events, "invoice.paid")), [credit, 500], "{generation:?}");
    }
}

#[test]
fn coupons_count_once_or_for_good() {
    for (coupon, paid) in [(CouponSpec::forever(50), [500, 500]), (CouponSpec::once(50), [500, 1000])] {
        let shop = Shop::new(Generation::Dahlia);
        let cart = CartSpec { coupon: Some(coupon), ..CartSpec::subscription("alice", &[(&shop.basic, 1)]) };
        let first = shop.stripe.checkout(&cart);
        let second = shop.stripe.renew(first.subscription.as_ref().unwrap());
        let of = |events| last(events, "invoice.paid")["amount_paid"].as_i64().unwrap();
        assert_eq!([of(&first.events), of(&second.events)], paid);
    }
}

#[test]
fn a_cancellation_can_be_credited_invoiced_and_taken_back() {
    let shop = Shop::new(Generation::Dahlia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    midway(&shop);
    let shown = shop.stripe.cancel_at_period_end(&subscription);
    assert_eq!(shown[0].object()["cancel_at_period_end"], true);
    let shown = shop.stripe.uncancel(&subscription);
    assert!(shown[0].object()["canceled_at"].is_null() && shown[0].object()["cancel_at"].is_null());
    let spec = CancelSpec { prorate: true, invoice_now: true };
    let events = shop.stripe.cancel_with(&subscription, spec);
    assert_eq!(kinds(&events)[0], "customer.subscription.deleted");
    assert_eq!(amounts(last(&events, "invoice.paid")), [-500]);
    assert_eq!(shop.status(&subscription), "canceled");
}

#[test]
fn items_of_other_intervals_renew_by_themselves() {
    let shop = Shop::new(Generation::Dahlia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    let add = ItemChange::Add { price: shop.basic_y.clone(), quantity: 1 };
    let _ = shop.stripe.change(&subscription, &Change::invoiced(vec![add]));
    let renewed = shop.stripe.renew(&subscription);
    assert_eq!(amounts(last(&renewed.events, "invoice.paid")), [1000]);
    let items = shop.stripe.books().subscriptions[0].items.clone();
    assert_eq!(items[0].period.1, on(1, 0) + TimeDelta::days(61));
    assert_eq!(items[1].period.1, on(1, 0) + TimeDelta::days(365));
}

#[test]
fn an_event_shows_ten_lines_and_the_renewal_is_the_last() {
    let shop = Shop::new(Generation::Dahlia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    let item = shop.item(&subscription);
    for day in 2..8 {
        shop.stripe.set_now(on(day, 0));
        let _ = shop
            .stripe
            .change(&subscription, &Change::prorated(vec![set(&item, &shop.basic, i64::from(day))]));
    }
    let renewed = shop.stripe.renew(&subscription);
    let lines = &last(&renewed.events, "invoice.paid")["lines"];
    assert_eq!((lines["data"].as_array().unwrap().len(), &lines["total_count"]), (10, &13.into()));
    assert_eq!(lines["has_more"], true);
    let all = shop.last_purchase().lines;
    assert!(all[..12].iter().all(|line| line.proration));
    assert_eq!((all[12].amount, all[12].proration), (7000, false));
}

#[test]
fn plans_by_their_sku_have_the_price_that_is_configured() {
    let shop = Shop::new(Generation::Basil);
    let checkout = scrip_stripe_model::Checkout::new("alice", "basic_monthly", 1000);
    let subscription =
        shop.stripe.subscribe(&checkout, scrip_stripe_model::Interval::Month).subscription.unwrap();
    let _ = shop.stripe.upgrade(&subscription, &Plan::monthly("business_monthly", 3000));
    assert_eq!(shop.stripe.items(&subscription)[0].1, price_id("business_monthly"));
}
