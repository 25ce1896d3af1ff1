//! Items and payments of unmapped prices: parked, granted once they are mapped, or not about credits.

use scrip_local::{Options, Stack, seed, stack::API_KEY};
use scrip_stripe_model::{CartSpec, Change, Generation, ItemChange, Metadata, PriceSpec, Stripe, server};
use serde_json::{Value, json};

use super::{Buyer, Shop, add_prices, options, prices_with};
use crate::{
    api::credits,
    webhook::{find, recover, time},
};

const NOW: &str = "2026-11-03T09:00:00Z";

/// Adds an item of a price to a subscription, paid at once, and gives that money back.
async fn pays_for_storage(buyer: &Buyer<'_>, subscription: &str, storage: &str, outcome: &str) -> String {
    let add = ItemChange::Add { price: storage.to_owned(), quantity: 1 };
    let change = buyer.stripe.change(subscription, &Change::invoiced(vec![add]));
    let paid = find(&change.events, "invoice.paid");
    assert_eq!(paid.object()["amount_paid"], 200);
    for event in &change.events {
        let is_paid = event.kind() == "invoice.paid";
        let found = buyer.outcome_of(event).await;
        assert!(if is_paid { found == outcome } else { found != "applied" }, "{}: {found}", event.kind());
    }
    let shown = json!({
        "plan": "basic", "plan_status": "active", "paid_through": "2026-12-03T09:00:00Z",
        "balance": credits(1000, 0, 0),
    });
    buyer.shows(NOW, &shown).await;
    let invoice = change.invoice.unwrap();
    buyer.at("2026-11-05T09:00:00Z");
    for event in buyer.stripe.refund_in_dashboard(&invoice, None).unwrap().1 {
        let outcome = buyer.outcome_of(&event).await;
        assert_ne!(outcome, "applied", "{}", event.kind());
    }
    buyer.shows("2026-11-05T09:00:00Z", &shown).await;
    assert_eq!(buyer.kinds().await, ["purchase"]);
    invoice
}

/// Case 19, while the other item is not mapped.
#[tokio::test]
async fn an_unknown_second_item_leaves_the_plan_alone() {
    for generation in Generation::EVERY {
        for is_plan_mapped in [true, false] {
            let buyer = Buyer::new(generation, NOW);
            let unmapped = buyer.stripe.add_price(&PriceSpec::monthly(1900));
            let mut cart = buyer.plan(&[(if is_plan_mapped { "basic_monthly" } else { &unmapped }, 1)]);
            cart.payment_metadata.insert("sku".to_owned(), "basic_monthly".to_owned());
            let subscription = buyer.buy(&cart).await.subscription.unwrap();
            let storage = buyer.stripe.add_price(&PriceSpec::monthly(200));
            let invoice = pays_for_storage(&buyer, &subscription, &storage, "parked").await;
            let parked = seed::ledger(buyer.stack).parked(&invoice).await.unwrap();
            assert!(parked.unwrap().reason.contains(&storage), "{generation:?}");
            assert_eq!(buyer.balance("2026-12-01T00:00:00Z").await, credits(1000, 0, 0));
        }
    }
}

/// Case 19, once the configuration says that the other item is not about credits.
#[tokio::test]
async fn an_item_that_is_mapped_to_null_raises_no_alarm() {
    let now = time(NOW);
    let stripe = Stripe::new("storage", Generation::Dahlia, now);
    add_prices(&stripe);
    let storage = stripe.add_price(&PriceSpec::monthly(200));
    let listener = server::loopback(0).await.unwrap();
    let provider = stripe.serve(listener, API_KEY).unwrap();
    let parameters = prices_with(&[(&storage, Value::Null)]);
    let stack = Stack::start(Options { parameters, ..options(&provider) }).await.unwrap();
    let shop = Shop { stack, stripe, provider };
    let buyer = shop.buyer("storing");
    let mut cart = buyer.plan(&[("basic_monthly", 1)]);
    cart.payment_metadata.insert("sku".to_owned(), "basic_monthly".to_owned());
    let subscription = buyer.buy(&cart).await.subscription.unwrap();
    // The record keeps which invoices were read, so that they aren't read again.
    let add = ItemChange::Add { price: storage, quantity: 1 };
    let change = buyer.stripe.change(&subscription, &Change::invoiced(vec![add]));
    buyer.settle(&change.events).await;
    buyer.at("2026-11-05T09:00:00Z");
    let invoice = change.invoice.unwrap();
    buyer.settle(&buyer.stripe.refund_in_dashboard(&invoice, None).unwrap().1).await;
    let shown = json!({
        "plan": "basic", "plan_status": "active", "paid_through": "2026-12-03T09:00:00Z",
        "balance": credits(1000, 0, 0),
    });
    buyer.shows("2026-11-05T09:00:00Z", &shown).await;
    assert_eq!(buyer.kinds().await, ["purchase"]);
    assert!(seed::ledger(&shop.stack).parked(&invoice).await.unwrap().is_none());
    let logs = shop.stack.logs().of("purchase-webhook");
    assert!(!logs.iter().any(|line| line.contains("ParkedEvents")), "{logs:?}");
    // The renewal has both items.
    buyer.settle(&buyer.stripe.renew(&subscription).events).await;
    buyer.shows("2027-01-01T00:00:00Z", &json!({"plan": "basic", "balance": credits(1000, 0, 0)})).await;
    shop.close().await;
}

/// Case 21: an unmapped price, on a plan whose session alone names the account.
#[tokio::test]
async fn what_is_parked_is_granted_once_its_price_has_a_sku() {
    for generation in Generation::EVERY {
        for invoice_first in [true, false] {
            let buyer = Buyer::new(generation, NOW);
            let price = buyer.stripe.add_price(&PriceSpec::annual(19900));
            let mut cart = buyer.plan(&[(&price, 1)]).referring(&buyer.account);
            (cart.metadata, cart.payment_metadata) = (Metadata::new(), Metadata::new());
            let receipt = buyer.stripe.checkout(&cart);
            let mut events =
                ["invoice.paid", "checkout.session.completed"].map(|kind| find(&receipt.events, kind));
            if !invoice_first {
                events.reverse();
            }
            for event in &events {
                assert_eq!(buyer.outcome_of(event).await, "parked", "{generation:?} {}", event.kind());
            }
            assert_eq!(buyer.balance(NOW).await, credits(0, 0, 0));
            buyer.stripe.edit_price(&price, Some("basic_annual"), &Metadata::new());
            let command = json!({"object_id": receipt.subscription});
            let trial = recover(&json!({"object_id": receipt.subscription, "dry_run": true}), NOW).await;
            assert_eq!((&trial["applied"], &buyer.balance(NOW).await), (&json!(1), &credits(0, 0, 0)));
            let done = recover(&command, NOW).await;
            assert_eq!((&done["applied"], &done["parked"]), (&json!(1), &json!(0)), "{done}");
            let shown = json!({"plan": "basic", "paid_through": "2027-11-03T09:00:00Z", "balance": credits(1000, 0, 0)});
            buyer.shows(NOW, &shown).await;
            assert!(seed::ledger(buyer.stack).parked(&receipt.invoice.unwrap()).await.unwrap().is_none());
            assert_eq!(recover(&command, NOW).await["applied"], 0);
            for event in &events {
                assert_eq!(buyer.outcome_of(event).await, "unchanged");
            }
            assert_eq!(buyer.kinds().await, ["purchase"]);
        }
    }
}

/// Lets a cart be parked, maps its prices by a deployment, and runs the command for everything that is parked (case 21).
async fn is_granted_once_mapped(
    seed: &str,
    cart: impl FnOnce(&Buyer<'_>, &str, &str) -> CartSpec,
    before: Value,
    after: Value,
) {
    let shop = Shop::open(seed, Generation::Basil, NOW).await;
    let plan = shop.stripe.add_price(&PriceSpec::annual(19900));
    let pack = shop.stripe.add_price(&PriceSpec::once(900));
    let buyer = shop.buyer("parking");
    let receipt = shop.stripe.checkout(&cart(&buyer, &plan, &pack));
    let mut parked = 0;
    for kind in ["invoice.paid", "checkout.session.completed"] {
        let Some(event) = receipt.events.iter().find(|event| event.kind() == kind) else { continue };
        let outcome = buyer.outcome_of(event).await;
        // A partly recorded purchase isn't looked at again.
        assert!(outcome == "parked" || (parked > 0 && outcome == "unchanged"), "{kind}: {outcome}");
        parked += usize::from(outcome == "parked");
    }
    assert_eq!(buyer.balance(NOW).await, before);
    let logs = shop.stack.logs().of("purchase-webhook");
    assert_eq!(logs.iter().filter(|line| line.contains("\"ParkedEvents\":1")).count(), parked, "{logs:?}");

    let parameters = prices_with(&[(&plan, json!("basic_annual")), (&pack, json!("tune_pack"))]);
    let database_url = Some(shop.stack.database_url().to_owned());
    let deployed =
        Stack::start(Options { parameters, database_url, ..options(&shop.provider) }).await.unwrap();
    let run = async || {
        let done = deployed.recover(&json!({"parked": true}), time(NOW)).await.unwrap();
        assert_eq!((&done["parked"], &done["failed"]), (&json!(0), &json!(0)), "{done}");
        (done["looked_at"].as_u64().unwrap(), done["applied"].as_u64().unwrap())
    };
    assert_eq!(run().await, (1, 1));
    assert_eq!(buyer.balance(NOW).await, after);
    assert_eq!(run().await, (0, 0));
    deployed.stop().await;
    shop.close().await;
}

#[tokio::test]
async fn a_parked_plan_is_granted_once_its_price_is_mapped() {
    let cart = |buyer: &Buyer<'_>, plan: &str, _: &str| {
        let cart = buyer.plan(&[(plan, 1)]).referring(&buyer.account);
        CartSpec { metadata: Metadata::new(), payment_metadata: Metadata::new(), ..cart }
    };
    is_granted_once_mapped("mapped plan", cart, credits(0, 0, 0), credits(1000, 0, 0)).await;
}

#[tokio::test]
async fn a_parked_pack_is_granted_once_its_price_is_mapped() {
    let cart = |buyer: &Buyer<'_>, _: &str, pack: &str| buyer.once(&[(pack, 2)]);
    is_granted_once_mapped("mapped pack", cart, credits(0, 0, 0), credits(0, 2, 128)).await;
}

/// The known lines of a cart are granted at once, and the rest later.
#[tokio::test]
async fn the_parked_rest_of_packs_is_granted_once_its_price_is_mapped() {
    let cart = |buyer: &Buyer<'_>, _: &str, pack: &str| buyer.once(&[(pack, 2), ("avatar_pack", 1)]);
    is_granted_once_mapped("mapped rest", cart, credits(0, 0, 104), credits(0, 2, 232)).await;
}

#[tokio::test]
async fn the_parked_rest_of_a_plan_is_granted_once_its_price_is_mapped() {
    let cart = |buyer: &Buyer<'_>, _: &str, pack: &str| buyer.plan(&[("basic_monthly", 1), (pack, 2)]);
    is_granted_once_mapped("mapped rest of a plan", cart, credits(1000, 0, 0), credits(1000, 2, 128)).await;
}

/// Of an account that is known: by its subscription, its customer, or the invoice's own metadata.
#[tokio::test]
async fn a_paid_invoice_without_a_line_that_grants_is_parked() {
    for generation in Generation::EVERY {
        let other = |buyer: &Buyer<'_>| buyer.stripe.add_price(&PriceSpec::once(700));
        for how in ["subscription", "customer", "metadata"] {
            let buyer = Buyer::new(generation, NOW);
            let subscription = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await.subscription.unwrap();
            let (invoice, events) = if how == "subscription" {
                let price = buyer.stripe.add_price(&PriceSpec::monthly(700));
                let add = ItemChange::Add { price, quantity: 1 };
                let change = buyer.stripe.change(&subscription, &Change::invoiced(vec![add]));
                (change.invoice.unwrap(), change.events)
            } else {
                let mut cart = CartSpec::payment(&buyer.account, &[(other(&buyer).as_str(), 1)]);
                if how == "metadata" {
                    cart = CartSpec { account: None, ..cart };
                    cart.invoice_metadata.insert("account_id".to_owned(), buyer.account.clone());
                }
                let invoice = buyer.stripe.send_invoice(&cart).invoice.unwrap();
                let events = buyer.stripe.pay_invoice(&invoice).events;
                (invoice, events)
            };
            let paid = find(&events, "invoice.paid");
            assert_eq!(buyer.outcome_of(&paid).await, "parked", "{generation:?} {how}");
            assert_eq!(buyer.balance(NOW).await, credits(1000, 0, 0), "{generation:?} {how}");
            assert_eq!(buyer.kinds().await, ["purchase"], "{generation:?} {how}");
            let ledger = seed::ledger(buyer.stack);
            let by_payment = events.iter().find(|event| event.kind() == "payment_intent.succeeded");
            let payment = by_payment.map(|event| event.object()["id"].as_str().unwrap().to_owned());
            let mut parked = ledger.parked(&invoice).await.unwrap();
            if let (None, Some(payment)) = (&parked, &payment) {
                parked = ledger.parked(payment).await.unwrap();
            }
            let parked = parked.unwrap_or_else(|| panic!("{generation:?} {how}"));
            assert_eq!(parked.account_id.map(|id| id.to_string()), Some(buyer.account.clone()), "{how}");
        }
    }
}
