//! Holds, through real HTTP and real binaries: credits are set aside, and come back unless the work is captured
//! (docs/rules.md, Holds and reversals).

mod captured;
mod crowds;
mod ended;
mod expired;
mod months;
mod reversed;

use chrono::{DateTime, Utc};
use scrip_local::docs;
use scrip_pricing::CATALOG;
use serde_json::{Value, json};

use crate::api::{Api, Reply, credits, enhance};

const NOW: &str = "2026-11-22T10:00:00Z";
/// The last millisecond of a hold that is made then, and the moment from which on it is over.
const LAST_MOMENT: &str = "2026-11-22T10:14:59.999Z";
const EXPIRY: &str = "2026-11-22T10:15:00Z";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An account that bought these on the 3rd of November 2026 and is at [`NOW`].
async fn owner(skus: &[&'static str]) -> Api {
    let api = Api::new().at(NOW);
    for sku in skus {
        api.buy_at(sku, time("2026-11-03T09:00:00Z"), time("2027-11-03T09:00:00Z")).await;
    }
    api
}

/// Four images for 8 playground credits.
fn four() -> Value {
    json!({"operation": "upscale", "factor": 4, "images": 4})
}

fn images(count: i64) -> Value {
    json!({"images": count})
}

fn prompts(count: i64) -> Value {
    json!({"prompts": count})
}

/// The newest entry.
async fn newest(api: &Api) -> Value {
    api.statement().await.pop().unwrap()
}

/// The kinds of the entries after so many, oldest first.
async fn kinds_after(api: &Api, count: usize) -> Vec<String> {
    let entries = api.statement().await.into_iter().skip(count);
    entries.map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_hold_sets_its_price_aside() {
    let api = owner(&["basic_monthly"]).await.at("2026-11-22T10:00:00.250Z");
    let reply = api.hold("h", &four()).await;
    let location = api.path("/holds/h");
    assert_eq!(reply.is(201).header("location"), Some(location.as_str()));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("idempotent-replayed"), None);
    let mut made = json!({
        "hold_id": "h", "account_id": api.account, "status": "held", "operation": four(), "credits": credits(8, 0, 0),
        "balance": credits(992, 0, 0), "sequence": 2, "deferred_images": 0,
        "created_at": "2026-11-22T10:00:00.250Z", "expires_at": "2026-11-22T10:15:00.250Z",
    });
    assert_eq!(reply.json, made);
    // It is gone from the balance, wherever that is shown.
    assert_eq!(api.balance_and_held().await, (credits(992, 0, 0), credits(8, 0, 0)));
    assert_eq!(api.quote(&enhance(1)).await.is(200).json["balance"], credits(992, 0, 0));
    let entry = json!({
        "sequence": 2, "kind": "hold", "credits": credits(-8, 0, 0), "balance": credits(992, 0, 0),
        "at": "2026-11-22T10:00:00.250Z", "reference": "h", "operation": four(), "deferred_images": 0,
        "catalog_version": CATALOG.version(), "expires_at": "2026-11-22T10:15:00.250Z",
    });
    assert_eq!(newest(&api).await, entry);
    // The hold that its `Location` names.
    for name in ["captured", "returned", "reversed"] {
        made[name] = credits(0, 0, 0);
    }
    assert_eq!(api.held_work("h").await.is(200).json, made);
}

#[tokio::test]
async fn a_hold_is_priced_as_a_debit_is() {
    let image = json!({"operation": "text_to_image", "width": 768, "height": 512, "steps": 80, "images": 2});
    let train = json!({"operation": "train_tune", "prompts": 8, "if_short": "defer"});
    // What is bought, what is debited before, the work -> what is held, what is left, the images that wait.
    for (skus, before, work, held, left, deferred) in [
        (&["standard_monthly"][..], None, image, credits(4, 0, 0), credits(2496, 0, 0), 0),
        (&["basic_monthly"], None, enhance(100), credits(100, 0, 0), credits(900, 0, 0), 0),
        (
            &["avatar_pack"],
            None,
            json!({"operation": "tune_images", "prompts": 13}),
            credits(0, 0, 104),
            credits(0, 0, 0),
            0,
        ),
        (&["tune_pack"], None, train.clone(), credits(0, 1, 64), credits(0, 0, 0), 0),
        (
            &["tune_pack"],
            Some(json!({"operation": "tune_images", "prompts": 1})),
            train,
            credits(0, 1, 0),
            credits(0, 0, 56),
            64,
        ),
    ] {
        let api = owner(skus).await;
        if let Some(before) = before {
            api.debit("before", &before).await.is(201);
        }
        let quoted = api.quote(&work).await.is(200).json["credits"].clone();
        let reply = api.hold("h", &work).await;
        let shown = (&reply.is(201).json["credits"], &reply.json["balance"], &reply.json["deferred_images"]);
        assert_eq!(shown, (&held, &left, &json!(deferred)), "{work}");
        assert_eq!((quoted, api.balance_and_held().await), (held.clone(), (left, held)), "{work}");
    }
}

#[tokio::test]
async fn a_hold_lasts_from_a_minute_to_a_day() {
    let api = owner(&["basic_monthly"]).await;
    for (seconds, expires_at) in [
        (json!(60), Some("2026-11-22T10:01:00Z")),
        (json!(900.0), Some("2026-11-22T10:15:00Z")),
        (json!(86_400), Some("2026-11-23T10:00:00Z")),
        (json!(59), None),
        (json!(86_401), None),
        (json!(0), None),
        (json!(-60), None),
        (json!(60.5), None),
        (json!("900"), None),
        (Value::Null, None),
        (json!(u64::MAX), None),
    ] {
        let key = format!("for-{seconds}").replace('"', "");
        let body = json!({"operation": "face_enhance", "expires_in": seconds});
        let reply = api.hold(&key, &body).await;
        match expires_at {
            Some(expires_at) => assert_eq!(reply.is(201).json["expires_at"], expires_at, "{seconds}"),
            None => {
                reply.is_problem(400, "invalid_request");
            }
        }
    }
    assert_eq!(api.balance_and_held().await, (credits(997, 0, 0), credits(3, 0, 0)));
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_however_the_hold_ended() {
    let mut api = owner(&["basic_monthly"]).await;
    for (key, end, at, status) in [
        ("open", None, LAST_MOMENT, "held"),
        ("captured", Some("capture"), NOW, "captured"),
        ("released", Some("release"), NOW, "released"),
        ("expired", None, EXPIRY, "expired"),
        ("later", Some("capture"), "2027-06-01T00:00:00Z", "captured"),
    ] {
        api = api.at(NOW);
        let first = api.hold(key, &four()).await;
        assert_eq!(first.is(201).header("idempotent-replayed"), None);
        assert_eq!(first.header("hold-status"), None);
        let entries = api.statement().await.len();
        for body in [four(), json!({"expires_in": 900, "images": 4, "factor": 4.0, "operation": "upscale"})] {
            let again = api.hold(key, &body).await;
            assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")), "{key}");
            assert_eq!((&again.text, again.header("location")), (&first.text, first.header("location")));
        }
        match end {
            Some("capture") => api.capture(key, &json!({})).await.is(200).status,
            Some(_) => api.release(key).await.is(200).status,
            None => 0,
        };
        api = api.at(at);
        let again = api.hold(key, &four()).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")), "{key}");
        // The body has the first answer's status, `held`; the header has the present one.
        assert_eq!((&again.text, again.header("hold-status")), (&first.text, Some(status)), "{key}");
        assert_eq!(again.header("debit-reversed"), None, "{key}");
        assert_eq!(api.statement().await.len(), entries + usize::from(end.is_some()), "{key}");
    }
}

/// Debits and holds share their ids, since a captured hold is reversed by its id as a debit is.
#[tokio::test]
async fn a_key_is_for_one_request_a_debits_or_a_holds() {
    let api = owner(&["basic_monthly"]).await;
    api.hold("h", &four()).await.is(201);
    api.debit("d", &four()).await.is(201);
    let before = api.statement().await;
    let reused = |reply: Reply| {
        reply.is_problem(422, "idempotency_key_reused");
    };
    for other in [
        json!({"operation": "upscale", "factor": 4, "images": 3}),
        json!({"operation": "upscale", "factor": 4, "images": 4, "expires_in": 901}),
        json!({"operation": "upscale", "factor": 4, "images": 4, "expected_credits": credits(8, 0, 0)}),
        // Also those that would be refused.
        json!({"operation": "tune_images", "prompts": 100}),
        json!({"operation": "download"}),
    ] {
        reused(api.hold("h", &other).await);
    }
    for body in [four(), enhance(1), json!({"operation": "download"})] {
        reused(api.debit("h", &body).await);
    }
    for body in [four(), enhance(1)] {
        reused(api.hold("d", &body).await);
    }
    api.held_work("d").await.is_problem(404, "hold_not_found");
    api.get(&api.path("/debits/h")).await.is_problem(404, "debit_not_found");
    assert_eq!(api.statement().await, before);
    // A reversal's key and another account's are other keys.
    api.reverse("d", "h", &json!({})).await.is(201);
    let other = owner(&["basic_monthly"]).await;
    other.hold("h", &enhance(1)).await.is(201);
}

#[tokio::test]
async fn a_refused_hold_leaves_nothing_and_its_key_works_after_a_top_up() {
    let api = owner(&[]).await;
    let work = json!({"operation": "train_tune", "prompts": 8, "if_short": "refuse"});
    let refused = api.hold("h", &work).await;
    refused.is_problem(402, "insufficient_credits");
    assert_eq!(refused.json["required"], credits(0, 1, 64));
    assert_eq!(refused.json["balance"], credits(0, 0, 0));
    assert_eq!(refused.json["shortfall"], credits(0, 1, 64));
    assert_eq!(refused.json["remedies"], json!(["tune_pack"]));
    let expecting = |playground| json!({"operation": "upscale", "factor": 4, "expected_credits": credits(playground, 0, 0)});
    let changed = api.hold("h", &expecting(1)).await;
    changed.is_problem(409, "price_changed");
    let prices = (&changed.json["expected_credits"], &changed.json["current_credits"]);
    assert_eq!(prices, (&credits(1, 0, 0), &credits(2, 0, 0)));
    for range in [json!({"operation": "upscale", "factor": 3}), enhance(101), enhance(0)] {
        api.hold("h", &range).await.is_problem(422, "unsupported_operation");
    }
    assert!(api.statement().await.is_empty());
    api.held_work("h").await.is_problem(404, "hold_not_found");
    api.buy_at("tune_pack", time(NOW), time(NOW)).await;
    let made = api.hold("h", &work).await;
    assert_eq!(
        (made.is(201).header("idempotent-replayed"), &made.json["balance"]),
        (None, &credits(0, 0, 0))
    );
    // As a price that is as it was expected to be.
    let api = owner(&["basic_monthly"]).await;
    assert_eq!(api.hold("h", &expecting(2)).await.is(201).json["credits"], credits(2, 0, 0));
}

#[tokio::test]
async fn what_is_free_is_not_held() {
    let api = owner(&["basic_monthly"]).await;
    for body in [json!({"operation": "download"}), json!({"operation": "download", "expires_in": 60})] {
        let refused = api.hold("h", &body).await;
        refused.is_problem(422, "unsupported_operation");
        let answers = &docs::document()["paths"]["/v1/accounts/{account_id}/holds"]["post"]["responses"];
        let shown = &answers["422"]["content"]["application/problem+json"]["examples"]["free"]["value"];
        assert_eq!(&refused.json, shown);
    }
    assert_eq!(kinds_after(&api, 0).await, ["purchase"]);
    // Nothing was recorded, so the key is free for work that costs.
    api.hold("h", &enhance(1)).await.is(201);
}

#[tokio::test]
async fn an_account_has_sixteen_open_holds_at_most() {
    let mut api = owner(&["basic_monthly"]).await;
    for number in 1..=16 {
        api.hold(&format!("h-{number}"), &four()).await.is(201);
    }
    let full = (credits(872, 0, 0), credits(128, 0, 0));
    assert_eq!(api.balance_and_held().await, full);
    let refused = api.hold("h-17", &four()).await;
    assert_eq!(refused.is_problem(409, "too_many_holds").json["open_holds_max"], 16);
    // A price or balance that is too low is refused only if there is room.
    let big = json!({"operation": "tune_images", "prompts": 100});
    api.hold("h-17", &big).await.is_problem(409, "too_many_holds");
    assert_eq!(api.balance_and_held().await, full);
    // An earlier one is replayed, and a debit isn't limited by holds.
    assert_eq!(api.hold("h-16", &four()).await.is(201).header("idempotent-replayed"), Some("true"));
    api.debit("d", &enhance(2)).await.is(201);
    // Each end of a hold makes room for one.
    for (end, number) in [("capture", 17), ("release", 18)] {
        match end {
            "capture" => api.capture("h-1", &json!({})).await.is(200).status,
            _ => api.release("h-2").await.is(200).status,
        };
        api.hold(&format!("h-{number}"), &four()).await.is(201);
        api.hold("one-more", &four()).await.is_problem(409, "too_many_holds");
    }
    // Those that expire make room in the same write.
    let before = api.statement().await.len();
    api = api.at(LAST_MOMENT);
    api.hold("one-more", &four()).await.is_problem(409, "too_many_holds");
    api = api.at(EXPIRY);
    api.hold("one-more", &four()).await.is(201);
    let mut expected = vec!["release"; 16];
    expected.push("hold");
    assert_eq!(kinds_after(&api, before).await, expected);
    // Two credits were debited and eight captured.
    assert_eq!(api.balance_and_held().await, (credits(982, 0, 0), credits(8, 0, 0)));
}
