//! Buying on this machine: the shop, the provider's fake behind it, and the month that `--demo` plays.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Client, RequestBuilder};
use scrip_local::{
    Options, Stack, demo,
    shop::{SentEvent, Shop},
};
use serde_json::{Value, json};

use crate::api::{Reply, credits, send};

async fn start(seed: &str) -> (Stack, Shop) {
    Shop::start(Options { instances: 1, ..Options::default() }, seed).await.unwrap()
}

async fn buy(shop: &Shop, sku: &str) -> Reply {
    let order = json!({"account_id": "buyer", "sku": sku});
    send(Client::new().post(format!("{}/local/buy", shop.url())).json(&order)).await
}

async fn account(stack: &Stack) -> Value {
    let token = stack.tokens().issue("buyer", &["credits:read"], TimeDelta::hours(1));
    let request = Client::new().get(format!("{}/v1/accounts/buyer", stack.base_url()));
    send(request.bearer_auth(token)).await.is(200).json.clone()
}

#[tokio::test]
async fn the_demo_plays_and_its_statement_adds_up() {
    let (stack, shop) = start("the demo").await;
    demo::play(&stack, &shop).await.unwrap_or_else(|why| panic!("{why}"));
    shop.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn what_is_bought_at_the_counter_is_granted_and_refunded() {
    let (stack, shop) = start("the counter").await;
    let plan = buy(&shop, "basic_monthly").await.is(200).json.clone();
    assert_eq!(account(&stack).await["balance"], credits(1000, 0, 0), "{plan}");
    let pack = buy(&shop, "tune_pack").await.is(200).json.clone();
    assert_eq!(account(&stack).await["balance"], credits(1000, 1, 64), "{pack}");
    assert_eq!(pack["amount"], 900);
    let events = pack["events"].as_array().unwrap();
    let applied = events.iter().filter(|event| event["outcome"] == "applied").count();
    assert_eq!((applied, events.iter().all(|event| event["status"] == 200)), (1, true), "{pack}");

    // Another plan changes the same subscription; the money back ends it, so that it can be bought again.
    let dearer = buy(&shop, "standard_monthly").await.is(200).json.clone();
    assert_eq!(dearer["subscription_id"], plan["subscription_id"]);
    assert_eq!(account(&stack).await["balance"], credits(2500, 1, 64), "{dearer}");
    let support = stack.tokens().issue("support", &["credits:refund"], TimeDelta::hours(1));
    // The upgrade depends on this purchase: refunded, it takes the upgrade's credits along.
    let purchase = plan["purchase_id"].as_str().unwrap();
    let refund = format!("{}/v1/accounts/buyer/purchases/{purchase}/refund", stack.base_url());
    let refund = Client::new().post(refund).bearer_auth(support).json(&json!({"reason": "too much"}));
    assert_eq!(send(refund).await.is(200).json["status"], "refunded");
    let events = shop.deliver_new().await;
    assert!(events.iter().any(|event| event.event == "customer.subscription.deleted"), "{events:?}");
    assert!(events.iter().all(SentEvent::is_delivered), "{events:?}");
    assert_eq!(account(&stack).await["plan_status"], "canceled");
    let again = buy(&shop, "basic_monthly").await.is(200).json.clone();
    assert_ne!(again["subscription_id"], plan["subscription_id"]);

    // Another interval is paid at once, a cheaper plan with the next renewal.
    let annual = buy(&shop, "standard_annual").await.is(200).json.clone();
    assert!(annual["purchase_id"].is_string(), "{annual}");
    let cheaper = buy(&shop, "basic_annual").await.is(200).json.clone();
    assert_eq!((&cheaper["purchase_id"], &cheaper["amount"]), (&Value::Null, &json!(0)), "{cheaper}");

    for (sku, status) in [("basic_annual", 409), ("custom", 404), ("gold", 404)] {
        let refused = buy(&shop, sku).await;
        assert!(refused.is(status).json["message"].is_string(), "{}", refused.text);
    }
    let nothing = Client::new().post(format!("{}/local/buy", shop.url())).body("{}");
    send(nothing).await.is(400);

    // What is held back is bought all the same, and no failure.
    let holds_back = |is_holding_back| {
        let request = Client::new().post(format!("{}/local/events/hold-back", stack.base_url()));
        send(request.json(&json!({"is_holding_back": is_holding_back})))
    };
    holds_back(true).await.is(200);
    let late = buy(&shop, "avatar_pack").await.is(202).json.clone();
    assert!(late["events"].as_array().unwrap().iter().all(|event| event["attempts"] == 0), "{late}");
    let released = holds_back(false).await.is(200).json.clone();
    assert!(released.as_array().unwrap().iter().all(|event| event["status"] == 200), "{released}");
    assert_eq!(released.as_array().unwrap().len(), late["events"].as_array().unwrap().len());
    shop.stop().await;
    stack.stop().await;
}

/// Sends a request as another site's page does: with its own name for this machine, or from its own origin.
async fn is_refused_elsewhere(request: impl Fn() -> RequestBuilder) {
    for (name, value) in [
        ("host", "rebound.example.com"),
        ("host", "rebound.example.com:3000"),
        ("origin", "https://example.com"),
        ("origin", "null"),
    ] {
        let refused = send(request().header(name, value)).await.is(403).clone();
        assert!(refused.json["message"].is_string(), "{name} {value}: {}", refused.text);
    }
}

#[tokio::test]
async fn no_other_site_gets_tokens_buys_or_frames_the_document() {
    let (stack, shop) = start("other sites").await;
    let http = Client::new();
    let tokens = || http.get(format!("{}/docs/tokens", stack.base_url()));
    is_refused_elsewhere(tokens).await;
    assert_eq!(send(tokens()).await.is(200).json.as_array().unwrap().len(), 3);
    is_refused_elsewhere(|| http.get(format!("{}/local/state", stack.base_url()))).await;

    // As a form of another site sends it, which no browser asks about beforehand.
    let form = r#"{"account_id":"buyer","sku":"tune_pack"}"#;
    let order = || {
        let order = http.post(format!("{}/local/buy", shop.url())).header("content-type", "text/plain");
        order.body(form)
    };
    is_refused_elsewhere(order).await;
    assert_eq!(account(&stack).await["balance"], credits(0, 0, 0));
    send(order()).await.is(200);
    assert_eq!(account(&stack).await["balance"], credits(0, 1, 64));
    let newest = http.get(format!("{}/local/accounts/buyer", stack.base_url()));
    assert_eq!(send(newest).await.is(200).json, json!({"sequence": 1}));

    let docs = send(http.get(format!("{}/docs", stack.base_url()))).await.is(200).clone();
    assert_eq!(docs.header("content-security-policy"), Some("frame-ancestors 'none'"));
    shop.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn the_page_comes_with_a_strict_policy_and_moves_the_clock_for_itself_only() {
    let (stack, shop) = start("the page").await;
    let url = |path: &str| format!("{}{path}", stack.base_url());
    let page = Client::new().get(url("/")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    assert!(page.text().await.unwrap().contains("<h1>"));
    send(Client::new().get(url("/page/main.js"))).await.is(200);
    send(Client::new().get(url("/page/../Cargo.toml"))).await.is(404);

    let order = json!({"account_id": "buyer", "sku": "tune_pack", "quantity": 3});
    send(Client::new().post(url("/local/buy")).json(&order)).await.is(200);
    assert_eq!(account(&stack).await["balance"], credits(0, 3, 192));
    let plan = json!({"account_id": "buyer", "sku": "basic_monthly"});
    send(Client::new().post(url("/local/buy")).json(&plan)).await.is(200);

    // Past a month's turn and a renewal, which the account then has been through.
    let state = send(Client::new().get(url("/local/state"))).await.is(200).json.clone();
    let now: DateTime<Utc> = state["now"].as_str().unwrap().parse().unwrap();
    let later = json!({"to": now + TimeDelta::days(33), "runs_schedule": true});
    let foreign =
        Client::new().post(url("/local/clock")).header("origin", "https://example.com").json(&later);
    send(foreign).await.is(403);
    let moved = send(Client::new().post(url("/local/clock")).json(&later)).await.is(200).json.clone();
    assert!(moved["refills"].as_array().is_some_and(|refills| !refills.is_empty()), "{moved}");
    let (before, after) = (now.format("%Y-%m").to_string(), account(&stack).await);
    assert_eq!((&after["balance"], &after["plan_status"]), (&credits(1000, 3, 192), &json!("active")));
    assert_ne!(after["period"], before);
    // A browser's clock may lag a little: the last time that it knew means now.
    let lagging = json!({"to": moved["now"], "runs_schedule": true});
    let still = send(Client::new().post(url("/local/clock")).json(&lagging)).await.is(200).json.clone();
    assert!(still["now"].as_str() >= moved["now"].as_str(), "{still}");
    let back = json!({"to": now, "runs_schedule": true});
    send(Client::new().post(url("/local/clock")).json(&back)).await.is(409);
    shop.stop().await;
    stack.stop().await;
}
