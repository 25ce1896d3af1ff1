//! Facts of payments and subscriptions: the SKU of each line, the plan and the packs that were paid for.

use scrip_pricing::Credits;
use scrip_stripe::{
    ConfiguredPrices,
    facts::{self, PaymentContents, PriceSources, Prices},
    objects::{Invoice, PaymentIntent, Session, Subscription},
};
use serde_json::{Value, json};

const CONFIGURED: &str = r#"{"p_basic":"basic_monthly","p_basic_y":"basic_annual","p_std":"standard_monthly",
    "p_bus":"business_monthly","p_tune":"tune_pack","p_avatar":"avatar_pack","p_custom":"custom","p_none":null}"#;

fn configured() -> ConfiguredPrices {
    CONFIGURED.parse().unwrap()
}

fn price(id: &str) -> Value {
    json!({"id": id, "object": "price", "lookup_key": null, "metadata": {}, "product": "prod_1", "type": "one_time",
        "unit_amount": 900, "recurring": null, "currency": "usd", "active": true})
}

fn session(items: &[(&str, u64)], changes: &Value) -> Session {
    let item = |(at, (price_id, quantity)): (usize, &(&str, u64))| {
        json!({"id": format!("li_{at}"), "object": "item", "quantity": quantity, "amount_total": 900,
            "price": price(price_id)})
    };
    let items: Vec<_> = items.iter().enumerate().map(item).collect();
    let mut session = json!({"id": "cs_1", "object": "checkout.session", "mode": "payment", "status": "complete",
        "payment_status": "paid", "customer": null, "client_reference_id": null, "metadata": {}, "invoice": null,
        "payment_intent": "pi_1", "subscription": null, "amount_total": 2700, "currency": "usd",
        "created": 1_793_696_400, "line_items": {"object": "list", "data": items, "has_more": false},
        "payment_link": null});
    merge(&mut session, changes);
    serde_json::from_value(session).unwrap()
}

fn merge(object: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
}

fn read_session(items: &[(&str, u64)], changes: &Value) -> Option<PaymentContents> {
    let configured = configured();
    facts::session(&session(items, changes), PriceSources { configured: &configured, prices: &Prices::new() })
}

#[test]
fn a_session_grants_each_of_its_lines_times_its_quantity() {
    type Row<'a> = (&'a [(&'a str, u64)], Value, &'a [Credits], usize);
    let c = Credits::new;
    let sku = |sku: &str| json!({"metadata": {"sku": sku}});
    // items, what else the session says -> credits of each line, lines that can't be granted
    let rows: &[Row<'_>] = &[
        (&[("p_tune", 3)], json!({}), &[c(0, 3, 192)], 0),
        (&[("p_tune", 2), ("p_avatar", 1)], json!({}), &[c(0, 2, 128), c(0, 0, 104)], 0),
        // A price that is mapped to null is no credits, so nothing is missing.
        (&[("p_tune", 1), ("p_none", 5)], json!({}), &[c(0, 1, 64)], 0),
        (&[("p_tune", 1), ("p_other", 1)], json!({}), &[c(0, 1, 64)], 1),
        // The session's own SKU stands for its single item only, and only if nothing else names one.
        (&[("p_other", 2)], sku("tune_pack"), &[c(0, 2, 128)], 0),
        (&[("p_other", 1), ("p_else", 1)], sku("tune_pack"), &[], 2),
        (&[("p_avatar", 1)], sku("tune_pack"), &[c(0, 0, 104)], 0),
        (&[("p_other", 1)], sku("umbrella"), &[], 1),
        // A plan can't be bought once.
        (&[("p_basic", 1)], json!({}), &[], 1),
        (&[("p_tune", u64::MAX)], json!({}), &[], 1),
        (
            &[("p_tune", 1)],
            json!({"payment_status": "no_payment_required", "payment_intent": null}),
            &[c(0, 1, 64)],
            0,
        ),
    ];
    for (items, changes, credits, ungranted) in rows {
        let paid = read_session(items, changes).unwrap();
        let lines: Vec<_> = paid.facts.packs.iter().map(|line| line.credits).collect();
        assert_eq!((lines.as_slice(), paid.ungranted.len()), (*credits, *ungranted), "{items:?} {changes}");
    }
    for changes in [
        json!({"payment_status": "unpaid"}),
        json!({"mode": "subscription"}),
        json!({"mode": "setup"}),
        // A coupon of 100 % makes nothing due before anyone has bought.
        json!({"payment_status": "no_payment_required", "payment_intent": null, "status": "open"}),
        json!({"payment_status": "no_payment_required", "payment_intent": null, "status": "expired"}),
    ] {
        assert_eq!(read_session(&[("p_tune", 1)], &changes), None, "{changes}");
    }
}

#[test]
fn a_purchase_is_known_by_its_payment_else_by_its_session() {
    for (changes, id) in [(json!({}), "pi_1"), (json!({"payment_intent": null}), "cs_1")] {
        let paid = read_session(&[("p_tune", 1)], &changes).unwrap();
        assert_eq!(paid.facts.purchase_id.as_str(), id);
    }
}

#[test]
fn a_payment_of_its_own_has_a_sku_and_a_quantity() {
    for (metadata, tunes, ungranted, is_ours) in [
        (json!({"sku": "tune_pack"}), 1, 0, true),
        (json!({"sku": "tune_pack", "quantity": "3"}), 3, 0, true),
        (json!({"sku": "tune_pack", "quantity": "0"}), 0, 1, true),
        (json!({"sku": "tune_pack", "quantity": "many"}), 0, 1, true),
        (json!({"sku": "basic_monthly"}), 0, 1, true),
        // An account is named, but no SKU.
        (json!({"account_id": "alice"}), 0, 1, false),
        (json!({}), 0, 0, false),
    ] {
        let intent: PaymentIntent = serde_json::from_value(json!({"id": "pi_1", "object": "payment_intent",
            "status": "succeeded", "amount": 900, "amount_received": 900, "currency": "usd", "customer": null,
            "metadata": metadata, "created": 1_793_696_400, "latest_charge": "ch_1"}))
        .unwrap();
        let configured = configured();
        let paid =
            facts::payment_intent(&intent, PriceSources { configured: &configured, prices: &Prices::new() })
                .unwrap();
        let given: u64 = paid.facts.packs.iter().map(|line| line.credits.tune()).sum();
        assert_eq!(
            (given, paid.ungranted.len(), paid.is_ours),
            (tunes, ungranted, is_ours),
            "{:?}",
            intent.metadata
        );
    }
}

/// A line of an invoice: price, quantity, amount, days since the 1st of November that it is for, and whether it
/// settles a change.
type Line = (&'static str, u64, i64, i64, i64, bool);

fn day(day: i64) -> i64 {
    1_793_491_200 + day * 86_400
}

fn invoice(reason: &str, lines: &[Line], paid: i64) -> Invoice {
    let line = |(at, (price, quantity, amount, from, to, is_proration)): (usize, &Line)| {
        let details = json!({"proration": is_proration});
        let (kind, item, invoice_item) = if *is_proration {
            ("invoice_item_details", Value::Null, details)
        } else {
            ("subscription_item_details", details, Value::Null)
        };
        json!({"id": format!("il_{at}"), "object": "line_item", "amount": amount, "quantity": quantity,
            "description": null, "period": {"start": day(*from), "end": day(*to)},
            "pricing": {"price_details": {"price": price, "product": "prod_1"}, "type": "price_details"},
            "parent": {"type": kind, "subscription_item_details": item, "invoice_item_details": invoice_item},
            "metadata": {}, "discount_amounts": []})
    };
    let lines: Vec<_> = lines.iter().enumerate().map(line).collect();
    serde_json::from_value(json!({"id": "in_1", "object": "invoice", "status": "paid", "customer": "cus_1",
        "metadata": {}, "billing_reason": reason, "amount_paid": paid, "amount_due": paid, "total": paid,
        "currency": "usd", "created": day(2), "status_transitions": {"paid_at": day(2)},
        "parent": {"type": "subscription_details",
            "subscription_details": {"subscription": "sub_1", "metadata": {}}},
        "lines": {"object": "list", "data": lines, "has_more": false}, "payments": {"object": "list", "data": [
            {"id": "inpay_1", "object": "invoice_payment", "status": "paid", "invoice": "in_1", "amount_paid": paid,
             "is_default": true, "payment": {"type": "payment_intent", "payment_intent": "pi_1"}}],
             "has_more": false}}))
    .unwrap()
}

fn subscription(items: &[(&str, u64)], changes: &Value) -> Subscription {
    let item = |(price_id, quantity): &(&str, u64)| {
        json!({"id": "si_1", "object": "subscription_item", "quantity": quantity, "price": price(price_id),
            "current_period_start": day(2), "current_period_end": day(32)})
    };
    let items: Vec<_> = items.iter().map(item).collect();
    let mut subscription = json!({"id": "sub_1", "object": "subscription", "status": "active", "customer": "cus_1",
        "metadata": {}, "items": {"object": "list", "data": items, "has_more": false}, "latest_invoice": "in_1",
        "cancel_at_period_end": false, "canceled_at": null, "ended_at": null, "trial_start": null,
        "trial_end": null, "pause_collection": null, "pending_update": null, "created": day(2)});
    merge(&mut subscription, changes);
    serde_json::from_value(subscription).unwrap()
}

fn read_invoice(subscription: &Subscription, invoice: &Invoice) -> PaymentContents {
    let configured = configured();
    facts::invoice(
        invoice,
        Some(subscription),
        PriceSources { configured: &configured, prices: &Prices::new() },
    )
    .unwrap()
}

#[test]
fn an_invoice_pays_for_the_plan_that_one_is_on_after_it() {
    type Row<'a> =
        (&'a [(&'static str, u64)], &'static str, &'a [Line], Option<(&'static str, u64, i64, bool)>);
    let (create, cycle, update) = ("subscription_create", "subscription_cycle", "subscription_update");
    let renewal: Vec<Line> =
        (0..12).map(|_| ("p_std", 1, -100, 1, 2, true)).chain([("p_std", 1, 2900, 2, 32, false)]).collect();
    // current items, reason, lines -> plan, allowance, paid until day, whether it is a change
    let rows: &[Row<'_>] = &[
        (&[("p_basic", 1)], create, &[("p_basic", 1, 1900, 2, 32, false)], Some(("basic", 1000, 32, false))),
        (&[("p_basic", 3)], create, &[("p_basic", 3, 5700, 2, 32, false)], Some(("basic", 3000, 32, false))),
        // Case 5: moved to standard without an invoice, then to business with one.
        (
            &[("p_bus", 1)],
            update,
            &[
                ("p_bus", 1, 3600, 6, 32, true),
                ("p_std", 1, -2700, 6, 32, true),
                ("p_std", 1, 2850, 4, 32, true),
                ("p_basic", 1, -1850, 4, 32, true),
            ],
            Some(("business", 6000, 32, true)),
        ),
        // Case 6: back to standard within the day.
        (
            &[("p_std", 1)],
            update,
            &[
                ("p_std", 1, 2900, 2, 32, true),
                ("p_bus", 1, -3900, 2, 32, true),
                ("p_bus", 1, 3900, 2, 32, true),
                ("p_basic", 1, -1900, 2, 32, true),
            ],
            Some(("standard", 2500, 32, true)),
        ),
        // Case 18: the renewal is the last of thirteen lines.
        (&[("p_std", 1)], cycle, &renewal, Some(("standard", 2500, 32, false))),
        // Case 22: a year that was changed to months.
        (
            &[("p_bus", 1)],
            update,
            &[("p_basic_y", 1, -19000, 9, 367, true), ("p_bus", 1, 3900, 9, 39, false)],
            Some(("business", 6000, 39, true)),
        ),
        // Case 19: an item that isn't credits.
        (&[("p_basic", 1), ("p_none", 1)], cycle, &[("p_none", 1, 200, 2, 32, false)], None),
        // The plan was changed again since, and that isn't paid for.
        (
            &[("p_std", 1)],
            update,
            &[("p_bus", 1, 2000, 6, 32, true), ("p_basic", 1, -900, 6, 32, true)],
            Some(("business", 6000, 32, true)),
        ),
    ];
    for (items, reason, lines, expected) in rows {
        let paid = read_invoice(&subscription(items, &json!({})), &invoice(reason, lines, 1900));
        let plan =
            paid.facts.plan.map(|plan| (plan.terms, plan.paid_until.time().timestamp(), plan.is_change));
        let plan = plan
            .as_ref()
            .map(|(terms, until, is_change)| (terms.plan.as_str(), terms.allowance, *until, *is_change));
        let expected =
            expected.map(|(plan, allowance, until, is_change)| (plan, allowance, day(until), is_change));
        assert_eq!(plan, expected, "{items:?} {reason} {lines:?}");
        assert_eq!(paid.ungranted, Vec::<String>::new(), "{lines:?}");
    }
}

#[test]
fn a_plan_and_a_pack_may_be_on_one_invoice_in_either_order() {
    let (plan, pack): (Line, Line) = (("p_basic", 1, 1900, 2, 32, false), ("p_tune", 1, 900, 2, 32, false));
    for lines in [[plan, pack], [pack, plan]] {
        let paid = read_invoice(
            &subscription(&[("p_basic", 1)], &json!({})),
            &invoice("subscription_create", &lines, 2800),
        );
        assert_eq!(paid.facts.purchase_id.as_str(), "in_1");
        assert_eq!(paid.facts.plan.unwrap().terms.plan, "basic");
        assert_eq!(paid.facts.packs[0].credits, Credits::new(0, 1, 64));
    }
}

#[test]
fn a_trial_grants_nothing_and_a_coupon_of_all_does() {
    let trial = |until| json!({"trial_start": day(2), "trial_end": day(until)});
    for (trial, amount, from, until, is_granted) in [
        (trial(16), 0, 2, 16, false),
        // Ended early: its line still goes on to the 16th.
        (trial(10), 0, 2, 16, false),
        (trial(10), 1900, 10, 40, true),
        // A plan that costs nothing, after the trial.
        (trial(16), 0, 16, 46, true),
        (json!({}), 1900, 2, 16, true),
    ] {
        let subscription = subscription(&[("p_basic", 1)], &trial);
        let line: &[Line] = &[("p_basic", 1, amount, from, until, false)];
        let paid = read_invoice(&subscription, &invoice("subscription_create", line, 0));
        assert_eq!(paid.facts.plan.is_some(), is_granted, "{trial} {line:?}");
        assert!(paid.is_ours);
    }
}

#[test]
fn the_subscriptions_own_sku_stands_for_its_single_item() {
    let named = json!({"metadata": {"sku": "basic_monthly"}});
    let line: &[Line] = &[("p_other", 1, 1900, 2, 32, false)];
    for (items, plan, ungranted) in [
        (&[("p_other", 1)][..], Some("basic"), 0),
        (&[("p_other", 1), ("p_storage", 1)], None, 1),
        (&[("p_else", 1)], None, 1),
    ] {
        let paid = read_invoice(&subscription(items, &named), &invoice("subscription_cycle", line, 1900));
        let found = paid.facts.plan.as_ref().map(|plan| plan.terms.plan.as_str());
        assert_eq!((found, paid.ungranted.len()), (plan, ungranted), "{items:?}");
    }
}

#[test]
fn a_custom_plan_takes_its_allowance_from_the_metadata() {
    for (agreed, allowance) in
        [("12000", Some(12_000)), ("0", None), ("-1", None), ("many", None), ("9e9", None)]
    {
        let subscription =
            subscription(&[("p_custom", 1)], &json!({"metadata": {"playground_credits": agreed}}));
        let paid = read_invoice(
            &subscription,
            &invoice("subscription_create", &[("p_custom", 1, 9900, 2, 32, false)], 9900),
        );
        assert_eq!(paid.facts.plan.map(|plan| plan.terms.allowance), allowance, "{agreed}");
        assert_eq!(paid.ungranted.len(), usize::from(allowance.is_none()), "{agreed}");
    }
}

/// Case 20: a source that names no SKU of the catalog is skipped (docs/stripe.md, Prices).
#[test]
fn sources_of_a_sku_count_in_the_documented_order() {
    let rows = [
        (json!({"lookup_key": "tune_pack", "metadata": {"sku": "avatar_pack"}}), "tune_pack"),
        (json!({"lookup_key": "shop-7", "metadata": {"sku": "avatar_pack"}}), "avatar_pack"),
        (
            json!({"lookup_key": "shop-7", "metadata": {"sku": "x"}, "product": {"id": "prod_1", "object": "product",
                "metadata": {"sku": "avatar_pack"}}}),
            "avatar_pack",
        ),
        (json!({"lookup_key": null}), "tune_pack"),
    ];
    for (changes, sku) in rows {
        let mut object = price("p_other");
        merge(&mut object, &changes);
        let prices = Prices::from([("p_other".to_owned(), serde_json::from_value(object).unwrap())]);
        let configured = configured();
        let session = session(&[("p_other", 1)], &json!({"metadata": {"sku": "tune_pack"}}));
        let paid =
            facts::session(&session, PriceSources { configured: &configured, prices: &prices }).unwrap();
        assert_eq!(paid.facts.packs[0].sku, sku, "{changes}");
    }
}

#[test]
fn configured_prices_are_skus_of_the_catalog_or_null() {
    for (text, is_valid) in [
        ("", true),
        ("{}", true),
        (r#"{"p_1":"tune_pack","p_2":null}"#, true),
        (r#"{"p_1":"tune_packs"}"#, false),
        (r#"{"p_1":1}"#, false),
        ("p_1=tune_pack", false),
    ] {
        assert_eq!(text.parse::<ConfiguredPrices>().is_ok(), is_valid, "{text}");
    }
}

#[test]
fn a_subscription_is_past_due_or_over_by_its_status() {
    for (status, past_due, is_over) in [
        ("active", false, false),
        ("trialing", false, false),
        ("incomplete", false, false),
        ("past_due", true, false),
        ("unpaid", true, false),
        ("paused", false, false),
        ("canceled", false, true),
        ("incomplete_expired", false, true),
    ] {
        let subscription = subscription(&[("p_basic", 2)], &json!({"status": status, "ended_at": day(9)}));
        let configured = configured();
        let sources = PriceSources { configured: &configured, prices: &Prices::new() };
        let facts = facts::subscription(&subscription, Vec::new(), sources).unwrap();
        assert_eq!((facts.past_due, facts.ended_at.is_some()), (past_due, is_over), "{status}");
        assert_eq!(facts.item.unwrap().allowance, 2000);
    }
}
