//! Real signed events through real HTTP and the real binary, in every order, each once, twice and three times, and with
//! any of them lost: all end in the same account. (The tests of the accounts crate do so with longer lifecycles.)

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use scrip_stripe_model::{AccountState, Checkout, Event, Generation, Interval, Plan, Stripe};
use serde_json::{Value, json};

use crate::{
    api::{Api, credits},
    webhook::{GENERATIONS, find, settle, stripe, time},
};

/// How many orders are delivered at once.
const AT_ONCE: usize = 8;

/// A lifecycle's events, each with what Stripe shows once it was made.
#[derive(Default)]
struct Story(Vec<(Event, AccountState)>);

impl Story {
    fn add(&mut self, stripe: &Stripe, event: Event) {
        self.0.push((event, stripe.state()));
    }
}

/// How events come.
#[derive(Debug, Clone)]
enum Delivery {
    /// After the end, in that order, each so many times.
    Late(Vec<usize>, usize),
    /// Each when it is made, but for those that are lost.
    InTime(Vec<usize>),
}

/// Delivers every order of a lifecycle's events and of some of them, each event once, twice and three times after its end;
/// and if `in_time`, each event when it was made, with any of them lost but the last. All end in the same account, which is
/// returned.
async fn every_order(name: &str, now: &str, in_time: bool, story: impl Fn(&Stripe, &Api) -> Story) -> Value {
    let begin = |api: &Api, generation| {
        let stripe = stripe(api, generation, "2026-11-03T09:00:00Z");
        (story(&stripe, api).0, stripe)
    };
    let count = begin(&Api::new(), Generation::Basil).0.len();
    let whole =
        permutations(count).into_iter().flat_map(|order| (1..=3).map(move |copies| (order.clone(), copies)));
    let late = whole.chain(some_of(count).into_iter().flat_map(|some| {
        let orders = permutations(some.len()).into_iter();
        orders.map(move |order| (order.into_iter().map(|place| some[place]).collect(), 1))
    }));
    let late = late.map(|(order, copies)| Delivery::Late(order, copies));
    let kept = some_of(count).into_iter().chain([(0..count).collect()]);
    let kept = kept.filter(|kept| in_time && kept.last() == Some(&(count - 1))).map(Delivery::InTime);
    let deliver = async |(number, delivery): (usize, Delivery)| {
        let api = Api::new().at(now);
        let generation = GENERATIONS[number % 2];
        let (events, stripe) = begin(&api, generation);
        match &delivery {
            Delivery::Late(order, copies) => {
                let sent =
                    order.iter().flat_map(|place| std::iter::repeat_n(events[*place].0.clone(), *copies));
                settle(&sent.collect::<Vec<_>>(), time(now)).await;
            }
            Delivery::InTime(kept) => {
                for (event, then) in kept.iter().map(|place| &events[*place]) {
                    stripe.faults().stale(then, usize::MAX);
                    settle(std::slice::from_ref(event), moment(event)).await;
                }
            }
        }
        let mut shown = api.get(&api.path("")).await.json;
        shown["account_id"] = Value::Null;
        for subscription in shown["subscriptions"].as_array_mut().unwrap() {
            subscription["subscription_id"] = Value::Null;
        }
        api.statement().await;
        let kinds: Vec<_> = events.iter().map(|(event, _)| event.kind().to_owned()).collect();
        (shown, format!("{name} {generation:?} {delivery:?} {kinds:?}"))
    };
    let mut accounts = stream::iter(late.chain(kept).enumerate()).map(deliver).buffer_unordered(AT_ONCE);
    let (expected, _) = accounts.next().await.unwrap();
    while let Some((shown, order)) = accounts.next().await {
        assert_eq!(shown, expected, "{order}");
    }
    expected
}

/// Some of so many: at least one, not all.
fn some_of(count: usize) -> Vec<Vec<usize>> {
    let chosen = |mask: usize| (0..count).filter(move |place| mask >> place & 1 == 1).collect();
    (1..(1 << count) - 1).map(chosen).collect()
}

/// When an event was made.
fn moment(event: &Event) -> DateTime<Utc> {
    DateTime::from_timestamp(event.created(), 0).unwrap()
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
    let account = every_order("subscription", "2026-12-21T00:00:00Z", true, |stripe, api| {
        let receipt = stripe.subscribe(&Checkout::new(&api.account, "basic_monthly", 1900), Interval::Month);
        let subscription = receipt.subscription.unwrap();
        let mut events = Story::default();
        events.add(stripe, find(&receipt.events, "invoice.paid"));
        stripe.set_now(time("2026-12-03T09:00:00Z"));
        events.add(stripe, find(&stripe.renew(&subscription).events, "invoice.paid"));
        stripe.set_now(time("2026-12-10T09:00:00Z"));
        let upgrade = stripe.upgrade(&subscription, &Plan::monthly("standard_monthly", 2900)).events;
        events.add(stripe, find(&upgrade, "invoice.paid"));
        events.add(stripe, find(&upgrade, "customer.subscription.updated"));
        stripe.set_now(time("2026-12-20T09:00:00Z"));
        events.add(stripe, find(&stripe.cancel(&subscription), "customer.subscription.deleted"));
        events
    })
    .await;
    assert_eq!((&account["plan"], &account["plan_status"]), (&json!("standard"), &json!("canceled")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refunded_subscriptions_events_end_in_the_same_account_in_every_order() {
    let account = every_order("refunded subscription", "2026-11-03T09:50:00Z", true, |stripe, api| {
        let receipt = stripe.subscribe(&Checkout::new(&api.account, "basic_monthly", 1900), Interval::Month);
        let subscription = receipt.subscription.unwrap();
        let mut events = Story::default();
        events.add(stripe, find(&receipt.events, "invoice.paid"));
        // In the newer shapes another event names the payment.
        let link = receipt.events.iter().find(|event| event.kind() == "invoice_payment.paid").cloned();
        events.add(stripe, link.unwrap_or_else(|| find(&receipt.events, "customer.subscription.created")));
        stripe.set_now(time("2026-11-03T09:10:00Z"));
        let payment = receipt.payment_intent.clone().unwrap();
        events.add(stripe, find(&stripe.refund_in_dashboard(&payment, None).unwrap().1, "charge.refunded"));
        stripe.set_now(time("2026-11-03T09:20:00Z"));
        let upgrade = stripe.upgrade(&subscription, &Plan::monthly("standard_monthly", 2900)).events;
        events.add(stripe, find(&upgrade, "invoice.paid"));
        stripe.set_now(time("2026-11-03T09:40:00Z"));
        events.add(stripe, find(&stripe.cancel(&subscription), "customer.subscription.deleted"));
        events
    })
    .await;
    // The upgrade depended on the money that went back.
    assert_eq!(account["balance"], credits(0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packs_events_end_in_the_same_account_in_every_order() {
    let account = every_order("pack", "2026-12-21T00:00:00Z", true, |stripe, api| {
        let receipt = stripe.buy_pack(&Checkout::new(&api.account, "tune_pack", 900));
        let payment = receipt.payment_intent.clone().unwrap();
        let mut events = Story::default();
        events.add(stripe, find(&receipt.events, "checkout.session.completed"));
        stripe.set_now(time("2026-11-10T09:00:00Z"));
        let (refund, refunded) = stripe.refund_in_dashboard(&payment, Some(450)).unwrap();
        events.add(stripe, find(&refunded, "charge.refunded"));
        stripe.set_now(time("2026-11-11T09:00:00Z"));
        events.add(stripe, find(&stripe.fail_refund(&refund), "refund.failed"));
        stripe.set_now(time("2026-11-12T09:00:00Z"));
        let (dispute, disputed) = stripe.dispute(&payment);
        events.add(stripe, find(&disputed, "charge.dispute.funds_withdrawn"));
        stripe.set_now(time("2026-11-20T09:00:00Z"));
        events.add(stripe, find(&stripe.win_dispute(&dispute), "charge.dispute.funds_reinstated"));
        events
    })
    .await;
    assert_eq!(account["balance"], credits(0, 1, 64));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_over_the_years_end_ends_in_the_same_account_in_every_order() {
    // Bought in November for a year's end in between; the renewal of the 3rd of January comes before or after
    // the rest, and all of it in January. (In time, the account depends on whether the downgrade's event arrived: Stripe doesn't show since
    // when an item has its price.)
    let account = every_order("year's end", "2027-01-04T00:00:00Z", false, |stripe, api| {
        let receipt =
            stripe.subscribe(&Checkout::new(&api.account, "business_monthly", 3900), Interval::Month);
        let subscription = receipt.subscription.unwrap();
        let mut events = Story::default();
        events.add(stripe, find(&receipt.events, "invoice.paid"));
        stripe.set_now(time("2026-12-03T09:00:00Z"));
        events.add(stripe, find(&stripe.renew(&subscription).events, "invoice.paid"));
        stripe.set_now(time("2026-12-31T23:59:59Z"));
        let cheaper = stripe.downgrade(&subscription, &Plan::monthly("basic_monthly", 1900));
        events.add(stripe, find(&cheaper, "customer.subscription.updated"));
        stripe.set_now(time("2027-01-03T09:00:00Z"));
        events.add(stripe, find(&stripe.renew(&subscription).events, "invoice.paid"));
        events
    })
    .await;
    assert_eq!((&account["plan"], &account["plan_status"]), (&json!("basic"), &json!("active")));
    assert_eq!(account["paid_through"], "2027-02-03T09:00:00Z");
}
