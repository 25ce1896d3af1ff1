//! How large items get, as DynamoDB counts: what costs another unit, and what it keeps at all.

use scrip_accounts::{Purchase, SubscriptionRecord};

use super::*;

/// How large DynamoDB takes an item for: names and texts by their bytes, numbers by their digits, lists and maps by
/// what they hold and three bytes more, and one for each element.
fn bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::Bool(_) => 1,
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + value_bytes(value)).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.len() + bytes(map),
        other => panic!("{other:?}"),
    }
}

/// The largest item that DynamoDB keeps.
const ITEM_BYTES_MAX: usize = 400 * 1024;

/// An id as long as one may be.
fn longest(prefix: &str, number: usize) -> String {
    let name = format!("{prefix}_{number}_");
    format!("{name}{}", "x".repeat(255 - name.len()))
}

const LAST: &str = "2026-12-31T23:59:59.999999999Z";

#[test]
fn the_largest_subscription_stays_far_below_what_an_item_may_hold() {
    let terms = json!({"allowance": Credits::MAX_OF_A_KIND, "plan": "p".repeat(64)});
    let payments: Vec<_> = (0..60)
        .map(|number| {
            json!({
                "purchase_id": longest("in", number), "terms": terms, "invoiced_at": LAST, "paid_at": LAST,
                "paid_until": LAST, "is_change": true, "amount": u64::MAX,
                "gone": {"amount": u64::MAX, "at": LAST, "in_month": u64::MAX},
            })
        })
        .collect();
    let items: Vec<_> = (0..33).map(|_| json!({"terms": terms, "since": LAST})).collect();
    let recorded: Vec<_> = (0..120).map(|number| longest("in", number)).collect();
    let record: SubscriptionRecord = serde_json::from_value(json!({
        "revision": u64::MAX, "id": longest("sub", 0), "past_due": true, "ended_at": LAST, "items": items,
        "payments": payments, "recorded": recorded,
    }))
    .unwrap();
    let of = AccountId::parse("~".repeat(128)).unwrap();
    let item = subscription(&of, &record).unwrap();
    assert_eq!(read_subscription(item.clone()).unwrap(), (of, record));
    let size = bytes(&item);
    assert!((60_000..ITEM_BYTES_MAX / 4).contains(&size), "{size}");
}

#[test]
fn the_largest_purchase_stays_far_below_what_an_item_may_hold() {
    let credits = Credits::new(Credits::MAX_OF_A_KIND, Credits::MAX_OF_A_KIND, Credits::MAX_OF_A_KIND);
    let ids =
        |prefix: &str, count: usize| (0..count).map(|number| longest(prefix, number)).collect::<Vec<_>>();
    let lines: Vec<_> = ids("il", 100)
        .into_iter()
        .map(|id| json!({"id": id, "sku": "s".repeat(64), "quantity": u64::MAX, "credits": credits}))
        .collect();
    let outflows: Vec<_> = ids("dp", 20)
        .into_iter()
        .map(|id| json!({"id": id, "kind": "dispute", "amount": u64::MAX, "at": LAST}))
        .collect();
    let record: Purchase = serde_json::from_value(json!({
        "revision": u64::MAX, "id": longest("in", 0), "lines": lines, "amount": u64::MAX, "currency": "usd",
        "paid_at": LAST, "subscription_id": longest("sub", 0), "payment_ids": ids("pi", 20),
        "customer_id": longest("cus", 0), "outflows": outflows, "revoked": credits, "spent": credits,
        "money_back": {
            // Four bytes a character.
            "requested_at": LAST, "reason": "\u{1f4b8}".repeat(200), "amount": u64::MAX, "status": "pending",
            "revoked": credits, "spent": credits, "refund_ids": ids("re", 20),
        },
        "refunds_failed": u32::MAX,
    }))
    .unwrap();
    let of = AccountId::parse("~".repeat(128)).unwrap();
    let item = purchase(&of, &record).unwrap();
    assert_eq!(read_purchase(item.clone()).unwrap(), record);
    let size = bytes(&item);
    assert!((55_000..ITEM_BYTES_MAX / 4).contains(&size), "{size}");
}

/// Eight subscriptions are as many as an entry carries. With ids as Stripe makes them an entry is billed as one unit or
/// two; with the longest ones it is still small.
#[test]
fn the_largest_entry_stays_small() {
    for (id_bytes, subscriptions, entry_bytes_max) in [(28, 4, 1_024), (28, 8, 2_048), (255, 8, 4_096)] {
        let subscriptions: Vec<_> = (0..subscriptions)
            .map(|number| {
                let id = &longest(&format!("sub_{number}"), 0)[..id_bytes];
                json!({
                    "id": id, "plan": "business", "allowance": 6000, "status": "past_due",
                    "paid_through": "2026-12-12T10:00:00Z", "backed": 6000,
                })
            })
            .collect();
        let item = stored(
            "reversal",
            json!({
                "debit_id": "d-1", "subscriptions": subscriptions,
                "owed": {"playground": 5, "tune": 5, "tune_image": 5},
                "offset": {"playground": 5, "tune": 5, "tune_image": 5},
            }),
        );
        let size = bytes(&item);
        assert!(size < entry_bytes_max, "{size} with ids of {id_bytes}");
    }
}
