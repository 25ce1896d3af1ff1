//! How many calls to Stripe an event costs: at most three an ordinary one, twelve those of a checkout together.

use scrip_stripe_model::{CartSpec, Change, Event, Generation, Metadata, Receipt};

use super::{Buyer, Shop};
use crate::webhook::time;

const NOW: &str = "2026-11-03T09:00:00Z";

/// The most calls of an ordinary event, and of all events of a checkout (docs/stripe.md).
const EVENT_CALLS_MAX: usize = 3;
const CHECKOUT_CALLS_MAX: usize = 12;

/// The events that an endpoint is to subscribe to (docs/stripe.md) of those that a checkout makes: five at most.
const OF_A_CHECKOUT: [&str; 5] = [
    "checkout.session.completed",
    "invoice.paid",
    "invoice_payment.paid",
    "customer.subscription.updated",
    "payment_intent.succeeded",
];

/// Sends an event and returns what it read from Stripe, a resource for each call.
async fn calls(buyer: &Buyer<'_>, event: &Event) -> Vec<String> {
    buyer.stripe.reset_requests();
    let outcome = buyer.outcome_of(event).await;
    assert!(["applied", "unchanged", "ignored"].contains(&&*outcome), "{}: {outcome}", event.kind());
    let requests = buyer.stripe.requests();
    assert_eq!(requests.len(), buyer.stripe.request_count());
    let resource =
        |request: String| request.split('/').nth(2).unwrap_or_default().split('?').next().map(str::to_owned);
    requests.into_iter().filter_map(resource).collect()
}

/// Sends events, none of which costs more than an ordinary one.
async fn ordinary(buyer: &Buyer<'_>, what: &str, events: &[Event], too_dear: &mut Vec<String>) {
    assert!(!events.is_empty(), "{what}");
    for event in events {
        let calls = calls(buyer, event).await;
        if calls.len() > EVENT_CALLS_MAX {
            too_dear.push(format!("{what}, {}: {} calls {calls:?}", event.kind(), calls.len()));
        }
    }
}

/// Sends the events of a checkout, in their order or from the last to the first.
async fn checkout(
    buyer: &Buyer<'_>,
    what: &str,
    receipt: &Receipt,
    is_reversed: bool,
    too_dear: &mut Vec<String>,
) {
    let mut events: Vec<_> =
        receipt.events.iter().filter(|event| OF_A_CHECKOUT.contains(&event.kind())).cloned().collect();
    if is_reversed {
        events.reverse();
    }
    let mut all = Vec::new();
    for event in &events {
        all.push((event.kind().to_owned(), calls(buyer, event).await));
    }
    let count: usize = all.iter().map(|(_, calls)| calls.len()).sum();
    if count > CHECKOUT_CALLS_MAX {
        too_dear.push(format!("{what}: {count} calls {all:?}"));
    }
}

/// Runs a part for some generations and both directions, and asserts that nothing of it costs too many calls.
async fn cost(seed: &str, part: impl AsyncFn(&Shop, bool, &mut Vec<String>)) {
    let mut too_dear = Vec::new();
    for generation in [Generation::Old, Generation::Acacia, Generation::Dahlia] {
        let shop = Shop::open(&format!("{seed} {generation:?}"), generation, NOW).await;
        for is_reversed in [false, true] {
            let first = too_dear.len();
            part(&shop, is_reversed, &mut too_dear).await;
            for text in &mut too_dear[first..] {
                *text = format!("{generation:?}{}: {text}", if is_reversed { ", reversed" } else { "" });
            }
            shop.stripe.set_now(time(NOW));
        }
        shop.close().await;
    }
    assert!(too_dear.is_empty(), "{}", too_dear.join("\n"));
}

#[tokio::test]
async fn a_checkout_of_packs_costs_twelve_calls_and_its_later_events_three() {
    cost("calls of packs", async |shop, is_reversed, too_dear| {
        let buyer = shop.buyer(&format!("pack-{is_reversed}"));
        let receipt = shop.stripe.checkout(&buyer.once(&[("tune_pack", 2), ("avatar_pack", 1)]));
        checkout(&buyer, "packs", &receipt, is_reversed, too_dear).await;
        let invoiced = CartSpec { invoice_creation: true, ..buyer.once(&[("tune_pack", 2)]) };
        let invoiced = shop.stripe.checkout(&invoiced);
        checkout(&buyer, "packs with an invoice", &invoiced, is_reversed, too_dear).await;
        let payment = receipt.payment_intent.unwrap();
        let (refund, part) = shop.stripe.refund_in_dashboard(&payment, Some(100)).unwrap();
        ordinary(&buyer, "refund", &part, too_dear).await;
        ordinary(&buyer, "failed refund", &shop.stripe.fail_refund(&refund), too_dear).await;
        let (dispute, disputed) = shop.stripe.dispute(&payment);
        ordinary(&buyer, "dispute", &disputed, too_dear).await;
        ordinary(&buyer, "dispute won", &shop.stripe.win_dispute(&dispute), too_dear).await;
    })
    .await;
}

#[tokio::test]
async fn a_checkout_of_a_plan_costs_twelve_calls() {
    cost("calls of a plan", async |shop, is_reversed, too_dear| {
        let buyer = shop.buyer(&format!("plan-{is_reversed}"));
        let plan = shop.stripe.checkout(&buyer.plan(&[("basic_monthly", 1)]));
        checkout(&buyer, "a plan", &plan, is_reversed, too_dear).await;
        let linked = shop.buyer(&format!("linked-{is_reversed}"));
        let mut cart = linked.plan(&[("basic_monthly", 1), ("tune_pack", 1)]).referring(&linked.account);
        (cart.metadata, cart.payment_metadata) = (Metadata::new(), Metadata::new());
        let plan = shop.stripe.checkout(&cart);
        checkout(&linked, "a plan by a link", &plan, is_reversed, too_dear).await;
    })
    .await;
}

#[tokio::test]
async fn an_ordinary_event_of_a_plan_costs_three_calls() {
    cost("calls of events", async |shop, is_reversed, too_dear| {
        let buyer = shop.buyer(&format!("plan-{is_reversed}"));
        let stripe = &shop.stripe;
        let subscription = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
        let upgrade = Change::invoiced(buyer.to(&subscription, "standard_monthly"));
        ordinary(&buyer, "upgrade", &stripe.change(&subscription, &upgrade).events, too_dear).await;
        let downgrade = Change::unprorated(buyer.to(&subscription, "basic_monthly"));
        ordinary(&buyer, "downgrade", &stripe.change(&subscription, &downgrade).events, too_dear).await;
        let renewal = stripe.renew(&subscription);
        ordinary(&buyer, "renewal", &renewal.events, too_dear).await;
        let invoice = renewal.invoice.unwrap();
        let (refund, part) = stripe.refund_in_dashboard(&invoice, Some(100)).unwrap();
        ordinary(&buyer, "refund", &part, too_dear).await;
        ordinary(&buyer, "failed refund", &stripe.fail_refund(&refund), too_dear).await;
        ordinary(&buyer, "dispute", &stripe.dispute(&invoice).1, too_dear).await;
        ordinary(&buyer, "failed renewal", &stripe.fail_renewal(&subscription).events, too_dear).await;
        ordinary(&buyer, "late payment", &stripe.pay_late(&subscription).events, too_dear).await;
        ordinary(&buyer, "end of the period", &stripe.cancel_at_period_end(&subscription), too_dear).await;
        ordinary(&buyer, "end", &stripe.cancel(&subscription), too_dear).await;
    })
    .await;
}
