//! Events of all versions, and bodies that are none.

use proptest::prelude::*;
use scrip_stripe::{InvalidEvent, ObjectRef, StripeEvent};
use serde_json::{Value, json};

fn event(object: &Value) -> Value {
    json!({"id": "evt_1", "object": "event", "type": "x.y", "created": 1_793_696_400, "data": {"object": object}})
}

fn parse(body: &Value) -> Result<StripeEvent, InvalidEvent> {
    StripeEvent::parse(body.to_string().as_bytes())
}

/// What an event's object comes to, as `name=id` in the order of the fields.
fn summary(object: &ObjectRef) -> String {
    let ObjectRef { id, object, payment_intent, charge, subscription, invoice, customer } = object;
    let fields = [
        ("id", id),
        ("object", object),
        ("payment_intent", payment_intent),
        ("charge", charge),
        ("subscription", subscription),
        ("invoice", invoice),
        ("customer", customer),
    ];
    let named = fields.iter().filter_map(|(name, id)| Some(format!("{name}={}", id.as_ref()?)));
    named.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_event_of_any_version_names_what_it_is_about() {
    for (object, ids) in [
        (json!({}), ""),
        // The preview of an invoice has no id.
        (json!({"object": "invoice", "subscription": "sub_1"}), "object=invoice subscription=sub_1"),
        // 2015: a charge of an invoice, with its refunds in it.
        (
            json!({"id": "ch_1", "object": "charge", "invoice": "in_1", "refunds": {"data": [{"id": "re_1"}]}}),
            "id=ch_1 object=charge invoice=in_1",
        ),
        // 2022: an invoice names its payment, charge and subscription.
        (
            json!({
                "id": "in_1", "object": "invoice", "payment_intent": "pi_1", "charge": "ch_1", "subscription": "sub_1",
                "customer": "cus_1", "parent": null,
            }),
            "id=in_1 object=invoice payment_intent=pi_1 charge=ch_1 subscription=sub_1 customer=cus_1",
        ),
        // Since 2025-03-31 only its parent names the subscription.
        (
            json!({
                "id": "in_1", "object": "invoice",
                "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
            }),
            "id=in_1 object=invoice subscription=sub_1",
        ),
        (
            json!({
                "id": "inpay_1", "object": "invoice_payment", "invoice": "in_1",
                "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
            }),
            "id=inpay_1 object=invoice_payment payment_intent=pi_1 invoice=in_1",
        ),
        (
            json!({"id": "inpay_1", "invoice": {"id": "in_1"}, "payment": {"charge": {"id": "ch_1"}}}),
            "id=inpay_1 charge=ch_1 invoice=in_1",
        ),
        // Expanded objects count by their ids.
        (
            json!({"id": "dp_1", "charge": {"id": "ch_1", "amount": 5}, "payment_intent": {"id": "pi_1"}}),
            "id=dp_1 payment_intent=pi_1 charge=ch_1",
        ),
        // What has another form is absent, and refuses nothing.
        (
            json!({
                "id": "x_1", "payment_intent": 7, "charge": [1, {"id": "ch_1"}], "subscription": true, "invoice": 1.5,
                "customer": {"name": "Ann"}, "parent": "p_1", "payment": ["pi_1"],
            }),
            "id=x_1",
        ),
        (json!({"id": "x_1", "customer": "", "invoice": {"id": ""}, "charge": {"id": null}}), "id=x_1"),
        (json!({"id": "x_1", "parent": {"subscription_details": null}, "payment": {}}), "id=x_1"),
        (json!({"id": "x_1", "parent": {"subscription_details": "sub_1"}}), "id=x_1"),
        (json!({"id": "a".repeat(255)}), &format!("id={}", "a".repeat(255))),
        (json!({"id": "a".repeat(256), "invoice": "in_1"}), "invoice=in_1"),
        (json!({"id": "é\u{0}\"\\"}), "id=é\u{0}\"\\"),
    ] {
        assert_eq!(summary(&parse(&event(&object)).unwrap().object), ids, "{object}");
    }
}

#[test]
fn an_event_says_when_and_of_which_merchant() {
    for (account, read) in [
        (json!(null), None),
        (json!("acct_1"), Some("acct_1")),
        (json!({"id": "acct_1"}), Some("acct_1")),
        (json!(""), None),
    ] {
        let mut body = event(&json!({"id": "ch_1"}));
        body["account"] = account.clone();
        let event = parse(&body).unwrap();
        assert_eq!(event.account.as_deref(), read, "{account}");
        assert_eq!((event.id.as_str(), event.kind.as_str()), ("evt_1", "x.y"));
        assert_eq!(event.created.timestamp(), 1_793_696_400);
    }
}

#[test]
fn a_body_that_is_no_event_says_why() {
    let malformed = |line, column| Err(InvalidEvent::Malformed { line, column });
    let with = |field: &str, value: Value| {
        let mut body = event(&json!({"id": "ch_1"}));
        body[field] = value;
        body.to_string()
    };
    let without = |field: &str| {
        let mut body = event(&json!({"id": "ch_1"}));
        body.as_object_mut().unwrap().remove(field);
        body.to_string()
    };
    for (body, error) in [
        (String::new(), malformed(1, 0)),
        ("\n\n{".to_owned(), malformed(3, 1)),
        ("[]".to_owned(), malformed(1, 1)),
        ("7".to_owned(), malformed(1, 1)),
        ("\"evt_1\"".to_owned(), malformed(1, 1)),
        (format!("{} x", event(&json!({}))), malformed(1, event(&json!({})).to_string().len() + 2)),
        (without("id"), Err(InvalidEvent::NoId)),
        (with("id", json!("")), Err(InvalidEvent::NoId)),
        (with("id", json!(7)), Err(InvalidEvent::NoId)),
        (with("id", json!("e".repeat(256))), Err(InvalidEvent::NoId)),
        (without("type"), Err(InvalidEvent::NoType)),
        (without("created"), Err(InvalidEvent::NoTime)),
        (with("created", json!(null)), Err(InvalidEvent::NoTime)),
        (with("created", json!(-1)), Err(InvalidEvent::NoTime)),
        (with("created", json!(32_503_680_000_i64)), Err(InvalidEvent::NoTime)),
        (with("created", json!(8_210_266_876_799_i64)), Err(InvalidEvent::NoTime)),
        (with("created", json!(i64::MIN)), Err(InvalidEvent::NoTime)),
        (without("data"), Err(InvalidEvent::NoObject)),
        (with("data", json!(null)), Err(InvalidEvent::NoObject)),
        (with("data", json!({})), Err(InvalidEvent::NoObject)),
        (with("data", json!([{"object": {"id": "ch_1"}}])), Err(InvalidEvent::NoObject)),
        (with("data", json!({"object": "ch_1"})), Err(InvalidEvent::NoObject)),
        (with("data", json!({"object": null})), Err(InvalidEvent::NoObject)),
    ] {
        assert_eq!(StripeEvent::parse(body.as_bytes()), error, "{body}");
    }
    // Numbers that no time can hold are malformed.
    for created in ["1e999", "1.5", "\"2026-11-28T00:00:00Z\"", "18446744073709551615"] {
        let body = format!(r#"{{"id":"evt_1","type":"x","created":{created},"data":{{"object":{{}}}}}}"#);
        assert!(
            matches!(StripeEvent::parse(body.as_bytes()), Err(InvalidEvent::Malformed { .. })),
            "{created}"
        );
    }
    for edge in [0, 32_503_679_999_i64] {
        assert_eq!(
            parse(&serde_json::from_str(&with("created", json!(edge))).unwrap()).unwrap().created.timestamp(),
            edge
        );
    }
}

#[test]
fn what_is_not_read_may_be_anything() {
    let nest = "[".repeat(100_000) + &"]".repeat(100_000);
    for other in ["1e999", nest.as_str(), r#""x""#] {
        let body = format!(
            r#"{{"id":"evt_1","type":"x","created":1,"x":{other},"data":{{"object":{{"id":"ch_1","x":{other}}}}}}}"#
        );
        assert_eq!(StripeEvent::parse(body.as_bytes()).unwrap().object.id.as_deref(), Some("ch_1"));
    }
}

#[test]
fn a_large_event_is_read() {
    let lines: Vec<_> =
        (0..1_000).map(|line| json!({"id": format!("il_{line}"), "text": "x".repeat(1_000)})).collect();
    let body = event(&json!({"id": "in_1", "object": "invoice", "lines": {"data": lines}}));
    assert_eq!(parse(&body).unwrap().object.id.as_deref(), Some("in_1"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = StripeEvent::parse(&body);
    }

    /// A body with a few characters changed either is no event, or names only ids that are in it.
    #[test]
    fn a_garbled_event_names_only_what_is_in_it(
        slips in proptest::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<char>()), 0..=4),
    ) {
        let object = json!({
            "id": "in_1", "object": "invoice", "payment_intent": {"id": "pi_1"}, "charge": "ch_1", "customer": null,
            "parent": {"subscription_details": {"subscription": "sub_1"}}, "payment": {"payment_intent": "pi_2"},
        });
        let mut chars: Vec<char> = event(&object).to_string().chars().collect();
        for (at, slip, other) in slips {
            let at = at.index(chars.len());
            match slip {
                0 => chars[at] = other,
                1 => drop(chars.remove(at)),
                _ => chars.insert(at, chars[at]),
            }
        }
        let body: String = chars.into_iter().collect();
        if let Ok(event) = StripeEvent::parse(body.as_bytes()) {
            let ObjectRef { id, object, payment_intent, charge, subscription, invoice, customer } = event.object;
            let ids = [id, object, payment_intent, charge, subscription, invoice, customer, Some(event.id)];
            for id in ids.into_iter().flatten() {
                let written = serde_json::to_string(&id).unwrap();
                // An escape may write a character in another way.
                prop_assert!(body.contains(&written) || body.contains('\\'), "{id} is not in {body}");
                prop_assert!((1..=255).contains(&id.len()));
            }
        }
    }
}
