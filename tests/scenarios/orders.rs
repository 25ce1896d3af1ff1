//! Real signed events through real HTTP and the real binary, in every order, each once, twice and three
//! times: the account they end in is one. (The accounts crate tells longer lifecycles so.)

use futures_util::{StreamExt, stream};
use scrip_tests::stripe::{Checkout, Event, Generation, Interval, Plan, Stripe};
use serde_json::{Value, json};

use crate::{
    api::{Api, credits},
    webhook::{GENERATIONS, find, settle, stripe, time},
};

/// How many orders are told at once.
const AT_ONCE: usize = 8;

/// Every order of a lifecycle's events, each said once, twice and three times. All end as the first, which
/// is returned.
async fn every_order(name: &str, now: &str, story: impl Fn(&Stripe, &Api) -> Vec<Event>) -> Value {
    let begin = |api: &Api, generation| story(&stripe(api, generation, "2026-11-03T09:00:00Z"), api);
    let count = begin(&Api::new(), Generation::Basil).len();
    let orders =
        permutations(count).into_iter().flat_map(|order| (1..=3).map(move |copies| (order.clone(), copies)));
    let tell = async |(number, (order, copies)): (usize, (Vec<usize>, usize))| {
        let api = Api::new().at(now);
        let generation = GENERATIONS[number % 2];
        let events = begin(&api, generation);
        let said: Vec<Event> =
            order.iter().flat_map(|index| std::iter::repeat_n(events[*index].clone(), copies)).collect();
        settle(&said, time(now)).await;
        let mut shown = api.get(&api.path("")).await.json;
        shown["account_id"] = Value::Null;
        for subscription in shown["subscriptions"].as_array_mut().unwrap() {
            subscription["subscription_id"] = Value::Null;
        }
        api.statement().await;
        let kinds: Vec<_> = order.iter().map(|index| events[*index].kind().to_owned()).collect();
        (shown, format!("{name} {generation:?} x{copies} {kinds:?}"))
    };
    let mut told = stream::iter(orders.enumerate()).map(tell).buffer_unordered(AT_ONCE);
    let (expected, _) = told.next().await.unwrap();
    while let Some((shown, order)) = told.next().await {
        assert_eq!(shown, expected, "{order}");
    }
    expected
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    (0..count).fold(vec![vec![]], |orders, next| {
        let insert = |order: Vec<usize>| {
            (0..=order.len()).map(move |at| {
                let mut order = order.clone();
                order.insert(at, next);
                order
            })
        };
        orders.into_iter().flat_map(insert).collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriptions_events_end_in_the_same_account_in_every_order() {
    let account = every_order("subscription", "2026-12-21T00:00:00Z", |stripe, api| {
        let receipt = stripe.subscribe(&Checkout::new(&api.account, "basic_monthly", 1900), Interval::Month);
        let subscription = receipt.subscription.unwrap();
        let mut events = vec![find(&receipt.events, "invoice.paid")];
        stripe.set_now(time("2026-12-03T09:00:00Z"));
        events.push(find(&stripe.renew(&subscription).events, "invoice.paid"));
        stripe.set_now(time("2026-12-10T09:00:00Z"));
        let upgrade = stripe.upgrade(&subscription, &Plan::monthly("standard_monthly", 2900)).events;
        events.push(find(&upgrade, "invoice.paid"));
        events.push(find(&upgrade, "customer.subscription.updated"));
        stripe.set_now(time("2026-12-20T09:00:00Z"));
        events.push(find(&stripe.cancel(&subscription), "customer.subscription.deleted"));
        events
    })
    .await;
    assert_eq!((&account["plan"], &account["plan_status"]), (&json!("standard"), &json!("canceled")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refunded_subscriptions_events_end_in_the_same_account_in_every_order() {
    let account = every_order("refunded subscription", "2026-11-03T09:50:00Z", |stripe, api| {
        let receipt = stripe.subscribe(&Checkout::new(&api.account, "basic_monthly", 1900), Interval::Month);
        let subscription = receipt.subscription.unwrap();
        let mut events = vec![find(&receipt.events, "invoice.paid")];
        // In the newer shapes another event says which payment this was.
        let link = receipt.events.iter().find(|event| event.kind() == "invoice_payment.paid").cloned();
        events.push(link.unwrap_or_else(|| find(&receipt.events, "customer.subscription.created")));
        stripe.set_now(time("2026-11-03T09:10:00Z"));
        let payment = receipt.payment_intent.clone().unwrap();
        events.push(find(&stripe.refund_in_dashboard(&payment, None).unwrap().1, "charge.refunded"));
        stripe.set_now(time("2026-11-03T09:20:00Z"));
        let upgrade = stripe.upgrade(&subscription, &Plan::monthly("standard_monthly", 2900)).events;
        events.push(find(&upgrade, "invoice.paid"));
        stripe.set_now(time("2026-11-03T09:40:00Z"));
        events.push(find(&stripe.cancel(&subscription), "customer.subscription.deleted"));
        events
    })
    .await;
    // The upgrade stood on the money that went back.
    assert_eq!(account["balance"], credits(0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packs_events_end_in_the_same_account_in_every_order() {
    let account = every_order("pack", "2026-12-21T00:00:00Z", |stripe, api| {
        let receipt = stripe.buy_pack(&Checkout::new(&api.account, "tune_pack", 900));
        let payment = receipt.payment_intent.clone().unwrap();
        let mut events = vec![find(&receipt.events, "checkout.session.completed")];
        stripe.set_now(time("2026-11-10T09:00:00Z"));
        let (refund, refunded) = stripe.refund_in_dashboard(&payment, Some(450)).unwrap();
        events.push(find(&refunded, "charge.refunded"));
        stripe.set_now(time("2026-11-11T09:00:00Z"));
        events.push(find(&stripe.fail_refund(&refund), "refund.failed"));
        stripe.set_now(time("2026-11-12T09:00:00Z"));
        let (dispute, disputed) = stripe.dispute(&payment);
        events.push(find(&disputed, "charge.dispute.funds_withdrawn"));
        stripe.set_now(time("2026-11-20T09:00:00Z"));
        events.push(find(&stripe.win_dispute(&dispute), "charge.dispute.funds_reinstated"));
        events
    })
    .await;
    assert_eq!(account["balance"], credits(0, 1, 64));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_over_the_years_end_ends_in_the_same_account_in_every_order() {
    // Bought in November for a year's end in between; the renewal of the 3rd of January comes before or after
    // the rest, and all of it in January.
    let account = every_order("year's end", "2027-01-04T00:00:00Z", |stripe, api| {
        let receipt =
            stripe.subscribe(&Checkout::new(&api.account, "business_monthly", 3900), Interval::Month);
        let subscription = receipt.subscription.unwrap();
        let mut events = vec![find(&receipt.events, "invoice.paid")];
        stripe.set_now(time("2026-12-03T09:00:00Z"));
        events.push(find(&stripe.renew(&subscription).events, "invoice.paid"));
        stripe.set_now(time("2026-12-31T23:59:59Z"));
        let cheaper = stripe.downgrade(&subscription, &Plan::monthly("basic_monthly", 1900));
        events.push(find(&cheaper, "customer.subscription.updated"));
        stripe.set_now(time("2027-01-03T09:00:00Z"));
        events.push(find(&stripe.renew(&subscription).events, "invoice.paid"));
        events
    })
    .await;
    assert_eq!((&account["plan"], &account["plan_status"]), (&json!("basic"), &json!("active")));
    assert_eq!(account["paid_through"], "2027-02-03T09:00:00Z");
}
