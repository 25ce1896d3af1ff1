//! Each object in each version, held against the fields that Stripe's types give it.

use super::{Shop, fields::PUBLISHED, on};
use scrip_stripe_model::{CartSpec, Change, CouponSpec, Event, Generation, ItemChange};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Fields that Stripe sends without having them in its types.
const UNPUBLISHED: [(&str, &[&str]); 5] = [
    ("charge", &["destination", "dispute", "order", "radar_options"]),
    ("subscription", &["plan", "quantity", "billing_thresholds"]),
    ("subscription_item", &["billing_thresholds"]),
    ("checkout.session", &["shipping_details"]),
    ("plan", &["aggregate_usage"]),
];

/// Fields that the types promise and Stripe leaves out.
const LEFT_OUT: [(&str, &str); 1] = [("line_item", "subscription")];

/// An account in which something of every kind happened, and all events of it in its version.
fn everything(generation: Generation) -> Vec<Event> {
    let shop = Shop::new(generation);
    let stripe = &shop.stripe;
    let cart = CartSpec::subscription("alice", &[(&shop.basic, 1), (&shop.pack, 2)]);
    let bought = stripe.checkout(&CartSpec { coupon: Some(CouponSpec::forever(10)), ..cart });
    let subscription = bought.subscription.expect("a subscription");
    let cart = CartSpec::payment("alice", &[(&shop.pack, 3)]);
    let pack = stripe.checkout(&CartSpec { invoice_creation: true, ..cart }).charge.expect("a charge");
    let change =
        ItemChange::Set { item: shop.item(&subscription), price: shop.business.clone(), quantity: 2 };
    stripe.set_now(on(4, 0));
    let _ = stripe.change(&subscription, &Change::prorated(vec![change]));
    let change = ItemChange::Add { price: shop.basic.clone(), quantity: 1 };
    let _ = stripe.change(&subscription, &Change::invoiced(vec![change]));
    let (refund, _) = stripe.refund_in_dashboard(&pack, Some(100)).expect("a refund");
    let _ = stripe.fail_refund(&refund);
    let _ = stripe.dispute(&pack);
    // The renewal comes when the first events can't be read any more.
    let mut events = stripe.events_in(generation);
    events.extend(stripe.fail_renewal(&subscription).events);
    events.extend(stripe.pay_late(&subscription).events);
    events.extend(stripe.cancel(&subscription));
    events
}

/// The objects in a value that have a name, by it.
fn objects<'a>(value: &'a Value, found: &mut BTreeMap<String, Vec<&'a Value>>) {
    if let Some(name) = value["object"].as_str().filter(|name| *name != "list") {
        found.entry(name.to_owned()).or_default().push(value);
    }
    match value {
        Value::Object(members) => members.values().for_each(|member| objects(member, found)),
        Value::Array(items) => items.iter().for_each(|item| objects(item, found)),
        _ => {}
    }
}

/// The marks of a field of an object, one for each version.
fn published(object: &str) -> BTreeMap<&'static str, &'static [u8]> {
    let groups = PUBLISHED.iter().find(|(name, _)| *name == object).map_or(&[][..], |(_, groups)| groups);
    groups
        .iter()
        .flat_map(|(marks, names)| names.split_whitespace().map(|name| (name, marks.as_bytes())))
        .collect()
}

#[test]
fn no_object_has_a_field_that_stripe_has_not_and_none_lacks_one_that_is_always_there() {
    for (version, generation) in Generation::EVERY.into_iter().enumerate() {
        let events = everything(generation);
        let mut found = BTreeMap::new();
        for event in &events {
            objects(event.object(), &mut found);
        }
        for (object, instances) in found {
            let marks = published(&object);
            if marks.is_empty() {
                assert_eq!(object, "balance_transaction", "an object without published fields");
                continue;
            }
            let extra =
                UNPUBLISHED.iter().find(|(name, _)| *name == object).map_or(&[][..], |(_, extra)| extra);
            for instance in instances {
                let members = instance.as_object().expect("an object");
                let names: BTreeSet<&str> = members.keys().map(String::as_str).collect();
                // A field that came without a new version is in the older ones as well.
                let known = |name: &str| {
                    marks.get(name).is_some_and(|marks| marks[version..].iter().any(|mark| *mark != b'-'))
                };
                let invented: Vec<_> =
                    names.iter().filter(|name| !known(name) && !extra.contains(name)).collect();
                assert!(invented.is_empty(), "{object} in {generation:?} has {invented:?}");
                let promised =
                    marks.iter().filter(|(_, marks)| marks[version] == b'!').map(|(name, _)| *name);
                let left_out = |name: &&str| !LEFT_OUT.contains(&(object.as_str(), name));
                let missing: Vec<_> =
                    promised.filter(left_out).filter(|name| !names.contains(name)).collect();
                assert!(missing.is_empty(), "{object} in {generation:?} lacks {missing:?}");
            }
        }
    }
}

/// What a path leads to in the last event of a type.
fn at<'a>(events: &'a [Event], (kind, path): (&str, &str)) -> Option<&'a Value> {
    super::last(events, kind).pointer(path)
}

#[test]
fn versions_differ_in_what_breaks_a_reader() {
    use Generation::{Acacia, Basil, Clover, Dahlia, Old};
    let cases: [(&str, &str, &[Generation]); 22] = [
        ("invoice.paid", "/payment_intent", &[Old, Acacia]),
        ("invoice.paid", "/charge", &[Old, Acacia]),
        ("invoice.paid", "/subscription", &[Old, Acacia]),
        ("invoice.paid", "/subscription_details/metadata", &[Old, Acacia]),
        ("invoice.paid", "/parent/subscription_details/subscription", &[Basil, Clover, Dahlia]),
        ("invoice.paid", "/amount_overpaid", &[Basil, Clover, Dahlia]),
        ("invoice.paid", "/customer_account", &[Dahlia]),
        ("invoice.paid", "/payments", &[]),
        ("invoice.paid", "/lines/data/0/price/id", &[Old, Acacia]),
        ("invoice.paid", "/lines/data/0/proration", &[Old, Acacia]),
        ("invoice.paid", "/lines/data/0/pricing/price_details/price", &[Basil, Clover, Dahlia]),
        ("invoice.paid", "/lines/data/0/parent/type", &[Basil, Clover, Dahlia]),
        ("invoice.paid", "/lines/data/0/quantity_decimal", &[Dahlia]),
        ("customer.subscription.updated", "/current_period_end", &[Old, Acacia]),
        ("customer.subscription.updated", "/items/data/0/current_period_end", &[Basil, Clover, Dahlia]),
        ("customer.subscription.updated", "/billing_mode/type", &[Basil, Clover, Dahlia]),
        ("customer.subscription.updated", "/discount/coupon/id", &[Old, Acacia]),
        ("payment_intent.succeeded", "/charges/data/0/id", &[Old]),
        ("payment_intent.succeeded", "/invoice", &[Old, Acacia]),
        ("charge.refunded", "/refunds/data/0/id", &[Old]),
        ("charge.refunded", "/invoice", &[Old, Acacia]),
        ("checkout.session.completed", "/line_items", &[]),
    ];
    for generation in Generation::EVERY {
        let events = everything(generation);
        for (kind, path, versions) in &cases {
            let is_there = at(&events, (kind, path)).is_some();
            assert_eq!(is_there, versions.contains(&generation), "{kind} {path} in {generation:?}");
        }
    }
}

#[test]
fn an_event_can_be_rendered_in_another_version() {
    let shop = Shop::new(Generation::Acacia);
    let (_, bought) = shop.subscribed(&shop.basic, 1);
    let paid = bought.events.iter().find(|event| event.kind() == "invoice.paid").expect("a paid invoice");
    for generation in Generation::EVERY {
        let rendered = shop.stripe.rendered(paid, generation).expect("every version has it");
        assert_eq!(rendered.id(), paid.id());
        assert_eq!(rendered.json()["api_version"], generation.api_version());
        let names_parent = rendered.object().get("parent").is_some();
        assert_eq!(names_parent, generation >= Generation::Basil, "{generation:?}");
    }
    assert_eq!(shop.stripe.rendered(paid, Generation::Acacia).as_ref(), Some(paid));
}

#[test]
fn proration_lines_belong_to_the_item_in_the_flexible_mode_only() {
    for (generation, parent) in
        [(Generation::Basil, "invoice_item_details"), (Generation::Clover, "subscription_item_details")]
    {
        let shop = Shop::new(generation);
        let (subscription, _) = shop.subscribed(&shop.basic, 1);
        shop.stripe.set_now(on(16, 0));
        let change =
            ItemChange::Set { item: shop.item(&subscription), price: shop.business.clone(), quantity: 1 };
        let changed = shop.stripe.change(&subscription, &Change::invoiced(vec![change]));
        let line = &super::last(&changed.events, "invoice.paid")["lines"]["data"][0];
        assert_eq!(line["parent"]["type"], parent);
        assert_eq!(line["parent"][parent]["proration"], true);
    }
}
