//! While a version is deployed, functions of the code before and of this code serve the same accounts: the code before
//! writes an operation's row and its entry in one transaction, this code claims and then appends.
//!
//! What one of them carried out, neither carries out again. A key that this code claimed is an error to the code before,
//! which takes nothing for it; this code answers the next request with that key.

use std::{collections::BTreeMap, sync::Arc};

use fastrand::Rng;
use scrip_local::{clock, event::GatewayRequest, seed};
use scrip_peers::before::Debits;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api::{Api, credits, enhance};

/// An account, served by both.
struct Fleet {
    api: Api,
    before: Debits,
}

impl Fleet {
    async fn with_playground(credits: usize) -> Self {
        let api = Api::with_playground(credits).await;
        let config = seed::aws_config(api.stack.database_url());
        let before = Debits::new(&config, api.stack.table_name());
        Self { api, before }
    }

    /// Asks the code before for a debit: status, whether it is a replay, and body.
    async fn ask_before(&self, key: &str, images: usize) -> (u16, bool, Value) {
        let claims = json!({"sub": self.api.account, "scope": "credits:debit"});
        let request = GatewayRequest {
            route_key: "POST /v1/accounts/{account_id}/debits",
            path: "/",
            path_parameters: BTreeMap::from([("account_id".to_owned(), self.api.account.clone())]),
            claims: claims.as_object(),
            scoped: true,
            request_id: "request",
            received_at: clock::now(),
        };
        let head = http::Request::post("/").header("content-type", "application/json");
        let head = head.header("idempotency-key", key).body(()).unwrap().into_parts().0;
        let request = request.request(&head, enhance(images).to_string().as_bytes());
        let answer = self.before.handle(request).await;
        let is_replay = answer.headers().contains_key("idempotent-replayed");
        (answer.status().as_u16(), is_replay, serde_json::from_slice(answer.body()).unwrap())
    }

    /// Asks this code.
    async fn ask(&self, key: &str, images: usize) -> (u16, bool, Value) {
        let reply = self.api.debit(key, &enhance(images)).await;
        (reply.status, reply.header("idempotent-replayed").is_some(), reply.json)
    }
}

#[tokio::test]
async fn what_the_code_before_took_this_code_replays() {
    let fleet = Fleet::with_playground(10).await;
    let (status, is_replay, first) = fleet.ask_before("d", 4).await;
    assert_eq!((status, is_replay), (201, false), "{first}");
    assert_eq!(fleet.ask("d", 4).await, (201, true, first.clone()));
    let (status, _, problem) = fleet.ask("d", 5).await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_key_reused")));
    // It is reversed like any other, and its row still answers the code before.
    fleet.api.reverse("d", "r-1", &json!({"credits": credits(1, 0, 0)})).await.is(201);
    assert_eq!(fleet.ask_before("d", 4).await, (201, true, first.clone()));
    let rest = fleet.api.reverse("d", "r-2", &json!({})).await;
    assert_eq!(rest.is(201).json["credits"], credits(3, 0, 0));
    let shown = fleet.api.get(&fleet.api.path("/debits/d")).await;
    assert_eq!(shown.is(200).json["status"], "reversed");
    assert_eq!(fleet.ask("d", 4).await, (201, true, first));
    assert_eq!(fleet.api.balance().await, credits(10, 0, 0));
}

#[tokio::test]
async fn what_this_code_took_the_code_before_does_not_take_again() {
    let fleet = Fleet::with_playground(10).await;
    let (status, _, first) = fleet.ask("d", 4).await;
    assert_eq!(status, 201, "{first}");
    let (status, _, problem) = fleet.ask_before("d", 4).await;
    assert_eq!((status, &problem["code"]), (500, &json!("internal")));
    assert_eq!(fleet.ask("d", 4).await, (201, true, first));
    assert_eq!(fleet.api.balance().await, credits(6, 0, 0));
    // Its entry is the newest that the code before goes on from.
    let (status, _, next) = fleet.ask_before("next", 1).await;
    assert_eq!((status, &next["balance"]), (201, &credits(5, 0, 0)));
}

/// Each key is asked for by several callers at once, and each asks again until it is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_at_once_take_each_debit_once() {
    const KEYS: i32 = 24;
    const CALLERS: i32 = 3;
    let fleet = Arc::new(Fleet::with_playground(100).await);
    let mut calls = JoinSet::new();
    for number in 0..KEYS * CALLERS {
        let (fleet, key) = (Arc::clone(&fleet), format!("d-{}", number % KEYS));
        calls.spawn(async move {
            let mut rng = Rng::with_seed(u64::from(number.unsigned_abs()));
            for _ in 0..100 {
                let is_before = rng.bool();
                let (status, _, body) =
                    if is_before { fleet.ask_before(&key, 1).await } else { fleet.ask(&key, 1).await };
                match status {
                    201 => return (key, body),
                    // A key that this code claimed, or a busy account.
                    500 if is_before => {}
                    503 => {}
                    status => panic!("{status}: {body}"),
                }
            }
            panic!("{key} was never answered")
        });
    }
    let mut answers: BTreeMap<String, Value> = BTreeMap::new();
    while let Some(call) = calls.join_next().await {
        let (key, body) = call.unwrap();
        let first = answers.entry(key).or_insert_with(|| body.clone());
        assert_eq!(*first, body);
    }
    assert_eq!(i32::try_from(answers.len()), Ok(KEYS));
    assert_eq!(fleet.api.balance().await, credits(i64::from(100 - KEYS), 0, 0));
    let entries = fleet.api.statement().await;
    let taken = entries.iter().filter(|entry| entry["reference"].as_str().unwrap().starts_with("d-"));
    assert_eq!(i32::try_from(taken.count()), Ok(KEYS));
}
