//! Money that goes back of a payment that is no single whole card payment, in parts, or by a dispute.

use scrip_stripe_model::{CartSpec, Change, Event, Generation, Tender};
use serde_json::json;

use super::{Buyer, Shop};
use crate::{api::credits, webhook::find};

const NOW: &str = "2026-11-03T09:00:00Z";
const LATER: &str = "2026-11-10T09:00:00Z";

/// Buys by what is no payment through Stripe; the invoice, and its events.
fn paid_otherwise(buyer: &Buyer<'_>, how: &str) -> (String, Vec<Event>) {
    let plan = buyer.plan(&[("basic_monthly", 1)]);
    match how {
        "balance" => {
            buyer.stripe.set_balance(&buyer.stripe.customer_of(&buyer.account), -5000);
            let receipt = buyer.stripe.checkout(&plan);
            (receipt.invoice.unwrap(), receipt.events)
        }
        "out of band" => {
            let cart = CartSpec { without_session: true, tender: Tender::Declined, ..plan };
            let mut receipt = buyer.stripe.checkout(&cart);
            let invoice = receipt.invoice.unwrap();
            receipt.events.extend(buyer.stripe.pay_out_of_band(&invoice));
            (invoice, receipt.events)
        }
        _ => {
            let mut cart = buyer.once(&[("tune_pack", 1)]);
            cart.invoice_metadata.insert("account_id".to_owned(), buyer.account.clone());
            let invoice = buyer.stripe.send_invoice(&cart).invoice.unwrap();
            let events = buyer.stripe.pay_out_of_band(&invoice);
            (invoice, events)
        }
    }
}

/// Case 27: there is nothing that Stripe could send back.
#[tokio::test]
async fn what_was_not_paid_through_stripe_is_nothing_to_refund() {
    for generation in [Generation::Old, Generation::Acacia, Generation::Dahlia] {
        let shop = Shop::open(&format!("otherwise {generation:?}"), generation, NOW).await;
        for (how, granted) in [
            ("balance", credits(1000, 0, 0)),
            ("out of band", credits(1000, 0, 0)),
            ("pack out of band", credits(0, 1, 64)),
        ] {
            let buyer = shop.buyer(&how.replace(' ', "-"));
            let (invoice, events) = paid_otherwise(&buyer, how);
            assert_eq!(find(&events, "invoice.paid").object()["status"], "paid", "{how}");
            buyer.settle(&events).await;
            let before = buyer.get("", LATER).await;
            assert_eq!(before["balance"], granted, "{generation:?} {how}");
            let purchase = buyer.purchases(LATER).await.pop().unwrap();
            assert_eq!(
                (&purchase["purchase_id"], &purchase["amount"]),
                (&json!(invoice), &json!(0)),
                "{how}"
            );
            buyer.stripe.calls();
            buyer.money_back(&invoice, LATER).await.is_problem(409, "nothing_to_refund");
            assert!(!buyer.stripe.calls().iter().any(|call| call.method != "GET"), "{how}");
            assert_eq!(buyer.get("", LATER).await, before, "{generation:?} {how}");
            assert_eq!(buyer.purchases(LATER).await, [purchase], "{how}");
            assert_eq!(buyer.kinds().await, ["purchase"], "{how}");
        }
        shop.close().await;
    }
}

/// Case 28: the event of the first refund comes before, or after all.
#[tokio::test]
async fn the_rest_of_a_partly_refunded_purchase_goes_back() {
    for generation in Generation::EVERY {
        for is_known in [true, false] {
            let buyer = Buyer::new(generation, NOW);
            let payment = buyer.buy(&buyer.once(&[("tune_pack", 1)])).await.payment_intent.unwrap();
            buyer.at("2026-11-05T09:00:00Z");
            let (_, part) = buyer.stripe.refund_in_dashboard(&payment, Some(300)).unwrap();
            if is_known {
                buyer.settle(&part).await;
                // A third of one tune is none, of 64 images 21.
                assert_eq!(buyer.balance("2026-11-05T09:00:00Z").await, credits(0, 1, 43));
            }
            let refund = buyer.money_back(&payment, LATER).await;
            assert_eq!(
                (&refund.is(200).json["amount"], &refund.json["status"]),
                (&json!(600), &json!("refunded"))
            );
            assert_eq!(refund.json["credits_revoked"], credits(0, 1, 64), "{generation:?} {is_known}");
            let rest = buyer.stripe.take_events();
            let booked = buyer.stripe.books();
            let [booked] = booked.purchases.as_slice() else { panic!("{booked:?}") };
            assert_eq!((booked.amount, booked.refunded), (900, 900));
            buyer.settle(&part).await;
            buyer.settle(&rest).await;
            assert_eq!(buyer.balance(LATER).await, credits(0, 0, 0), "{generation:?}");
            let revoked = |kind: &&String| *kind == "refund";
            let kinds = buyer.kinds().await;
            assert_eq!(kinds.iter().filter(revoked).count(), if is_known { 2 } else { 1 }, "{kinds:?}");
            let purchase = &buyer.purchases(LATER).await[0];
            assert_eq!(
                (&purchase["status"], &purchase["credits_revoked"]),
                (&json!("refunded"), &credits(0, 1, 64))
            );
            // Asked again, it is the same answer.
            assert_eq!(buyer.money_back(&payment, LATER).await.text, refund.text);
        }
    }
}

/// Case 29.
#[tokio::test]
async fn a_refund_of_what_a_dispute_holds_is_refused_and_promises_nothing() {
    for generation in Generation::EVERY {
        for (sku, is_plan) in [("tune_pack", false), ("basic_monthly", true)] {
            let buyer = Buyer::new(generation, NOW);
            let items = [(sku, 1)];
            let receipt = buyer.buy(&if is_plan { buyer.plan(&items) } else { buyer.once(&items) }).await;
            let purchase = receipt.invoice.or(receipt.payment_intent).unwrap();
            buyer.at("2026-11-05T09:00:00Z");
            buyer.settle(&buyer.stripe.dispute(&purchase).1).await;
            let refused = buyer.money_back(&purchase, LATER).await;
            let detail = refused.is_problem(502, "provider_refused").json["detail"].as_str().unwrap();
            assert!(!detail.contains("back") && detail.contains("charge_disputed"), "{detail}");
            assert_eq!(buyer.balance(LATER).await, credits(0, 0, 0), "{generation:?} {sku}");
            assert_eq!(buyer.purchases(LATER).await[0]["status"], "disputed");
        }
    }
}

/// Case 29, where the dispute's event is still on its way.
#[tokio::test]
async fn a_refund_that_meets_an_unknown_dispute_promises_nothing() {
    let buyer = Buyer::new(Generation::Basil, NOW);
    let payment = buyer.buy(&buyer.once(&[("tune_pack", 1)])).await.payment_intent.unwrap();
    buyer.at("2026-11-05T09:00:00Z");
    let (_, events) = buyer.stripe.dispute(&payment);
    let refused = buyer.money_back(&payment, LATER).await;
    let detail = refused.is_problem(502, "provider_refused").json["detail"].as_str().unwrap().to_owned();
    buyer.settle(&events).await;
    assert_eq!(buyer.balance(LATER).await, credits(0, 0, 0));
    assert!(!detail.contains("back"), "{detail}");
}

/// The orders of three things.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// Case 33: a half of the money that an upgrade stands on, the upgrade, and the other half.
#[tokio::test]
async fn two_halves_of_a_refund_around_an_upgrade_end_the_same_in_every_order() {
    for generation in Generation::EVERY {
        for (order, as_it_happens) in ORDERS.iter().map(|order| (order, false)).chain([(&ORDERS[0], true)]) {
            let buyer = Buyer::new(generation, NOW);
            let receipt = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await;
            let (subscription, invoice) = (receipt.subscription.unwrap(), receipt.invoice.unwrap());
            let mut groups = Vec::new();
            for (at, is_refund, playground) in [
                ("2026-11-05T09:00:00Z", true, 500),
                ("2026-11-07T09:00:00Z", false, 2000),
                ("2026-11-09T09:00:00Z", true, 0),
            ] {
                buyer.at(at);
                let events = if is_refund {
                    buyer.stripe.refund_in_dashboard(&invoice, Some(950)).unwrap().1
                } else {
                    let change = Change::invoiced(buyer.to(&subscription, "standard_monthly"));
                    buyer.stripe.change(&subscription, &change).events
                };
                if as_it_happens {
                    buyer.settle(&events).await;
                    assert_eq!(buyer.balance(at).await, credits(playground, 0, 0), "{generation:?} {at}");
                }
                groups.push(events);
            }
            for group in order {
                buyer.settle(&groups[*group]).await;
            }
            let shown = json!({
                "plan": "standard", "plan_status": "canceled", "paid_through": "2026-11-09T09:00:00Z",
                "balance": credits(0, 0, 0), "subscriptions": [],
            });
            buyer.shows("2026-11-09T09:00:00Z", &shown).await;
            let statuses: Vec<_> =
                buyer.purchases(LATER).await.iter().map(|purchase| purchase["status"].clone()).collect();
            assert_eq!(statuses, ["paid", "refunded"], "{generation:?} {order:?}");
            assert_eq!(buyer.balance("2026-12-01T00:00:00Z").await, credits(0, 0, 0));
        }
    }
}

/// Case 33 for the money of the upgrade: what was paid before it is left.
#[tokio::test]
async fn two_halves_of_an_upgrades_refund_leave_the_plan_before_it() {
    for generation in Generation::EVERY {
        for order in ORDERS {
            let buyer = Buyer::new(generation, NOW);
            let subscription = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
            buyer.at("2026-11-05T09:00:00Z");
            let change = Change::invoiced(buyer.to(&subscription, "standard_monthly"));
            let change = buyer.stripe.change(&subscription, &change);
            let paid = find(&change.events, "invoice.paid").object()["amount_paid"].as_i64().unwrap();
            let invoice = change.invoice.unwrap();
            let mut groups = vec![change.events];
            for (at, amount) in
                [("2026-11-07T09:00:00Z", paid / 2), ("2026-11-09T09:00:00Z", paid - paid / 2)]
            {
                buyer.at(at);
                groups.push(buyer.stripe.refund_in_dashboard(&invoice, Some(amount)).unwrap().1);
            }
            for group in order {
                buyer.settle(&groups[group]).await;
            }
            let shown = json!({
                "plan": "basic", "plan_status": "active", "paid_through": "2026-12-03T09:00:00Z",
                "balance": credits(1000, 0, 0),
            });
            buyer.shows("2026-11-09T09:00:00Z", &shown).await;
        }
    }
}
