//! What is stored is read forever, so its form is written out here by hand.

use credits::{Debit, Reversal};
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
        "period": "2026-11", "granted": 1000,
        "subscription": {
            "id": "sub_1", "plan": "basic", "allowance": 1000, "purchase_id": "in_1",
            "paid_at": "2026-11-12T10:00:00Z", "paid_until": "2026-12-12T10:00:00Z",
        },
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
    for (kind, more) in [
        ("purchase", json!({})),
        ("purchase", json!({"subscription": null})),
        ("refill", json!({})),
        ("expiry", json!({})),
        ("debit", debit),
        ("reversal", json!({"debit_id": "d-1", "reason": "one image failed"})),
        ("reversal", json!({"debit_id": "d-1"})),
        (
            "subscription",
            json!({"subscription": {
                "id": "sub_1", "plan": "basic", "allowance": 1000, "purchase_id": "in_2",
                "paid_at": "2026-11-12T10:00:00Z", "previous_paid_at": "2026-10-12T10:00:00Z",
                "paid_until": "2026-12-12T10:00:00Z", "ended_at": "2026-11-20T00:00:00Z",
                "withdrawn_at": "2026-11-19T00:00:00Z", "past_due": true, "paid_terms": {"plan": "standard", "allowance": 2500},
            }}),
        ),
        ("refund", json!({"credits_spent": {"playground": 4, "tune": 0, "tune_image": 0}, "returned": 996})),
        ("refund_failed", json!({})),
        ("dispute", json!({"credits_spent": {"playground": 0, "tune": 0, "tune_image": 0}})),
        ("dispute_won", json!({})),
    ] {
        let item = stored(kind, more.clone());
        let read = read_entry(item.clone()).unwrap();
        assert_eq!(entry(&alice(), &read).unwrap(), item, "{kind} {more}");
        // The newest entry is the account.
        assert_eq!(read.account.sequence, Sequence::new(42));
        assert_eq!(read.account.balance, Credits::new(996, 1, 64));
        assert_eq!((read.account.period.to_string(), read.account.granted), ("2026-11".into(), 1000));
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
        ("refill", json!({"granted": null})),
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
    let reversal_id = keys::Operation::Reversal(credits::ReversalId::parse("r-1").unwrap());
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

#[test]
fn a_purchase_is_stored_as_it_always_was() {
    let plan = json!({"plan": {
        "subscription_id": "sub_1", "plan": "basic", "allowance": 1000, "paid_until": "2026-12-12T10:00:00Z",
    }});
    let pack = json!({"pack": {"playground": 0, "tune": 1, "tune_image": 64}});
    let credits = json!({"playground": 0, "tune": 1, "tune_image": 64});
    let more = json!({
        "revoked_in": "2026-11", "revoked_at": "2026-11-14T10:00:00Z", "refunds_failed": 1,
        "failed_refunds": [{"id": "re_0", "amount": 100, "at": "2026-11-13T10:00:00Z"}], "refunded_at": "2026-11-14T10:00:00Z", "dispute": "withdrawn",
        "refund": {"status": "refunded", "refund_id": "re_1"}, "refund_reason": "changed their mind",
    });
    let pending = json!({
        "due": "REFUND", "refund": {"status": "refund_pending"}, "refund_requested_at": "2026-11-14T10:00:00Z",
    });
    for (buys, more) in [(plan, json!({})), (pack.clone(), more), (pack, pending)] {
        let mut item = json!({
            "pk": "ACCOUNT#alice", "sk": "PURCHASE#in_1", "revision": 3,
            "payment": {
                "id": "in_1", "sku": "sku", "amount": 1900, "currency": "usd", "paid_at": "2026-11-12T10:00:00Z",
                "payment_id": "pi_1", "customer_id": "cus_1", "buys": buys,
            },
            "granted": credits, "revoked": credits, "spent": credits, "refunded_amount": 450,
        });
        let Value::Object(more) = more else { panic!() };
        item.as_object_mut().unwrap().extend(more);
        let item: Item = to_item(&item).unwrap();
        let read = read_purchase(item.clone()).unwrap();
        assert_eq!(purchase(&alice(), &read).unwrap(), item);
        assert_eq!((read.revision, read.payment.amount), (3, 1900));
    }
}

#[test]
fn a_standing_is_stored_as_it_always_was() {
    let bare = json!({
        "pk": "ACCOUNT#alice", "sk": "SUBSCRIPTION#sub_1", "revision": 1, "subscription_id": "sub_1",
    });
    let mut whole = bare.clone();
    whole.as_object_mut().unwrap().extend(
        json!({
            "past_due": true, "status_at": "2026-11-14T10:00:00Z", "ended_at": "2026-11-15T10:00:00Z",
            "chosen": {"at": "2026-11-14T10:00:00Z", "terms": {"plan": "basic", "allowance": 1000}},
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    for item in [bare, whole] {
        let item: Item = to_item(&item).unwrap();
        let read = read_standing(item.clone()).unwrap();
        assert_eq!(standing(&alice(), &read).unwrap(), item);
    }
}
