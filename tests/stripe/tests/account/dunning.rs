//! Subscriptions that aren't paid, are paused, or end.

use super::{Shop, kinds, last, on};
use chrono::TimeDelta;
use scrip_stripe_model::{DunningEnd, Generation, PauseBehavior};

#[test]
fn what_stays_unpaid_ends_as_the_account_is_set() {
    let cases =
        [(DunningEnd::Cancel, "canceled"), (DunningEnd::Unpaid, "unpaid"), (DunningEnd::PastDue, "past_due")];
    for (end, expected) in cases {
        let shop = Shop::new(Generation::Dahlia);
        shop.stripe.set_dunning_end(end);
        let (subscription, _) = shop.subscribed(&shop.basic, 1);
        let _ = shop.stripe.fail_renewal(&subscription);
        assert_eq!(shop.status(&subscription), "past_due");
        let _ = shop.stripe.give_up(&subscription);
        assert_eq!(shop.status(&subscription), expected, "{end:?}");
    }
}

#[test]
fn an_old_invoice_can_be_paid_after_the_subscription_ended() {
    let shop = Shop::new(Generation::Dahlia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    let failed = shop.stripe.fail_renewal(&subscription);
    let _ = shop.stripe.give_up(&subscription);
    let paid = shop.stripe.pay_late(&subscription);
    assert_eq!(paid.invoice, failed.invoice);
    assert!(!kinds(&paid.events).contains(&"customer.subscription.updated"));
    let purchase = shop.last_purchase();
    assert_eq!((shop.status(&subscription), purchase.amount), ("canceled", 1000));
    assert_eq!(purchase.lines[0].period.0, on(1, 0) + TimeDelta::days(30));
}

#[test]
fn an_unpaid_subscription_drafts_invoices_without_collecting_them() {
    let shop = Shop::new(Generation::Dahlia);
    shop.stripe.set_dunning_end(DunningEnd::Unpaid);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    let _ = shop.stripe.fail_renewal(&subscription);
    let _ = shop.stripe.give_up(&subscription);
    let events = shop.stripe.advance_to(on(1, 0) + TimeDelta::days(100));
    assert!(!kinds(&events).contains(&"invoice.paid"));
    assert_eq!(shop.stripe.books().purchases.len(), 1);
    let _ = shop.stripe.pay_late(&subscription);
    assert_eq!((shop.status(&subscription), shop.stripe.books().purchases.len()), ("active", 2));
}

#[test]
fn a_paused_subscription_renews_without_being_paid() {
    let cases: [(PauseBehavior, &[&str]); 3] = [
        (PauseBehavior::Void, &["customer.subscription.updated", "invoice.voided"]),
        (PauseBehavior::KeepAsDraft, &["customer.subscription.updated"]),
        (
            PauseBehavior::MarkUncollectible,
            &["customer.subscription.updated", "invoice.marked_uncollectible"],
        ),
    ];
    for (behavior, expected) in cases {
        let shop = Shop::new(Generation::Dahlia);
        let (subscription, _) = shop.subscribed(&shop.basic, 1);
        let shown = shop.stripe.pause(&subscription, behavior, None);
        assert!(shown[0].object()["pause_collection"]["behavior"].is_string());
        let renewed = shop.stripe.renew(&subscription);
        assert_eq!(kinds(&renewed.events), expected, "{behavior:?}");
        assert_eq!(shop.status(&subscription), "active");
        let _ = shop.stripe.unpause(&subscription);
        let renewed = shop.stripe.renew(&subscription);
        assert_eq!(last(&renewed.events, "invoice.paid")["amount_paid"], 1000);
        assert_eq!(shop.stripe.books().purchases.len(), 2, "the paused month isn't paid");
    }
}

#[test]
fn a_pause_ends_by_itself_when_it_says_so() {
    let shop = Shop::new(Generation::Dahlia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    let _ = shop.stripe.pause(&subscription, PauseBehavior::Void, Some(on(20, 0)));
    let events = shop.stripe.advance_to(on(20, 0));
    assert!(events[0].object()["pause_collection"].is_null());
    let _ = shop.stripe.advance_to(on(1, 0) + TimeDelta::days(31));
    assert_eq!(shop.stripe.books().purchases.len(), 2);
}

#[test]
fn a_draft_that_was_kept_can_be_paid() {
    let shop = Shop::new(Generation::Dahlia);
    let (subscription, _) = shop.subscribed(&shop.basic, 1);
    let _ = shop.stripe.pause(&subscription, PauseBehavior::KeepAsDraft, None);
    let draft = shop.stripe.renew(&subscription).invoice.unwrap();
    let paid = shop.stripe.pay_invoice(&draft);
    assert_eq!(last(&paid.events, "invoice.paid")["id"], draft.as_str());
}
