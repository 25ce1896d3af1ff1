//! A captured hold is reversed as a debit of what it took, and counted in the usage as one.

use serde_json::{Value, json};

use super::{NOW, four, images, owner};
use crate::api::{Api, credits, enhance};

fn back(playground: i64) -> Value {
    json!({"credits": credits(playground, 0, 0)})
}

#[tokio::test]
async fn what_a_capture_took_comes_back_in_parts_and_never_more() {
    let api = owner(&["basic_monthly"]).await;
    api.hold("h", &four()).await.is(201);
    api.capture("h", &images(3)).await.is(200);
    // Six were captured. The reversal -> what comes back of it and the balance, or what could; and what a replay of the
    // hold says came back so far.
    for (key, body, given, balance, so_far) in [
        ("r-1", back(7), Err(6), 994, None),
        ("r-1", json!({"credits": credits(1, 1, 0)}), Err(6), 994, None),
        ("r-1", back(2), Ok(2), 996, Some("playground=2, tune=0, tune_image=0")),
        ("r-2", back(5), Err(4), 996, Some("playground=2, tune=0, tune_image=0")),
        ("r-2", json!({}), Ok(4), 1000, Some("playground=6, tune=0, tune_image=0")),
        ("r-3", json!({}), Err(0), 1000, Some("playground=6, tune=0, tune_image=0")),
    ] {
        let reply = api.reverse("h", key, &body).await;
        match given {
            Ok(given) => {
                assert_eq!(reply.is(201).json["credits"], credits(given, 0, 0), "{body}");
                assert_eq!(
                    (&reply.json["debit_id"], &reply.json["balance"]),
                    (&json!("h"), &credits(balance, 0, 0))
                );
                let again = api.reverse("h", key, &body).await;
                assert_eq!((&again.text, again.header("idempotent-replayed")), (&reply.text, Some("true")));
            }
            Err(left) => {
                reply.is_problem(409, "exceeds_debit");
                assert_eq!(reply.json["reversible"], credits(left, 0, 0), "{body}");
            }
        }
        assert_eq!(api.balance_and_held().await, (credits(balance, 0, 0), credits(0, 0, 0)), "{body}");
        assert_eq!(api.hold("h", &four()).await.is(201).header("debit-reversed"), so_far, "{body}");
        // The capture's answer stays what it was.
        let capture = api.capture("h", &images(3)).await;
        assert_eq!(
            (&capture.is(200).json["captured"], capture.header("debit-reversed")),
            (&credits(6, 0, 0), None)
        );
    }
    let shown = api.held_work("h").await;
    let shown = (&shown.is(200).json["status"], &shown.json["captured"], &shown.json["reversed"]);
    assert_eq!(shown, (&json!("captured"), &credits(6, 0, 0), &credits(6, 0, 0)));
    let entry = api.statement().await.pop().unwrap();
    assert_eq!((&entry["kind"], &entry["debit_id"]), (&json!("reversal"), &json!("h")));
}

#[tokio::test]
async fn a_hold_that_is_not_captured_is_no_debit() {
    let mut api = owner(&["basic_monthly"]).await;
    for key in ["open", "released", "expires"] {
        api.hold(key, &four()).await.is(201);
    }
    api.release("released").await.is(200);
    for key in ["open", "released", "expires"] {
        api.reverse(key, "r", &json!({})).await.is_problem(404, "debit_not_found");
        api.reverse(key, "r", &back(1)).await.is_problem(404, "debit_not_found");
    }
    api.capture("open", &images(4)).await.is(200);
    api = api.at(super::EXPIRY);
    api.reverse("expires", "r", &json!({})).await.is_problem(404, "debit_not_found");
    // Nothing was recorded: the key works.
    api.reverse("open", "r", &json!({})).await.is(201);
    assert_eq!(api.balance_and_held().await, (credits(1000, 0, 0), credits(0, 0, 0)));
}

/// The rows of a usage: the day or operation, what was spent and given back, and the jobs.
async fn usage(api: &Api, query: &str) -> Vec<(String, Value, Value, u64)> {
    let reply = api.get(&api.path(&format!("/usage?{query}"))).await;
    let rows = reply.is(200).json["rows"].as_array().unwrap().iter();
    let text = |row: &Value| row["day"].as_str().or(row["operation"].as_str()).unwrap().to_owned();
    rows.map(|row| (text(row), row["spent"].clone(), row["returned"].clone(), row["jobs"].as_u64().unwrap()))
        .collect()
}

#[tokio::test]
async fn usage_counts_what_is_captured_on_its_day() {
    let mut api = owner(&["basic_monthly"]).await.at("2026-11-20T23:55:00Z");
    let none = credits(0, 0, 0);
    for key in ["made", "released", "expires"] {
        api.hold(key, &four()).await.is(201);
    }
    api.release("released").await.is(200);
    assert_eq!(usage(&api, "by=day").await, []);
    api = api.at("2026-11-21T00:05:00Z");
    api.capture("made", &images(3)).await.is(200);
    api.debit("d", &enhance(1)).await.is(201);
    api = api.at(NOW);
    api.reverse("made", "r", &back(2)).await.is(201);
    let row = |name: &str, spent, returned, jobs| {
        (name.to_owned(), credits(spent, 0, 0), credits(returned, 0, 0), jobs)
    };
    assert_eq!(usage(&api, "by=day").await, [row("2026-11-21", 7, 0, 2), row("2026-11-22", 0, 2, 0)]);
    let by_operation = [row("face_enhance", 1, 0, 1), row("upscale", 6, 2, 1)];
    assert_eq!(usage(&api, "by=operation").await, by_operation);
    // Reversed credits of a capture before those days count for its operation.
    let day = "from=2026-11-22&to=2026-11-22&by=operation";
    assert_eq!(usage(&api, day).await, [("upscale".to_owned(), none, credits(2, 0, 0), 0)]);
    let csv = api.request(reqwest::Method::GET, &api.path("/usage?from=2026-11-21&to=2026-11-21"));
    let csv = crate::api::send(csv.header("accept", "text/csv")).await;
    assert_eq!(csv.is(200).text.lines().last(), Some("2026-11-21,7,0,0,0,0,0,2"));
}
