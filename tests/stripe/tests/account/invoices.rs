//! How invoices end.

use super::{Shop, kinds, last};
use scrip_stripe_model::{CartSpec, Generation};
use serde_json::json;

/// An invoice of 27.00 that waits to be paid by hand.
fn sent(shop: &Shop) -> String {
    let receipt = shop.stripe.send_invoice(&CartSpec::payment("alice", &[(&shop.pack, 3)]));
    assert_eq!((receipt.events.len(), receipt.payment_intent), (0, None));
    receipt.invoice.unwrap()
}

#[test]
fn an_invoice_can_be_paid_by_several_payments() {
    let shop = Shop::new(Generation::Dahlia);
    let invoice = sent(&shop);
    let first = shop.stripe.pay_in_parts(&invoice, &[700]);
    assert_eq!(
        kinds(&first.events),
        ["charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid"]
    );
    assert!(shop.stripe.books().purchases.is_empty());
    let rest = shop.stripe.pay_in_parts(&invoice, &[1500, 500]);
    let links = rest.events.iter().filter(|event| event.kind() == "invoice_payment.paid");
    let paid: Vec<_> = links.map(|event| event.object()["amount_paid"].clone()).collect();
    assert_eq!(paid, [1500, 500]);
    let shown = last(&rest.events, "invoice.paid");
    assert_eq!((&shown["amount_paid"], &shown["amount_remaining"]), (&json!(2700), &json!(0)));
    let amounts: Vec<_> = shop.last_purchase().payments.iter().map(|payment| payment.amount).collect();
    assert_eq!(amounts, [700, 1500, 500]);
}

#[test]
fn an_invoice_can_be_paid_elsewhere() {
    for generation in Generation::EVERY {
        let shop = Shop::new(generation);
        let invoice = sent(&shop);
        let events = shop.stripe.pay_out_of_band(&invoice);
        assert_eq!(kinds(&events), ["invoice.paid", "invoice.payment_succeeded"]);
        let shown = events[0].object();
        assert_eq!((&shown["status"], &shown["amount_paid"]), (&json!("paid"), &json!(0)));
        assert_eq!(shown.get("paid_out_of_band").is_some(), generation < Generation::Basil);
        let purchase = shop.last_purchase();
        assert_eq!((purchase.total, purchase.amount, purchase.out_of_band), (2700, 0, true));
    }
}

#[test]
fn a_balance_pays_first_and_comes_back_when_an_invoice_is_voided() {
    // The balance before, what is due, the balance after; in the end, if voided, it is the first again.
    for (before, due, after) in
        [(0, 2700, 0), (-500, 2200, 0), (-2700, 0, 0), (-3000, 0, -300), (400, 3100, 0)]
    {
        let shop = Shop::new(Generation::Dahlia);
        let customer = shop.stripe.customer_of("alice");
        shop.stripe.set_balance(&customer, before);
        let invoice = sent(&shop);
        assert_eq!(shop.stripe.balance(&customer), after, "{before}");
        let events = shop.stripe.void_invoice(&invoice);
        assert_eq!(kinds(&events), ["invoice.voided"]);
        assert_eq!(events[0].object()["amount_due"], due, "{before}");
        assert_eq!(shop.stripe.balance(&customer), before);
        assert!(shop.stripe.books().purchases.is_empty());
    }
}

#[test]
fn an_invoice_that_was_written_off_can_be_paid() {
    let shop = Shop::new(Generation::Dahlia);
    let invoice = sent(&shop);
    let events = shop.stripe.write_off_invoice(&invoice);
    assert_eq!(kinds(&events), ["invoice.marked_uncollectible"]);
    assert_eq!(events[0].object()["status"], "uncollectible");
    let paid = shop.stripe.pay_invoice(&invoice);
    assert_eq!(last(&paid.events, "invoice.paid")["status"], "paid");
    assert_eq!(shop.last_purchase().amount, 2700);
}

#[test]
fn a_declined_payment_is_tried_again_by_another_charge_of_the_same_intent() {
    for generation in Generation::EVERY {
        let shop = Shop::new(generation);
        let (subscription, _) = shop.subscribed(&shop.basic, 1);
        let failed = shop.stripe.fail_renewal(&subscription);
        let paid = shop.stripe.pay_late(&subscription);
        assert_eq!((&failed.payment_intent, &failed.invoice), (&paid.payment_intent, &paid.invoice));
        assert_ne!(failed.charge, paid.charge);
        assert_eq!(last(&failed.events, "invoice.payment_failed")["status"], "open");
        assert_eq!(last(&paid.events, "invoice.paid")["attempt_count"], 2);
        if generation == Generation::Old {
            let charges = &last(&paid.events, "payment_intent.succeeded")["charges"]["data"];
            assert_eq!((&charges[0]["id"], &charges[1]["id"]), (&json!(paid.charge), &json!(failed.charge)));
            assert_eq!(charges[1]["status"], "failed");
        }
    }
}

#[test]
fn paying_elsewhere_cancels_the_payment_that_was_tried() {
    let shop = Shop::new(Generation::Dahlia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    let failed = shop.stripe.fail_renewal(&subscription);
    let events = shop.stripe.pay_out_of_band(&failed.invoice.unwrap());
    let expected = [
        "payment_intent.canceled",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(events[0].object()["status"], "canceled");
    assert_eq!(shop.last_purchase().payments, []);
    assert_eq!(shop.status(&subscription), "active");
}
