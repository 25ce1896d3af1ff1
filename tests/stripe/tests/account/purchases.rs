//! Carts: what a session holds, what becomes of it, and what the books then have.

use super::{Shop, kinds, last, on};
use chrono::TimeDelta;
use scrip_stripe_model::{CartSpec, CouponSpec, Generation, PriceSpec, Tender};
use serde_json::json;

const ONE_OFF: [&str; 3] = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"];

/// The prices, quantities and amounts of the last purchase.
fn bought(shop: &Shop) -> Vec<(String, i64, i64)> {
    let lines = shop.last_purchase().lines.into_iter();
    lines.map(|line| (line.price, line.quantity, line.amount)).collect()
}

#[test]
fn quantities_multiply_and_every_line_counts() {
    let shop = Shop::new(Generation::Dahlia);
    let receipt = shop.stripe.checkout(&CartSpec::payment("alice", &[(&shop.pack, 2), (&shop.avatar, 1)]));
    assert_eq!(kinds(&receipt.events), ONE_OFF);
    let session = last(&receipt.events, "checkout.session.completed");
    assert_eq!(session["amount_total"], 3300);
    assert_eq!(session["payment_intent"], json!(receipt.payment_intent));
    assert_eq!(bought(&shop), [(shop.pack.clone(), 2, 1800), (shop.avatar.clone(), 1, 1500)]);
    let purchase = shop.last_purchase();
    assert_eq!((purchase.amount, purchase.total, purchase.session), (3300, 3300, receipt.session));
}

#[test]
fn a_plan_and_a_pack_are_one_invoice_with_the_lines_in_the_order_of_the_cart() {
    for generation in Generation::EVERY {
        let shop = Shop::new(generation);
        for items in [[(&*shop.basic, 1), (&*shop.pack, 2)], [(&*shop.pack, 2), (&*shop.basic, 1)]] {
            let receipt = shop.stripe.checkout(&CartSpec::subscription("alice", &items));
            let invoice = last(&receipt.events, "invoice.paid");
            assert_eq!(
                (&invoice["billing_reason"], &invoice["amount_paid"]),
                (&json!("subscription_create"), &json!(2800))
            );
            let lines = shop.last_purchase().lines;
            assert_eq!(
                lines.iter().map(|line| line.price.as_str()).collect::<Vec<_>>(),
                items.map(|item| item.0)
            );
            assert_eq!(lines[0].period, lines[1].period);
            let recurring = lines.iter().filter(|line| line.item.is_some()).count();
            assert_eq!(recurring, 1, "only the plan is the subscription's");
        }
    }
}

#[test]
fn the_first_payment_decides_the_status_of_a_subscription() {
    let cases: [(Generation, bool, Tender, &[&str], &str); 4] = [
        (Generation::Acacia, false, Tender::Card, &["incomplete", "active"], "active"),
        (Generation::Clover, false, Tender::Card, &["active"], "active"),
        (Generation::Clover, true, Tender::Card, &["incomplete", "active"], "active"),
        (Generation::Clover, true, Tender::Declined, &["incomplete"], "incomplete"),
    ];
    for (generation, without_session, tender, passed, expected) in cases {
        let shop = Shop::new(generation);
        let cart = CartSpec::subscription("alice", &[(&shop.basic, 1)]);
        let receipt = shop.stripe.checkout(&CartSpec { without_session, tender, ..cart });
        let of_it = receipt.events.iter().filter(|event| event.kind().starts_with("customer.subscription"));
        let statuses: Vec<_> = of_it.map(|event| event.object()["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, passed, "{generation:?} {tender:?}");
        assert_eq!(shop.status(&receipt.subscription.unwrap()), expected);
        assert_eq!(receipt.session.is_none(), without_session);
    }
}

#[test]
fn a_first_payment_that_never_comes_expires_the_subscription() {
    let shop = Shop::new(Generation::Clover);
    let cart = CartSpec::subscription("alice", &[(&shop.basic, 1)]);
    let cart = CartSpec { without_session: true, tender: Tender::Declined, ..cart };
    let subscription = shop.stripe.checkout(&cart).subscription.unwrap();
    for (hours, status) in [(22, "incomplete"), (23, "incomplete_expired")] {
        let _ = shop.stripe.advance_to(on(1, 0) + TimeDelta::hours(hours));
        assert_eq!(shop.status(&subscription), status);
    }
    assert!(shop.stripe.books().purchases.is_empty());
}

#[test]
fn nothing_to_pay_leaves_no_payment() {
    let shop = Shop::new(Generation::Dahlia);
    let free = Some(CouponSpec { by_code: true, ..CouponSpec::forever(100) });
    let pack = CartSpec { coupon: free, ..CartSpec::payment("alice", &[(&shop.pack, 1)]) };
    let plan = CartSpec { coupon: free, ..CartSpec::subscription("alice", &[(&shop.basic, 1)]) };
    for cart in [pack, plan] {
        let receipt = shop.stripe.checkout(&cart);
        let session = last(&receipt.events, "checkout.session.completed");
        assert_eq!(session["payment_status"], "no_payment_required");
        assert_eq!(receipt.payment_intent, None);
        assert!(session["discounts"][0]["promotion_code"].is_string());
        assert_eq!(shop.last_purchase().payments, []);
    }
}

#[test]
fn a_payment_can_make_an_invoice_without_a_subscription() {
    for generation in Generation::EVERY {
        let shop = Shop::new(generation);
        let cart = CartSpec { invoice_creation: true, ..CartSpec::payment("alice", &[(&shop.pack, 3)]) };
        let receipt = shop.stripe.checkout(&cart);
        let invoice = last(&receipt.events, "invoice.paid");
        assert_eq!((&invoice["billing_reason"], &invoice["amount_paid"]), (&json!("manual"), &json!(2700)));
        assert_eq!(last(&receipt.events, "checkout.session.completed")["invoice"], invoice["id"]);
        if generation >= Generation::Basil {
            assert!(invoice["parent"].is_null());
        } else {
            assert!(invoice["subscription"].is_null());
            assert_eq!(invoice["payment_intent"], json!(receipt.payment_intent));
        }
        assert_eq!(shop.stripe.books().purchases.len(), 1, "invoice and session are one purchase");
    }
}

#[test]
fn a_guest_has_no_customer() {
    let shop = Shop::new(Generation::Dahlia);
    let cart = CartSpec { account: None, ..CartSpec::payment("", &[(&shop.pack, 1)]) };
    let receipt = shop.stripe.checkout(&cart);
    assert!(last(&receipt.events, "checkout.session.completed")["customer"].is_null());
    assert!(last(&receipt.events, "payment_intent.succeeded")["customer"].is_null());
}

#[test]
fn links_and_tables_name_the_account_by_the_reference_only() {
    let shop = Shop::new(Generation::Dahlia);
    let link = Some("plink_1abc".to_owned());
    let cart = CartSpec { payment_link: link, ..CartSpec::subscription("firm", &[(&shop.basic, 1)]) };
    let receipt = shop.stripe.checkout(&cart.referring("alice"));
    let session = last(&receipt.events, "checkout.session.completed");
    assert_eq!(
        (&session["payment_link"], &session["client_reference_id"]),
        (&json!("plink_1abc"), &json!("alice"))
    );
    assert_eq!((&session["metadata"], &shop.last_purchase().subscription_metadata.len()), (&json!({}), &0));
}

#[test]
fn one_customer_can_buy_for_two_accounts() {
    let shop = Shop::new(Generation::Dahlia);
    let firm = Some(shop.stripe.customer_of("firm"));
    for account in ["alice", "bob"] {
        let cart = CartSpec { customer: firm.clone(), ..CartSpec::payment(account, &[(&shop.pack, 1)]) };
        let _ = shop.stripe.checkout(&cart.referring(account));
        let purchase = shop.last_purchase();
        assert_eq!(
            (purchase.customer, purchase.client_reference_id.as_deref()),
            (firm.clone(), Some(account))
        );
    }
}

#[test]
fn a_delayed_payment_is_a_purchase_once_it_arrives() {
    for (arrives, bought) in [(true, 1), (false, 0)] {
        let shop = Shop::new(Generation::Dahlia);
        let cart = CartSpec { tender: Tender::Delayed, ..CartSpec::payment("alice", &[(&shop.pack, 3)]) };
        let receipt = shop.stripe.checkout(&cart);
        assert_eq!(last(&receipt.events, "checkout.session.completed")["payment_status"], "unpaid");
        assert!(shop.stripe.books().purchases.is_empty());
        let session = receipt.session.unwrap();
        let events =
            if arrives { shop.stripe.payment_arrives(&session) } else { shop.stripe.payment_fails(&session) };
        let outcome = if arrives { "succeeded" } else { "failed" };
        assert_eq!(events.last().unwrap().kind(), format!("checkout.session.async_payment_{outcome}"));
        assert_eq!(shop.stripe.books().purchases.len(), bought);
    }
}

#[test]
fn a_page_that_is_left_is_no_purchase() {
    let shop = Shop::new(Generation::Dahlia);
    let session = shop.stripe.open_checkout(&CartSpec::payment("alice", &[(&shop.pack, 1)]));
    let events = shop.stripe.expire_checkout(&session);
    assert_eq!(kinds(&events), ["checkout.session.expired"]);
    assert_eq!(events[0].object()["status"], "expired");
    assert!(shop.stripe.books().purchases.is_empty());
}

#[test]
fn a_price_is_what_the_test_makes_it() {
    let shop = Shop::new(Generation::Acacia);
    let metadata = [("sku".to_owned(), "tune_pack".to_owned())].into();
    let spec = PriceSpec { lookup_key: Some("our-own".to_owned()), metadata, ..PriceSpec::monthly(500) };
    let price = shop.stripe.add_price(&spec);
    let (_, receipt) = shop.subscribed(&price, 1);
    let shown = &last(&receipt.events, "invoice.paid")["lines"]["data"][0]["price"];
    assert_eq!((&shown["lookup_key"], &shown["metadata"]["sku"]), (&json!("our-own"), &json!("tune_pack")));
}

#[test]
fn what_a_price_is_called_can_be_mended_after_it_was_sold() {
    let shop = Shop::new(Generation::Dahlia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    let named = |name: &str| [("sku".to_owned(), name.to_owned())].into();
    shop.stripe.edit_price(&shop.basic, Some("basic"), &named("basic_monthly"));
    shop.stripe.edit_product_of(&shop.basic, &named("plan"));
    let line = shop.last_purchase().lines.remove(0);
    assert_eq!((line.lookup_key.as_deref(), line.price_metadata), (Some("basic"), named("basic_monthly")));
    assert_eq!(line.product_metadata, named("plan"));
    let events = shop.stripe.edit_metadata(&subscription, &named("basic_annual"));
    let object = events[0].object();
    assert_eq!(object["items"]["data"][0]["price"]["metadata"]["sku"], "basic_monthly");
    assert_eq!(object["metadata"]["sku"], "basic_annual");
    assert!(shop.last_purchase().subscription_metadata.is_empty(), "the invoice keeps what it has");
}

#[test]
fn a_trial_is_an_invoice_of_nothing_until_it_ends() {
    let shop = Shop::new(Generation::Dahlia);
    let cart = CartSpec { trial_days: Some(14), ..CartSpec::subscription("alice", &[(&shop.basic, 1)]) };
    let receipt = shop.stripe.checkout(&cart);
    let subscription = receipt.subscription.unwrap();
    assert_eq!(shop.status(&subscription), "trialing");
    assert_eq!(super::amounts(last(&receipt.events, "invoice.paid")), [0]);
    assert_eq!(last(&receipt.events, "checkout.session.completed")["payment_status"], "no_payment_required");
    assert_eq!(shop.stripe.period_end(&subscription), on(15, 0));
    let _ = shop.stripe.advance_to(on(15, 1));
    let purchase = shop.last_purchase();
    assert_eq!((shop.status(&subscription), purchase.amount), ("active", 1000));
    assert_eq!(purchase.lines[0].period.0, on(15, 0));
}
