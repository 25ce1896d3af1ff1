//! What is read of each object.

use scrip_stripe::objects::{
    Charge, Dispute, Invoice, InvoiceLine, InvoicePayment, PaymentIntent, Price, Refund, Session,
    SessionLine, Subscription, SubscriptionItem,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::server;

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn is_read<T: DeserializeOwned>(value: &Value) -> bool {
    serde_json::from_value::<T>(value.clone()).is_ok()
}

#[test]
fn a_session_with_all_that_is_expanded() {
    let mut value = server::session("cs_1", &server::list(&[server::session_line("li_1")], false));
    value["payment_intent"] = server::payment_intent("pi_1");
    value["customer"] = json!({"id": "cus_1", "object": "customer", "deleted": true});
    value["line_items"]["data"][0]["price"]["product"] =
        json!({"id": "prod_1", "metadata": {"sku": "tune_pack"}});
    let session: Session = read(&value);
    assert_eq!((session.mode.as_str(), session.payment_status.as_str()), ("payment", "paid"));
    assert_eq!((session.status.as_deref(), session.amount_total), (Some("complete"), Some(2700)));
    assert_eq!(session.customer.unwrap().id(), "cus_1");
    assert_eq!(session.client_reference_id.as_deref(), Some("alice"));
    assert_eq!(session.payment_link.unwrap().id(), "plink_1");
    let payment = session.payment_intent.unwrap();
    assert_eq!(payment.id(), "pi_1");
    let charge = payment.object().unwrap().latest_charge.as_ref().unwrap().object().unwrap();
    assert_eq!((charge.id.as_str(), charge.payment_intent()), ("ch_1", Some("pi_1")));
    let line = &session.line_items.unwrap().data[0];
    assert_eq!((line.id.as_str(), line.quantity, line.amount_total), ("li_1", Some(3), 2700));
    let price = line.price.as_ref().unwrap();
    assert_eq!(price.id(), "price_1");
    let product = price.object().unwrap().product.as_ref().unwrap().object().unwrap();
    assert_eq!(product.metadata["sku"], "tune_pack");
}

#[test]
fn a_session_with_ids_and_nulls() {
    let value = json!({
        "id": "cs_1", "mode": "setup", "status": null, "payment_status": "no_payment_required", "metadata": null,
        "payment_intent": "pi_1", "created": 0,
    });
    let session: Session = read(&value);
    let payment = session.payment_intent.unwrap();
    assert_eq!((payment.id(), payment.object()), ("pi_1", None));
    assert!(session.metadata.is_empty() && session.line_items.is_none() && session.amount_total.is_none());
}

#[test]
fn a_subscription() {
    let mut value = server::subscription("sub_1", &server::list(&[server::subscription_item("si_1")], false));
    value["latest_invoice"] = json!("in_9");
    value["canceled_at"] = json!(1_793_700_000);
    value["trial_end"] = json!(1_793_800_000);
    value["pause_collection"] = json!({"behavior": "void", "resumes_at": null});
    value["pending_update"] = json!({"expires_at": 1_793_900_000, "subscription_items": []});
    let subscription: Subscription = read(&value);
    assert_eq!(subscription.latest_invoice.unwrap().id(), "in_9");
    assert_eq!(subscription.canceled_at.unwrap().timestamp(), 1_793_700_000);
    assert_eq!(subscription.trial_end.unwrap().timestamp(), 1_793_800_000);
    assert_eq!((subscription.trial_start, subscription.ended_at), (None, None));
    assert_eq!(subscription.pause_collection.unwrap().behavior, "void");
    assert_eq!(subscription.pending_update.unwrap().expires_at.timestamp(), 1_793_900_000);
    let item = &subscription.items.data[0];
    assert_eq!((item.id.as_str(), item.quantity, item.price.id.as_str()), ("si_1", Some(1), "price_1"));
    assert_eq!(item.current_period_end.timestamp(), 1_796_288_400);
}

#[test]
fn an_invoice() {
    let payments = server::list(&[server::invoice_payment("inpay_1", "in_1", "paid")], false);
    let invoice: Invoice = read(&server::invoice("in_1", &server::list(&[], false), &payments));
    assert_eq!((invoice.status.as_deref(), invoice.amount_paid, invoice.total), (Some("paid"), 1900, 1900));
    assert_eq!(invoice.billing_reason.as_deref(), Some("subscription_cycle"));
    assert_eq!(invoice.paid_at().unwrap().timestamp(), 1_793_696_401);
    let details = invoice.parent.unwrap().subscription_details.unwrap();
    assert_eq!(details.subscription.unwrap().id(), "sub_1");
    assert_eq!(details.metadata["account_id"], "alice");
    let payment = &invoice.payments.unwrap().data[0];
    assert_eq!(
        (payment.status.as_str(), payment.amount_paid, payment.is_default),
        ("paid", Some(1900), true)
    );
    assert_eq!(payment.payment.payment_intent.as_ref().unwrap().id(), "pi_1");
    assert_eq!(payment.payment.charge, None);
}

#[test]
fn an_invoice_of_no_subscription_that_was_never_paid() {
    let mut value = server::invoice("in_1", &server::list(&[], false), &Value::Null);
    value["parent"] = Value::Null;
    value["status_transitions"]["paid_at"] = Value::Null;
    let invoice: Invoice = read(&value);
    assert_eq!((invoice.paid_at(), invoice.parent, invoice.payments), (None, None, None));
}

#[test]
fn a_line_of_an_invoice() {
    let item = |proration: bool| json!({"proration": proration, "subscription": "sub_1"});
    for (parent, is_proration) in [
        (Value::Null, false),
        (json!({"type": "subscription_item_details", "subscription_item_details": item(false)}), false),
        (json!({"type": "subscription_item_details", "subscription_item_details": item(true)}), true),
        (json!({"type": "invoice_item_details", "invoice_item_details": item(true)}), true),
        (
            json!({
                "type": "invoice_item_details", "invoice_item_details": item(false), "subscription_item_details": null,
            }),
            false,
        ),
    ] {
        let mut value = server::invoice_line("il_1");
        value["parent"] = parent.clone();
        assert_eq!(read::<InvoiceLine>(&value).is_proration(), is_proration, "{parent}");
    }
    for (pricing, price_id) in [
        (Value::Null, None),
        (json!({"type": "price_details", "unit_amount_decimal": null}), None),
        (json!({"price_details": {"price": "price_2", "product": "prod_1"}}), Some("price_2")),
        (json!({"price_details": {"price": server::price("price_3"), "product": "prod_1"}}), Some("price_3")),
    ] {
        let mut value = server::invoice_line("il_1");
        value["pricing"] = pricing.clone();
        assert_eq!(read::<InvoiceLine>(&value).price_id(), price_id, "{pricing}");
    }
    for (discounts, discounted) in [
        (Value::Null, 0),
        (json!([]), 0),
        (json!([{"amount": 100, "discount": "di_1"}, {"amount": 250, "discount": "di_2"}]), 350),
        (json!([{"amount": i64::MAX}, {"amount": 1}]), i64::MAX),
    ] {
        let mut value = server::invoice_line("il_1");
        value["discount_amounts"] = discounts.clone();
        assert_eq!(read::<InvoiceLine>(&value).discounted(), discounted, "{discounts}");
    }
}

#[test]
fn a_price() {
    let mut value = server::price("price_1");
    value["lookup_key"] = json!("basic_monthly");
    value["recurring"] = json!({"interval": "month", "interval_count": 1});
    value["product"] = json!({"id": "prod_1", "object": "product", "deleted": true});
    let price: Price = read(&value);
    assert_eq!((price.lookup_key.as_deref(), price.unit_amount), (Some("basic_monthly"), Some(900)));
    assert_eq!(price.recurring.unwrap().interval, "month");
    assert!(price.product.unwrap().object().unwrap().metadata.is_empty());
}

#[test]
fn money_that_went_back() {
    let mut value = server::refund("re_1");
    value["status"] = Value::Null;
    value["metadata"] = Value::Null;
    let refund: Refund = read(&value);
    assert_eq!((refund.status.as_str(), refund.metadata.len(), refund.amount), ("", 0, 900));
    let dispute: Dispute = read(&server::dispute("dp_1"));
    assert_eq!((dispute.status.as_str(), dispute.amount), ("needs_response", 900));
    assert_eq!(dispute.payment_intent.unwrap().id(), "pi_1");
}

/// Every time of every object, one second within its bounds and one second beyond them.
#[test]
fn a_time_that_cannot_be_is_an_error() {
    type Reader = fn(&Value) -> bool;
    let lines = server::list(&[], false);
    let mut pending = server::subscription("sub_1", &lines);
    pending["pending_update"] = json!({"expires_at": 1});
    let cases: [(Reader, Value, &[&str]); 12] = [
        (is_read::<Session>, server::session("cs_1", &Value::Null), &["/created"]),
        (
            is_read::<Subscription>,
            pending,
            &[
                "/created",
                "/canceled_at",
                "/ended_at",
                "/trial_start",
                "/trial_end",
                "/pending_update/expires_at",
            ],
        ),
        (
            is_read::<SubscriptionItem>,
            server::subscription_item("si_1"),
            &["/current_period_start", "/current_period_end"],
        ),
        (
            is_read::<Invoice>,
            server::invoice("in_1", &lines, &Value::Null),
            &["/created", "/status_transitions/paid_at"],
        ),
        (is_read::<InvoiceLine>, server::invoice_line("il_1"), &["/period/start", "/period/end"]),
        (is_read::<PaymentIntent>, server::payment_intent("pi_1"), &["/created", "/latest_charge/created"]),
        (is_read::<Charge>, server::charge("ch_1"), &["/created"]),
        (is_read::<Refund>, server::refund("re_1"), &["/created"]),
        (is_read::<Dispute>, server::dispute("dp_1"), &["/created"]),
        (is_read::<InvoicePayment>, server::invoice_payment("inpay_1", "in_1", "paid"), &[]),
        (is_read::<SessionLine>, server::session_line("li_1"), &[]),
        (is_read::<Price>, server::price("price_1"), &[]),
    ];
    for (is_read, value, times) in cases {
        assert!(is_read(&value), "{value}");
        for time in times {
            for (seconds, valid) in [
                (json!(0), true),
                (json!(32_503_679_999_i64), true),
                (json!(32_503_680_000_i64), false),
                (json!(8_210_266_876_799_i64), false),
                (json!(-1), false),
                (json!(i64::MIN), false),
                (json!(u64::MAX), false),
                (json!(1.5), false),
                (json!("2026"), false),
            ] {
                let mut value = value.clone();
                *value.pointer_mut(time).unwrap() = seconds.clone();
                assert_eq!(is_read(&value), valid, "{seconds} at {time} of {value}");
            }
        }
    }
}
