//! Changes between plans, and the subscription after a failed payment of one.

use scrip_stripe_model::{CartSpec, Change, Event, Generation, PaymentBehavior, price_id};
use serde_json::{Value, json};

use super::Buyer;
use crate::{
    api::credits,
    webhook::{find, time},
};

const NOW: &str = "2026-11-03T09:00:00Z";

/// The prices of an invoice's lines in an event, and when each line ends.
fn lines(paid: &Event) -> (Vec<String>, Vec<Value>) {
    let lines = paid.object()["lines"]["data"].as_array().unwrap();
    let price = |line: &Value| {
        let id = line["price"]["id"].as_str().or(line["pricing"]["price_details"]["price"].as_str());
        let sign = if line["amount"].as_i64().unwrap() < 0 { '-' } else { '+' };
        let named = ["basic_monthly", "standard_monthly", "business_monthly"].into_iter();
        let sku = named.into_iter().find(|sku| Some(&*price_id(sku)) == id).unwrap();
        format!("{sign}{sku}")
    };
    let mut ends: Vec<_> = lines.iter().map(|line| line["period"]["end"].clone()).collect();
    ends.dedup();
    (lines.iter().map(price).collect(), ends)
}

/// Cases 5 and 6: of an invoice with several changes the last one counts.
#[tokio::test]
async fn of_several_changes_on_one_invoice_the_last_counts() {
    for generation in Generation::EVERY {
        for (waits, at, paid_for, paid_at, plan, playground) in [
            (
                "standard_monthly",
                "2026-11-10T09:00:00Z",
                "business_monthly",
                "2026-11-12T09:00:00Z",
                "business",
                6000,
            ),
            (
                "business_monthly",
                "2026-11-03T15:00:00Z",
                "standard_monthly",
                "2026-11-03T21:00:00Z",
                "standard",
                2500,
            ),
        ] {
            for is_reversed in [false, true] {
                let buyer = Buyer::new(generation, NOW);
                let subscription =
                    buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
                buyer.at(at);
                let mut events = buyer
                    .stripe
                    .change(&subscription, &Change::prorated(buyer.to(&subscription, waits)))
                    .events;
                if !is_reversed {
                    buyer.settle(&events).await;
                    // An unpaid change counts once it is paid.
                    assert_eq!(buyer.balance(at).await, credits(1000, 0, 0), "{generation:?} {waits}");
                    events.clear();
                }
                buyer.at(paid_at);
                let change = Change::invoiced(buyer.to(&subscription, paid_for));
                events.extend(buyer.stripe.change(&subscription, &change).events);
                let (prices, ends) = lines(&find(&events, "invoice.paid"));
                let mut expected = [
                    format!("+{paid_for}"),
                    format!("-{waits}"),
                    format!("+{waits}"),
                    "-basic_monthly".to_owned(),
                ];
                let mut sorted = prices.clone();
                sorted.sort();
                expected.sort();
                assert_eq!((sorted.as_slice(), ends.len()), (expected.as_slice(), 1), "{prices:?}");
                if is_reversed {
                    events.reverse();
                }
                buyer.settle(&events).await;
                let shown = json!({
                    "plan": plan, "plan_status": "active", "paid_through": "2026-12-03T09:00:00Z",
                    "balance": credits(playground, 0, 0),
                });
                buyer.shows(paid_at, &shown).await;
                assert_eq!(buyer.balance("2026-12-01T00:00:00Z").await, credits(playground, 0, 0));
            }
        }
    }
}

/// Case 22.
#[tokio::test]
async fn a_year_that_was_exchanged_for_a_month_ends_with_the_month() {
    for generation in Generation::EVERY {
        for is_reversed in [false, true] {
            let buyer = Buyer::new(generation, NOW);
            let subscription = buyer.buy(&buyer.plan(&[("basic_annual", 1)])).await.subscription.unwrap();
            buyer.at("2026-11-10T09:00:00Z");
            let change = Change::invoiced(buyer.to(&subscription, "business_monthly"));
            let mut change = buyer.stripe.change(&subscription, &change);
            let paid = find(&change.events, "invoice.paid");
            let lines = paid.object()["lines"]["data"].as_array().unwrap().iter();
            let mut amounts: Vec<_> = lines.map(|line| line["amount"].as_i64().unwrap()).collect();
            amounts.sort_unstable();
            assert_eq!(
                (amounts.as_slice(), &paid.object()["amount_paid"]),
                ([-19000, 3900].as_slice(), &json!(0))
            );
            if is_reversed {
                change.events.reverse();
            }
            buyer.settle(&change.events).await;
            let shown =
                json!({"plan": "business", "plan_status": "active", "paid_through": "2026-12-10T09:00:00Z"});
            buyer.shows("2026-11-10T09:00:00Z", &shown).await;
            assert_eq!(buyer.balance("2026-12-01T00:00:00Z").await, credits(6000, 0, 0), "{generation:?}");
            assert_eq!(buyer.balance("2027-01-01T00:00:00Z").await, credits(0, 0, 0), "{generation:?}");
        }
    }
}

/// Case 23.
#[tokio::test]
async fn an_old_invoice_that_is_paid_after_the_end_gives_its_period_alone() {
    for generation in Generation::EVERY {
        for is_reversed in [false, true] {
            let buyer = Buyer::new(generation, "2026-10-31T09:00:00Z");
            let subscription = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
            buyer.settle(&buyer.stripe.fail_renewal(&subscription).events).await;
            assert_eq!(buyer.stripe.now(), time("2026-11-30T10:00:00Z"));
            buyer
                .shows(
                    "2026-12-01T00:00:00Z",
                    &json!({"plan_status": "past_due", "balance": credits(0, 0, 0)}),
                )
                .await;
            buyer.at("2026-12-02T09:00:00Z");
            let mut events = buyer.stripe.cancel(&subscription);
            buyer.at("2026-12-03T09:00:00Z");
            events.extend(buyer.stripe.pay_late(&subscription).events);
            if is_reversed {
                events.reverse();
            }
            buyer.settle(&events).await;
            let shown = json!({"plan": "basic", "plan_status": "canceled", "balance": credits(1000, 0, 0)});
            buyer.shows("2026-12-03T09:00:00Z", &shown).await;
            assert_eq!(buyer.balance("2027-01-01T00:00:00Z").await, credits(0, 0, 0), "{generation:?}");
            let purchases = buyer.purchases("2026-12-03T09:00:00Z").await;
            assert_eq!(purchases.len(), 2, "{generation:?}");
        }
    }
}

/// Case 24.
#[tokio::test]
async fn an_upgrade_whose_payment_failed_leaves_the_plan_in_order() {
    for generation in Generation::EVERY {
        for is_reversed in [false, true] {
            let buyer = Buyer::new(generation, NOW);
            let subscription = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
            buyer.at("2026-11-10T09:00:00Z");
            buyer.stripe.decline_next(&subscription);
            let mut change = Change::invoiced(buyer.to(&subscription, "standard_monthly"));
            change.payment = PaymentBehavior::PendingIfIncomplete;
            let mut failed = buyer.stripe.change(&subscription, &change).events;
            assert!(failed.iter().any(|event| event.kind() == "invoice.payment_failed"));
            if is_reversed {
                failed.reverse();
            }
            buyer.settle(&failed).await;
            let shown = json!({
                "plan": "basic", "plan_status": "active", "paid_through": "2026-12-03T09:00:00Z",
                "balance": credits(1000, 0, 0),
            });
            buyer.shows("2026-11-10T09:00:00Z", &shown).await;
            assert_eq!(buyer.stripe.items(&subscription)[0].1, price_id("basic_monthly"));
            // Paid after all, it counts.
            buyer.at("2026-11-10T12:00:00Z");
            buyer.settle(&buyer.stripe.pay_late(&subscription).events).await;
            let shown = json!({"plan": "standard", "plan_status": "active", "balance": credits(2500, 0, 0)});
            buyer.shows("2026-11-10T12:00:00Z", &shown).await;
        }
    }
}

/// Rule 4 of docs/rules.md: a trial grants nothing until an invoice is paid, though it is ended before its invoice
/// says.
#[tokio::test]
async fn a_trial_that_is_ended_early_is_paid_for_once() {
    for generation in Generation::EVERY {
        let buyer = Buyer::new(generation, "2026-11-03T09:00:00Z");
        let cart = CartSpec { trial_days: Some(14), ..buyer.plan(&[("basic_monthly", 1)]) };
        let subscription = buyer.buy(&cart).await.subscription.unwrap();
        let at = "2026-11-10T09:00:00Z";
        assert_eq!(buyer.balance(at).await, credits(0, 0, 0), "{generation:?}");
        buyer.at(at);
        let paid = buyer.stripe.end_trial(&subscription);
        buyer.settle(&paid.events).await;
        assert_eq!(buyer.balance(at).await, credits(1000, 0, 0), "{generation:?}");
        let bought = buyer.purchases(at).await;
        assert_eq!((bought.len(), &bought[0]["amount"]), (1, &json!(1900)), "{generation:?}");
        let refund = buyer.money_back(&paid.invoice.unwrap(), at).await;
        assert_eq!(refund.is(200).json["credits_revoked"], credits(1000, 0, 0), "{generation:?}");
        assert_eq!(buyer.balance(at).await, credits(0, 0, 0), "{generation:?}");
    }
}
