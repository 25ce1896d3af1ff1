//! Captures: what the work used is taken, and the rest comes back.

use serde_json::{Value, json};

use super::{four, images, newest, owner, prompts};
use crate::api::{credits, enhance};

/// Everything that is sold for credits.
const SKUS: [&str; 3] = ["basic_monthly", "tune_pack", "avatar_pack"];

fn tune() -> Value {
    json!({"operation": "tune_images", "prompts": 3})
}

fn train() -> Value {
    json!({"operation": "train_tune", "prompts": 8, "if_short": "defer"})
}

#[tokio::test]
async fn a_capture_takes_the_credits_of_the_pieces_made_and_gives_the_rest_back() {
    let api = owner(&SKUS).await;
    let big = json!({"operation": "text_to_image", "width": 1024, "height": 1024, "steps": 150, "images": 7});
    let none = credits(0, 0, 0);
    // What is held, the body -> what is captured, what comes back, and the number that was made.
    for (work, body, captured, returned, made) in [
        (four(), json!({}), credits(8, 0, 0), none.clone(), json!(4)),
        (four(), images(4), credits(8, 0, 0), none.clone(), json!(4)),
        (four(), images(3), credits(6, 0, 0), credits(2, 0, 0), json!(3)),
        (four(), images(1), credits(2, 0, 0), credits(6, 0, 0), json!(1)),
        (four(), json!({"images": 2.0}), credits(4, 0, 0), credits(4, 0, 0), json!(2)),
        (enhance(100), images(99), credits(99, 0, 0), credits(1, 0, 0), json!(99)),
        (big, images(3), credits(30, 0, 0), credits(40, 0, 0), json!(3)),
        (json!({"operation": "remove_background"}), images(1), credits(1, 0, 0), none.clone(), json!(1)),
        (tune(), json!({}), credits(0, 0, 24), none.clone(), json!(3)),
        (tune(), prompts(2), credits(0, 0, 16), credits(0, 0, 8), json!(2)),
        (train(), json!({}), credits(0, 1, 64), none.clone(), json!(8)),
    ] {
        let key = format!("{}-{}", api.statement().await.len(), api.account);
        let held = api.hold(&key, &work).await.is(201).json.clone();
        let reply = api.capture(&key, &body).await;
        assert_eq!(reply.is(200).header("idempotent-replayed"), None);
        assert_eq!((reply.header("location"), reply.header("cache-control")), (None, Some("no-store")));
        let mut operation = held["operation"].clone();
        let unit = if operation["prompts"].is_null() { "images" } else { "prompts" };
        operation[unit] = made;
        let sum = |kind: &str| held["balance"][kind].as_i64().unwrap() + returned[kind].as_i64().unwrap();
        let balance = credits(sum("playground"), sum("tune"), sum("tune_image"));
        let sequence = held["sequence"].as_u64().unwrap() + 1;
        let expected = json!({
            "hold_id": key, "account_id": api.account, "status": "captured", "operation": operation,
            "captured": captured, "returned": returned, "offset": none, "balance": balance,
            "sequence": sequence, "created_at": "2026-11-22T10:00:00Z",
        });
        assert_eq!(reply.json, expected, "{work} {body}");
        let entry = json!({
            "sequence": sequence, "kind": "capture", "credits": returned, "balance": balance,
            "at": "2026-11-22T10:00:00Z", "reference": key, "hold_sequence": held["sequence"],
            "operation": operation, "captured": captured, "offset": none,
        });
        assert_eq!(newest(&api).await, entry, "{work} {body}");
        assert_eq!(api.balance_and_held().await, (balance, none.clone()), "{work} {body}");
        // It costs what its part would cost by itself.
        let quote = api.quote(&operation).await;
        assert_eq!(quote.is(200).json["credits"]["playground"], captured["playground"], "{operation}");
        let mut shown = held.clone();
        shown["status"] = json!("captured");
        (shown["captured"], shown["returned"], shown["reversed"]) = (captured, returned, none.clone());
        assert_eq!(api.held_work(&key).await.is(200).json, shown);
    }
}

/// Deferred images aren't held, so they aren't captured.
#[tokio::test]
async fn a_tune_whose_images_wait_is_captured_whole() {
    let api = owner(&["tune_pack"]).await;
    api.debit("images", &json!({"operation": "tune_images", "prompts": 1})).await.is(201);
    assert_eq!(api.hold("h", &train()).await.is(201).json["deferred_images"], 64);
    api.capture("h", &prompts(8)).await.is_problem(422, "exceeds_hold");
    let reply = api.capture("h", &json!({})).await;
    assert_eq!(
        (&reply.is(200).json["captured"], &reply.json["returned"]),
        (&credits(0, 1, 0), &credits(0, 0, 0))
    );
    assert_eq!(api.balance_and_held().await, (credits(0, 0, 56), credits(0, 0, 0)));
}

#[tokio::test]
async fn more_than_is_held_is_refused_and_the_hold_stays_open() {
    let api = owner(&SKUS).await;
    // What is held, the body -> what could be captured in part; nothing of work that is captured whole.
    for (key, work, body, held) in [
        ("a", four(), images(5), images(4)),
        ("b", four(), images(101), images(4)),
        ("c", four(), images(i64::MAX), images(4)),
        ("d", four(), prompts(1), images(4)),
        ("e", tune(), prompts(4), prompts(3)),
        ("f", tune(), images(1), prompts(3)),
        ("g", train(), prompts(8), Value::Null),
        ("h", json!({"operation": "train_tune", "prompts": 0}), prompts(1), Value::Null),
    ] {
        api.hold(key, &work).await.is(201);
        let before = (api.statement().await, api.balance_and_held().await);
        let refused = api.capture(key, &body).await;
        refused.is_problem(422, "exceeds_hold");
        assert_eq!(refused.json["held"], held, "{work} {body}");
        assert_eq!(refused.json.get("held").is_some(), !held.is_null(), "{work} {body}");
        assert_eq!((api.statement().await, api.balance_and_held().await), before, "{work} {body}");
        assert_eq!(api.held_work(key).await.is(200).json["status"], "held");
        // The key of the hold isn't spent: a body that fits is taken.
        api.release(key).await.is(200);
    }
}

#[tokio::test]
async fn a_hold_that_is_not_there_is_not_found() {
    let api = owner(&["basic_monthly"]).await;
    let other = owner(&["basic_monthly"]).await;
    other.hold("theirs", &four()).await.is(201);
    api.debit("debit", &four()).await.is(201);
    api.reverse("debit", "reversal", &json!({})).await.is(201);
    api.hold("refused", &json!({"operation": "train_tune"})).await.is(402);
    let before = api.statement().await;
    let long = "x".repeat(128);
    for id in ["unknown", "theirs", "debit", "reversal", "refused", &long] {
        api.capture(id, &json!({})).await.is_problem(404, "hold_not_found");
        api.capture(id, &images(1)).await.is_problem(404, "hold_not_found");
        api.release(id).await.is_problem(404, "hold_not_found");
        api.held_work(id).await.is_problem(404, "hold_not_found");
    }
    assert_eq!(api.statement().await, before);
}
