//! Each function is stopped before and after each of its calls to the database and to the payment provider.
//! If its caller then calls again, the account ends as if the function had never stopped.

mod world;

use scrip_stripe_model::{ApiError, Checkout, Event, Fault};
use scrip_test_support::crash::{Crash, Side};

use crate::{api::credits, support};
use world::{Functions, NOW, World, time};

/// Stops a program at each of its calls: before and after its first, its second, and so on, until it runs through. Hands
/// the world that each stop leaves to `check`. Returns how many calls the program makes.
async fn at_every_point(
    name: &str,
    build: impl AsyncFn() -> World,
    program: impl AsyncFn(&World, &Functions) -> u16,
    check: impl AsyncFn(&World, &str),
) -> usize {
    let mut calls = 0;
    for side in Side::BOTH {
        for call in 0.. {
            let world = Box::pin(build()).await;
            let crash = Crash::at(call, side);
            let database = crash.before(support::stack().database_url()).await.unwrap();
            let provider = crash.before(&format!("http://{}", world.provider.address())).await.unwrap();
            let urls = [database.address(), provider.address()].map(|address| format!("http://{address}"));
            let ended = crash.run(Box::pin(program(&world, &Functions::new(&urls[0], &urls[1])))).await;
            Box::pin(check(&world, &format!("{name}, {side:?} call {call}"))).await;
            if ended.is_some() {
                calls = call;
                break;
            }
        }
    }
    calls
}

/// Asks for the money back until it is refunded, as support would.
async fn money_back_again(world: &World, point: &str, on_the_way: &[u16]) {
    let mut first = None;
    for _ in 0..3 {
        let (status, body) = world.money_back(&world.functions).await;
        match first.as_ref() {
            Some(first) => assert_eq!(&body, first, "{point}"),
            None if status == 200 => first = Some(body),
            None => assert!(on_the_way.contains(&status), "{point}: {status} {body}"),
        }
    }
    assert_eq!(first.unwrap()["status"], "refunded", "{point}");
}

/// The provider gave the money back once, and its events change nothing more.
async fn refunded_once(world: &World, point: &str, kinds: &[&str]) {
    let events = world.events();
    let is_refund = |event: &&Event| event.kind() == "charge.refunded";
    let refunds = world.seen_events.lock().unwrap().iter().filter(is_refund).count();
    assert_eq!(refunds, 1, "{point}");
    for event in events {
        assert_eq!(world.deliver(&world.functions, &event, NOW).await, 200, "{point} {}", event.kind());
    }
    assert_eq!(world.kinds().await, kinds, "{point}");
    assert_eq!(world.api.balance().await, credits(0, 0, 0), "{point}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packs_refund_is_finished_by_asking_again() {
    let calls = at_every_point(
        "pack",
        async || World::new("tune_pack").await,
        async |world, functions| world.money_back(functions).await.0,
        async |world, point| {
            money_back_again(world, point, &[]).await;
            refunded_once(world, point, &["purchase", "refund"]).await;
        },
    )
    .await;
    // The head, the record, the revocation, the record; the provider; the head, the record, the mark.
    assert!(calls >= 8, "{calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packs_refund_that_was_asked_for_is_finished_by_the_providers_event() {
    at_every_point(
        "pack, event",
        async || World::new("tune_pack").await,
        async |world, functions| world.money_back(functions).await.0,
        async |world, point| {
            let events = world.events();
            let is_asked = events.iter().any(|event| event.kind() == "charge.refunded");
            for event in events {
                assert_eq!(world.deliver(&world.functions, &event, NOW).await, 200, "{point}");
            }
            let id = scrip_accounts::AccountId::parse(&*world.api.account).unwrap();
            let purchase = scrip_accounts::PurchaseId::parse(&*world.purchase).unwrap();
            let record = world.api.ledger().purchase(&id, &purchase).await.unwrap().unwrap();
            let is_refunded = record.status() == scrip_accounts::PurchaseStatus::Refunded;
            assert_eq!(is_refunded, is_asked, "{point}");
            money_back_again(world, point, &[]).await;
            refunded_once(world, point, &["purchase", "refund"]).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plans_refund_is_finished_by_asking_again() {
    let calls = at_every_point(
        "plan",
        async || World::new("basic_monthly").await,
        async |world, functions| world.money_back(functions).await.0,
        async |world, point| {
            money_back_again(world, point, &[]).await;
            let ended = world.stripe.calls().iter().any(|call| call.operation().starts_with("DELETE"));
            assert!(ended, "{point}: the subscription goes on");
            refunded_once(world, point, &["purchase", "refund", "subscription"]).await;
        },
    )
    .await;
    assert!(calls >= 11, "{calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_refund_gives_the_credits_back_wherever_it_stops() {
    at_every_point(
        "refused",
        async || {
            let world = World::new("tune_pack").await;
            let refusal = ApiError::refused("insufficient_funds", "no");
            world.stripe.fault("POST /v1/refunds", Fault::Answer(refusal));
            world
        },
        async |world, functions| world.money_back(functions).await.0,
        async |world, point| {
            // The first retry may be answered with the refusal; then the money goes back.
            money_back_again(world, point, &[502]).await;
            refunded_once(world, point, &["purchase", "refund", "refund_failed", "refund"]).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn debits_reversals_adjustments_and_refills_are_made_once_wherever_they_stop() {
    let plan = async || World::new("basic_monthly").await;
    let debits = at_every_point(
        "debit",
        plan,
        async |world, functions| world.debit(functions).await,
        async |world, point| {
            assert_eq!(world.debit(&world.functions).await, 201, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "debit"], "{point}");
        },
    )
    .await;
    let reversals = at_every_point(
        "reversal",
        async || {
            let world = plan().await;
            world.debit(&world.functions).await;
            world
        },
        async |world, functions| world.reverse(functions).await,
        async |world, point| {
            assert_eq!(world.reverse(&world.functions).await, 201, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "debit", "reversal"], "{point}");
        },
    )
    .await;
    let adjustments = at_every_point(
        "adjustment",
        plan,
        async |world, functions| world.adjust(functions).await,
        async |world, point| {
            assert_eq!(world.adjust(&world.functions).await, 201, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "adjustment"], "{point}");
        },
    )
    .await;
    let refills = at_every_point(
        "refill",
        async || {
            let world = plan().await;
            let renewed = world.stripe.advance_to(time("2026-12-03T10:00:01Z"));
            for event in renewed.iter().filter(|event| event.kind() == "invoice.paid") {
                world.deliver(&world.functions, event, NOW).await;
            }
            world
        },
        async |world, functions| world.refill(functions).await,
        async |world, point| {
            assert_eq!(world.refill(&world.functions).await, 200, "{point}");
            let kinds = world.kinds().await;
            assert_eq!(kinds, ["purchase", "subscription", "expiry", "refill"], "{point}");
        },
    )
    .await;
    // Head, claim, entry; head, the debit's claim and entry, claim, transaction; as a debit; head, transaction.
    assert_eq!([debits, reversals, adjustments, refills], [3, 5, 3, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_captures_and_releases_are_made_once_wherever_they_stop() {
    let plan = async || World::new("basic_monthly").await;
    let held = async || {
        let world = plan().await;
        assert_eq!(world.hold(&world.functions).await, 201);
        world
    };
    let holds = at_every_point(
        "hold",
        plan,
        async |world, functions| world.hold(functions).await,
        async |world, point| {
            assert_eq!(world.hold(&world.functions).await, 201, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "hold"], "{point}");
            assert_eq!(world.api.balance().await, credits(997, 0, 0), "{point}");
        },
    )
    .await;
    let captures = at_every_point(
        "capture",
        held,
        async |world, functions| world.capture(functions).await,
        async |world, point| {
            assert_eq!(world.capture(&world.functions).await, 200, "{point}");
            assert_eq!(world.release(&world.functions).await, 409, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "hold", "capture"], "{point}");
            assert_eq!(world.api.balance().await, credits(998, 0, 0), "{point}");
        },
    )
    .await;
    let releases = at_every_point(
        "release",
        held,
        async |world, functions| world.release(functions).await,
        async |world, point| {
            assert_eq!(world.release(&world.functions).await, 200, "{point}");
            assert_eq!(world.capture(&world.functions).await, 409, "{point}");
            assert_eq!(world.kinds().await, ["purchase", "hold", "release"], "{point}");
            assert_eq!(world.api.balance().await, credits(1000, 0, 0), "{point}");
        },
    )
    .await;
    // Newest entries, claim, entry.
    assert_eq!([holds, captures, releases], [3, 3, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_applied_once_wherever_its_webhook_stops() {
    type Change = fn(&World) -> Vec<Event>;
    let pack: Change =
        |world| world.stripe.buy_pack(&Checkout::new(&world.api.account, "avatar_pack", 900)).events;
    let renewal: Change = |world| world.stripe.advance_to(time("2026-12-03T10:00:01Z"));
    let cancelled: Change = |world| world.stripe.cancel(world.subscription.as_ref().unwrap());
    let refunded: Change = |world| world.stripe.refund_in_dashboard(&world.purchase, None).unwrap().1;
    let disputed: Change = |world| world.stripe.dispute(&world.purchase).1;
    for (name, change, kind, expected) in [
        ("pack", pack, "checkout.session.completed", &["purchase", "purchase"][..]),
        ("renewal", renewal, "invoice.paid", &["purchase", "subscription"]),
        ("cancelled", cancelled, "customer.subscription.deleted", &["purchase", "subscription"]),
        ("refunded", refunded, "charge.refunded", &["purchase", "refund"]),
        ("disputed", disputed, "charge.dispute.funds_withdrawn", &["purchase", "dispute"]),
    ] {
        let deliver = async |world: &World, functions: &Functions| {
            let event =
                world.pending_events.get_or_init(|| change(world)).iter().find(|event| event.kind() == kind);
            world.deliver(functions, event.unwrap(), NOW).await
        };
        at_every_point(
            name,
            async || World::new("basic_monthly").await,
            async |world, functions| deliver(world, functions).await,
            async |world, point| {
                assert_eq!(deliver(world, &world.functions).await, 200, "{point}");
                assert_eq!(world.kinds().await, expected, "{point}");
            },
        )
        .await;
    }
}
