//! Debits, through real HTTP and real binaries: taken once, or not at all.

use std::collections::HashSet;

use serde_json::json;

use scrip_local::seed;

use crate::api::{Api, credits, enhance};

#[tokio::test]
async fn a_debit_takes_its_price_and_says_what_is_left() {
    let api = Api::on_plan("standard_monthly").await.at("2027-03-05T06:07:08.250Z");
    let body = json!({"operation": "text_to_image", "width": 768, "height": 512, "steps": 80, "images": 2});
    let reply = api.debit("d-1", &body).await;
    reply.is(201);
    let location = format!("/v1/accounts/{}/debits/d-1", api.account);
    assert_eq!(reply.header("location"), Some(location.as_str()));
    assert_eq!(reply.header("idempotent-replayed"), None);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(
        reply.json,
        json!({
            "debit_id": "d-1", "account_id": api.account, "operation": body, "credits": credits(4, 0, 0),
            "balance": credits(2496, 0, 0), "sequence": 4, "deferred_images": 0,
            "created_at": "2027-03-05T06:07:08.250Z",
        })
    );
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_whatever_happened_since() {
    let api = Api::with_playground(10).await;
    let first = api.debit("all", &enhance(10)).await;
    assert_eq!(first.is(201).json["balance"], credits(0, 0, 0));
    // It emptied the account; then more came and went.
    let again = api.debit("all", &enhance(10)).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(again.text, first.text);
    assert_eq!(again.header("location"), first.header("location"));
    api.buy("standard_monthly").await;
    api.debit("more", &enhance(3)).await.is(201);
    // Written otherwise, it is the same request still.
    let spelled = json!({"images": 10, "operation": "face_enhance"});
    assert_eq!(api.debit("all", &spelled).await.text, first.text);
    assert_eq!(api.statement().await.iter().filter(|entry| entry["reference"] == "all").count(), 1);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let api = Api::with_playground(10).await;
    api.debit("k", &enhance(10)).await.is(201);
    api.debit("k", &enhance(9)).await.is_problem(422, "idempotency_key_reused");
    // Also where the other request would be refused, is free, or names a price.
    api.debit("k", &json!({"operation": "tune_images", "prompts": 100}))
        .await
        .is_problem(422, "idempotency_key_reused");
    api.debit("k", &json!({"operation": "download"})).await.is_problem(422, "idempotency_key_reused");
    let named = json!({"operation": "face_enhance", "images": 10, "expected_credits": credits(10, 0, 0)});
    api.debit("k", &named).await.is_problem(422, "idempotency_key_reused");
    // Another account's key of the same name is another key.
    let other = Api::with_playground(10).await;
    other.debit("k", &enhance(1)).await.is(201);
}

#[tokio::test]
async fn a_refused_debit_leaves_nothing_and_its_key_works_after_a_top_up() {
    let api = Api::new();
    let body = json!({"operation": "train_tune", "prompts": 8, "if_short": "refuse"});
    let refused = api.debit("t", &body).await;
    refused.is_problem(402, "insufficient_credits");
    assert_eq!(refused.json["required"], credits(0, 1, 64));
    assert_eq!(refused.json["balance"], credits(0, 0, 0));
    assert_eq!(refused.json["shortfall"], credits(0, 1, 64));
    assert_eq!(refused.json["remedies"], json!(["tune_pack"]));
    assert!(api.statement().await.is_empty());
    api.buy("tune_pack").await;
    let taken = api.debit("t", &body).await;
    assert_eq!(taken.is(201).json["balance"], credits(0, 0, 0));
    assert_eq!(taken.header("idempotent-replayed"), None);
}

#[tokio::test]
async fn a_price_that_changed_takes_nothing() {
    let api = Api::with_playground(10).await;
    let expecting =
        |n: i64| json!({"operation": "face_enhance", "images": 2, "expected_credits": credits(n, 0, 0)});
    let refused = api.debit("p", &expecting(1)).await;
    refused.is_problem(409, "price_changed");
    assert_eq!(refused.json["expected_credits"], credits(1, 0, 0));
    assert_eq!(refused.json["current_credits"], credits(2, 0, 0));
    assert_eq!(api.balance().await, credits(10, 0, 0));
    api.debit("p", &expecting(2)).await.is(201);
    assert_eq!(api.balance().await, credits(8, 0, 0));
}

#[tokio::test]
async fn a_download_is_free_and_writes_nothing() {
    let api = Api::with_playground(10).await;
    let before = api.statement().await;
    for _ in 0..2 {
        let reply = api.debit("free", &json!({"operation": "download"})).await;
        assert_eq!(reply.is(201).json["credits"], credits(0, 0, 0));
        assert_eq!(reply.json["balance"], credits(10, 0, 0));
        assert_eq!(reply.json["sequence"], json!(before.len()));
        assert_eq!(reply.header("idempotent-replayed"), None);
    }
    assert_eq!(api.statement().await, before);
    // Nothing was recorded, so the key is free for work that costs.
    api.debit("free", &enhance(1)).await.is(201);
}

#[tokio::test]
async fn a_tune_is_trained_and_its_images_wait() {
    let api = Api::new();
    api.buy("tune_pack").await;
    api.debit("images", &json!({"operation": "tune_images", "prompts": 1})).await.is(201);
    let reply = api.debit("tune", &json!({"operation": "train_tune"})).await;
    assert_eq!(reply.is(201).json["credits"], credits(0, 1, 0));
    assert_eq!(reply.json["deferred_images"], json!(64));
    assert_eq!(reply.json["balance"], credits(0, 0, 56));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_fifty_times_at_once_is_one_debit() {
    let api = std::sync::Arc::new(Api::with_playground(100).await);
    let before = api.statement().await.len();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let api = std::sync::Arc::clone(&api);
            tokio::spawn(async move { api.debit("once", &enhance(7)).await })
        })
        .collect();
    let mut bodies = HashSet::new();
    let mut firsts = 0;
    for call in calls {
        let reply = call.await.unwrap();
        reply.is(201);
        firsts += usize::from(reply.header("idempotent-replayed").is_none());
        bodies.insert(reply.text);
    }
    assert_eq!((bodies.len(), firsts), (1, 1));
    assert_eq!(api.balance().await, credits(93, 0, 0));
    assert_eq!(api.statement().await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_debits_of_one_at_once_on_forty_take_forty() {
    let api = std::sync::Arc::new(Api::with_playground(40).await);
    let calls: Vec<_> = (0..64)
        .map(|number| {
            let api = std::sync::Arc::clone(&api);
            tokio::spawn(async move { api.debit(&format!("one-{number}"), &enhance(1)).await })
        })
        .collect();
    let mut statuses = Vec::new();
    for call in calls {
        let reply = call.await.unwrap();
        if reply.status == 402 {
            reply.is_problem(402, "insufficient_credits");
            // The balance only ever falls by one: a debit is refused only at zero.
            assert_eq!(reply.json["balance"], credits(0, 0, 0));
        }
        statuses.push(reply.status);
    }
    let count = |status: u16| statuses.iter().filter(|&&other| other == status).count();
    assert_eq!((count(201), count(402)), (40, 24), "{statuses:?}");
    assert_eq!(api.balance().await, credits(0, 0, 0));
    api.statement().await;
}

#[tokio::test]
async fn the_first_debit_of_a_month_spends_its_allowance() {
    let bought = "2026-11-12T10:00:00Z".parse().unwrap();
    let api = Api::new().at("2026-11-30T23:59:59Z");
    api.buy_at("basic_monthly", bought, "2026-12-12T10:00:00Z".parse().unwrap()).await;
    api.debit("november", &enhance(100)).await.is(201);
    let api = api.at("2026-12-01T00:00:01Z");
    let reply = api.debit("december", &enhance(100)).await;
    assert_eq!(reply.is(201).json["balance"], credits(900, 0, 0));
    assert_eq!(reply.json["created_at"], "2026-12-01T00:00:01Z");
    // Its operation names its own entry, not the month's, which were written with it.
    assert_eq!(reply.json["sequence"], 5);
    let again = api.debit("december", &enhance(100)).await;
    assert_eq!((again.status, again.text.as_str()), (201, reply.text.as_str()));
    let rows: Vec<_> = api
        .statement()
        .await
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            (text("kind"), text("reference"), entry["credits"]["playground"].as_i64().unwrap())
        })
        .collect();
    let purchase = seed::purchase_id(&api.account, "basic_monthly").unwrap().to_string();
    let row = |kind: &str, reference: &str, change| (kind.to_owned(), reference.to_owned(), change);
    assert_eq!(
        rows,
        [
            row("purchase", &purchase, 1000),
            row("debit", "november", -100),
            row("expiry", "2026-11", -900),
            row("refill", "2026-12", 1000),
            row("debit", "december", -100),
        ]
    );
}
