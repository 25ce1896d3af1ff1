//! Contents of carts and invoices: quantities, several lines, long invoices, SKUs of the shop's own.

use scrip_stripe_model::{
    CartSpec, Change, Event, Generation, Interval, ItemChange, Metadata, PriceSpec, price_id,
};
use serde_json::{Value, json};

use super::Buyer;
use crate::{
    api::{credits, enhance},
    webhook::find,
};

const NOW: &str = "2026-11-03T09:00:00Z";

fn sku(sku: &str) -> Metadata {
    Metadata::from([("sku".to_owned(), sku.to_owned())])
}

/// Cases 1 and 2, whichever event comes first.
#[tokio::test]
async fn every_item_of_a_session_counts_times_its_quantity() {
    for generation in Generation::EVERY {
        for (items, total, granted) in [
            (vec![("tune_pack", 3)], 2700, credits(0, 3, 192)),
            (vec![("tune_pack", 2), ("avatar_pack", 1)], 2800, credits(0, 2, 232)),
            (vec![("avatar_pack", 1), ("tune_pack", 2)], 2800, credits(0, 2, 232)),
        ] {
            for session_first in [true, false] {
                let buyer = Buyer::new(generation, NOW);
                let receipt = buyer.stripe.checkout(&buyer.once(&items));
                let session = find(&receipt.events, "checkout.session.completed");
                assert_eq!(
                    (&session.object()["amount_total"], &session.object()["mode"]),
                    (&json!(total), &json!("payment"))
                );
                let mut events = [session, find(&receipt.events, "payment_intent.succeeded")];
                if !session_first {
                    events.reverse();
                }
                assert_eq!(buyer.outcome_of(&events[0]).await, "applied", "{generation:?} {items:?}");
                assert_eq!(buyer.outcome_of(&events[1]).await, "unchanged", "{generation:?} {items:?}");
                assert_eq!(buyer.balance(NOW).await, granted, "{generation:?} {items:?}");
                let purchases = buyer.purchases(NOW).await;
                let [purchase] = purchases.as_slice() else { panic!("{purchases:?}") };
                let lines = purchase["lines"].as_array().unwrap().iter();
                let mut lines: Vec<_> = lines.map(|line| (&line["sku"], &line["quantity"])).collect();
                lines.sort_by_key(|(sku, _)| sku.to_string());
                let mut bought: Vec<_> =
                    items.iter().map(|(sku, quantity)| (json!(sku), json!(quantity))).collect();
                bought.sort_by_key(|(sku, _)| sku.to_string());
                assert_eq!(lines, bought.iter().map(|(sku, quantity)| (sku, quantity)).collect::<Vec<_>>());
                assert_eq!(
                    (&purchase["amount"], &purchase["purchase_id"]),
                    (&json!(total), &json!(receipt.payment_intent))
                );
            }
        }
    }
}

/// Case 3.
#[tokio::test]
async fn a_plan_of_quantity_three_has_three_times_the_allowance_each_month() {
    for generation in Generation::EVERY {
        let buyer = Buyer::new(generation, NOW);
        let receipt = buyer.stripe.checkout(&buyer.plan(&[("basic_monthly", 3)]));
        let paid = find(&receipt.events, "invoice.paid");
        assert_eq!(paid.object()["amount_paid"], 5700);
        assert_eq!(buyer.outcome_of(&paid).await, "applied", "{generation:?}");
        assert_eq!(buyer.balance(NOW).await, credits(3000, 0, 0), "{generation:?}");
        buyer.spend(&enhance(100), "2026-11-20T00:00:00Z").await;
        let december = "2026-12-01T00:00:00Z";
        buyer.shows(december, &json!({"balance": credits(3000, 0, 0), "plan": "basic"})).await;
        let allowance = buyer.get("", december).await["subscriptions"][0]["allowance"].clone();
        assert_eq!(allowance, 3000, "{generation:?}");
    }
}

/// Case 4.
#[tokio::test]
async fn a_pack_that_is_bought_with_a_plan_is_granted_with_it() {
    for generation in Generation::EVERY {
        for items in [[("basic_monthly", 1), ("tune_pack", 1)], [("tune_pack", 1), ("basic_monthly", 1)]] {
            for session_first in [true, false] {
                let buyer = Buyer::new(generation, NOW);
                let receipt = buyer.stripe.checkout(&buyer.plan(&items));
                let paid = find(&receipt.events, "invoice.paid");
                let lines = paid.object()["lines"]["data"].as_array().unwrap();
                assert_eq!((lines.len(), &lines[0]["period"]["end"]), (2, &lines[1]["period"]["end"]));
                let mut events = [paid.clone(), find(&receipt.events, "checkout.session.completed")];
                if session_first {
                    events.reverse();
                }
                assert_eq!(buyer.outcome_of(&events[0]).await, "applied", "{generation:?} {items:?}");
                assert_eq!(buyer.outcome_of(&events[1]).await, "unchanged", "{generation:?} {items:?}");
                buyer
                    .shows(
                        NOW,
                        &json!({"balance": credits(1000, 1, 64), "plan": "basic", "plan_status": "active"}),
                    )
                    .await;
                let purchases = buyer.purchases(NOW).await;
                assert_eq!((purchases.len(), purchases[0]["lines"].as_array().unwrap().len()), (1, 2));
                assert_eq!(purchases[0]["amount"], 2800);
            }
        }
    }
}

/// Case 18.
#[tokio::test]
async fn a_renewal_counts_that_an_event_does_not_show() {
    for generation in Generation::EVERY {
        let buyer = Buyer::new(generation, NOW);
        let subscription = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
        for (day, sku) in [
            (5, "standard_monthly"),
            (6, "business_monthly"),
            (7, "basic_monthly"),
            (8, "business_monthly"),
            (9, "basic_monthly"),
            (10, "standard_monthly"),
        ] {
            buyer.at(&format!("2026-11-{day:02}T09:00:00Z"));
            let change = Change::prorated(buyer.to(&subscription, sku));
            buyer.settle(&buyer.stripe.change(&subscription, &change).events).await;
        }
        let renewal = buyer.stripe.renew(&subscription);
        let paid = find(&renewal.events, "invoice.paid");
        let shown = &paid.object()["lines"];
        let is_proration = |line: &Value| {
            let parent = |details: &str| line["parent"][details]["proration"] == true;
            line["proration"] == true || parent("invoice_item_details") || parent("subscription_item_details")
        };
        let data = shown["data"].as_array().unwrap();
        assert_eq!((data.len(), &shown["has_more"], &shown["total_count"]), (10, &json!(true), &json!(13)));
        assert!(data.iter().all(is_proration), "{generation:?}");
        assert_eq!(buyer.outcome_of(&paid).await, "applied", "{generation:?}");
        let shown = json!({
            "plan": "standard", "plan_status": "active", "paid_through": "2027-01-03T09:00:00Z",
        });
        buyer.shows("2026-12-03T10:00:00Z", &shown).await;
        assert_eq!(buyer.balance("2027-01-01T00:00:00Z").await, credits(2500, 0, 0), "{generation:?}");
        assert_eq!(buyer.balance("2027-02-01T00:00:00Z").await, credits(0, 0, 0), "{generation:?}");
    }
}

/// Case 20: a name of the shop's own hides no SKU.
#[tokio::test]
async fn a_lookup_key_of_the_shops_own_passes_on_to_the_metadata() {
    for generation in [Generation::Old, Generation::Acacia, Generation::Dahlia] {
        let theirs = || sku("their-own-name");
        for (place, price, product, session, payment) in [
            ("price", sku("tune_pack"), theirs(), theirs(), theirs()),
            ("product", theirs(), sku("tune_pack"), theirs(), theirs()),
            ("session", theirs(), theirs(), sku("tune_pack"), theirs()),
            ("payment", theirs(), theirs(), theirs(), sku("tune_pack")),
        ] {
            let buyer = Buyer::new(generation, NOW);
            let price = buyer.stripe.add_price(&PriceSpec {
                lookup_key: Some("shop-pack-2026".to_owned()),
                metadata: price,
                product_metadata: product,
                ..PriceSpec::once(900)
            });
            let mut cart = buyer.once(&[(&price, 2)]);
            cart.metadata.extend(session);
            cart.payment_metadata.extend(payment);
            buyer.buy(&cart).await;
            assert_eq!(buyer.balance(NOW).await, credits(0, 2, 128), "{generation:?} {place}");
        }
        for (place, price, product, subscription) in [
            ("price", sku("basic_monthly"), theirs(), theirs()),
            ("product", theirs(), sku("basic_monthly"), theirs()),
            ("subscription", theirs(), theirs(), sku("basic_monthly")),
        ] {
            let buyer = Buyer::new(generation, NOW);
            let price = buyer.stripe.add_price(&PriceSpec {
                lookup_key: Some("shop-plan-2026".to_owned()),
                interval: Some(Interval::Month),
                metadata: price,
                product_metadata: product,
                ..PriceSpec::once(1900)
            });
            let mut cart = buyer.plan(&[(&price, 1)]);
            cart.payment_metadata.extend(subscription);
            buyer.buy(&cart).await;
            buyer.shows(NOW, &json!({"plan": "basic", "balance": credits(1000, 0, 0)})).await;
            assert_eq!(
                buyer.balance("2026-12-01T00:00:00Z").await,
                credits(1000, 0, 0),
                "{generation:?} {place}"
            );
        }
    }
}

/// The metadata of a whole cart names no SKU for one of several lines.
#[tokio::test]
async fn metadata_of_a_cart_names_no_line_of_several() {
    let buyer = Buyer::new(Generation::Dahlia, NOW);
    let unknown = buyer.stripe.add_price(&PriceSpec::once(500));
    let mut cart = buyer.once(&[(&unknown, 1), ("avatar_pack", 1)]);
    cart.metadata.extend(sku("tune_pack"));
    let receipt = buyer.stripe.checkout(&cart);
    assert_eq!(buyer.outcome_of(&find(&receipt.events, "checkout.session.completed")).await, "parked");
    assert_eq!(buyer.balance(NOW).await, credits(0, 0, 104));
}

/// Case 26.
#[tokio::test]
async fn an_invoice_event_of_three_hundred_kilobytes_is_applied() {
    for generation in Generation::EVERY {
        let buyer = Buyer::new(generation, NOW);
        let receipt = buyer.stripe.checkout(&buyer.plan(&[("basic_monthly", 1)]));
        let mut large = find(&receipt.events, "invoice.paid").json().clone();
        let metadata: Metadata = (0..620).map(|number| (format!("note-{number}"), "x".repeat(500))).collect();
        large["data"]["object"]["lines"]["data"][0]["metadata"] = json!(metadata);
        let large = Event::from_json(large);
        assert!(large.body().len() > 300 * 1024);
        let attempt = buyer.send(&large).await;
        assert_eq!((attempt.status, &attempt.answer["outcome"]), (Some(200), &json!("applied")));
        assert_eq!(buyer.balance(NOW).await, credits(1000, 0, 0));
    }
}

/// The invoice itself may be as large at Stripe.
#[tokio::test]
async fn an_invoice_of_hundreds_of_lines_is_read_to_its_end() {
    let buyer = Buyer::new(Generation::Dahlia, NOW);
    let subscription = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
    let item = buyer.stripe.items(&subscription)[0].0.clone();
    for quantity in 2..=122 {
        let change = ItemChange::Set { item: item.clone(), price: price_id("basic_monthly"), quantity };
        let _ = buyer.stripe.change(&subscription, &Change::prorated(vec![change]));
    }
    let renewal = buyer.stripe.renew(&subscription);
    assert_eq!(find(&renewal.events, "invoice.paid").object()["lines"]["total_count"], 243);
    buyer.settle(&renewal.events).await;
    assert_eq!(buyer.balance("2027-01-01T00:00:00Z").await, credits(122_000, 0, 0));
}

/// The same cart by a payment link: named by `client_reference_id` alone.
#[tokio::test]
async fn a_payment_link_names_the_account_by_its_reference() {
    for generation in Generation::EVERY {
        let buyer = Buyer::new(generation, NOW);
        let link = |cart: CartSpec| {
            let payment_link = Some("plink_1".to_owned());
            CartSpec { payment_link, metadata: Metadata::new(), payment_metadata: Metadata::new(), ..cart }
                .referring(&buyer.account)
        };
        buyer.buy(&link(buyer.once(&[("tune_pack", 3)]))).await;
        buyer.buy(&link(buyer.plan(&[("basic_monthly", 3)]))).await;
        assert_eq!(buyer.balance(NOW).await, credits(3000, 3, 192), "{generation:?}");
    }
}
