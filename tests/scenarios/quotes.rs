//! The catalog, quotes, accounts and entries, through real HTTP and real binaries.

use reqwest::Method;
use scrip_pricing::CATALOG;
use serde_json::json;

use crate::api::{Api, credits, enhance, send};

#[tokio::test]
async fn every_operation_has_a_price() {
    let api = Api::new();
    for (body, price) in [
        (
            json!({"operation": "text_to_image", "width": 768, "height": 512, "steps": 80, "images": 2}),
            credits(4, 0, 0),
        ),
        (json!({"operation": "upscale", "factor": 4, "images": 1}), credits(2, 0, 0)),
        (json!({"operation": "face_enhance", "images": 1}), credits(1, 0, 0)),
        (json!({"operation": "remove_background", "images": 1}), credits(1, 0, 0)),
        (json!({"operation": "download"}), credits(0, 0, 0)),
        (json!({"operation": "train_tune", "prompts": 8, "if_short": "defer"}), credits(0, 1, 64)),
        (json!({"operation": "tune_images", "prompts": 3}), credits(0, 0, 24)),
    ] {
        let reply =
            send(reqwest::Client::new().post(format!("{}/v1/quotes", api.stack.base_url())).json(&body));
        let reply = reply.await;
        let tier = (body["operation"] == "text_to_image")
            .then(|| json!({"width": 512, "height": 768, "steps_max": 100}));
        assert_eq!(
            reply.is(200).json,
            json!({"operation": body, "credits": price, "tier": tier, "catalog_version": CATALOG.version()})
        );
    }
}

#[tokio::test]
async fn an_account_quote_says_what_a_debit_would_do() {
    let api = Api::with_playground(10).await;
    let reply = api.quote(&enhance(3)).await;
    assert_eq!(reply.is(200).json["balance"], credits(10, 0, 0));
    assert_eq!(reply.json["affordable"], true);
    assert_eq!(reply.json["affordable_images"], 10);
    assert_eq!(reply.json["shortfall"], credits(0, 0, 0));
    assert_eq!(reply.json["remedies"], json!([]));
    // Only a Tune that would defer says what.
    assert_eq!(reply.json.get("deferred_images"), None);

    let reply = api.quote(&enhance(12)).await;
    assert_eq!(reply.is(200).json["affordable"], false);
    assert_eq!(reply.json["shortfall"], credits(2, 0, 0));
    let above_basic = ["standard_monthly", "business_monthly", "standard_annual", "business_annual"];
    assert_eq!(reply.json["remedies"], json!(above_basic));

    api.buy("tune_pack").await;
    api.debit("spend", &json!({"operation": "tune_images", "prompts": 1})).await.is(201);
    let reply = api.quote(&json!({"operation": "train_tune"})).await;
    assert_eq!(reply.is(200).json["credits"], credits(0, 1, 0));
    assert_eq!(reply.json["deferred_images"], 64);
    assert_eq!(reply.json["affordable"], true);
    assert_eq!(reply.json["affordable_images"], 7);
    let reply = api.quote(&json!({"operation": "download"})).await;
    assert_eq!(reply.is(200).json["affordable_images"], json!(null));
    // A price that was quoted is one that can be expected.
    let expected = json!({"operation": "train_tune", "expected_credits": credits(0, 1, 0)});
    api.debit("train", &expected).await.is(201);
}

#[tokio::test]
async fn an_account_is_shown_as_of_now() {
    let bought = "2026-11-12T10:00:00Z".parse().unwrap();
    let api = Api::new();
    api.buy_at("standard_monthly", bought, "2026-12-12T10:00:00Z".parse().unwrap()).await;
    let account = api.account.clone();
    let shown = |balance, status: &str, period: &str, next: Option<&str>, storage| {
        json!({
            "account_id": account, "balance": balance, "held": credits(0, 0, 0), "plan": "standard",
            "plan_status": status, "paid_through": "2026-12-12T10:00:00Z", "period": period, "next_refill_at": next,
            "entitlements": {"extended_tune_storage": storage},
            "subscriptions": [{
                "subscription_id": format!("seed-{account}"), "plan": "standard", "allowance": 2500, "status": status,
                "paid_through": "2026-12-12T10:00:00Z",
            }],
        })
    };
    let november = Some("2026-12-01T00:00:00Z");
    let december = Some("2027-01-01T00:00:00Z");
    let mut api = api.at("2026-11-20T00:00:00Z");
    api.debit("d", &enhance(100)).await.is(201);
    for (at, expected) in [
        ("2026-11-30T23:59:59.999Z", shown(credits(2400, 0, 0), "active", "2026-11", november, true)),
        ("2026-12-01T00:00:00Z", shown(credits(2500, 0, 0), "active", "2026-12", december, true)),
        ("2026-12-12T09:59:59Z", shown(credits(2500, 0, 0), "active", "2026-12", december, true)),
        // From then on nothing is paid; December's credits last to its end.
        ("2026-12-12T10:00:00Z", shown(credits(2500, 0, 0), "past_due", "2026-12", None, false)),
        ("2026-12-31T23:59:59Z", shown(credits(2500, 0, 0), "past_due", "2026-12", None, false)),
        ("2027-01-01T00:00:00Z", shown(credits(0, 0, 0), "past_due", "2027-01", None, false)),
    ] {
        api = api.at(at);
        let reply = api.get(&api.path("")).await;
        assert_eq!(reply.is(200).json, expected, "{at}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    // Looking wrote nothing.
    assert_eq!(api.statement().await.len(), 2);
}

#[tokio::test]
async fn an_account_that_was_never_seen_is_empty() {
    let api = Api::new().at("2026-11-22T10:00:00Z");
    assert_eq!(
        api.get(&api.path("")).await.is(200).json,
        json!({
            "account_id": api.account, "balance": credits(0, 0, 0), "held": credits(0, 0, 0), "plan": null,
            "plan_status": "none", "paid_through": null, "period": "2026-11", "next_refill_at": null,
            "entitlements": {"extended_tune_storage": false}, "subscriptions": [],
        })
    );
    let entries = api.get(&api.path("/entries")).await;
    assert_eq!(entries.is(200).json, json!({"entries": [], "next_cursor": null}));
}

#[tokio::test]
async fn entries_come_newest_first_a_page_at_a_time() {
    let api = Api::on_plan("basic_monthly").await;
    for number in 0..24 {
        api.debit(&format!("d-{number}"), &enhance(1)).await.is(201);
    }
    let page = api.get(&api.path("/entries")).await;
    let sequences = |page: &serde_json::Value| -> Vec<u64> {
        page["entries"].as_array().unwrap().iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect()
    };
    assert_eq!(sequences(&page.is(200).json), (6..=25).rev().collect::<Vec<_>>());
    let newest = &page.json["entries"][0];
    assert_eq!((&newest["kind"], &newest["reference"]), (&json!("debit"), &json!("d-23")));
    assert_eq!(newest["credits"], credits(-1, 0, 0));
    assert_eq!(newest["balance"], credits(976, 0, 0));
    assert_eq!(newest["operation"], enhance(1));
    assert_eq!(
        (&newest["deferred_images"], &newest["catalog_version"]),
        (&json!(0), &json!(CATALOG.version()))
    );
    // Entries that are appended meanwhile don't move the pages.
    api.debit("meanwhile", &enhance(1)).await.is(201);
    let cursor = page.json["next_cursor"].as_str().unwrap();
    let rest = api.get(&api.path(&format!("/entries?cursor={cursor}&limit=5"))).await;
    assert_eq!(sequences(&rest.is(200).json), [5, 4, 3, 2, 1]);
    assert_eq!(rest.json["next_cursor"], json!(null));
    for query in ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=0", "limit=1&limit=2", "page=2"] {
        let reply = api.get(&api.path(&format!("/entries?{query}"))).await;
        reply.is_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn the_catalog_is_cacheable() {
    let api = Api::new();
    let catalog = api.get("/v1/catalog").await;
    assert_eq!(catalog.is(200).json["catalog_version"], CATALOG.version());
    assert_eq!(catalog.json["plans"][0]["plan"], "basic");
    let tag = catalog.header("etag").unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, catalog.text.as_bytes());
    let hex: Vec<_> = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(tag, format!("\"{}\"", hex.concat()));
    assert_eq!(catalog.header("cache-control"), Some("public, max-age=300"));
    let request = |tag: &str| api.request(Method::GET, "/v1/catalog").header("if-none-match", tag);
    let unchanged = send(request(tag)).await;
    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
    assert_eq!(unchanged.header("etag"), Some(tag));
    assert_eq!(unchanged.header("cache-control"), catalog.header("cache-control"));
    send(request("\"other\"")).await.is(200);
}
