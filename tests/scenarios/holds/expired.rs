//! A hold that is neither captured nor released is over at its `expires_at`: each read counts it in, and the next write
//! makes its entry.

use serde_json::{Value, json};

use super::{EXPIRY, LAST_MOMENT, NOW, four, images, kinds_after, newest, owner};
use crate::api::{credits, enhance};

/// One millisecond after it is over.
const AFTER: &str = "2026-11-22T10:15:00.001Z";
const MUCH_LATER: &str = "2026-11-29T00:00:00Z";

#[tokio::test]
async fn each_read_counts_an_expired_hold_in_from_its_moment_on() {
    let mut api = owner(&["basic_monthly"]).await;
    api.debit("d", &enhance(92)).await.is(201);
    api.hold("h", &json!({"operation": "face_enhance", "images": 100})).await.is(201);
    let none = credits(0, 0, 0);
    let entries = api.statement().await;
    // When -> the balance, what is held, the hold's status, what came back, and whether 900 more can be paid for.
    for (at, balance, held, status, returned, is_affordable) in [
        (NOW, 808, 100, "held", 0, false),
        (LAST_MOMENT, 808, 100, "held", 0, false),
        (EXPIRY, 908, 0, "expired", 100, true),
        (AFTER, 908, 0, "expired", 100, true),
        (MUCH_LATER, 908, 0, "expired", 100, true),
    ] {
        api = api.at(at);
        let balance = credits(balance, 0, 0);
        assert_eq!(api.balance_and_held().await, (balance.clone(), credits(held, 0, 0)), "{at}");
        let big =
            json!({"operation": "text_to_image", "width": 1024, "height": 1024, "steps": 150, "images": 90});
        let quote = api.quote(&big).await;
        let quoted = (&quote.is(200).json["balance"], &quote.json["affordable"]);
        assert_eq!(quoted, (&balance, &json!(is_affordable)), "{at}");
        let hold = api.held_work("h").await;
        let shown = (&hold.is(200).json["status"], &hold.json["returned"], &hold.json["captured"]);
        assert_eq!(shown, (&json!(status), &credits(returned, 0, 0), &none), "{at}");
        assert_eq!(api.statement().await, entries, "a read writes nothing");
    }
}

#[tokio::test]
async fn the_next_write_makes_the_entry_of_an_expired_hold() {
    for (write, kind) in
        [("debit", "debit"), ("hold", "hold"), ("release", "release"), ("reverse", "reversal")]
    {
        let mut api = owner(&["basic_monthly"]).await;
        api.debit("d", &enhance(100)).await.is(201);
        api.hold("h", &four()).await.is(201);
        let other = json!({"operation": "face_enhance", "images": 3, "expires_in": 86_400});
        api.hold("other", &other).await.is(201);
        let before = api.statement().await;
        api = api.at(AFTER);
        match write {
            "debit" => api.debit("next", &enhance(1)).await.is(201).status,
            "hold" => api.hold("next", &enhance(1)).await.is(201).status,
            "release" => api.release("other").await.is(200).status,
            _ => api.reverse("d", "next", &json!({"credits": credits(1, 0, 0)})).await.is(201).status,
        };
        assert_eq!(kinds_after(&api, before.len()).await, ["release", kind], "{write}");
        let hold = &before[2];
        let balance = before.last().unwrap()["balance"]["playground"].as_i64().unwrap() + 8;
        let entry = json!({
            "sequence": 5, "kind": "release", "credits": credits(8, 0, 0), "balance": credits(balance, 0, 0),
            "at": AFTER, "reference": hold["sequence"].to_string(), "hold_sequence": hold["sequence"],
            "offset": credits(0, 0, 0), "expired": true,
        });
        assert_eq!(api.statement().await[4], entry, "{write}");
        // It is over once: the next write makes no second entry.
        api.debit("last", &enhance(1)).await.is(201);
        assert_eq!(newest(&api).await["sequence"], 7, "{write}");
        assert_eq!(api.held_work("h").await.is(200).json["status"], "expired", "{write}");
    }
}

#[tokio::test]
async fn an_expired_hold_is_not_captured_nor_released() {
    for (at, is_over) in [(LAST_MOMENT, false), (EXPIRY, true), (AFTER, true), (MUCH_LATER, true)] {
        let mut api = owner(&["basic_monthly"]).await;
        for key in ["capture", "part", "release"] {
            api.hold(key, &four()).await.is(201);
        }
        api = api.at(at);
        let replies = [
            api.capture("capture", &json!({})).await,
            api.capture("part", &images(3)).await,
            api.release("release").await,
        ];
        for reply in &replies {
            if is_over {
                reply.is_problem(409, "hold_expired");
                assert_eq!(reply.json["expired_at"], EXPIRY, "{at}");
            } else {
                reply.is(200);
            }
        }
        let left = if is_over { 1000 } else { 1000 - 8 - 6 };
        assert_eq!(api.balance_and_held().await, (credits(left, 0, 0), credits(0, 0, 0)), "{at}");
        if is_over {
            // It is over before what it holds is looked at, and stays so once its entry is made.
            api.capture("part", &images(9)).await.is_problem(409, "hold_expired");
            api.debit("d", &enhance(1)).await.is(201);
            api.capture("part", &images(3)).await.is_problem(409, "hold_expired");
            api.release("release").await.is_problem(409, "hold_expired");
            api.reverse("part", "r", &json!({})).await.is_problem(404, "debit_not_found");
        }
    }
}

#[tokio::test]
async fn each_hold_ends_at_its_own_moment() {
    let mut api = owner(&["basic_monthly"]).await;
    for (key, seconds) in [("long", 180), ("short", 60), ("middle", 120), ("as-long", 180)] {
        let work = json!({"operation": "face_enhance", "images": 10, "expires_in": seconds});
        api.hold(key, &work).await.is(201);
    }
    for (at, held) in [
        ("2026-11-22T10:00:59.999Z", 40),
        ("2026-11-22T10:01:00Z", 30),
        ("2026-11-22T10:02:00Z", 20),
        ("2026-11-22T10:02:59.999Z", 20),
        ("2026-11-22T10:03:00Z", 0),
    ] {
        api = api.at(at);
        assert_eq!(api.balance_and_held().await, (credits(1000 - held, 0, 0), credits(held, 0, 0)), "{at}");
    }
    // Their entries come in the order of their moments, those of one moment in the order they were made in.
    api.debit("d", &enhance(1)).await.is(201);
    let references: Vec<Value> =
        api.statement().await.iter().skip(5).map(|entry| entry["reference"].clone()).collect();
    assert_eq!(references, ["3", "4", "2", "5", "d"]);
}
