//! Money that goes back, returns, and goes again: refunds that fail, disputes, debits that are reversed after it.

use scrip_stripe_model::{DisputeSpec, Event, Generation};
use serde_json::{Value, json};

use super::Buyer;
use crate::api::{credits, enhance};

const NOW: &str = "2026-11-03T09:00:00Z";
const LATER: &str = "2026-11-10T09:00:00Z";

fn disputed(amount: i64) -> DisputeSpec {
    DisputeSpec { amount: Some(amount), inquiry: false }
}

/// Asserts the newest entry: its kind and what it moved.
async fn newest(buyer: &Buyer<'_>, kind: &str, change: &Value) {
    let entry = buyer.entries().await.pop().unwrap();
    assert_eq!((&entry["kind"], &entry["credits"]), (&json!(kind), change), "{entry}");
}

/// Cases 11 and 12: what was spent and refunded is owed, and a reversal pays that first.
#[tokio::test]
async fn a_reversal_after_the_money_went_back_gives_nothing() {
    let tune = json!({"operation": "train_tune", "prompts": 8});
    for generation in Generation::EVERY {
        for (sku, operation, revoked, spent) in [
            ("tune_pack", &tune, credits(0, 0, 0), credits(0, 1, 64)),
            ("basic_monthly", &enhance(100), credits(900, 0, 0), credits(100, 0, 0)),
        ] {
            for by_guarantee in [true, false] {
                let buyer = Buyer::new(generation, NOW);
                let cart = if sku == "tune_pack" { buyer.once(&[(sku, 1)]) } else { buyer.plan(&[(sku, 1)]) };
                let receipt = buyer.buy(&cart).await;
                let purchase = receipt.invoice.or(receipt.payment_intent).unwrap();
                buyer.spend(operation, "2026-11-04T09:00:00Z").await;
                buyer.at(LATER);
                if by_guarantee {
                    let refund = buyer.money_back(&purchase, LATER).await;
                    refund.is(200);
                    assert_eq!(
                        (&refund.json["credits_revoked"], &refund.json["credits_spent"]),
                        (&revoked, &spent)
                    );
                    buyer.settle(&buyer.stripe.take_events()).await;
                } else {
                    buyer.settle(&buyer.stripe.refund_in_dashboard(&purchase, None).unwrap().1).await;
                }
                let bought = buyer.purchases(LATER).await.pop().unwrap();
                assert_eq!((&bought["credits_revoked"], &bought["credits_spent"]), (&revoked, &spent));
                let reversal = buyer.reverse("2026-11-04T09:00:00Z", "2026-11-11T09:00:00Z").await;
                assert_eq!(reversal["offset"], spent, "{generation:?} {sku}");
                assert_eq!(reversal["balance"], credits(0, 0, 0), "{generation:?} {sku}");
                assert_eq!(buyer.balance("2026-11-11T09:00:00Z").await, credits(0, 0, 0));
                newest(&buyer, "reversal", &credits(0, 0, 0)).await;
            }
        }
    }
}

/// Case 12: playground credits owed are forgotten at the month's turn.
#[tokio::test]
async fn nothing_of_a_plan_is_owed_in_the_next_month() {
    for reversed_in_november in [true, false] {
        let buyer = Buyer::new(Generation::Basil, NOW);
        let invoice = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.invoice.unwrap();
        buyer.spend(&enhance(100), "2026-11-04T09:00:00Z").await;
        buyer.at(LATER);
        buyer.settle(&buyer.stripe.refund_in_dashboard(&invoice, None).unwrap().1).await;
        if reversed_in_november {
            buyer.reverse("2026-11-04T09:00:00Z", "2026-11-30T23:59:59Z").await;
        }
        buyer.at("2026-12-05T09:00:00Z");
        assert_eq!(buyer.balance("2026-12-05T09:00:00Z").await, credits(0, 0, 0));
        buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await;
        assert_eq!(buyer.balance("2026-12-05T09:00:00Z").await, credits(1000, 0, 0));
        buyer.spend(&enhance(50), "2026-12-06T09:00:00Z").await;
        let reversal = buyer.reverse("2026-12-06T09:00:00Z", "2026-12-07T09:00:00Z").await;
        assert_eq!(reversal["offset"], credits(0, 0, 0));
        assert_eq!(buyer.balance("2026-12-07T09:00:00Z").await, credits(1000, 0, 0));
    }
}

/// Case 13.
#[tokio::test]
async fn a_refund_that_fails_later_gives_the_credits_back_once() {
    let old = ["charge.refund.updated"].as_slice();
    let new = ["refund.updated", "charge.refund.updated", "refund.failed"].as_slice();
    for (generation, kinds) in [
        (Generation::Old, old),
        (Generation::Dated, old),
        (Generation::Acacia, new),
        (Generation::Basil, new),
        (Generation::Clover, new),
        (Generation::Dahlia, new),
    ] {
        for is_reversed in [false, true] {
            let buyer = Buyer::new(generation, NOW);
            let payment = buyer.buy(&buyer.once(&[("tune_pack", 1)])).await.payment_intent.unwrap();
            buyer.at(LATER);
            let (refund, events) = buyer.stripe.refund_in_dashboard(&payment, None).unwrap();
            buyer.settle(&events).await;
            assert_eq!(buyer.balance(LATER).await, credits(0, 0, 0), "{generation:?}");
            buyer.at("2026-11-17T09:00:00Z");
            let mut failed = buyer.stripe.fail_refund(&refund);
            assert_eq!(failed.iter().map(Event::kind).collect::<Vec<_>>(), kinds, "{generation:?}");
            if is_reversed {
                failed.reverse();
            }
            let (first, rest) = failed.split_first().unwrap();
            assert_eq!(buyer.outcome_of(first).await, "applied", "{generation:?} {}", first.kind());
            for event in rest.iter().chain(&failed).chain(&events) {
                assert_eq!(buyer.outcome_of(event).await, "unchanged", "{generation:?} {}", event.kind());
            }
            assert_eq!(buyer.balance("2026-11-17T09:00:00Z").await, credits(0, 1, 64), "{generation:?}");
            assert_eq!(buyer.kinds().await, ["purchase", "refund", "refund_failed"]);
        }
    }
}

/// Case 14: each event says what is now, so one that is sent again later changes nothing.
#[tokio::test]
async fn a_dispute_that_was_won_and_another_that_was_lost_take_give_and_take() {
    for generation in Generation::EVERY {
        for is_reversed in [false, true] {
            let buyer = Buyer::new(generation, NOW);
            let payment = buyer.buy(&buyer.once(&[("tune_pack", 1)])).await.payment_intent.unwrap();
            let all = credits(0, 1, 64);
            let mut earlier = Vec::new();
            let mut dispute = String::new();
            for (at, step, kind, after) in [
                ("2026-11-10T09:00:00Z", "open", "dispute", credits(0, 0, 0)),
                ("2026-11-20T09:00:00Z", "win", "dispute_won", all.clone()),
                ("2026-12-10T09:00:00Z", "open", "dispute", credits(0, 0, 0)),
                ("2026-12-20T09:00:00Z", "lose", "", credits(0, 0, 0)),
            ] {
                buyer.at(at);
                let mut events = match step {
                    "open" => {
                        let (id, events) = buyer.stripe.dispute(&payment);
                        dispute = id;
                        events
                    }
                    "win" => buyer.stripe.win_dispute(&dispute),
                    _ => buyer.stripe.lose_dispute(&dispute),
                };
                if is_reversed {
                    events.reverse();
                }
                for (index, event) in events.iter().enumerate() {
                    let outcome = if index == 0 && !kind.is_empty() { "applied" } else { "unchanged" };
                    assert_eq!(
                        buyer.outcome_of(event).await,
                        outcome,
                        "{generation:?} {step} {}",
                        event.kind()
                    );
                }
                earlier.extend(events);
                for event in &earlier {
                    assert_eq!(buyer.outcome_of(event).await, "unchanged", "{generation:?} {step}");
                }
                assert_eq!(buyer.balance(at).await, after, "{generation:?} {step}");
            }
            assert_eq!(buyer.kinds().await, ["purchase", "dispute", "dispute_won", "dispute"]);
        }
    }
}

/// Case 15.
#[tokio::test]
async fn a_dispute_that_is_won_gives_back_what_belongs_to_it() {
    for generation in Generation::EVERY {
        for (won, left) in [(0, 26), (1, 78)] {
            for all_at_the_end in [false, true] {
                let buyer = Buyer::new(generation, NOW);
                let payment = buyer.buy(&buyer.once(&[("avatar_pack", 1)])).await.payment_intent.unwrap();
                buyer.at(LATER);
                let (first, mut events) = buyer.stripe.dispute_with(&payment, disputed(250));
                let (second, more) = buyer.stripe.dispute_with(&payment, disputed(750));
                events.extend(more);
                if !all_at_the_end {
                    buyer.settle(&events).await;
                    assert_eq!(buyer.balance(LATER).await, credits(0, 0, 0), "{generation:?}");
                }
                buyer.at("2026-11-20T09:00:00Z");
                events.extend(buyer.stripe.win_dispute([&first, &second][won]));
                events.reverse();
                buyer.settle(&events).await;
                assert_eq!(
                    buyer.balance("2026-11-20T09:00:00Z").await,
                    credits(0, 0, left),
                    "{generation:?}"
                );
                let purchase = &buyer.purchases("2026-11-20T09:00:00Z").await[0];
                assert_eq!(purchase["status"], "disputed");
                assert_eq!(purchase["credits_revoked"], credits(0, 0, 104 - left));
            }
        }
    }
}

/// Case 16.
#[tokio::test]
async fn a_dispute_takes_in_proportion() {
    for generation in Generation::EVERY {
        for is_reversed in [false, true] {
            let pack = Buyer::new(generation, NOW);
            let payment = pack.buy(&pack.once(&[("avatar_pack", 1)])).await.payment_intent.unwrap();
            let plan = pack.another();
            let invoice = plan.buy(&plan.plan(&[("standard_monthly", 1)])).await.invoice.unwrap();
            pack.at(LATER);
            for (buyer, paid, amount, taken) in
                [(&pack, payment, 250, credits(0, 0, -26)), (&plan, invoice, 500, credits(-431, 0, 0))]
            {
                let (_, mut events) = buyer.stripe.dispute_with(&paid, disputed(amount));
                if is_reversed {
                    events.reverse();
                }
                buyer.settle(&events).await;
                newest(buyer, "dispute", &taken).await;
            }
            assert_eq!(pack.balance(LATER).await, credits(0, 0, 78));
            let shown = json!({
                "plan": "standard", "plan_status": "active", "paid_through": "2026-12-03T09:00:00Z",
                "balance": credits(2069, 0, 0),
            });
            plan.shows(LATER, &shown).await;
            assert_eq!(plan.balance("2026-12-01T00:00:00Z").await, credits(2500, 0, 0));
        }
    }
}

/// Case 17: only money that a bank holds counts.
#[tokio::test]
async fn an_inquiry_takes_nothing() {
    for generation in Generation::EVERY {
        let buyer = Buyer::new(generation, NOW);
        let payment = buyer.buy(&buyer.once(&[("tune_pack", 1)])).await.payment_intent.unwrap();
        buyer.at(LATER);
        let inquiry = DisputeSpec { amount: None, inquiry: true };
        let (id, mut events) = buyer.stripe.dispute_with(&payment, inquiry);
        assert_eq!(events[0].object()["status"], "warning_needs_response");
        events.extend(buyer.stripe.answer_dispute(&id));
        events.extend(buyer.stripe.close_inquiry(&id));
        for event in &events {
            assert_eq!(buyer.outcome_of(event).await, "unchanged", "{generation:?} {}", event.kind());
        }
        assert_eq!(
            (buyer.balance(LATER).await, buyer.kinds().await),
            (credits(0, 1, 64), vec!["purchase".to_owned()])
        );
        // One that becomes a dispute does.
        let (id, events) = buyer.stripe.dispute_with(&payment, inquiry);
        buyer.settle(&events).await;
        assert_eq!(buyer.balance(LATER).await, credits(0, 1, 64));
        buyer.settle(&buyer.stripe.escalate_inquiry(&id)).await;
        assert_eq!(buyer.balance(LATER).await, credits(0, 0, 0), "{generation:?}");
    }
}
