//! Reversals, through real HTTP and real binaries: what failed comes back, never more than was taken.

use std::sync::Arc;

use serde_json::json;

use crate::api::{Api, credits, enhance};

#[tokio::test]
async fn credits_come_back_in_parts_and_never_more_than_was_taken() {
    let api = Api::with_playground(10).await;
    let sequence = api.debit("d", &enhance(10)).await.is(201).json["sequence"].as_u64().unwrap();
    let body = json!({"credits": credits(4, 0, 0), "reason": "4 images failed"});
    let part = api.reverse("d", "r-1", &body).await;
    assert_eq!(part.is(201).json["reversal_id"], "r-1");
    assert_eq!(part.json["debit_id"], "d");
    assert_eq!(part.json["credits"], credits(4, 0, 0));
    assert_eq!(part.json["balance"], credits(4, 0, 0));
    assert_eq!(part.json["sequence"], json!(sequence + 1));

    let over = api.reverse("d", "r-2", &json!({"credits": credits(7, 0, 0)})).await;
    assert_eq!(over.is_problem(409, "exceeds_debit").json["reversible"], credits(6, 0, 0));
    let other_kind = api.reverse("d", "r-2", &json!({"credits": credits(1, 1, 0)})).await;
    other_kind.is_problem(409, "exceeds_debit");

    let rest = api.reverse("d", "r-2", &json!({})).await;
    assert_eq!(rest.is(201).json["credits"], credits(6, 0, 0));
    let nothing = api.reverse("d", "r-3", &json!({})).await;
    assert_eq!(nothing.is_problem(409, "exceeds_debit").json["reversible"], credits(0, 0, 0));
    assert_eq!(api.balance().await, credits(10, 0, 0));

    let entry = api.statement().await.into_iter().find(|entry| entry["reference"] == "r-1").unwrap();
    assert_eq!((&entry["kind"], &entry["debit_id"]), (&json!("reversal"), &json!("d")));
    assert_eq!(entry["reason"], "4 images failed");
}

#[tokio::test]
async fn a_retry_gets_the_first_answer() {
    let api = Api::with_playground(10).await;
    api.debit("d", &enhance(10)).await.is(201);
    let first = api.reverse("d", "r", &json!({})).await;
    api.debit("other", &enhance(10)).await.is(201);
    let again = api.reverse("d", "r", &json!({})).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(again.text, first.text);
    api.reverse("d", "r", &json!({"credits": credits(1, 0, 0)}))
        .await
        .is_problem(422, "idempotency_key_reused");
    // The debit is part of the request.
    api.reverse("other", "r", &json!({})).await.is_problem(422, "idempotency_key_reused");
    // A debit and a reversal may share a key: they are different commands.
    api.reverse("other", "other", &json!({})).await.is(201);
}

/// A job that is tried again under its old key does not run for free.
#[tokio::test]
async fn a_replayed_debit_says_what_came_back_of_it() {
    let api = Api::with_playground(10).await;
    let first = api.debit("d", &enhance(10)).await;
    assert_eq!(first.header("debit-reversed"), None);
    assert_eq!(api.debit("d", &enhance(10)).await.header("debit-reversed"), None);
    for (key, header) in
        [("r-1", "playground=4, tune=0, tune_image=0"), ("r-2", "playground=8, tune=0, tune_image=0")]
    {
        let reversal = api.reverse("d", key, &json!({"credits": credits(4, 0, 0)})).await;
        assert_eq!(reversal.is(201).header("debit-reversed"), None);
        let again = api.debit("d", &enhance(10)).await;
        assert_eq!(
            (again.header("idempotent-replayed"), again.header("debit-reversed")),
            (Some("true"), Some(header))
        );
        assert_eq!(again.text, first.text);
    }
}

#[tokio::test]
async fn a_debit_is_shown_as_it_was_answered_with_what_came_back_since() {
    let api = Api::with_playground(10).await;
    let mut expected = api.debit("d", &enhance(10)).await.is(201).json.clone();
    for (key, back, status) in
        [(None, 0, "taken"), (Some("r-1"), 4, "partly_reversed"), (Some("r-2"), 10, "reversed")]
    {
        if let Some(key) = key {
            let reversal = if key == "r-1" { json!({"credits": credits(4, 0, 0)}) } else { json!({}) };
            api.reverse("d", key, &reversal).await.is(201);
        }
        expected["status"] = json!(status);
        expected["reversed"] = credits(back, 0, 0);
        let location = api.path("/debits/d");
        assert_eq!(api.get(&location).await.is(200).json, expected);
    }
    api.debit("free", &json!({"operation": "download"})).await.is(201);
    for unknown in ["nothing", "free", "r-1"] {
        let location = api.path(&format!("/debits/{unknown}"));
        api.get(&location).await.is_problem(404, "debit_not_found");
    }
}

#[tokio::test]
async fn a_debit_that_is_not_there_is_not_found() {
    let api = Api::with_playground(10).await;
    api.reverse("nothing", "r", &json!({})).await.is_problem(404, "debit_not_found");
    api.debit("free", &json!({"operation": "download"})).await.is(201);
    api.reverse("free", "r", &json!({})).await.is_problem(404, "debit_not_found");
    // Another account's debit isn't there either.
    let other = Api::with_playground(10).await;
    other.debit("mine", &enhance(1)).await.is(201);
    api.reverse("mine", "r", &json!({})).await.is_problem(404, "debit_not_found");
    // Nor is a reversal a debit.
    other.reverse("mine", "back", &json!({})).await.is(201);
    other.reverse("back", "r", &json!({})).await.is_problem(404, "debit_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_reversals_at_once_give_back_what_was_taken() {
    let api = Arc::new(Api::with_playground(10).await);
    api.debit("d", &enhance(10)).await.is(201);
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let api = Arc::clone(&api);
            let body = json!({"credits": credits(1, 0, 0)});
            tokio::spawn(async move { api.reverse("d", &format!("r-{number}"), &body).await.status })
        })
        .collect();
    let mut given = 0;
    for call in calls {
        match call.await.unwrap() {
            201 => given += 1,
            409 => {}
            status => panic!("{status}"),
        }
    }
    assert_eq!(given, 10);
    assert_eq!(api.balance().await, credits(10, 0, 0));
    api.statement().await;
}

#[tokio::test]
async fn credits_of_a_month_that_is_over_come_back_into_this_one() {
    let api = Api::new().at("2026-11-30T23:59:00Z");
    let bought = "2026-11-12T10:00:00Z".parse().unwrap();
    api.buy_at("basic_monthly", bought, "2026-12-12T10:00:00Z".parse().unwrap()).await;
    api.debit("late", &enhance(100)).await.is(201);
    let api = api.at("2026-12-01T00:05:00Z");
    let reply = api.reverse("late", "r", &json!({})).await;
    assert_eq!(reply.is(201).json["balance"], credits(1100, 0, 0));
    let kinds: Vec<_> = api.statement().await.iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["purchase", "debit", "expiry", "refill", "reversal"]);
}

#[tokio::test]
async fn a_debit_that_turned_the_month_is_reversed_like_any_other() {
    let api = Api::new().at("2026-12-01T00:00:01Z");
    let bought = "2026-11-12T10:00:00Z".parse().unwrap();
    api.buy_at("basic_monthly", bought, "2026-12-12T10:00:00Z".parse().unwrap()).await;
    api.debit("december", &enhance(100)).await.is(201);
    let reply = api.reverse("december", "r", &json!({})).await;
    assert_eq!(reply.is(201).json["credits"], credits(100, 0, 0));
    assert_eq!(reply.json["balance"], credits(1000, 0, 0));
}
