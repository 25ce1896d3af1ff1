//! Several subscriptions of an account, and several accounts of a customer.

use scrip_stripe_model::{CartSpec, Generation, Metadata};
use serde_json::json;

use super::Buyer;
use crate::{
    api::{credits, enhance},
    webhook::find,
};

const NOW: &str = "2026-11-03T09:00:00Z";

/// The first of each month from December 2026 to November 2027.
fn months_of_the_year() -> impl Iterator<Item = String> {
    (12..=23).map(|month| format!("{}-{:02}-01T00:00:00Z", 2026 + month / 13, (month - 1) % 12 + 1))
}

/// Case 7, and case 8 if the money of the mistaken month goes back: at once or after it was cancelled.
#[tokio::test]
async fn a_paid_year_outlasts_a_mistaken_month() {
    for generation in Generation::EVERY {
        for (is_canceled, is_refunded) in [(true, false), (false, true), (true, true)] {
            for is_reversed in [false, true] {
                let buyer = Buyer::new(generation, NOW);
                buyer.buy(&buyer.plan(&[("standard_annual", 1)])).await;
                let november = "2026-11-10T10:00:00Z";
                buyer.at("2026-11-10T09:00:00Z");
                let mistake = buyer.stripe.checkout(&buyer.plan(&[("basic_monthly", 1)]));
                let mut events = mistake.events;
                if is_canceled {
                    events.extend(buyer.stripe.cancel(&mistake.subscription.unwrap()));
                }
                if is_reversed {
                    events.reverse();
                }
                buyer.settle(&events).await;
                if is_refunded {
                    let refund = buyer.money_back(&mistake.invoice.unwrap(), november).await;
                    assert_eq!(refund.is(200).json["credits_revoked"], credits(0, 0, 0), "{generation:?}");
                    assert_eq!(
                        (&refund.json["status"], &refund.json["amount"]),
                        (&json!("refunded"), &json!(1900))
                    );
                    buyer.settle(&buyer.stripe.take_events()).await;
                }
                let shown = json!({
                    "plan": "standard", "plan_status": "active", "paid_through": "2027-11-03T09:00:00Z",
                    "balance": credits(2500, 0, 0),
                });
                buyer.shows(november, &shown).await;
                for first in months_of_the_year() {
                    buyer.shows(&first, &shown).await;
                    if generation == Generation::Dahlia {
                        buyer.spend(&enhance(10), &first).await;
                    }
                }
                assert_eq!(buyer.balance("2027-12-01T00:00:00Z").await, credits(0, 0, 0));
            }
        }
    }
}

/// Case 9.
#[tokio::test]
async fn money_of_a_second_subscription_leaves_what_the_first_gives() {
    for generation in [Generation::Old, Generation::Acacia, Generation::Basil, Generation::Dahlia] {
        for (spent, revoked, left) in [(0, 5000, 1000), (100, 5000, 900), (1000, 5000, 0), (1500, 4500, 0)] {
            for by_guarantee in [true, false] {
                let buyer = Buyer::new(generation, NOW);
                buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await;
                buyer.at("2026-11-05T09:00:00Z");
                let second = buyer.buy(&buyer.plan(&[("business_monthly", 1)])).await;
                let at = "2026-11-06T09:00:00Z";
                buyer.shows(at, &json!({"plan": "business", "balance": credits(6000, 0, 0)})).await;
                for image in 0..spent / 100 {
                    buyer.spend(&enhance(100), &format!("2026-11-05T10:{image:02}:00Z")).await;
                }
                buyer.at(at);
                let invoice = second.invoice.unwrap();
                if by_guarantee {
                    let refund = buyer.money_back(&invoice, at).await;
                    assert_eq!(refund.is(200).json["credits_revoked"], credits(revoked, 0, 0), "{spent}");
                    assert_eq!(refund.json["credits_spent"], credits(5000 - revoked, 0, 0), "{spent}");
                    buyer.settle(&buyer.stripe.take_events()).await;
                } else {
                    buyer.settle(&buyer.stripe.refund_in_dashboard(&invoice, None).unwrap().1).await;
                    let refunded = &buyer.purchases(at).await[0];
                    assert_eq!(refunded["credits_revoked"], credits(revoked, 0, 0), "{spent}");
                }
                let shown = json!({
                    "plan": "basic", "plan_status": "active", "paid_through": "2026-12-03T09:00:00Z",
                    "balance": credits(left, 0, 0),
                });
                buyer.shows(at, &shown).await;
                assert_eq!(buyer.balance("2026-12-01T00:00:00Z").await, credits(1000, 0, 0));
            }
        }
    }
}

/// Case 10.
#[tokio::test]
async fn a_subscription_stays_with_its_account_whatever_its_customer_buys_for_others() {
    for generation in Generation::EVERY {
        for is_reversed in [false, true] {
            let alice = Buyer::new(generation, NOW);
            let (bob, carol) = (alice.another(), alice.another());
            let firm = alice.stripe.add_customer();
            let cart = |cart: CartSpec, account: &str| CartSpec {
                customer: Some(firm.clone()),
                metadata: Metadata::new(),
                payment_metadata: Metadata::new(),
                client_reference_id: Some(account.to_owned()),
                ..cart
            };
            let buy = async |buyer: &Buyer<'_>, spec: CartSpec| {
                let mut receipt = buyer.stripe.checkout(&cart(spec, &buyer.account));
                // With the session last, or first.
                if is_reversed {
                    receipt.events.reverse();
                }
                buyer.settle(&receipt.events).await;
                receipt
            };
            let plan = buy(&alice, alice.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
            alice.at("2026-11-05T09:00:00Z");
            buy(&bob, bob.once(&[("tune_pack", 1)])).await;
            alice.at("2026-11-06T09:00:00Z");
            let receipt =
                carol.stripe.checkout(&cart(carol.plan(&[("standard_monthly", 1)]), &carol.account));
            // Its first invoice comes before its session.
            for (kind, outcome) in [("invoice.paid", "applied"), ("checkout.session.completed", "unchanged")]
            {
                assert_eq!(
                    carol.outcome_of(&find(&receipt.events, kind)).await,
                    outcome,
                    "{generation:?} {kind}"
                );
            }
            let mut events = alice.stripe.renew(&plan).events;
            events.extend(alice.stripe.cancel(&plan));
            if is_reversed {
                events.reverse();
            }
            alice.settle(&events).await;
            let december = "2026-12-03T12:00:00Z";
            let shown = json!({
                "plan": "basic", "plan_status": "canceled", "paid_through": "2026-12-03T10:00:00Z",
                "balance": credits(1000, 0, 0),
            });
            alice.shows(december, &shown).await;
            assert_eq!(alice.purchases(december).await.len(), 2);
            let shown = json!({"plan": null, "plan_status": "none", "balance": credits(0, 1, 64)});
            bob.shows(december, &shown).await;
            assert_eq!(bob.kinds().await, ["purchase"]);
            carol
                .shows("2026-11-30T00:00:00Z", &json!({"plan": "standard", "balance": credits(2500, 0, 0)}))
                .await;
            assert_eq!(carol.kinds().await, ["purchase"]);
        }
    }
}
