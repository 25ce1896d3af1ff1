//! Money that moves while credits are held. A refund can't take back what is held, so it is owed, and what comes back of
//! the hold pays that first (docs/rules.md, rule 9).

use reqwest::Method;
use scrip_stripe_model::{Generation, Plan};
use serde_json::{Value, json};

use super::Buyer;
use crate::api::{Reply, credits};

const NOW: &str = "2026-11-03T09:00:00Z";
const HELD: &str = "2026-11-04T09:00:00Z";
const GONE: &str = "2026-11-04T10:00:00Z";
const ENDED: &str = "2026-11-04T11:00:00Z";
/// A hold is over by itself.
const EXPIRED: &str = "2026-11-05T09:00:00Z";

/// Holds credits for a day.
async fn hold(buyer: &Buyer<'_>, operation: &Value, at: &str) -> Reply {
    let mut body = operation.clone();
    body["expires_in"] = json!(86_400);
    let hold = |request: reqwest::RequestBuilder| request.header("idempotency-key", "h").json(&body);
    let reply = buyer.call(Method::POST, "/holds", at, hold).await;
    reply.is(201);
    reply
}

async fn end(buyer: &Buyer<'_>, how: &str, body: &Value, at: &str) -> Value {
    let path = format!("/holds/h/{how}");
    let reply = buyer.call(Method::POST, &path, at, |request| request.json(body)).await;
    reply.is(200).json.clone()
}

async fn balance_and_held(buyer: &Buyer<'_>, at: &str) -> (Value, Value) {
    let shown = buyer.get("", at).await;
    (shown["balance"].clone(), shown["held"].clone())
}

/// Buys, and returns the purchase's id.
async fn bought(buyer: &Buyer<'_>, sku: &str) -> String {
    let cart = if sku.ends_with("_pack") { buyer.once(&[(sku, 1)]) } else { buyer.plan(&[(sku, 1)]) };
    let receipt = buyer.buy(&cart).await;
    receipt.invoice.or(receipt.payment_intent).unwrap()
}

fn train() -> Value {
    json!({"operation": "train_tune", "prompts": 8, "if_short": "defer"})
}

fn upscale() -> Value {
    json!({"operation": "upscale", "factor": 4, "images": 4})
}

/// What is bought and held, what of its money is revoked and spent, how the hold ends; what comes back of it, what of that
/// pays what is owed, and the balance after it.
type Row = (&'static str, Value, Value, Value, End, Value, Value, Value);

enum End {
    Capture(Value),
    Release,
}
use End::{Capture, Release};

fn rows() -> Vec<Row> {
    let none = || credits(0, 0, 0);
    let (pack, tune) = (credits(0, 1, 64), || json!({"operation": "tune_images", "prompts": 8}));
    vec![
        // A pack that is held whole.
        ("tune_pack", train(), none(), pack.clone(), Release, pack.clone(), pack.clone(), none()),
        ("tune_pack", train(), none(), pack, Capture(json!({})), none(), none(), none()),
        // Its images only.
        (
            "tune_pack",
            tune(),
            credits(0, 1, 0),
            credits(0, 0, 64),
            Capture(json!({"prompts": 3})),
            credits(0, 0, 40),
            credits(0, 0, 40),
            none(),
        ),
        // A plan: 992 of 1000 are there to be revoked.
        (
            "basic_monthly",
            upscale(),
            credits(992, 0, 0),
            credits(8, 0, 0),
            Release,
            credits(8, 0, 0),
            credits(8, 0, 0),
            none(),
        ),
        (
            "basic_monthly",
            upscale(),
            credits(992, 0, 0),
            credits(8, 0, 0),
            Capture(json!({"images": 1})),
            credits(6, 0, 0),
            credits(6, 0, 0),
            none(),
        ),
    ]
}

#[tokio::test]
async fn what_comes_back_of_a_hold_pays_for_the_money_that_went_back() {
    for by_dispute in [false, true] {
        for (sku, work, revoked, spent, how, returned, offset, balance) in rows() {
            let buyer = Buyer::new(Generation::Basil, NOW);
            let purchase = bought(&buyer, sku).await;
            hold(&buyer, &work, HELD).await;
            buyer.at(GONE);
            let events = if by_dispute {
                buyer.stripe.dispute(&purchase).1
            } else {
                buyer.stripe.refund_in_dashboard(&purchase, None).unwrap().1
            };
            buyer.settle(&events).await;
            let sold = buyer.purchases(GONE).await.pop().unwrap();
            assert_eq!((&sold["credits_revoked"], &sold["credits_spent"]), (&revoked, &spent), "{sku}");
            // The hold stays open: its work may be under way.
            assert_eq!(balance_and_held(&buyer, GONE).await.0, credits(0, 0, 0), "{sku}");
            let ended = match &how {
                Capture(body) => end(&buyer, "capture", body, ENDED).await,
                Release => end(&buyer, "release", &json!({}), ENDED).await,
            };
            let came_back = (&ended["returned"], &ended["offset"], &ended["balance"]);
            assert_eq!(came_back, (&returned, &offset, &balance), "{sku} {work}");
            let entry = buyer.entries().await.pop().unwrap();
            assert_eq!((&entry["credits"], &entry["offset"]), (&credits(0, 0, 0), &offset), "{sku} {work}");
            assert_eq!(balance_and_held(&buyer, ENDED).await, (balance, credits(0, 0, 0)), "{sku} {work}");
        }
    }
}

#[tokio::test]
async fn a_hold_that_expires_pays_what_is_owed_as_well() {
    let buyer = Buyer::new(Generation::Basil, NOW);
    let purchase = bought(&buyer, "tune_pack").await;
    hold(&buyer, &train(), HELD).await;
    buyer.at(GONE);
    buyer.settle(&buyer.stripe.refund_in_dashboard(&purchase, None).unwrap().1).await;
    let none = credits(0, 0, 0);
    assert_eq!(balance_and_held(&buyer, "2026-11-05T08:59:59.999Z").await, (none.clone(), credits(0, 1, 64)));
    assert_eq!(balance_and_held(&buyer, EXPIRED).await, (none.clone(), none.clone()));
    // A later purchase pays nothing off, and its write makes the release's entry.
    buyer.at(EXPIRED);
    bought(&buyer, "avatar_pack").await;
    assert_eq!(balance_and_held(&buyer, EXPIRED).await, (credits(0, 0, 104), none.clone()));
    let entries = buyer.entries().await;
    let release = &entries[3];
    assert_eq!((&release["kind"], &release["expired"]), (&json!("release"), &json!(true)));
    assert_eq!((&release["credits"], &release["offset"]), (&none, &credits(0, 1, 64)));
    assert_eq!(buyer.kinds().await, ["purchase", "hold", "refund", "release", "purchase"]);
}

/// The buyer ends neither with both the money and the credits, nor with none of them.
#[tokio::test]
async fn a_dispute_that_is_won_gives_everything_back_whenever_the_hold_ends() {
    let tune = json!({"operation": "tune_images", "prompts": 8});
    for generation in Generation::EVERY {
        for release_first in [true, false] {
            let buyer = Buyer::new(generation, NOW);
            let purchase = bought(&buyer, "tune_pack").await;
            hold(&buyer, &tune, HELD).await;
            buyer.at(GONE);
            let (dispute, events) = buyer.stripe.dispute(&purchase);
            buyer.settle(&events).await;
            if release_first {
                let released = end(&buyer, "release", &json!({}), ENDED).await;
                assert_eq!(released["offset"], credits(0, 0, 64), "{generation:?}");
                assert_eq!(released["balance"], credits(0, 0, 0), "{generation:?}");
            }
            buyer.at("2026-11-04T12:00:00Z");
            buyer.settle(&buyer.stripe.win_dispute(&dispute)).await;
            let at = "2026-11-04T13:00:00Z";
            if !release_first {
                let released = end(&buyer, "release", &json!({}), at).await;
                assert_eq!(released["offset"], credits(0, 0, 0), "{generation:?}");
            }
            let all = (credits(0, 1, 64), credits(0, 0, 0));
            assert_eq!(balance_and_held(&buyer, at).await, all, "{generation:?} {release_first}");
            let sold = buyer.purchases(at).await.pop().unwrap();
            let gone = (&sold["credits_revoked"], &sold["credits_spent"]);
            assert_eq!(gone, (&credits(0, 0, 0), &credits(0, 0, 0)), "{generation:?} {release_first}");
        }
    }
}

/// A captured hold is reversed after the money went back, as a debit is.
#[tokio::test]
async fn a_reversal_of_a_captured_hold_pays_what_is_owed() {
    let buyer = Buyer::new(Generation::Basil, NOW);
    let purchase = bought(&buyer, "tune_pack").await;
    hold(&buyer, &train(), HELD).await;
    end(&buyer, "capture", &json!({}), HELD).await;
    buyer.at(GONE);
    buyer.settle(&buyer.stripe.refund_in_dashboard(&purchase, None).unwrap().1).await;
    let reversal = buyer.reverse("h", ENDED).await;
    assert_eq!((&reversal["credits"], &reversal["offset"]), (&credits(0, 1, 64), &credits(0, 1, 64)));
    assert_eq!(balance_and_held(&buyer, ENDED).await, (credits(0, 0, 0), credits(0, 0, 0)));
}

/// Playground credits that are owed are forgotten at the month's turn, so a hold that outlasts it pays nothing.
#[tokio::test]
async fn a_hold_that_ends_in_the_next_month_pays_nothing_of_a_plan() {
    for (at, offset, balance) in
        [("2026-11-30T23:59:59.999Z", credits(8, 0, 0), 0), ("2026-12-01T00:00:00Z", credits(0, 0, 0), 8)]
    {
        let buyer = Buyer::new(Generation::Basil, NOW);
        let purchase = bought(&buyer, "basic_monthly").await;
        hold(&buyer, &upscale(), "2026-11-30T20:00:00Z").await;
        buyer.at("2026-11-30T21:00:00Z");
        buyer.settle(&buyer.stripe.refund_in_dashboard(&purchase, None).unwrap().1).await;
        let released = end(&buyer, "release", &json!({}), at).await;
        assert_eq!((&released["offset"], &released["balance"]), (&offset, &credits(balance, 0, 0)), "{at}");
    }
}

#[tokio::test]
async fn the_money_back_guarantee_counts_what_is_held_as_spent() {
    let buyer = Buyer::new(Generation::Basil, NOW);
    let purchase = bought(&buyer, "tune_pack").await;
    hold(&buyer, &json!({"operation": "tune_images", "prompts": 8}), HELD).await;
    let refund = buyer.money_back(&purchase, GONE).await;
    let refunded = (&refund.is(200).json["credits_revoked"], &refund.json["credits_spent"]);
    assert_eq!(refunded, (&credits(0, 1, 0), &credits(0, 0, 64)));
    let captured = end(&buyer, "capture", &json!({"prompts": 2}), ENDED).await;
    assert_eq!((&captured["captured"], &captured["returned"]), (&credits(0, 0, 16), &credits(0, 0, 48)));
    assert_eq!((&captured["offset"], &captured["balance"]), (&credits(0, 0, 48), &credits(0, 0, 0)));
}

/// An upgrade grants what the new plan has more, whatever is held; and what is held comes back in full.
#[tokio::test]
async fn an_upgrade_leaves_a_hold_as_it_is() {
    for (how, body, balance) in
        [("release", json!({}), 2500), ("capture", json!({}), 2492), ("capture", json!({"images": 1}), 2498)]
    {
        let buyer = Buyer::new(Generation::Basil, NOW);
        let receipt = buyer.buy(&buyer.plan(&[("basic_monthly", 1)])).await;
        hold(&buyer, &upscale(), HELD).await;
        buyer.at(GONE);
        let plan = Plan::monthly("standard_monthly", 2900);
        buyer.settle(&buyer.stripe.upgrade(&receipt.subscription.unwrap(), &plan).events).await;
        assert_eq!(balance_and_held(&buyer, GONE).await, (credits(2492, 0, 0), credits(8, 0, 0)));
        let ended = end(&buyer, how, &body, ENDED).await;
        assert_eq!((&ended["offset"], &ended["balance"]), (&credits(0, 0, 0), &credits(balance, 0, 0)));
    }
}
