//! Which parameters each list takes and refuses, and what they filter by.

use super::{code, dahlia, get, ids, start};
use chrono::TimeDelta;
use scrip_stripe_model::{CartSpec, Generation, PriceSpec, Receipt, Stripe};
use serde_json::Value;

/// Which events a list has.
type Wanted<'a> = &'a dyn Fn(&scrip_stripe_model::Event) -> bool;

/// A shop with a subscription, then a pack.
struct Shop {
    stripe: Stripe,
    plan: String,
    pack: String,
    subscribed: Receipt,
    bought: Receipt,
}

impl Shop {
    fn open() -> Self {
        let stripe = Stripe::new("parameters", Generation::Dahlia, start());
        let (plan, pack) =
            (stripe.add_price(&PriceSpec::monthly(1900)), stripe.add_price(&PriceSpec::once(900)));
        let subscribed = stripe.checkout(&CartSpec::subscription("alice", &[(&plan, 1)]));
        stripe.advance(TimeDelta::hours(1));
        let bought = stripe.checkout(&CartSpec::payment("bob", &[(&pack, 1)]));
        Self { stripe, plan, pack, subscribed, bought }
    }
}

/// The parameters of each list in the reference, but for those that page and expand every one.
const LISTS: [(&str, &str); 13] = [
    (
        "checkout/sessions",
        "created customer customer_account customer_details[email] payment_intent payment_link status subscription",
    ),
    (
        "subscriptions",
        "automatic_tax[enabled] collection_method created current_period_end current_period_start customer \
         customer_account plan price status test_clock",
    ),
    ("subscription_items", "subscription"),
    ("invoices", "collection_method created customer customer_account due_date status subscription"),
    (
        "invoice_payments",
        "created invoice payment[payment_intent] payment[payment_record] payment[type] status",
    ),
    ("payment_intents", "created customer customer_account"),
    ("charges", "created customer payment_intent transfer_group"),
    ("refunds", "charge created payment_intent"),
    ("disputes", "charge created payment_intent"),
    (
        "prices",
        "active created currency lookup_keys[] product recurring[interval] recurring[meter] \
         recurring[usage_type] type",
    ),
    ("products", "active created ids[] shippable type url"),
    ("customers", "created email test_clock"),
    ("events", "created delivery_success type types[]"),
];

/// A value that a parameter can have.
fn value(shop: &Shop, list: &str, name: &str) -> String {
    match name {
        "created" | "due_date" | "current_period_end" | "current_period_start" => "1793700000".to_owned(),
        "active" | "shippable" | "delivery_success" | "automatic_tax[enabled]" => "true".to_owned(),
        "customer" => shop.stripe.customer_of("alice"),
        "collection_method" => "send_invoice".to_owned(),
        "payment[type]" => "payment_intent".to_owned(),
        "recurring[interval]" => "month".to_owned(),
        "recurring[usage_type]" => "licensed".to_owned(),
        "subscription" => shop.subscribed.subscription.clone().unwrap(),
        "status" if list == "checkout/sessions" => "complete".to_owned(),
        "status" if list == "subscriptions" => "active".to_owned(),
        "status" => "paid".to_owned(),
        "type" if list == "prices" => "recurring".to_owned(),
        "type" if list == "products" => "service".to_owned(),
        _ => "x".to_owned(),
    }
}

/// What else a list must be asked with, beside a parameter.
fn beside(shop: &Shop, list: &str, name: &str) -> String {
    match (list, name) {
        ("subscription_items", "subscription") => String::new(),
        ("subscription_items", _) => {
            format!("&subscription={}", shop.subscribed.subscription.as_deref().unwrap())
        }
        ("invoice_payments", "payment[payment_intent]" | "payment[payment_record]") => {
            "&payment[type]=payment_intent".to_owned()
        }
        _ => String::new(),
    }
}

#[tokio::test]
async fn a_list_takes_the_parameters_of_the_reference_and_no_others() {
    let shop = Shop::open();
    let mut every: Vec<_> = LISTS.iter().flat_map(|(_, names)| names.split_whitespace()).collect();
    every.extend([
        "email",
        "ids",
        "lookup_keys",
        "types",
        "delivery",
        "subscriptions",
        "amount",
        "metadata[a]",
    ]);
    for (list, names) in LISTS {
        let names: Vec<_> = names.split_whitespace().collect();
        for name in &every {
            let (value, beside) = (value(&shop, list, name), beside(&shop, list, name));
            let path = format!("/v1/{list}?{name}={value}{beside}");
            let (status, body) = dahlia(&shop.stripe, &path).await;
            let expected = if names.contains(name) { (200, None) } else { (400, Some("parameter_unknown")) };
            assert_eq!((status, code(&body)), expected, "{path}: {body}");
            if status == 400 {
                assert_eq!(body["error"]["param"], *name, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn every_list_pages_and_only_times_have_bounds() {
    let shop = Shop::open();
    for (list, names) in LISTS {
        for (parameter, expected) in [
            ("limit=1", (200, None)),
            ("limit=100", (200, None)),
            ("limit=0", (400, Some("parameter_invalid_integer"))),
            ("limit=101", (400, Some("parameter_invalid_integer"))),
            ("limit=ten", (400, Some("parameter_invalid_integer"))),
            ("starting_after=none", (404, Some("resource_missing"))),
            ("ending_before=none", (404, Some("resource_missing"))),
            ("starting_after=none&ending_before=none", (400, None)),
            ("page=2", (400, Some("parameter_unknown"))),
            ("offset=2", (400, Some("parameter_unknown"))),
            ("limit[gte]=2", (400, Some("parameter_unknown"))),
        ] {
            let beside = beside(&shop, list, "");
            let (status, body) = dahlia(&shop.stripe, &format!("/v1/{list}?{parameter}{beside}")).await;
            assert_eq!((status, code(&body)), expected, "{list} {parameter}: {body}");
        }
        let has_time = names.split_whitespace().any(|name| name == "created");
        for bound in ["gt", "gte", "lt", "lte"] {
            let beside = beside(&shop, list, "");
            let path = format!("/v1/{list}?created[{bound}]=1793700000{beside}");
            assert_eq!(dahlia(&shop.stripe, &path).await.0, if has_time { 200 } else { 400 }, "{path}");
        }
    }
    for (path, expected) in [
        ("/v1/charges?created[after]=1", Some("parameter_unknown")),
        ("/v1/charges?created=now", Some("parameter_invalid_integer")),
        ("/v1/charges?created[gte]=now", Some("parameter_invalid_integer")),
        ("/v1/charges?customer[gte]=1", Some("parameter_unknown")),
        ("/v1/subscription_items", Some("parameter_missing")),
        ("/v1/invoice_payments?payment[payment_intent]=pi_1", Some("parameter_missing")),
        ("/v1/events?type=invoice.paid&types[]=invoice.paid", None),
        ("/v1/events?delivery_success=perhaps", None),
        ("/v1/subscriptions?status=over", None),
        ("/v1/invoices?status=succeeded", None),
        ("/v1/checkout/sessions?status=paid", None),
        ("/v1/invoice_payments?payment[type]=charge", None),
        ("/v1/subscriptions?customer=cus_none", Some("resource_missing")),
    ] {
        let (status, body) = dahlia(&shop.stripe, path).await;
        assert_eq!((status, code(&body)), (400, expected), "{path}: {body}");
    }
    let types = "&types[]=invoice.paid".repeat(21);
    for (count, expected) in [(20, 200), (21, 400)] {
        let path = format!("/v1/events?limit=1{}", &types[..count * "&types[]=invoice.paid".len()]);
        assert_eq!(dahlia(&shop.stripe, &path).await.0, expected, "{count}");
    }
}

#[tokio::test]
async fn filters_find_what_they_name() {
    let shop = Shop::open();
    let alice = shop.stripe.customer_of("alice");
    let (subscribed, bought) = (&shop.subscribed, &shop.bought);
    let [subscription, invoice, paid] =
        [&subscribed.subscription, &subscribed.invoice, &subscribed.payment_intent]
            .map(|id| id.clone().unwrap());
    let (intent, charge, session) = (
        bought.payment_intent.clone().unwrap(),
        bought.charge.clone().unwrap(),
        bought.session.clone().unwrap(),
    );
    let begun = start().timestamp();
    let end = shop.stripe.period_end(&subscription).timestamp();
    let (refund, _) = shop.stripe.refund_in_dashboard(&charge, Some(100)).unwrap();
    let (dispute, _) = shop.stripe.dispute(&charge);
    let item = shop.stripe.items(&subscription).remove(0).0;
    let none = "";
    for (path, expected) in [
        (format!("checkout/sessions?subscription={subscription}"), subscribed.session.as_deref().unwrap()),
        (format!("checkout/sessions?payment_intent={intent}"), &session),
        (
            format!("checkout/sessions?customer={alice}&status=complete"),
            subscribed.session.as_deref().unwrap(),
        ),
        ("checkout/sessions?status=open".to_owned(), none),
        (format!("subscriptions?customer={alice}"), &subscription),
        (format!("subscriptions?price={}", shop.plan), &subscription),
        (format!("subscriptions?plan={}", shop.pack), none),
        (format!("subscriptions?current_period_end={end}"), &subscription),
        (format!("subscriptions?current_period_start[lt]={begun}"), none),
        (format!("subscriptions?current_period_start[lte]={begun}"), &subscription),
        ("subscriptions?status=ended".to_owned(), none),
        ("subscriptions?automatic_tax[enabled]=false".to_owned(), &subscription),
        ("subscriptions?test_clock=clock_1".to_owned(), none),
        (format!("subscription_items?subscription={subscription}"), &item),
        (format!("invoices?subscription={subscription}&status=paid"), &invoice),
        ("invoices?status=open".to_owned(), none),
        ("invoices?due_date[gte]=0".to_owned(), none),
        (format!("payment_intents?customer={alice}"), &paid),
        (format!("charges?customer={alice}"), subscribed.charge.as_deref().unwrap()),
        (format!("charges?payment_intent={intent}"), &charge),
        (format!("refunds?payment_intent={intent}"), &refund),
        (format!("refunds?charge={charge}"), &refund),
        (format!("refunds?payment_intent={paid}"), none),
        (format!("disputes?payment_intent={intent}"), &dispute),
        ("prices?type=one_time".to_owned(), &shop.pack),
        ("prices?recurring[interval]=month".to_owned(), &shop.plan),
        (format!("customers?created={begun}"), &alice),
    ] {
        let (status, found) = dahlia(&shop.stripe, &format!("/v1/{path}")).await;
        let expected: Vec<_> = Some(expected).filter(|id| !id.is_empty()).into_iter().collect();
        assert_eq!((status, ids(&found)), (200, expected), "{path}");
    }
    let path = format!("/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={paid}");
    let (_, found) = dahlia(&shop.stripe, &path).await;
    assert_eq!(found["data"][0]["invoice"], invoice.as_str());
    let products = dahlia(&shop.stripe, "/v1/products").await.1;
    let products = ids(&products);
    let path = format!("/v1/products?ids[]={}&ids[]={}", products[1], products[0]);
    assert_eq!(ids(&dahlia(&shop.stripe, &path).await.1), products);
}

#[tokio::test]
async fn a_subscription_that_is_canceled_is_listed_if_it_is_asked_for() {
    let shop = Shop::open();
    let subscription = shop.subscribed.subscription.as_deref().unwrap();
    let _ = shop.stripe.cancel(subscription);
    for (status, listed) in [
        ("", false),
        ("status=all", true),
        ("status=canceled", true),
        ("status=ended", true),
        ("status=active", false),
    ] {
        let (_, found) = dahlia(&shop.stripe, &format!("/v1/subscriptions?{status}")).await;
        assert_eq!(!ids(&found).is_empty(), listed, "{status}");
    }
}

#[tokio::test]
async fn events_are_listed_by_delivery_type_and_time() {
    let shop = Shop::open();
    let events = [shop.subscribed.events.clone(), shop.bought.events.clone()].concat();
    let newest: Vec<_> = events.iter().rev().collect();
    let later = (start() + TimeDelta::hours(1)).timestamp();
    let delivered = newest[1].id();
    shop.stripe.mark_delivered(delivered);
    let cases: [(String, Wanted<'_>); 8] = [
        ("delivery_success=false".to_owned(), &|event| event.id() != delivered),
        ("delivery_success=true".to_owned(), &|event| event.id() == delivered),
        (format!("created[gte]={later}"), &|event| event.created() >= later),
        (format!("delivery_success=false&created[gte]={later}"), &|event| {
            event.created() >= later && event.id() != delivered
        }),
        ("type=invoice.*".to_owned(), &|event| event.kind().starts_with("invoice.")),
        ("type=invoice.paid".to_owned(), &|event| event.kind() == "invoice.paid"),
        ("types[]=invoice.paid&types[]=charge.succeeded".to_owned(), &|event| {
            ["invoice.paid", "charge.succeeded"].contains(&event.kind())
        }),
        ("types[0]=invoice.paid".to_owned(), &|event| event.kind() == "invoice.paid"),
    ];
    for (parameters, wanted) in cases {
        let expected: Vec<_> = newest.iter().filter(|event| wanted(event)).map(|event| event.id()).collect();
        assert!(!expected.is_empty(), "{parameters}");
        let path = format!("/v1/events?{parameters}&limit=100");
        let (_, found) = dahlia(&shop.stripe, &path).await;
        assert_eq!(ids(&found), expected, "{parameters}");
        // Page by page it is the same list.
        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let (_, page) = dahlia(&shop.stripe, &format!("/v1/events?{parameters}&limit=3{after}")).await;
            paged.extend(ids(&page).into_iter().map(str::to_owned));
            if page["has_more"] == false {
                break;
            }
            after = format!("&starting_after={}", paged.last().unwrap());
        }
        assert_eq!(paged, expected, "{parameters}");
    }
}

#[tokio::test]
async fn a_page_before_a_cursor_is_the_one_next_to_it() {
    let stripe = Stripe::new("pages", Generation::Dahlia, start());
    let pack = stripe.add_price(&PriceSpec::once(900));
    let bought: Vec<_> =
        (0..7).map(|_| stripe.checkout(&CartSpec::payment("alice", &[(&pack, 1)])).charge.unwrap()).collect();
    let newest: Vec<_> = bought.iter().rev().map(String::as_str).collect();
    for (parameters, range, has_more) in [
        ("limit=3".to_owned(), 0..3, true),
        ("limit=7".to_owned(), 0..7, false),
        (format!("limit=3&starting_after={}", newest[2]), 3..6, true),
        (format!("limit=3&starting_after={}", newest[5]), 6..7, false),
        (format!("limit=3&ending_before={}", newest[6]), 3..6, true),
        (format!("limit=3&ending_before={}", newest[3]), 0..3, false),
        (format!("limit=3&ending_before={}", newest[0]), 0..0, false),
    ] {
        let (_, page) = dahlia(&stripe, &format!("/v1/charges?{parameters}")).await;
        assert_eq!(ids(&page), newest[range], "{parameters}");
        assert_eq!(
            (&page["has_more"], &page["url"]),
            (&has_more.into(), &"/v1/charges".into()),
            "{parameters}"
        );
    }
}

#[tokio::test]
async fn what_may_be_expanded_is_what_the_reference_marks() {
    let shop = Shop::open();
    let subscription = format!("subscriptions/{}", shop.subscribed.subscription.as_deref().unwrap());
    let invoice = format!("invoices/{}", shop.subscribed.invoice.as_deref().unwrap());
    let intent = format!("payment_intents/{}", shop.bought.payment_intent.as_deref().unwrap());
    let charge = format!("charges/{}", shop.bought.charge.as_deref().unwrap());
    let depth = Some("property_expansion_max_depth");
    for (path, field, expected) in [
        (subscription.as_str(), "items.data.price.product", (200, None)),
        (&subscription, "latest_invoice.payments", (200, None)),
        (&subscription, "customer", (200, None)),
        (&subscription, "default_payment_method", (200, None)),
        (&subscription, "metadata", (400, None)),
        (&subscription, "status", (400, None)),
        (&subscription, "latest_invoice.payments.data.payment.payment_intent", (400, depth)),
        ("subscriptions", "data.latest_invoice", (200, None)),
        ("subscriptions", "data.items.data.price", (200, None)),
        ("subscriptions", "data.items.data.price.product", (400, depth)),
        ("subscriptions", "latest_invoice", (400, None)),
        ("subscriptions", "data.metadata", (400, None)),
        (&invoice, "payments", (200, None)),
        (&invoice, "payments.data.payment.payment_intent", (200, None)),
        (&invoice, "payment_intent", (400, None)),
        ("invoices", "data.payments", (200, None)),
        ("invoices", "data.payments.data.payment.payment_intent", (400, depth)),
        (&intent, "latest_charge", (200, None)),
        (&intent, "latest_charge.refunds", (200, None)),
        (&intent, "charges", (400, None)),
        (&charge, "refunds", (200, None)),
        (&charge, "payment_intent.customer", (200, None)),
        ("prices", "data.product", (200, None)),
        ("events", "data.data", (400, None)),
    ] {
        let (status, body) = dahlia(&shop.stripe, &format!("/v1/{path}?expand[]={field}")).await;
        assert_eq!((status, code(&body)), expected, "{path} {field}: {body}");
    }
    let (_, body) = dahlia(&shop.stripe, "/v1/invoices?expand[0]=payments").await;
    assert!(body["error"]["message"].as_str().unwrap().contains("'data.payments'"), "{body}");
    let (_, shown) =
        dahlia(&shop.stripe, &format!("/v1/{invoice}?expand[]=payments.data.payment.payment_intent")).await;
    assert_eq!(shown["payments"]["data"][0]["payment"]["payment_intent"]["object"], "payment_intent");
}

#[tokio::test]
async fn a_list_expands_each_of_its_objects() {
    let shop = Shop::open();
    let (_, found) = dahlia(&shop.stripe, "/v1/invoices?expand[]=data.payments&expand[]=data.customer").await;
    let invoice = &found["data"][0];
    assert_eq!(
        (&invoice["payments"]["object"], &invoice["customer"]["object"]),
        (&"list".into(), &"customer".into())
    );
    let item = shop.stripe.items(shop.subscribed.subscription.as_deref().unwrap()).remove(0).0;
    let path = format!(
        "/v1/subscription_items?subscription={}&expand[]=data.price.product&limit=100",
        shop.subscribed.subscription.as_deref().unwrap()
    );
    let (_, found) = dahlia(&shop.stripe, &path).await;
    let found = &found["data"][0];
    assert_eq!((&found["id"], &found["price"]["product"]["object"]), (&Value::from(item), &"product".into()));
}

#[tokio::test]
async fn paths_that_a_version_lacks_are_no_paths() {
    let shop = Shop::open();
    for (version, status) in [(Generation::Acacia, 404), (Generation::Basil, 200), (Generation::Dahlia, 200)]
    {
        let (found, body) = get(&shop.stripe, version.api_version(), "/v1/invoice_payments").await;
        assert_eq!((found, code(&body)), (status, None), "{version:?}");
    }
}
