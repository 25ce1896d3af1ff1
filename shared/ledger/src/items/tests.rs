//! What is stored is read forever, so its form is written out here by hand.

use scrip_accounts::{CustomerId, Debit, PaymentId, Reversal};
use serde_json::{Value, json};

use super::*;

fn alice() -> AccountId {
    AccountId::parse("alice").unwrap()
}

/// An entry's item: what every kind has, and what only some have.
fn stored(kind: &str, more: Value) -> Item {
    let mut item = json!({
        "pk": "ACCOUNT#alice", "sk": "ENTRY#000000000042", "sequence": 42, "kind": kind,
        "credits": {"playground": -4, "tune": 0, "tune_image": 8}, "reference": "what-made-it",
        "at": "2026-11-22T10:00:00.250Z", "balance": {"playground": 996, "tune": 1, "tune_image": 64},
        "period": "2026-11",
        "subscriptions": [{
            "id": "sub_1", "plan": "basic", "allowance": 1000, "paid_through": "2026-12-12T10:00:00Z",
            "backed": 1000,
        }],
    });
    let Value::Object(more) = more else { panic!("{more}") };
    item.as_object_mut().unwrap().extend(more);
    item.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    to_item(&item).unwrap()
}

#[test]
fn every_kind_of_entry_is_stored_as_it_always_was() {
    let upscale = json!({"operation": "upscale", "factor": 4, "images": 2});
    let debit = json!({"operation": upscale, "deferred_images": 0, "catalog_version": "2026-11-01"});
    let credits = |playground: u64| json!({"playground": playground, "tune": 0, "tune_image": 0});
    let subscription = |id: &str, status: &str| {
        json!({
            "id": id, "plan": "basic", "allowance": 1000, "paid_through": "2026-12-12T10:00:00Z",
            "status": status,
        })
    };
    for (kind, more) in [
        ("purchase", json!({})),
        ("purchase", json!({"subscriptions": null})),
        ("refill", json!({})),
        ("expiry", json!({})),
        ("debit", debit),
        ("reversal", json!({"debit_id": "d-1", "reason": "one image failed"})),
        ("reversal", json!({"debit_id": "d-1"})),
        // Some of it paid what was owed, and something is owed still.
        ("reversal", json!({"debit_id": "d-1", "offset": credits(3), "owed": credits(5)})),
        (
            "subscription",
            json!({"subscriptions": [subscription("sub_1", "canceled"), subscription("sub_2", "past_due")]}),
        ),
        ("refund", json!({"credits_spent": credits(4), "owed": credits(4)})),
        ("refund_failed", json!({})),
        ("dispute", json!({"credits_spent": credits(0)})),
        ("dispute_won", json!({})),
    ] {
        let item = stored(kind, more.clone());
        let read = read_entry(item.clone()).unwrap();
        assert_eq!(entry(&alice(), &read).unwrap(), item, "{kind} {more}");
        // The newest entry is the account.
        assert_eq!(read.account.sequence, Sequence::new(42));
        assert_eq!(read.account.balance, Credits::new(996, 1, 64));
        assert_eq!(read.account.owed.playground(), more["owed"]["playground"].as_u64().unwrap_or_default());
        let subscriptions = match &more["subscriptions"] {
            Value::Array(subscriptions) => subscriptions.len(),
            _ => usize::from(more.get("subscriptions").is_none()),
        };
        assert_eq!(
            (read.account.period.to_string(), read.account.subscriptions.len()),
            ("2026-11".into(), subscriptions)
        );
        assert_eq!(read.account.updated_at, read.at);
    }
}

#[test]
fn an_entry_that_lacks_what_its_kind_has_is_an_error() {
    let upscale = json!({"operation": "upscale", "factor": 4, "images": 2});
    for (kind, more) in [
        ("debit", json!({"operation": upscale, "deferred_images": 0})),
        ("debit", json!({"operation": upscale, "catalog_version": "2026-11-01"})),
        ("debit", json!({"deferred_images": 0, "catalog_version": "2026-11-01"})),
        ("reversal", json!({"reason": "one image failed"})),
        ("refund", json!({})),
        ("dispute", json!({})),
        ("refill", json!({"balance": null})),
        ("refill", json!({"period": null})),
        ("refill", json!({"subscriptions": [{"id": "sub_1", "plan": "basic", "allowance": 1000}]})),
        ("unheard-of", json!({})),
    ] {
        assert!(read_entry(stored(kind, more.clone())).is_err(), "{kind} {more}");
    }
}

#[test]
fn an_operation_is_stored_as_it_always_was() {
    let request = "0".repeat(64);
    let plain = json!({
        "pk": "OPERATION#alice#reversal#r-1", "sk": "OPERATION", "sequence": 42, "request": request,
    });
    let mut debit = json!({
        "pk": "OPERATION#alice#debit#d-1", "sk": "OPERATION", "sequence": 42, "request": request,
        "taken": {"playground": 4, "tune": 0, "tune_image": 0},
    });
    let debit_id = keys::Operation::Debit(DebitId::parse("d-1").unwrap());
    let reversal_id = keys::Operation::Reversal(scrip_accounts::ReversalId::parse("r-1").unwrap());
    let took = Some(Credits::new(4, 0, 0));
    for (made_by, taken, item) in [(debit_id, took, &debit), (reversal_id, None, &plain)] {
        let answered_by = (Sequence::new(42), taken);
        let written = operation(&alice(), &made_by, &RequestHash(request.clone()), answered_by);
        assert_eq!(written.unwrap(), to_item(item).unwrap());
    }
    // What an update added to it.
    debit["reversed"] = json!({"playground": 1, "tune": 0, "tune_image": 0});
    let read = read_operation(to_item(&debit).unwrap()).unwrap();
    let (taken, reversed) = (Credits::new(4, 0, 0), Credits::new(1, 0, 0));
    assert_eq!(read.debit(), Some(DebitRecord { taken, reversed }));
    assert_eq!(read_operation(to_item(&plain).unwrap()).unwrap().debit(), None);
}

/// SHA-256 of the JSON beside it, computed by `sha256sum`. A change here makes every retry of a request
/// from before look like another request.
#[test]
fn a_request_is_hashed_as_it_always_was() {
    let parsed: Debit = serde_json::from_str(r#"{"images":2,"operation":"face_enhance"}"#).unwrap();
    let expecting: Debit = serde_json::from_str(
        r#"{"operation":"text_to_image","width":768,"height":512,
            "expected_credits":{"playground":4,"tune":0,"tune_image":0}}"#,
    )
    .unwrap();
    let id = DebitId::parse("d-1").unwrap();
    let all: Reversal = serde_json::from_str("{}").unwrap();
    let part: Reversal = serde_json::from_str(
        r#"{"credits":{"playground":2,"tune":0,"tune_image":0},"reason":"one image failed"}"#,
    )
    .unwrap();
    for (hash, json, expected) in [
        (
            RequestHash::of(&parsed),
            r#"{"operation":"face_enhance","images":2}"#,
            "81f811e72f1a3870357fda0a67a542c30fe8411d6656ddf4e79f93c8dff1f93b",
        ),
        (
            RequestHash::of(&expecting),
            r#"{"expected_credits":{"playground":4,"tune":0,"tune_image":0},"operation":"text_to_image","width":768,"height":512,"steps":50,"images":1}"#,
            "b0aa0de87db5e68d2ec563d2de966fcddd5768c9103c5147f0f4ea685f18225f",
        ),
        (
            RequestHash::of(&(&id, &all)),
            r#"["d-1",{}]"#,
            "d18158c0b943ed791be7afe726489a14183d2c3c3fbc2320bb50511899185b6d",
        ),
        (
            RequestHash::of(&(&id, &part)),
            r#"["d-1",{"credits":{"playground":2,"tune":0,"tune_image":0},"reason":"one image failed"}]"#,
            "d50d65de20a06f0974d42a1b9435150e49201fc4d57836e9bb93b989f470abf4",
        ),
    ] {
        assert_eq!(hash.unwrap().0, expected, "{json}");
    }
}

/// An item with more in it.
fn with(item: &Value, more: Value) -> Item {
    let mut item = item.clone();
    let Value::Object(more) = more else { panic!("{more}") };
    item.as_object_mut().unwrap().extend(more);
    to_item(&item).unwrap()
}

#[test]
fn a_purchase_is_stored_as_it_always_was() {
    let none = json!({"playground": 0, "tune": 0, "tune_image": 0});
    let bare = json!({
        "pk": "ACCOUNT#alice", "sk": "PURCHASE#in_1", "revision": 3, "id": "in_1", "lines": [],
        "amount": 1900, "currency": "usd", "paid_at": "2026-11-12T10:00:00Z", "revoked": none, "spent": none,
    });
    let whole = json!({
        "lines": [
            {"id": "il_1", "sku": "basic_monthly", "quantity": 2, "credits": {"playground": 2000, "tune": 0, "tune_image": 0}},
            {"id": "il_2", "sku": "tune_pack", "quantity": 1, "credits": {"playground": 0, "tune": 1, "tune_image": 64}},
        ],
        "subscription_id": "sub_1", "payment_ids": ["pi_1", "pi_2"], "customer_id": "cus_1",
        "outflows": [
            {"id": "re_1", "kind": "refund", "amount": 450, "at": "2026-11-13T10:00:00Z"},
            {"id": "dp_1", "kind": "dispute", "amount": 50, "at": "2026-11-14T10:00:00Z"},
        ],
        "revoked": {"playground": 500, "tune": 0, "tune_image": 16},
        "spent": {"playground": 0, "tune": 0, "tune_image": 1},
        "refunds_failed": 1,
    });
    let money_back = |status: &str, more: Value| {
        let mut refund = json!({
            "requested_at": "2026-11-14T10:00:00Z", "amount": 1450, "revoked": none, "spent": none, "status": status,
        });
        let Value::Object(more) = more else { panic!() };
        refund.as_object_mut().unwrap().extend(more);
        json!({"money_back": refund})
    };
    let refunded =
        money_back("refunded", json!({"reason": "changed their mind", "refund_ids": ["re_2", "re_3"]}));
    let pending = money_back("pending", json!({}));
    for (more, due) in [(json!({}), None), (whole, None), (refunded, None), (pending, Some("REFUND"))] {
        let mut item = with(&bare, more);
        // What is listed is listed by the item itself.
        item.extend(due.map(|due| ("due".to_owned(), AttributeValue::S(due.to_owned()))));
        let read = read_purchase(item.clone()).unwrap();
        assert_eq!(purchase(&alice(), &read).unwrap(), item);
        assert_eq!((read.revision, read.id.as_str(), read.amount), (3, "in_1", 1900));
        assert_eq!(read.is_refund_pending(), due.is_some());
    }
}

#[test]
fn a_place_in_the_list_is_stored_as_it_always_was() {
    let paid = json!({
        "revision": 1, "id": "in_1", "lines": [], "amount": 1900, "currency": "usd", "paid_at": "2026-11-20T00:00:00.9Z",
        "revoked": {"playground": 0, "tune": 0, "tune_image": 0}, "spent": {"playground": 0, "tune": 0, "tune_image": 0},
    });
    for (paid_at, sk) in [
        ("2026-11-20T00:00:00.9Z", "BOUGHT#1795132800#in_1"),
        ("1970-01-01T00:00:09Z", "BOUGHT#0000000009#in_1"),
        // Out of the digits' bounds, on either side.
        ("1969-12-31T23:59:59Z", "BOUGHT#0000000000#in_1"),
        ("2286-11-20T17:46:40Z", "BOUGHT#9999999999#in_1"),
    ] {
        let mut paid = paid.clone();
        paid["paid_at"] = json!(paid_at);
        let item = bought(&alice(), &serde_json::from_value(paid).unwrap());
        assert_eq!(item, to_item(&json!({"pk": "ACCOUNT#alice", "sk": sk})).unwrap(), "{paid_at}");
        assert_eq!(keys::purchase_of_bought(sk).unwrap().as_str(), "in_1");
    }
}

#[test]
fn a_subscription_is_stored_as_it_always_was() {
    let bare = json!({
        "pk": "SUBSCRIPTION#sub_1", "sk": "SUBSCRIPTION", "account_id": "alice", "revision": 7, "id": "sub_1",
        "payments": [],
    });
    let payment = json!({
        "purchase_id": "in_1", "terms": {"allowance": 2000, "plan": "basic"}, "amount": 1900,
        "invoiced_at": "2026-11-12T10:00:00Z", "paid_at": "2026-11-12T10:00:05Z",
        "paid_until": "2026-12-12T10:00:00Z",
    });
    let mut change = payment.clone();
    change["purchase_id"] = json!("in_2");
    change["is_change"] = json!(true);
    change["gone"] = json!({"amount": 450, "at": "2026-11-13T10:00:00Z", "in_month": 450});
    let whole = json!({
        "past_due": true, "ended_at": "2026-11-15T10:00:00Z", "payments": [payment, change],
        "items": [{"terms": {"allowance": 1000, "plan": "basic"}, "since": "2026-11-14T10:00:00Z"}],
        "recorded": ["in_0", "in_1", "in_2"],
    });
    for more in [json!({}), whole] {
        let item = with(&bare, more);
        let (owner, record) = read_subscription(item.clone()).unwrap();
        assert_eq!((&owner, record.revision, record.id.as_str()), (&alice(), 7, "sub_1"));
        assert_eq!(subscription(&owner, &record).unwrap(), item);
    }
}

#[test]
fn what_names_an_account_is_stored_as_it_always_was() {
    let (payment, purchase) = (PaymentId::parse("pi_1").unwrap(), PurchaseId::parse("in_1").unwrap());
    let customer = CustomerId::parse("cus_1").unwrap();
    for (key, purchase, item) in [
        (
            keys::payment(&payment),
            Some(&purchase),
            json!({"pk": "PAYMENT#pi_1", "sk": "PAYMENT", "account_id": "alice", "purchase_id": "in_1"}),
        ),
        (
            keys::paid(&purchase),
            Some(&purchase),
            json!({"pk": "PAYMENT#in_1", "sk": "PAYMENT", "account_id": "alice", "purchase_id": "in_1"}),
        ),
        (
            keys::customer(&customer),
            None,
            json!({"pk": "CUSTOMER#cus_1", "sk": "CUSTOMER", "account_id": "alice"}),
        ),
    ] {
        let item: Item = to_item(&item).unwrap();
        assert_eq!(owner(key, &alice(), purchase).unwrap(), item);
        let read = read_owner(item).unwrap();
        assert_eq!((&read.account_id, read.purchase_id.as_ref()), (&alice(), purchase));
    }
}

#[test]
fn what_is_parked_is_stored_as_it_always_was() {
    let bare = json!({
        "pk": "PARKED#in_1", "sk": "PARKED", "due": "PARKED", "object_id": "in_1", "object": "invoice",
        "reason": "no SKU is known for the price price_1", "parked_at": "2026-11-22T10:00:00Z",
    });
    for more in [json!({}), json!({"account_id": "alice", "event_id": "evt_1"})] {
        let item = with(&bare, more);
        let read = read_parked(item.clone()).unwrap();
        assert_eq!(parked(&read).unwrap(), item);
        assert_eq!((read.object_id.as_str(), read.object.as_str()), ("in_1", "invoice"));
        let key = [keys::PK, keys::SK, keys::DUE].map(|name| (name.to_owned(), item[name].clone()));
        assert_eq!(keys::parked_of(key.into()).unwrap(), "in_1");
    }
}

#[test]
fn an_account_that_is_due_is_stored_as_it_always_was() {
    let item = json!({"pk": "ACCOUNT#alice", "sk": "DUE", "due": "2026-11#07"});
    assert_eq!(due(&alice(), "2026-11".parse().unwrap()).unwrap(), to_item(&item).unwrap());
}

#[test]
fn an_item_that_lacks_what_it_must_have_is_an_error() {
    let none = json!({"playground": 0, "tune": 0, "tune_image": 0});
    let whole = json!({
        "pk": "pk", "sk": "sk", "due": "PARKED", "account_id": "alice", "revision": 1, "id": "in_1", "lines": [],
        "amount": 1900, "currency": "usd", "paid_at": "2026-11-12T10:00:00Z", "revoked": none, "spent": none,
        "payments": [], "object_id": "in_1", "object": "invoice", "reason": "why", "parked_at": "2026-11-22T10:00:00Z",
    });
    let reads = |item: &Item| {
        [
            read_purchase(item.clone()).is_ok(),
            read_subscription(item.clone()).is_ok(),
            read_owner(item.clone()).is_ok(),
            read_parked(item.clone()).is_ok(),
        ]
    };
    assert_eq!(reads(&to_item(&whole).unwrap()), [true; 4]);
    // Of a purchase, a subscription, an owner, something parked: whether it can do without.
    for (names, expected) in [
        (&["revision", "id"][..], [false, false, true, true]),
        (&["lines", "amount", "currency", "paid_at", "revoked", "spent"], [false, true, true, true]),
        (&["payments"], [true, false, true, true]),
        (&["account_id"], [true, false, false, true]),
        (&["object_id", "object", "reason", "parked_at", "due"], [true, true, true, false]),
    ] {
        for name in names {
            let mut item: Item = to_item(&whole).unwrap();
            item.remove(*name);
            assert_eq!(reads(&item), expected, "{name}");
        }
    }
}

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
