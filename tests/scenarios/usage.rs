//! Usage, through real HTTP and real binaries: what an account's work took and gave back, by day and by operation.

use chrono::{DateTime, Utc};
use reqwest::Method;
use scrip_local::docs;
use serde_json::{Value, json};

use crate::api::{Api, Reply, credits, enhance, send};

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn usage(api: &Api, query: &str) -> Reply {
    api.get(&api.path(&format!("/usage{query}"))).await
}

async fn accepting(api: &Api, query: &str, accept: &str) -> Reply {
    send(api.request(Method::GET, &api.path(&format!("/usage{query}"))).header("accept", accept)).await
}

/// The account of the examples in the document: three debits over two months, of which parts came back in the second.
async fn example() -> Api {
    let mut api = Api::new();
    for sku in ["standard_monthly", "tune_pack"] {
        api.buy_at(sku, time("2026-10-30T10:00:00Z"), time("2027-10-30T10:00:00Z")).await;
    }
    let image = json!({"operation": "text_to_image", "width": 768, "height": 512, "steps": 80, "images": 2});
    api = api.at("2026-10-31T23:59:59Z");
    api.debit("job-1", &image).await.is(201);
    api = api.at("2026-11-01T00:00:00Z");
    api.debit("job-2", &json!({"operation": "train_tune", "prompts": 8})).await.is(201);
    // Free: no entry, and no job.
    api.debit("free", &json!({"operation": "download"})).await.is(201);
    api = api.at("2026-11-02T09:00:00Z");
    api.reverse("job-1", "job-1-failed", &json!({"credits": credits(2, 0, 0)})).await.is(201);
    api.reverse("job-2", "job-2-failed", &json!({"credits": credits(0, 0, 8)})).await.is(201);
    api.debit("job-3", &json!({"operation": "upscale", "factor": 4, "images": 3})).await.is(201);
    api.at("2026-11-29T10:00:00Z")
}

/// An example of the document.
fn shown(media: &str, name: &str) -> &'static Value {
    let answer = &docs::document()["paths"]["/v1/accounts/{account_id}/usage"]["get"]["responses"]["200"];
    &answer["content"][media]["examples"][name]["value"]
}

#[tokio::test]
async fn the_examples_of_the_document_are_answered() {
    let api = example().await;
    // 30 days up to today, and by day, is what is meant without more.
    for query in
        ["", "?by=day", "?from=2026-10-31", "?to=2026-11-29", "?from=2026-10-31&to=2026-11-29&by=day"]
    {
        let reply = usage(&api, query).await;
        let text = reply.is(200).text.replace(&api.account, "demo-standard");
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            *shown("application/json", "by_day"),
            "{query}"
        );
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let csv = accepting(&api, query, "text/csv").await;
        assert_eq!(*shown("text/csv", "csv_by_day"), csv.is(200).text, "{query}");
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(csv.header("cache-control"), Some("no-store"));
    }
    let reply = usage(&api, "?by=operation").await;
    let text = reply.is(200).text.replace(&api.account, "demo-standard");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), *shown("application/json", "by_operation"));
    let csv = accepting(&api, "?by=operation", "text/csv, application/json;q=0.5").await;
    assert_eq!(*shown("text/csv", "csv_by_operation"), csv.is(200).text);
}

/// Of the days of the example, those that are asked for; both ends are among them.
#[tokio::test]
async fn days_are_whole_and_both_ends_count() {
    let api = example().await;
    for (from, to, days, total) in [
        ("2026-10-30", "2026-10-30", &[][..], (0, 0, 0)),
        ("2026-10-31", "2026-10-31", &["2026-10-31"], (4, 0, 1)),
        ("2026-11-01", "2026-11-02", &["2026-11-01", "2026-11-02"], (6, 2, 2)),
        ("2026-11-02", "2026-11-02", &["2026-11-02"], (6, 2, 1)),
        ("2026-11-03", "2027-01-31", &[], (0, 0, 0)),
        // 92 days.
        ("2026-08-02", "2026-11-01", &["2026-10-31", "2026-11-01"], (4, 0, 2)),
        ("1999-12-31", "2000-03-31", &[], (0, 0, 0)),
    ] {
        for by in ["day", "operation"] {
            let reply = usage(&api, &format!("?from={from}&to={to}&by={by}")).await;
            let body = &reply.is(200).json;
            assert_eq!((&body["from"], &body["to"]), (&json!(from), &json!(to)));
            let sum = &body["total"];
            let playground = |of: &str| sum[of]["playground"].as_u64().unwrap();
            let sum = (playground("spent"), playground("returned"), sum["jobs"].as_u64().unwrap());
            assert_eq!(sum, total, "{from} to {to}, {by}");
            if by == "day" {
                let rows: Vec<_> = body["rows"].as_array().unwrap().iter().map(|row| &row["day"]).collect();
                assert_eq!(rows, days, "{from} to {to}");
            }
        }
    }
    // Of a debit in October, by its reversal in November.
    let november = usage(&api, "?from=2026-11-01&to=2026-11-30&by=operation").await;
    let row = json!({
        "operation": "text_to_image", "spent": credits(0, 0, 0), "returned": credits(2, 0, 0), "jobs": 0,
    });
    assert_eq!(november.json["rows"][0], row);
}

#[tokio::test]
async fn an_account_that_was_never_seen_used_nothing() {
    let api = Api::new().at("2026-11-29T10:00:00Z");
    let nothing = json!({"spent": credits(0, 0, 0), "returned": credits(0, 0, 0), "jobs": 0});
    let expected = json!({
        "account_id": api.account, "from": "2026-10-31", "to": "2026-11-29", "by": "day", "rows": [], "total": nothing,
    });
    assert_eq!(usage(&api, "").await.is(200).json, expected);
    let csv = accepting(&api, "", "text/csv").await;
    assert_eq!(csv.is(200).text.lines().count(), 1);
}

#[tokio::test]
async fn what_is_no_range_of_days_is_refused_with_what_to_send() {
    let api = Api::new().at("2026-11-29T10:00:00Z");
    for (query, detail) in [
        ("?from=2026-11-30", "from must not be after to. Without to, the last day is today, UTC."),
        (
            "?from=2026-11-02&to=2026-11-01",
            "from must not be after to. Without to, the last day is today, UTC.",
        ),
        (
            "?from=2026-08-29",
            "Ask for at most 92 days, from and to among them. Without to, the last day is today, UTC.",
        ),
        (
            "?from=2026-08-01&to=2026-11-01",
            "Ask for at most 92 days, from and to among them. Without to, the last day is today, UTC.",
        ),
        ("?from=2026-02-29", "from must be a day as YYYY-MM-DD, for example 2026-11-22."),
        ("?to=2026-11", "to must be a day as YYYY-MM-DD, for example 2026-11-22."),
        ("?to=", "to must be a day as YYYY-MM-DD, for example 2026-11-22."),
        ("?to=2026-11-01T00%3A00%3A00Z", "to must be a day as YYYY-MM-DD, for example 2026-11-22."),
        ("?by=month", "by must be day or operation."),
        ("?by=", "by must be day or operation."),
        ("?days=7", "The query takes only from, to and by."),
        ("?limit=7", "The query takes only from, to and by."),
    ] {
        // A problem is JSON, whatever is accepted.
        for accept in ["application/json", "text/csv"] {
            let reply = accepting(&api, query, accept).await;
            assert_eq!(reply.is_problem(400, "invalid_request").json["detail"], detail, "{query}");
        }
    }
}

#[tokio::test]
async fn json_is_answered_unless_csv_is_named_first() {
    let api = Api::new();
    for (accept, content_type) in [
        ("*/*", "application/json"),
        ("application/json, text/csv", "application/json"),
        ("text/html", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/html, text/csv;q=0.9, */*;q=0.1", "text/csv; charset=utf-8"),
    ] {
        let reply = accepting(&api, "", accept).await;
        assert_eq!(reply.is(200).header("content-type"), Some(content_type), "{accept}");
    }
}

#[tokio::test]
async fn usage_is_for_the_account_and_whoever_may_read_it() {
    let api = Api::with_playground(10).await;
    api.debit("d", &enhance(3)).await.is(201);
    let stranger = Api::new();
    stranger.get(&api.path("/usage")).await.is_problem(403, "forbidden");
    let path = api.path("/usage");
    send(reqwest::Client::new().get(format!("{}{path}", api.stack.base_url()))).await.is(401);
    let backend = Api::new().with_token("backend", &["credits:read", "credits:any-account"]);
    // The rest of the plan was spent before, for the same operation.
    let reply = backend.get(&api.path("/usage?by=operation")).await;
    assert_eq!(reply.is(200).json["rows"].as_array().unwrap().len(), 1);
    assert_eq!(reply.json["total"]["spent"], credits(993, 0, 0));
    let debits_only = Api::new();
    let own = debits_only.account.clone();
    let debits_only = debits_only.with_token(&own, &["credits:debit"]);
    usage(&debits_only, "").await.is(403);
}
