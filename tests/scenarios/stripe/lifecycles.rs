//! Subscriptions through time, and money on its way back.

use super::{kinds, object, stripe, time};
use scrip_tests::stripe::{Checkout, Coupon, Event, Generation, Interval, Plan, Stripe};
use serde_json::{Value, json};

fn basic() -> Checkout {
    Checkout::new("a", "basic_monthly", 3_100)
}

#[test]
fn a_renewal_keeps_the_day_it_began_on() {
    let rows = [
        (Interval::Month, "2026-01-31T10:00:00Z", vec!["02-28", "03-31", "04-30", "05-31"]),
        (Interval::Month, "2028-01-31T10:00:00Z", vec!["02-29", "03-31", "04-30", "05-31"]),
        (Interval::Month, "2026-01-30T10:00:00Z", vec!["02-28", "03-30", "04-30", "05-30"]),
        (Interval::Month, "2026-10-31T10:00:00Z", vec!["11-30", "12-31", "01-31", "02-28"]),
        (Interval::Month, "2026-12-31T23:59:59Z", vec!["01-31", "02-28", "03-31", "04-30"]),
        (Interval::Year, "2028-02-29T00:00:00Z", vec!["02-28", "02-28", "02-28", "02-29"]),
    ];
    for (interval, begin, days) in rows {
        for generation in Generation::ALL {
            let stripe = Stripe::new("renewals", generation, time(begin));
            let id = stripe.subscribe(&basic(), interval).subscription.unwrap();
            for day in &days {
                let end = stripe.period_end(&id);
                assert_eq!(end.format("%m-%d").to_string(), *day, "from {begin}");
                assert_eq!(end.time(), time(begin).time());
                let renewed = stripe.renew(&id);
                let line = &object(&renewed.events, "invoice.paid")["lines"]["data"][0];
                assert_eq!(line["period"]["start"], end.timestamp());
                assert_eq!(line["period"]["end"], stripe.period_end(&id).timestamp());
            }
        }
    }
}

#[test]
fn a_renewal_is_told_when_the_period_ends_and_paid_an_hour_later() {
    let stripe = stripe("renewal", Generation::Acacia);
    let id = stripe.subscribe(&basic(), Interval::Month).subscription.unwrap();
    let end = stripe.period_end(&id).timestamp();
    let events = stripe.renew(&id).events;
    assert_eq!(
        kinds(&events),
        [
            "customer.subscription.updated",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.paid",
            "invoice.payment_succeeded",
        ]
    );
    let updated = events[0].json();
    assert_eq!((events[0].created(), events[3].created()), (end, end + 3_600));
    assert_eq!(updated["data"]["previous_attributes"]["current_period_end"], end);
    assert_eq!(events[3].object()["billing_reason"], "subscription_cycle");
    // The invoice's own period is the one that ended; the line's is the one that is paid.
    assert_eq!(events[3].object()["period_end"], end);
    assert_eq!(events[3].object()["lines"]["data"][0]["period"]["start"], end);
}

#[test]
fn what_falls_due_happens_in_the_order_of_time() {
    let stripe = stripe("advance", Generation::Basil);
    let first = stripe.subscribe(&basic(), Interval::Month).subscription.unwrap();
    stripe.set_now(time("2026-01-20T12:00:00Z"));
    let second = stripe.subscribe(&Checkout { account: "b".into(), ..basic() }, Interval::Month);
    let second = second.subscription.unwrap();
    assert_eq!(stripe.advance_to(time("2026-02-15T11:59:59Z")), []);
    let events = stripe.advance_to(time("2026-02-15T12:59:59Z"));
    assert_eq!(kinds(&events), ["customer.subscription.updated"], "the invoice is a draft for an hour");
    let events = stripe.advance_to(time("2026-04-01T00:00:00Z"));
    assert!(events.is_sorted_by_key(Event::created));
    let paid = |id: &str| {
        let of = |event: &&Event| {
            event.kind() == "invoice.paid"
                && event.object()["parent"]["subscription_details"]["subscription"] == id
        };
        events.iter().filter(of).count()
    };
    assert_eq!((paid(&first), paid(&second)), (2, 2));
    assert_eq!(stripe.now(), time("2026-04-01T00:00:00Z"));
}

#[test]
fn an_upgrade_credits_the_old_plan_and_charges_the_new_one() {
    // 31 days from 15 January; a dollar of the old plan and two of the new one for each day left.
    let rows = [
        ("2026-01-15T12:00:00Z", -3_100, 6_200),
        ("2026-01-16T12:00:00Z", -3_000, 6_000),
        ("2026-02-14T12:00:00Z", -100, 200),
        ("2026-02-15T11:59:59Z", 0, 0),
    ];
    for generation in Generation::ALL {
        for (now, credit, charge) in rows {
            let stripe = stripe("upgrade", generation);
            let first = stripe.subscribe(&basic(), Interval::Month);
            let id = first.subscription.unwrap();
            stripe.set_now(time(now));
            let events = stripe.upgrade(&id, &Plan::monthly("standard_monthly", 6_200)).events;
            let invoice = object(&events, "invoice.paid");
            assert_eq!(invoice["billing_reason"], "subscription_update");
            assert_eq!(invoice["amount_paid"], credit + charge, "at {now}");
            let lines = invoice["lines"]["data"].as_array().unwrap();
            let amounts: Vec<_> = lines.iter().map(|line| line["amount"].as_i64().unwrap()).collect();
            assert_eq!(amounts, [credit, charge], "at {now}");
            for line in lines {
                let period =
                    json!({ "start": time(now).timestamp(), "end": stripe.period_end(&id).timestamp() });
                assert_eq!(line["period"], period);
                let proration = match generation {
                    Generation::Acacia => &line["proration"],
                    Generation::Basil => &line["parent"]["invoice_item_details"]["proration"],
                };
                assert_eq!(proration, true);
            }
            let credited = match generation {
                Generation::Acacia => &lines[0]["proration_details"]["credited_items"],
                Generation::Basil => {
                    &lines[0]["parent"]["invoice_item_details"]["proration_details"]["credited_items"]
                }
            };
            assert_eq!(credited["invoice"], json!(first.invoice));
            let updated = object(&events, "customer.subscription.updated");
            assert_eq!(updated["items"]["data"][0]["price"]["lookup_key"], "standard_monthly");
            assert_eq!(updated["metadata"]["sku"], "basic_monthly", "nobody wrote the metadata anew");
        }
    }
}

#[test]
fn an_upgrade_to_another_interval_starts_a_period_now() {
    let stripe = stripe("interval", Generation::Acacia);
    let id = stripe.subscribe(&basic(), Interval::Month).subscription.unwrap();
    stripe.set_now(time("2026-01-16T12:00:00Z"));
    let events = stripe.upgrade(&id, &Plan::annual("basic_annual", 30_000)).events;
    let invoice = object(&events, "invoice.paid");
    assert_eq!(invoice["amount_paid"], 30_000 - 3_000);
    let lines = &invoice["lines"]["data"];
    assert_eq!((&lines[0]["proration"], &lines[1]["proration"]), (&json!(true), &json!(false)));
    assert_eq!(lines[1]["period"]["end"], time("2027-01-16T12:00:00Z").timestamp());
    assert_eq!(stripe.period_end(&id), time("2027-01-16T12:00:00Z"));
}

#[test]
fn a_downgrade_is_paid_from_the_next_renewal() {
    let stripe = stripe("downgrade", Generation::Acacia);
    let id = stripe.subscribe(&basic(), Interval::Month).subscription.unwrap();
    let events = stripe.downgrade(&id, &Plan::monthly("mini_monthly", 900));
    assert_eq!(kinds(&events), ["customer.subscription.updated"]);
    assert_eq!(events[0].object()["items"]["data"][0]["price"]["lookup_key"], "mini_monthly");
    let renewed = stripe.renew(&id).events;
    let line = &object(&renewed, "invoice.paid")["lines"]["data"][0];
    assert_eq!((&line["amount"], &line["price"]["lookup_key"]), (&json!(900), &json!("mini_monthly")));
}

#[test]
fn a_declined_renewal_is_paid_late_or_ends_the_subscription() {
    let failed = ["charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"];
    for pays in [true, false] {
        let stripe = stripe("declined", Generation::Acacia);
        let id = stripe.subscribe(&basic(), Interval::Month).subscription.unwrap();
        let renewal = stripe.fail_renewal(&id);
        assert_eq!(kinds(&renewal.events)[1..4], failed);
        let updated = &renewal.events[4];
        assert_eq!(
            (updated.kind(), &updated.object()["status"]),
            ("customer.subscription.updated", &json!("past_due"))
        );
        assert_eq!(updated.json()["data"]["previous_attributes"], json!({ "status": "active" }));
        assert_eq!(object(&renewal.events, "invoice.payment_failed")["status"], "open");
        if pays {
            let late = stripe.pay_late(&id);
            assert_eq!((&late.invoice, &late.payment_intent), (&renewal.invoice, &renewal.payment_intent));
            assert_ne!(late.charge, renewal.charge);
            assert_eq!(object(&late.events, "customer.subscription.updated")["status"], "active");
        } else {
            let events = stripe.advance_to(stripe.period_end(&id));
            assert_eq!(kinds(&events), ["customer.subscription.deleted"]);
            assert_eq!(events[0].object()["cancellation_details"]["reason"], "payment_failed");
        }
    }
}

#[test]
fn a_subscription_ends_now_or_with_its_period() {
    let stripe = stripe("ends", Generation::Acacia);
    let now = stripe.subscribe(&basic(), Interval::Month).subscription.unwrap();
    let events = stripe.cancel(&now);
    assert_eq!(kinds(&events), ["customer.subscription.deleted"]);
    assert_eq!(events[0].object()["status"], "canceled");

    let later = stripe.subscribe(&basic(), Interval::Month).subscription.unwrap();
    let end = stripe.period_end(&later);
    let events = stripe.cancel_at_period_end(&later);
    assert_eq!(kinds(&events), ["customer.subscription.updated"]);
    let updated = events[0].object();
    assert_eq!((&updated["status"], &updated["cancel_at"]), (&json!("active"), &json!(end.timestamp())));
    let events = stripe.advance_to(end);
    assert_eq!(kinds(&events), ["customer.subscription.deleted"]);
    assert_eq!(events[0].object()["ended_at"], end.timestamp());
}

#[test]
fn a_free_subscription_has_paid_invoices_and_no_payments() {
    let stripe = stripe("free", Generation::Acacia);
    let free = stripe.subscribe(&basic().coupon(Coupon::Free), Interval::Month);
    assert_eq!((free.payment_intent.as_ref(), free.charge.as_ref()), (None, None));
    let invoice = object(&free.events, "invoice.paid");
    assert_eq!((&invoice["amount_paid"], &invoice["payment_intent"]), (&json!(0), &Value::Null));
    assert_eq!(invoice["lines"]["data"][0]["amount"], 3_100, "the line is before the discount");
    assert_eq!(invoice["total_discount_amounts"][0]["amount"], 3_100);
    let renewed = stripe.renew(&free.subscription.unwrap());
    assert_eq!(object(&renewed.events, "invoice.paid")["amount_due"], 0);
}

#[test]
fn refunds_never_exceed_the_charge() {
    let stripe = stripe("refunds", Generation::Basil);
    let charge = stripe.buy_pack(&basic()).charge.unwrap();
    let refund = |amount| {
        let refunded = stripe.refund_in_dashboard(&charge, amount);
        refunded.map(|(id, events)| {
            let charge = object(&events, "charge.refunded");
            (id, charge["amount_refunded"].as_i64().unwrap(), charge["refunded"] == true)
        })
    };
    let why = |amount| refund(amount).unwrap_err().message;
    assert_eq!(why(Some(3_101)), "Refund amount ($31.01) is greater than charge amount ($31.00)");
    let (first, refunded, whole) = refund(Some(1_100)).unwrap();
    assert_eq!((refunded, whole), (1_100, false));
    assert_eq!(
        why(Some(2_001)),
        "Refund amount ($20.01) is greater than unrefunded amount on charge ($20.00)"
    );
    let (_, refunded, whole) = refund(None).unwrap();
    assert_eq!((refunded, whole), (3_100, true));
    assert_eq!(refund(None).unwrap_err().code, Some("charge_already_refunded"));

    let events = stripe.fail_refund(&first);
    assert_eq!(kinds(&events), ["refund.updated", "charge.refund.updated", "refund.failed"]);
    assert_eq!(events[0].object()["status"], "failed");
    assert_eq!(events[0].json()["data"]["previous_attributes"]["status"], "succeeded");
    let (_, refunded, whole) = refund(None).unwrap();
    assert_eq!((refunded, whole), (3_100, true), "what failed can be refunded again");
}

#[test]
fn a_refund_may_pend() {
    let stripe = stripe("pending", Generation::Basil);
    stripe.let_refunds_pend(true);
    let charge = stripe.buy_pack(&basic()).charge.unwrap();
    let (refund, events) = stripe.refund_in_dashboard(&charge, None).unwrap();
    assert_eq!(object(&events, "refund.created")["status"], "pending");
    assert_eq!(stripe.refund_arrives(&refund)[0].object()["status"], "succeeded");
}

#[test]
fn a_dispute_takes_the_money_and_may_give_it_back() {
    let stripe = stripe("disputes", Generation::Basil);
    let charge = stripe.buy_pack(&basic()).charge.unwrap();
    let (dispute, events) = stripe.dispute(&charge);
    assert_eq!(kinds(&events), ["charge.dispute.created", "charge.dispute.funds_withdrawn"]);
    let withdrawn = events[1].object();
    assert_eq!((&withdrawn["charge"], &withdrawn["amount"]), (&json!(charge), &json!(3_100)));
    assert_eq!(withdrawn["balance_transactions"][0]["amount"], -3_100);
    let refused = stripe.refund_in_dashboard(&charge, None).unwrap_err();
    assert_eq!(refused.code, Some("charge_disputed"));
    let events = stripe.win_dispute(&dispute);
    assert_eq!(kinds(&events), ["charge.dispute.closed", "charge.dispute.funds_reinstated"]);
    assert_eq!(
        (&events[0].object()["status"], &events[1].object()["status"]),
        (&json!("won"), &json!("won"))
    );
    let (dispute, _) = stripe.dispute(&charge);
    let events = stripe.lose_dispute(&dispute);
    assert_eq!(kinds(&events), ["charge.dispute.closed"]);
    assert_eq!(events[0].object()["status"], "lost");
}
