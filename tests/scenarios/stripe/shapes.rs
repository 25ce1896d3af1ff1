//! Where each generation keeps what a reader of events looks for.

use super::{kinds, object, stripe};
use scrip_tests::stripe::{Checkout, Coupon, Event, Generation, Interval, Plan, price_id, product_id};
use serde_json::{Value, json};

/// Which event, which path into its object, and what stands there in the older and the newer shape; none
/// where the member doesn't exist at all.
type Row = (&'static str, &'static str, Option<Value>, Option<Value>);

#[test]
fn each_generation_keeps_things_where_stripe_does() {
    let [acacia, basil] = Generation::ALL.map(|generation| {
        let stripe = stripe("shapes", generation);
        let bought = stripe.subscribe(&Checkout::new("a", "basic_monthly", 2_900), Interval::Month);
        (bought.clone(), json!(bought.payment_intent), json!(bought.charge), json!(bought.subscription))
    });
    let ended = json!(super::time("2026-02-15T12:00:00Z").timestamp());
    let named = json!({ "account_id": "a", "sku": "basic_monthly" });
    let price = json!(price_id("basic_monthly"));
    let rows: Vec<Row> = vec![
        ("invoice.paid", "/subscription", Some(acacia.3.clone()), None),
        ("invoice.paid", "/parent/subscription_details/subscription", None, Some(basil.3.clone())),
        ("invoice.paid", "/subscription_details/metadata", Some(named.clone()), None),
        ("invoice.paid", "/parent/subscription_details/metadata", None, Some(named.clone())),
        ("invoice.paid", "/payment_intent", Some(acacia.1.clone()), None),
        ("invoice.paid", "/charge", Some(acacia.2.clone()), None),
        ("invoice.paid", "/paid", Some(json!(true)), None),
        ("invoice.paid", "/status", Some(json!("paid")), Some(json!("paid"))),
        ("invoice.paid", "/payments", None, None), // listed only where an API call expands it
        ("invoice.paid", "/lines/data/0/price/id", Some(price.clone()), None),
        ("invoice.paid", "/lines/data/0/price/lookup_key", Some(json!("basic_monthly")), None),
        ("invoice.paid", "/lines/data/0/plan/id", Some(price.clone()), None),
        ("invoice.paid", "/lines/data/0/pricing/price_details/price", None, Some(price.clone())),
        (
            "invoice.paid",
            "/lines/data/0/pricing/price_details/product",
            None,
            Some(json!(product_id("basic_monthly"))),
        ),
        ("invoice.paid", "/lines/data/0/proration", Some(json!(false)), None),
        ("invoice.paid", "/lines/data/0/subscription", Some(acacia.3.clone()), None),
        (
            "invoice.paid",
            "/lines/data/0/parent/subscription_item_details/subscription",
            None,
            Some(basil.3.clone()),
        ),
        ("invoice.paid", "/lines/data/0/parent/invoice_item_details", None, Some(Value::Null)),
        ("invoice.paid", "/lines/data/0/period/end", Some(ended.clone()), Some(ended.clone())),
        ("invoice.paid", "/lines/data/0/metadata", Some(named.clone()), Some(named.clone())),
        ("invoice_payment.paid", "/payment/payment_intent", None, Some(basil.1.clone())),
        ("invoice_payment.paid", "/status", None, Some(json!("paid"))),
        ("payment_intent.succeeded", "/invoice", Some(json!(acacia.0.invoice)), None),
        ("payment_intent.succeeded", "/latest_charge", Some(acacia.2.clone()), Some(basil.2.clone())),
        ("payment_intent.succeeded", "/metadata", Some(json!({})), Some(json!({}))),
        ("charge.succeeded", "/invoice", Some(json!(acacia.0.invoice)), None),
        ("charge.succeeded", "/payment_intent", Some(acacia.1.clone()), Some(basil.1.clone())),
        ("charge.succeeded", "/refunds", None, None), // listed only where an API call expands it
        ("customer.subscription.created", "/status", Some(json!("incomplete")), Some(json!("active"))),
        ("customer.subscription.created", "/current_period_end", Some(ended.clone()), None),
        ("customer.subscription.created", "/items/data/0/current_period_end", None, Some(ended)),
        (
            "customer.subscription.created",
            "/items/data/0/price/lookup_key",
            Some(json!("basic_monthly")),
            Some(json!("basic_monthly")),
        ),
        ("customer.subscription.created", "/metadata", Some(named.clone()), Some(named.clone())),
        ("checkout.session.completed", "/mode", Some(json!("subscription")), Some(json!("subscription"))),
        ("checkout.session.completed", "/payment_intent", Some(Value::Null), Some(Value::Null)),
        ("checkout.session.completed", "/subscription", Some(acacia.3.clone()), Some(basil.3.clone())),
        (
            "checkout.session.completed",
            "/invoice",
            Some(json!(acacia.0.invoice)),
            Some(json!(basil.0.invoice)),
        ),
        ("checkout.session.completed", "/metadata", Some(named.clone()), Some(named)),
        ("checkout.session.completed", "/client_reference_id", Some(json!("a")), Some(json!("a"))),
        ("checkout.session.completed", "/line_items", None, None), // as above
    ];
    for (kind, path, older, newer) in rows {
        for ((receipt, ..), expected) in [(&acacia, older), (&basil, newer)] {
            let found = receipt.events.iter().find(|event| event.kind() == kind);
            let found = found.and_then(|event| event.object().pointer(path));
            assert_eq!(found, expected.as_ref(), "{kind} {path}");
        }
    }
}

#[test]
fn events_are_shaped_as_stripe_s() {
    for (generation, version) in
        [(Generation::Acacia, "2025-02-24.acacia"), (Generation::Basil, "2025-08-27.basil")]
    {
        let stripe = stripe("events", generation);
        let bought = stripe.buy_pack(&Checkout::new("a", "tune_pack", 1_900));
        let event = bought.events[0].json();
        assert_eq!(event["object"], "event");
        assert_eq!(event["api_version"], version);
        assert_eq!(event["created"], stripe.now().timestamp());
        assert_eq!(event["livemode"], false);
        assert_eq!(event["type"], "charge.succeeded");
        assert_eq!(event["request"], json!({ "id": null, "idempotency_key": null }));
    }
}

/// The ids that an object names anywhere.
fn ids(json: &Value, found: &mut Vec<String>) {
    match json {
        Value::Object(members) => {
            found.extend(members.get("id").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| ids(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        _ => {}
    }
}

#[test]
fn ids_look_like_stripe_s_and_come_from_the_seed() {
    let life = |seed: &str| {
        let stripe = stripe(seed, Generation::Basil);
        let pack = stripe.buy_pack(&Checkout::new("a", "tune_pack", 1_900));
        let plan = stripe.subscribe(&Checkout::new("a", "basic_monthly", 2_900), Interval::Month);
        let subscription = plan.subscription.clone().unwrap_or_default();
        let upgrade = stripe.upgrade(&subscription, &Plan::monthly("standard_monthly", 4_900));
        let (_, refund) = stripe.refund_in_dashboard(&pack.charge.unwrap_or_default(), None).unwrap();
        let (_, dispute) = stripe.dispute(&plan.charge.unwrap_or_default());
        [pack.events, plan.events, upgrade.events, refund, dispute].concat()
    };
    assert_eq!(life("one"), life("one"), "the same calls make the same bytes");
    let prefixes = ["evt_", "cs_test_", "pi_", "ch_", "in_", "sub_", "re_", "du_", "cus_", "inpay_"];
    let prefixes =
        [prefixes.as_slice(), &["price_", "prod_", "il_", "ii_", "si_", "txn_", "di_", "req_"]].concat();
    let [one, two] = ["one", "two"].map(|seed| {
        let mut found = Vec::new();
        for event in life(seed) {
            ids(event.json(), &mut found);
        }
        found
    });
    for id in &one {
        let rest = prefixes.iter().find_map(|prefix| id.strip_prefix(prefix));
        let rest = rest.unwrap_or_else(|| panic!("{id} has no known prefix"));
        assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) && id.len() <= 128, "{id}");
        assert!(id.starts_with("price_") || !two.contains(id), "{id} is in both accounts");
    }
}

#[test]
fn what_a_checkout_says_goes_where_it_puts_it() {
    let stripe = stripe("metadata", Generation::Acacia);
    let checkout = Checkout::new("a", "tune_pack", 1_900);
    let said = stripe.buy_pack(&checkout).events;
    let named = json!({ "account_id": "a", "sku": "tune_pack" });
    for kind in ["checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"] {
        assert_eq!(object(&said, kind)["metadata"], named, "{kind}");
    }
    let quiet = checkout.clone().silent_payment().silent_session();
    let unsaid = stripe.buy_pack(&quiet).events;
    for kind in ["checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"] {
        assert_eq!(object(&unsaid, kind)["metadata"], json!({}), "{kind}");
    }
    let session = object(&unsaid, "checkout.session.completed");
    assert_eq!(session["client_reference_id"], Value::Null);
    assert_eq!(session["customer"], object(&said, "checkout.session.completed")["customer"]);
    let guest = stripe.buy_pack(&Checkout { guest: true, ..checkout }).events;
    assert_eq!(object(&guest, "checkout.session.completed")["customer"], Value::Null);

    let custom = stripe.subscribe(&Checkout::custom("a", 9_900, "12000"), Interval::Month).events;
    let details = &object(&custom, "invoice.paid")["subscription_details"];
    assert_eq!(details["metadata"]["playground_credits"], "12000");
}

#[test]
fn packs_are_paid_at_once_or_later_or_not_at_all() {
    let stripe = stripe("packs", Generation::Basil);
    let checkout = Checkout::new("a", "tune_pack", 1_900);
    let paid = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"];

    let bought = stripe.buy_pack(&checkout);
    assert_eq!(kinds(&bought.events), paid);
    assert_eq!(object(&bought.events, paid[2])["payment_status"], "paid");
    assert_eq!(object(&bought.events, paid[2])["payment_intent"], json!(bought.payment_intent));

    let free = stripe.buy_pack(&checkout.clone().coupon(Coupon::Free));
    assert_eq!(kinds(&free.events), paid[2..]);
    let session = object(&free.events, paid[2]);
    assert_eq!(session["payment_status"], "no_payment_required");
    assert_eq!((&session["payment_intent"], &session["amount_total"]), (&Value::Null, &json!(0)));

    let later = stripe.buy_pack_async(&checkout);
    assert_eq!(kinds(&later.events), ["payment_intent.processing", paid[2]]);
    assert_eq!(object(&later.events, paid[2])["payment_status"], "unpaid");
    let arrived = stripe.payment_arrives(&later.session.unwrap_or_default());
    assert_eq!(kinds(&arrived), [paid[0], paid[1], "checkout.session.async_payment_succeeded"]);
    assert_eq!(arrived[2].object()["payment_status"], "paid");

    let never = stripe.buy_pack_async(&checkout);
    let failed = stripe.payment_fails(&never.session.unwrap_or_default());
    assert_eq!(failed[2].kind(), "checkout.session.async_payment_failed");
    assert_eq!(failed[2].object()["payment_status"], "unpaid");

    let intent = stripe.pay_intent(&checkout);
    assert_eq!(kinds(&intent.events), paid[..2]);
}

#[test]
fn a_change_can_be_told_by_two_events() {
    let stripe = stripe("twice", Generation::Basil);
    let bought = stripe.buy_pack(&Checkout::new("a", "tune_pack", 1_900));
    let event: &Event = &bought.events[0];
    let again = stripe.told_again(event);
    assert_ne!(again.id(), event.id());
    assert_eq!((again.kind(), again.object()), (event.kind(), event.object()));
}
