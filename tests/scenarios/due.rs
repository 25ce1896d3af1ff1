//! The due index: an account is listed in it exactly while a month's turn has something to settle.

use aws_sdk_dynamodb::types::AttributeValue;
use scrip_local::seed;
use serde_json::json;

use crate::api::{Api, credits, enhance};

/// The month that the account's row in the index names as settled last; `None` without a row.
async fn due(api: &Api) -> Option<String> {
    let client = seed::client(&seed::aws_config(api.stack.database_url()));
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let row = client.get_item().table_name(api.stack.table_name());
    let row = row.key("pk", text(&format!("ACCOUNT#{}", api.account))).key("sk", text("DUE"));
    let row = row.send().await.unwrap().item?;
    Some(row["due"].as_s().unwrap().split_once('#').unwrap().0.to_owned())
}

/// An account on the basic plan, paid from the 12th of November to the 12th of December.
async fn on_basic(at: &str) -> Api {
    let api = Api::new().at(at);
    let bought = "2026-11-12T10:00:00Z".parse().unwrap();
    api.buy_at("basic_monthly", bought, "2026-12-12T10:00:00Z".parse().unwrap()).await;
    api
}

#[tokio::test]
async fn an_account_is_listed_while_the_next_month_has_something_to_settle() {
    assert_eq!(due(&Api::new()).await, None);
    let api = on_basic("2026-12-02T00:00:00Z").await;
    assert_eq!(due(&api).await.as_deref(), Some("2026-11"));
    // The settlement of December moves the row.
    api.debit("d", &enhance(1)).await.is(201);
    assert_eq!(due(&api).await.as_deref(), Some("2026-12"));
    // Nothing is paid in January: once nothing is left to expire either, nothing is due.
    for number in 0..10 {
        let images = if number == 9 { 99 } else { 100 };
        assert!(due(&api).await.is_some());
        api.debit(&format!("spend-{number}"), &enhance(images)).await.is(201);
    }
    assert_eq!(due(&api).await, None);
    // Returned credits expire again.
    api.reverse("d", "r", &json!({})).await.is(201);
    assert_eq!(due(&api).await.as_deref(), Some("2026-12"));
}

#[tokio::test]
async fn a_pack_is_never_due() {
    let api = Api::new().at("2026-12-02T00:00:00Z");
    api.buy("tune_pack").await;
    assert_eq!(due(&api).await, None);
}

#[tokio::test]
async fn what_writes_nothing_sees_the_turn_of_the_month_too() {
    let api = on_basic("2027-01-01T00:00:00Z").await;
    let free = api.debit("free", &json!({"operation": "download"})).await;
    assert_eq!(free.is(201).json["balance"], credits(0, 0, 0));
    let quote = api.quote(&enhance(1)).await;
    assert_eq!(quote.is(200).json["balance"], credits(0, 0, 0));
    assert_eq!(quote.json["affordable"], false);
    assert_eq!(due(&api).await.as_deref(), Some("2026-11"));
}
