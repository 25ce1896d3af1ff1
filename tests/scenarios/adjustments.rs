//! Adjustments, through real HTTP and real binaries: support gives and takes credits, and the ledger says who and why.

use serde_json::{Value, json};

use crate::api::{Api, Reply, credits};

/// Adjusts the account by a token of support's.
async fn adjust(api: &Api, key: &str, body: &Value) -> Reply {
    let mut support = Api::new().with_token("support|ann", &["credits:adjust"]);
    support.account.clone_from(&api.account);
    support.post(&api.path("/adjustments"), Some(key), body).await
}

fn because(change: impl Into<Value>, reason: &str) -> Value {
    json!({"credits": change.into(), "reason": reason})
}

#[tokio::test]
async fn support_gives_and_takes_and_the_ledger_says_who_and_why() {
    let api = Api::with_playground(10).await;
    let goodwill = adjust(&api, "a-1", &because(credits(50, 1, 0), "waited an hour")).await;
    assert_eq!(goodwill.is(201).json["adjustment_id"], "a-1");
    assert_eq!(goodwill.json["credits"], credits(50, 1, 0));
    assert_eq!(goodwill.json["balance"], credits(60, 1, 0));
    let sequence = goodwill.json["sequence"].as_u64().unwrap();
    let correction = adjust(&api, "a-2", &because(credits(-60, -1, 0), "the wrong account")).await;
    assert_eq!(correction.is(201).json["balance"], credits(0, 0, 0));
    assert_eq!(correction.json["sequence"], json!(sequence + 1));

    let statement = api.statement().await;
    let entry = statement.iter().find(|entry| entry["reference"] == "a-1").unwrap();
    assert_eq!((&entry["kind"], &entry["credits"]), (&json!("adjustment"), &credits(50, 1, 0)));
    assert_eq!((&entry["by"], &entry["reason"]), (&json!("support|ann"), &json!("waited an hour")));
}

#[tokio::test]
async fn nothing_falls_below_zero() {
    let api = Api::with_playground(10).await;
    let before = api.statement().await;
    let over = adjust(&api, "a", &because(credits(-11, 0, 0), "too much")).await;
    over.is_problem(409, "insufficient_credits");
    assert_eq!((&over.json["balance"], &over.json["shortfall"]), (&credits(10, 0, 0), &credits(1, 0, 0)));
    // Credits of one kind pay for no other.
    let mixed = adjust(&api, "a", &because(credits(5, -1, 0), "swapped")).await;
    assert_eq!(mixed.is_problem(409, "insufficient_credits").json["shortfall"], credits(0, 1, 0));
    assert_eq!(api.statement().await, before);
    // Nothing was recorded: the key works.
    adjust(&api, "a", &because(credits(-10, 0, 0), "too much")).await.is(201);
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_whoever_asks() {
    let api = Api::with_playground(10).await;
    let first = adjust(&api, "a", &because(credits(-10, 0, 0), "moved")).await;
    let mut colleague = Api::new().with_token("support|bob", &["credits:adjust"]);
    colleague.account.clone_from(&api.account);
    let body = because(credits(-10, 0, 0), "moved");
    let again = colleague.post(&api.path("/adjustments"), Some("a"), &body).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(again.text, first.text);
    for other in [because(credits(-9, 0, 0), "moved"), because(credits(-10, 0, 0), "lost")] {
        adjust(&api, "a", &other).await.is_problem(422, "idempotency_key_reused");
    }
    let entry = api.statement().await.pop().unwrap();
    assert_eq!(entry["by"], "support|ann");
}

#[tokio::test]
async fn bad_adjustments_are_refused() {
    let api = Api::with_playground(10).await;
    let before = api.statement().await.len();
    for body in [
        because(credits(0, 0, 0), "nothing"),
        because(credits(1_000_000_000_001, 0, 0), "too much"),
        because(json!({"playground": 1}), "in part"),
        because(json!({"playground": 1.5, "tune": 0, "tune_image": 0}), "half"),
        because(credits(1, 0, 0), ""),
        because(credits(1, 0, 0), "  "),
        because(credits(1, 0, 0), &"x".repeat(201)),
        json!({"credits": credits(1, 0, 0)}),
        json!({"credits": credits(1, 0, 0), "reason": null}),
        json!({"credits": credits(1, 0, 0), "reason": "x", "by": "support"}),
        json!([]),
    ] {
        adjust(&api, "a", &body).await.is_problem(400, "invalid_request");
    }
    let path = api.path("/adjustments");
    let support = Api::new().with_token("support", &["credits:adjust"]);
    let good = because(credits(1, 0, 0), "goodwill");
    support.post(&path, None, &good).await.is_problem(400, "idempotency_key_required");
    support.post(&path, Some("a b"), &good).await.is_problem(400, "invalid_idempotency_key");
    let to_a_full_one = because(credits(1_000_000_000_000, 0, 0), "much");
    support.post(&path, Some("a"), &to_a_full_one).await.is_problem(409, "balance_limit");
    assert_eq!(api.statement().await.len(), before);
}

/// An account that was never seen has its first entry, and its playground credits expire with the month.
#[tokio::test]
async fn goodwill_for_a_new_account_ends_with_its_month() {
    let api = Api::new().at("2026-11-22T10:00:00Z");
    let mut support = Api::new().with_token("support", &["credits:adjust"]).at("2026-11-22T10:00:00Z");
    support.account.clone_from(&api.account);
    let body = because(credits(5, 0, 3), "welcome");
    support.post(&api.path("/adjustments"), Some("a"), &body).await.is(201);
    assert_eq!(api.balance().await, credits(5, 0, 3));
    let december = api.at("2026-12-01T00:00:00Z");
    assert_eq!(december.balance().await, credits(0, 0, 3));
}
