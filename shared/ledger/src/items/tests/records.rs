//! The records beside the entries: purchases, subscriptions, whose something is, what is parked or due.

use scrip_accounts::{CustomerId, PaymentId, PurchaseId};

use super::*;
use crate::keys;

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
fn the_stored_form_of_owner_rows_never_changes() {
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
fn the_stored_form_of_a_parked_payment_never_changes() {
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
fn an_item_without_a_required_attribute_is_an_error() {
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
