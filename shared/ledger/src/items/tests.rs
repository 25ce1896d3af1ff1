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
        "subscription": {"plan": "basic", "allowance": 1000, "paid_through": "2026-12-12T10:00:00Z"},
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
    let take = read_entry(stored(
        "debit",
        json!({
            "operation": {"operation": "download"}, "deferred_images": 0, "catalog_version": "2026-11-01",
            "credits": {"playground": -4, "tune": 0, "tune_image": 0},
        }),
    ));
    let give = read_entry(stored("reversal", json!({"debit_id": "d-1"})));
    let debit_id = keys::Operation::Debit(DebitId::parse("d-1").unwrap());
    let reversal_id = keys::Operation::Reversal(credits::ReversalId::parse("r-1").unwrap());
    for (made_by, entry, item) in [(debit_id, take, &debit), (reversal_id, give, &plain)] {
        let written = operation(&alice(), &made_by, &RequestHash(request.clone()), &entry.unwrap());
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
