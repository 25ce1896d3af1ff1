//! Money that goes back: refunds and disputes.

use super::{Shop, kinds, last};
use scrip_stripe_model::{CartSpec, DisputeSpec, Event, Generation, Stripe};

/// A charge of 27.00.
fn charge(shop: &Shop) -> String {
    shop.stripe.checkout(&CartSpec::payment("alice", &[(&shop.pack, 3)])).charge.unwrap()
}

/// What of the last purchase went back, by refunds and by disputes.
fn gone(shop: &Shop) -> (i64, i64) {
    let purchase = shop.last_purchase();
    (purchase.refunded, purchase.disputed)
}

#[test]
fn refunds_in_parts_add_up() {
    for generation in Generation::EVERY {
        let shop = Shop::new(generation);
        let charge = charge(&shop);
        for (amount, sum, is_whole) in
            [(Some(700), 700, false), (Some(1000), 1700, false), (None, 2700, true)]
        {
            let (_, events) = shop.stripe.refund_in_dashboard(&charge, amount).unwrap();
            let shown = last(&events, "charge.refunded");
            assert_eq!((&shown["amount_refunded"], &shown["refunded"]), (&sum.into(), &is_whole.into()));
            assert_eq!(gone(&shop), (sum, 0));
            if generation == Generation::Old {
                assert_eq!(shown["refunds"]["data"][0]["amount"], amount.unwrap_or(1000));
            }
        }
        let refused = shop.stripe.refund_in_dashboard(&charge, None).unwrap_err();
        assert_eq!(refused.code, Some("charge_already_refunded"));
    }
}

#[test]
fn a_refund_counts_while_it_may_still_succeed() {
    type Begin = (&'static str, fn(&Stripe));
    type Step = (&'static str, fn(&Stripe, &str) -> Vec<Event>, i64);
    let ends: [Step; 3] = [
        ("succeeded", |stripe, refund| stripe.refund_arrives(refund), 700),
        ("failed", |stripe, refund| stripe.fail_refund(refund), 0),
        ("canceled", |stripe, refund| stripe.cancel_refund(refund), 0),
    ];
    let begins: [Begin; 2] = [
        ("pending", |stripe| stripe.let_refunds_pend(true)),
        ("requires_action", Stripe::let_refunds_require_action),
    ];
    for (status, begin) in begins {
        for (end, act, refunded) in ends {
            let shop = Shop::new(Generation::Dahlia);
            let charge = charge(&shop);
            begin(&shop.stripe);
            let (refund, events) = shop.stripe.refund_in_dashboard(&charge, Some(700)).unwrap();
            assert_eq!(last(&events, "refund.created")["status"], status);
            assert_eq!(gone(&shop), (700, 0));
            let events = act(&shop.stripe, &refund);
            assert_eq!(last(&events, "refund.updated")["status"], end);
            assert_eq!(kinds(&events).contains(&"refund.failed"), end == "failed");
            assert_eq!(gone(&shop), (refunded, 0), "{status} {end}");
        }
    }
}

#[test]
fn a_dispute_holds_money_only_while_it_is_open_or_lost() {
    type Step = (fn(&Stripe, &str) -> Vec<Event>, &'static [&'static str], &'static str, i64, i64);
    // What happens, its events, the status, what is disputed then, and how often money has moved.
    let cases: [(bool, &[Step]); 6] = [
        (
            false,
            &[(
                |stripe, id| stripe.win_dispute(id),
                &["charge.dispute.closed", "charge.dispute.funds_reinstated"],
                "won",
                0,
                2,
            )],
        ),
        (false, &[(|stripe, id| stripe.lose_dispute(id), &["charge.dispute.closed"], "lost", 500, 1)]),
        (
            false,
            &[
                (|stripe, id| stripe.answer_dispute(id), &["charge.dispute.updated"], "under_review", 500, 1),
                (|stripe, id| stripe.lose_dispute(id), &["charge.dispute.closed"], "lost", 500, 1),
            ],
        ),
        (
            false,
            &[(
                |stripe, id| stripe.prevent_dispute(id),
                &["charge.dispute.closed", "charge.dispute.funds_reinstated"],
                "prevented",
                0,
                2,
            )],
        ),
        (
            true,
            &[
                (
                    |stripe, id| stripe.answer_dispute(id),
                    &["charge.dispute.updated"],
                    "warning_under_review",
                    0,
                    0,
                ),
                (|stripe, id| stripe.close_inquiry(id), &["charge.dispute.closed"], "warning_closed", 0, 0),
            ],
        ),
        (
            true,
            &[(
                |stripe, id| stripe.escalate_inquiry(id),
                &["charge.dispute.updated", "charge.dispute.funds_withdrawn"],
                "needs_response",
                500,
                1,
            )],
        ),
    ];
    for (inquiry, steps) in cases {
        let shop = Shop::new(Generation::Dahlia);
        let charge = charge(&shop);
        let spec = DisputeSpec { amount: Some(500), inquiry };
        let (dispute, events) = shop.stripe.dispute_with(&charge, spec);
        let (status, moved) = if inquiry { ("warning_needs_response", 0) } else { ("needs_response", 1) };
        assert_eq!(events.len(), 1 + moved);
        let shown = last(&events, "charge.dispute.created");
        assert_eq!((&shown["status"], &shown["amount"]), (&status.into(), &500.into()));
        assert_eq!(shown["balance_transactions"].as_array().unwrap().len(), 0, "money moves after that");
        for (act, expected, status, disputed, moved) in steps {
            let events = act(&shop.stripe, &dispute);
            assert_eq!(kinds(&events), *expected);
            let shown = events.last().unwrap().object();
            let transactions = shown["balance_transactions"].as_array().unwrap();
            assert_eq!(
                (&shown["status"], transactions.len()),
                (&(*status).into(), usize::try_from(*moved).unwrap())
            );
            assert_eq!(gone(&shop), (0, *disputed), "{status}");
        }
    }
}

#[test]
fn two_disputes_of_a_charge_can_be_open_at_once() {
    let shop = Shop::new(Generation::Dahlia);
    let charge = charge(&shop);
    let of = |amount| DisputeSpec { amount: Some(amount), inquiry: false };
    let (first, _) = shop.stripe.dispute_with(&charge, of(500));
    let (_, _) = shop.stripe.dispute_with(&charge, of(900));
    assert_eq!(gone(&shop), (0, 1400));
    let _ = shop.stripe.win_dispute(&first);
    assert_eq!(gone(&shop), (0, 900));
    assert_eq!(shop.stripe.refund_in_dashboard(&charge, None).unwrap_err().code, Some("charge_disputed"));
}

#[test]
fn a_charge_can_be_disputed_again_and_an_inquiry_lets_it_be_refunded() {
    let shop = Shop::new(Generation::Dahlia);
    let charge = charge(&shop);
    let (first, _) = shop.stripe.dispute(&charge);
    let _ = shop.stripe.win_dispute(&first);
    let (second, _) = shop.stripe.dispute(&charge);
    assert_ne!(first, second);
    let _ = shop.stripe.lose_dispute(&second);
    assert_eq!(gone(&shop), (0, 2700));
    let shop = Shop::new(Generation::Dahlia);
    let charge = self::charge(&shop);
    let _ = shop.stripe.dispute_with(&charge, DisputeSpec { amount: None, inquiry: true });
    assert!(shop.stripe.refund_in_dashboard(&charge, None).is_ok());
}

#[test]
fn what_is_refunded_cannot_be_disputed_too() {
    let shop = Shop::new(Generation::Dahlia);
    let charge = charge(&shop);
    let _ = shop.stripe.refund_in_dashboard(&charge, Some(2000)).unwrap();
    let (_, events) = shop.stripe.dispute(&charge);
    assert_eq!(last(&events, "charge.dispute.created")["amount"], 700);
    assert_eq!(gone(&shop), (2000, 700));
}
