//! Which events an endpoint gets, which it missed, and how long they can be read.

use super::{Shop, kinds, on};
use chrono::TimeDelta;
use scrip_stripe_model::{CartSpec, Generation};

#[test]
fn a_refund_that_fails_makes_the_events_that_the_version_has() {
    let cases: [(Generation, &[&str]); 4] = [
        (Generation::Old, &["charge.refund.updated"]),
        (Generation::Dated, &["charge.refund.updated"]),
        (Generation::Acacia, &["refund.updated", "charge.refund.updated", "refund.failed"]),
        (Generation::Dahlia, &["refund.updated", "charge.refund.updated", "refund.failed"]),
    ];
    for (generation, expected) in cases {
        let shop = Shop::new(generation);
        let pack = shop.stripe.checkout(&CartSpec::payment("alice", &[(&shop.pack, 1)]));
        let (refund, _) = shop.stripe.refund_in_dashboard(&pack.charge.unwrap(), None).unwrap();
        let events = shop.stripe.fail_refund(&refund);
        assert_eq!(kinds(&events), expected, "{generation:?}");
        for event in events {
            assert_eq!(event.json()["api_version"], generation.api_version());
            assert_eq!(
                (&event.object()["id"], &event.object()["status"]),
                (&refund.as_str().into(), &"failed".into())
            );
        }
    }
}

#[test]
fn an_endpoint_of_a_newer_version_gets_types_that_the_account_does_not() {
    let shop = Shop::new(Generation::Old);
    let (_, bought) = shop.subscribed(&shop.basic, 1);
    let counts =
        [(Generation::Old, 0), (Generation::Acacia, 0), (Generation::Basil, 1), (Generation::Dahlia, 1)];
    assert!(!kinds(&bought.events).contains(&"invoice_payment.paid"));
    for (generation, expected) in counts {
        let events = shop.stripe.events_in(generation);
        let found = events.iter().filter(|event| event.kind() == "invoice_payment.paid").count();
        assert_eq!(found, expected, "{generation:?}");
    }
}

#[test]
fn events_are_undelivered_until_they_are_marked() {
    let shop = Shop::new(Generation::Acacia);
    let bought = shop.stripe.checkout(&CartSpec::payment("alice", &[(&shop.pack, 1)]));
    assert_eq!(shop.stripe.undelivered(), bought.events);
    shop.stripe.mark_delivered(bought.events[1].id());
    let waiting = shop.stripe.undelivered();
    assert_eq!(kinds(&waiting), ["charge.succeeded", "checkout.session.completed"]);
}

#[test]
fn events_can_be_read_for_thirty_days() {
    let shop = Shop::new(Generation::Acacia);
    let bought = shop.stripe.checkout(&CartSpec::payment("alice", &[(&shop.pack, 1)]));
    for (age, left) in [(TimeDelta::days(30) - TimeDelta::seconds(1), 3), (TimeDelta::days(30), 0)] {
        shop.stripe.set_now(on(1, 0) + age);
        assert_eq!(shop.stripe.undelivered().len(), left, "{age}");
    }
    let later = shop.stripe.checkout(&CartSpec::payment("bob", &[(&shop.pack, 1)]));
    assert_eq!(shop.stripe.undelivered(), later.events);
    assert_eq!(shop.stripe.rendered(&bought.events[0], Generation::Acacia), None);
}

#[test]
fn a_connected_merchants_event_names_the_merchant() {
    let shop = Shop::new(Generation::Basil);
    let bought = shop.stripe.checkout(&CartSpec::payment("alice", &[(&shop.pack, 1)]));
    let event = shop.stripe.as_connected(&bought.events[0], "acct_1other");
    assert_eq!(event.json()["account"], "acct_1other");
    assert_eq!(event.id(), bought.events[0].id());
    assert_eq!(bought.events[0].json().get("account"), None);
}
