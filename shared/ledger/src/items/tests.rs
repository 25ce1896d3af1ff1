//! Stored items are read forever, so these tests spell out their form.

use scrip_accounts::{
    AccountId, CommandKey, Debit, DebitId, DebitRequest, Event, Reversal, ReversalId, ReversalRequest,
    Sequence,
};
use scrip_pricing::Credits;
use serde_json::{Value, json};

use super::*;
use crate::request_hash::{RequestHash, fingerprint};

mod records;
mod sizes;

fn alice() -> AccountId {
    AccountId::parse("alice").unwrap()
}

/// An entry's item: the attributes of every kind, and `more` of only some.
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
fn the_stored_form_of_each_kind_of_entry_never_changes() {
    let upscale = json!({"operation": "upscale", "factor": 4, "images": 2});
    let debit = json!({"operation": upscale, "deferred_images": 0, "catalog_version": "2026-11-01"});
    let credits = |playground: u64| json!({"playground": playground, "tune": 0, "tune_image": 0});
    let subscription = |id: &str, status: &str| {
        json!({
            "id": id, "plan": "basic", "allowance": 1000, "paid_through": "2026-12-12T10:00:00Z",
            "status": status,
        })
    };
    let open = json!({"sequence": 40, "credits": {"tune": 1}, "expires_at": "2026-11-22T10:15:00.250Z"});
    let with = |item: &Value, more: Value| {
        let (mut item, Value::Object(more)) = (item.clone(), more) else { panic!("{item}") };
        item.as_object_mut().unwrap().extend(more);
        item
    };
    let hold = with(&debit, json!({"expires_at": "2026-11-22T10:15:00.250Z"}));
    let capture = json!({
        "hold_sequence": 41, "operation": upscale, "captured": credits(4), "offset": credits(0),
    });
    let debit_of_all = debit.clone();
    let month = json!({"period": null, "month": "2026-11"});
    for (kind, more) in [
        ("purchase", json!({})),
        ("purchase", json!({"subscriptions": null})),
        ("refill", json!({})),
        ("expiry", json!({})),
        ("debit", debit.clone()),
        ("debit", with_request(debit)),
        ("reversal", json!({"debit_id": "d-1", "offset": credits(0), "reason": "one image failed"})),
        ("reversal", with_request(json!({"debit_id": "d-1", "offset": credits(0)}))),
        // Some of it paid what was owed, and something is owed still.
        ("reversal", json!({"debit_id": "d-1", "offset": credits(3), "owed": credits(5)})),
        ("hold", with_request(hold.clone())),
        ("hold", with_request(with(&hold, json!({"low": ["playground", "tune_image"]})))),
        ("capture", with_request(capture)),
        // While holds are open.
        ("hold", with_request(with(&hold, with(&month, json!({"holds": [open]}))))),
        ("refill", with(&month, json!({"holds": [open, open]}))),
        ("release", with_request(json!({"hold_sequence": 41, "offset": credits(3), "owed": credits(5)}))),
        ("release", json!({"hold_sequence": 41, "offset": credits(0), "expired": true})),
        ("debit", with_request(with(&debit_of_all, json!({"low": ["tune"]})))),
        ("adjustment", with_request(json!({"by": "support|ann", "reason": "goodwill"}))),
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
        let StoredEntry { entry: read, request } = read_entry(item.clone()).unwrap();
        assert_eq!(write_entry(&alice(), &read, request.as_ref()).unwrap(), item, "{kind} {more}");
        assert_eq!(request.is_some(), more.get("request").is_some(), "{kind} {more}");
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
        assert_eq!(read.account.holds.len(), more["holds"].as_array().map_or(0, Vec::len), "{kind} {more}");
        assert_eq!(read.account.updated_at, read.at);
    }
}

fn with_request(mut more: Value) -> Value {
    more["request"] = json!("0123456789abcdef0123456789abcdef");
    more
}

/// Early reversals have no offset if it was zero, and no request.
#[test]
fn an_early_reversal_is_read_as_one_without_an_offset() {
    let more = json!({"debit_id": "d-1", "reason": "one image failed"});
    let early = read_entry(stored("reversal", more.clone())).unwrap();
    let Event::Reversal { offset, .. } = &early.entry.event else { panic!("{early:?}") };
    assert_eq!((*offset, &early.request), (Credits::ZERO, &None));
    let mut spelled_out = more;
    spelled_out["offset"] = json!({"playground": 0, "tune": 0, "tune_image": 0});
    assert_eq!(write_entry(&alice(), &early.entry, None).unwrap(), stored("reversal", spelled_out));
}

/// While two versions run, the older one must not append after an entry that it can't carry on.
#[test]
fn an_entry_of_a_later_version_is_an_error() {
    for (name, value) in [("frozen", json!(true)), ("hold", json!([])), ("Balance", json!({}))] {
        let error = read_entry(stored("refill", json!({name: value}))).unwrap_err();
        assert_eq!(
            crate::chain(&error),
            format!("could not read an entry: a later version wrote its {name}")
        );
    }
}

#[test]
fn an_entry_with_another_entrys_key_is_an_error() {
    for sk in ["ENTRY#000000000041", "ENTRY#42", "OPERATION"] {
        assert!(read_entry(stored("refill", json!({"sk": sk}))).is_err(), "{sk}");
    }
}

#[test]
fn an_entry_without_an_attribute_of_its_kind_is_an_error() {
    let upscale = json!({"operation": "upscale", "factor": 4, "images": 2});
    for (kind, more) in [
        ("debit", json!({"operation": upscale, "deferred_images": 0})),
        ("debit", json!({"operation": upscale, "catalog_version": "2026-11-01"})),
        ("debit", json!({"deferred_images": 0, "catalog_version": "2026-11-01"})),
        ("reversal", json!({"reason": "one image failed"})),
        ("adjustment", json!({"reason": "goodwill"})),
        ("adjustment", json!({"by": "support|ann"})),
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
fn a_claim_is_stored_as_the_entry_before_its_own() {
    let debit = CommandKey::Debit(DebitId::parse("d-1").unwrap());
    let reversal = CommandKey::Reversal(ReversalId::parse("r-1").unwrap());
    for (key, pk) in [(debit, "OPERATION#alice#debit#d-1"), (reversal, "OPERATION#alice#reversal#r-1")] {
        for from in [0, 41] {
            let item = to_item(&json!({"pk": pk, "sk": "OPERATION", "from": from})).unwrap();
            assert_eq!(write_claim(&alice(), &key, Sequence::new(from)).unwrap(), item);
        }
    }
}

/// Claims as they are now, and the rows from before claims.
#[test]
fn a_claim_is_read_in_its_new_and_its_old_form() {
    let (long, short) = ("0123456789abcdef".repeat(4), "0123456789abcdef".repeat(2));
    let credits = |playground: u64| json!({"playground": playground, "tune": 0, "tune_image": 0});
    // the row -> from, sequence, request, reversed
    for (more, expected) in [
        (json!({"from": 41}), Some((41, None, false, 0))),
        (json!({"from": 0}), Some((0, None, false, 0))),
        // A debit that was reversed.
        (json!({"from": 40, "sequence": 42, "reversed": credits(3)}), Some((40, Some(42), false, 3))),
        (json!({"sequence": 42, "request": long}), Some((41, Some(42), true, 0))),
        (json!({"sequence": 1, "request": long, "taken": credits(4)}), Some((0, Some(1), true, 0))),
        (
            json!({"sequence": 42, "request": long, "taken": credits(4), "reversed": credits(1)}),
            Some((41, Some(42), true, 1)),
        ),
        (json!({"request": long}), None),
        (json!({"from": "41"}), None),
        (json!({"from": 41, "sequence": "42"}), None),
    ] {
        let mut row = json!({"pk": "OPERATION#alice#debit#d-1", "sk": "OPERATION"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let read = read_claim(to_item(&row).unwrap());
        let Some((from, sequence, has_request, reversed)) = expected else {
            assert!(read.is_err(), "{row}");
            continue;
        };
        let request = has_request.then(|| RequestHash::from(short.clone()));
        let (sequence, reversed) = (sequence.map(Sequence::new), Credits::new(reversed, 0, 0));
        let expected = Claim { from: Sequence::new(from), sequence, request, reversed };
        assert_eq!(read.unwrap(), expected, "{row}");
    }
}

/// SHA-256 of the JSON beside it, computed by `sha256sum`. A change here makes every retry of a request
/// from before look like another request.
#[test]
fn the_hash_of_a_request_never_changes() {
    let debit = |body: &str| -> DebitRequest { serde_json::from_str(body).unwrap() };
    let debit = |body| Debit { id: DebitId::parse("the-key").unwrap(), request: debit(body) };
    let reversal = |body: &str| -> ReversalRequest { serde_json::from_str(body).unwrap() };
    let reversal = |body| Reversal {
        id: ReversalId::parse("the-key").unwrap(),
        debit_id: DebitId::parse("d-1").unwrap(),
        request: reversal(body),
    };
    let parsed = debit(r#"{"images":2,"operation":"face_enhance"}"#);
    let expecting = debit(
        r#"{"operation":"text_to_image","width":768,"height":512,
            "expected_credits":{"playground":4,"tune":0,"tune_image":0}}"#,
    );
    let all = reversal("{}");
    let part =
        reversal(r#"{"credits":{"playground":2,"tune":0,"tune_image":0},"reason":"one image failed"}"#);
    for ((hash, whole), json, expected) in [
        (
            (RequestHash::of(&parsed), fingerprint(&parsed)),
            r#"{"operation":"face_enhance","images":2}"#,
            "81f811e72f1a3870357fda0a67a542c30fe8411d6656ddf4e79f93c8dff1f93b",
        ),
        (
            (RequestHash::of(&expecting), fingerprint(&expecting)),
            r#"{"expected_credits":{"playground":4,"tune":0,"tune_image":0},"operation":"text_to_image","width":768,"height":512,"steps":50,"images":1}"#,
            "b0aa0de87db5e68d2ec563d2de966fcddd5768c9103c5147f0f4ea685f18225f",
        ),
        (
            (RequestHash::of(&all), fingerprint(&all)),
            r#"["d-1",{}]"#,
            "d18158c0b943ed791be7afe726489a14183d2c3c3fbc2320bb50511899185b6d",
        ),
        (
            (RequestHash::of(&part), fingerprint(&part)),
            r#"["d-1",{"credits":{"playground":2,"tune":0,"tune_image":0},"reason":"one image failed"}]"#,
            "d50d65de20a06f0974d42a1b9435150e49201fc4d57836e9bb93b989f470abf4",
        ),
    ] {
        assert_eq!(whole.unwrap(), expected, "{json}");
        assert_eq!(
            attribute(&hash.unwrap()).unwrap(),
            AttributeValue::S(expected[..32].to_owned()),
            "{json}"
        );
    }
}
