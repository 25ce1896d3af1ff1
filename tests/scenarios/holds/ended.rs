//! A hold ends once: the answers to further requests after it was captured or released.

use serde_json::{Value, json};

use super::{EXPIRY, NOW, four, images, newest, owner};
use crate::api::{Api, Reply, credits};

/// An end of a hold.
#[derive(Debug, Clone)]
enum End {
    Capture(Value),
    Release,
}
use End::{Capture, Release};

impl End {
    async fn of(&self, api: &Api, hold: &str) -> Reply {
        match self {
            Capture(body) => api.capture(hold, body).await,
            Release => api.release(hold).await,
        }
    }
}

fn all() -> End {
    Capture(json!({}))
}

fn part(count: i64) -> End {
    Capture(images(count))
}

#[tokio::test]
async fn a_hold_ends_once() {
    let mut api = owner(&["basic_monthly"]).await;
    // What ended it -> its status, what it took and what came back; what gets the same answer, and what another.
    for (key, end, status, captured, returned, others) in [
        ("a", all(), "captured", 8, 0, vec![part(4), part(1), part(9), Release]),
        ("b", part(3), "captured", 6, 2, vec![all(), part(2), part(4), part(5), Release]),
        ("c", part(4), "captured", 8, 0, vec![all(), part(3), Release]),
        ("d", Release, "released", 0, 8, vec![all(), part(1), part(9)]),
    ] {
        api = api.at(NOW);
        let (captured, returned) = (credits(captured, 0, 0), credits(returned, 0, 0));
        api.hold(key, &four()).await.is(201);
        let first = end.of(&api, key).await;
        let answer = (&first.is(200).json["status"], &first.json["captured"], &first.json["returned"]);
        assert_eq!(answer, (&json!(status), &captured, &returned), "{end:?}");
        // Also when it would be over by itself, and when its month is.
        for at in [NOW, EXPIRY, "2027-02-01T00:00:00Z"] {
            api = api.at(at);
            let again = end.of(&api, key).await;
            assert_eq!(
                (again.status, again.header("idempotent-replayed")),
                (200, Some("true")),
                "{end:?} {at}"
            );
            assert_eq!(again.text, first.text, "{end:?} {at}");
            for other in &others {
                let refused = other.of(&api, key).await;
                refused.is_problem(409, "hold_settled");
                let came_to =
                    (&refused.json["hold_status"], &refused.json["captured"], &refused.json["returned"]);
                assert_eq!(came_to, (&json!(status), &captured, &returned), "{end:?}, then {other:?} {at}");
            }
            let shown = api.held_work(key).await;
            let shown = (&shown.is(200).json["status"], &shown.json["captured"], &shown.json["returned"]);
            assert_eq!(shown, (&json!(status), &captured, &returned), "{end:?} {at}");
        }
        let ends = api.statement().await.into_iter().filter(|entry| {
            entry["reference"] == key && (entry["kind"] == "capture" || entry["kind"] == "release")
        });
        assert_eq!(ends.count(), 1, "{end:?}");
    }
    // 8, 6 and 8 were captured.
    let api = api.at(NOW);
    assert_eq!(api.balance_and_held().await, (credits(978, 0, 0), credits(0, 0, 0)));
}

#[tokio::test]
async fn a_release_gives_all_of_it_back() {
    let train = json!({"operation": "train_tune", "prompts": 8, "if_short": "defer"});
    for (skus, work, returned) in [
        (&["basic_monthly"][..], four(), credits(8, 0, 0)),
        (&["tune_pack"], train, credits(0, 1, 64)),
        (&["avatar_pack"], json!({"operation": "tune_images", "prompts": 13}), credits(0, 0, 104)),
    ] {
        let api = owner(skus).await;
        let (before, none) = (api.balance().await, credits(0, 0, 0));
        let held = api.hold("h", &work).await.is(201).json.clone();
        let reply = api.release("h").await;
        assert_eq!(reply.is(200).header("idempotent-replayed"), None);
        let expected = json!({
            "hold_id": "h", "account_id": api.account, "status": "released", "captured": none,
            "returned": returned, "offset": none, "balance": before, "sequence": 3, "created_at": NOW,
        });
        assert_eq!(reply.json, expected);
        let entry = json!({
            "sequence": 3, "kind": "release", "credits": returned, "balance": before, "at": NOW, "reference": "h",
            "hold_sequence": held["sequence"], "offset": none,
        });
        assert_eq!(newest(&api).await, entry);
        assert_eq!(api.balance_and_held().await, (before, none.clone()));
        let mut shown = held;
        shown["status"] = json!("released");
        (shown["captured"], shown["returned"], shown["reversed"]) = (none.clone(), returned, none);
        assert_eq!(api.held_work("h").await.is(200).json, shown);
    }
}
