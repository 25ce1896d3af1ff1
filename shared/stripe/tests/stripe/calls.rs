//! The request of each method, to the letter, and its cost in calls.

use std::pin::Pin;

use chrono::DateTime;
use scrip_stripe::{API_VERSION, Api, objects::Expandable};
use serde_json::{Value, json};

use crate::server::{
    KEY, SentRequest, Server, charge, dispute, event, invoice, invoice_line, invoice_payment, list,
    payment_intent, price, refund, session, session_line, subscription, subscription_item,
};

/// Each path's answer, with every list at its end.
fn answer(request: &SentRequest) -> Value {
    let line = request.decoded();
    let path = line.split('?').next().unwrap_or_default();
    match path {
        "GET /v1/checkout/sessions" => list(&[session("cs_1", &Value::Null)], false),
        path if path.starts_with("GET /v1/checkout/sessions/") => {
            session("cs_1", &list(&[session_line("li_1")], false))
        }
        "GET /v1/subscriptions" => list(&[subscription("sub_1", &list(&[], false))], false),
        path if path.contains(" /v1/subscriptions/") => {
            subscription("sub_1", &list(&[subscription_item("si_1")], false))
        }
        "GET /v1/invoices" => list(&[full_invoice("in_2"), full_invoice("in_1")], false),
        path if path.starts_with("GET /v1/invoices/") => full_invoice("in_1"),
        "GET /v1/invoice_payments" => list(&[invoice_payment("inpay_1", "in_1", "paid")], false),
        "GET /v1/payment_intents" => list(&[payment_intent("pi_1")], false),
        path if path.starts_with("GET /v1/payment_intents/") => payment_intent("pi_1"),
        "GET /v1/charges" => list(&[charge("ch_1")], false),
        path if path.starts_with("GET /v1/charges/") => charge("ch_1"),
        "GET /v1/refunds" => list(&[refund("re_1")], false),
        "POST /v1/refunds" => refund("re_1"),
        "GET /v1/disputes" => list(&[dispute("dp_1")], false),
        "GET /v1/events" => list(&[event("evt_1")], false),
        path if path.starts_with("GET /v1/prices/") => price("price_1"),
        path => panic!("nothing asks {path}"),
    }
}

fn full_invoice(id: &str) -> Value {
    invoice(
        id,
        &list(&[invoice_line("il_1")], false),
        &list(&[invoice_payment("inpay_1", id, "paid")], false),
    )
}

/// A call whose result only has to be there.
type Ask = for<'a> fn(&'a Api<'a>) -> Pin<Box<dyn Future<Output = Result<(), scrip_stripe::Error>> + 'a>>;

macro_rules! ask {
    ($api:ident => $call:expr) => {
        |$api| Box::pin(async move { $call.await.map(drop) })
    };
}

#[tokio::test]
async fn each_method_sends_one_request() {
    let cases: [(Ask, &str); 22] = [
        (
            ask!(api => api.session("cs_1")),
            "GET /v1/checkout/sessions/cs_1?expand[]=line_items.data.price.product\
             &expand[]=payment_intent.latest_charge",
        ),
        (
            ask!(api => api.session_of_subscription("sub_1")),
            "GET /v1/checkout/sessions?subscription=sub_1&limit=1",
        ),
        (
            ask!(api => api.session_of_payment("pi_1")),
            "GET /v1/checkout/sessions?payment_intent=pi_1&limit=1",
        ),
        (
            ask!(api => api.sessions_of_customer("cus_1")),
            "GET /v1/checkout/sessions?customer=cus_1&limit=100",
        ),
        (ask!(api => api.price("price_1")), "GET /v1/prices/price_1?expand[]=product"),
        (
            ask!(api => api.subscription("sub_1")),
            "GET /v1/subscriptions/sub_1?expand[]=items.data.price.product",
        ),
        (
            ask!(api => api.subscriptions_of_customer("cus_1")),
            "GET /v1/subscriptions?customer=cus_1&status=all&limit=100",
        ),
        (
            ask!(api => api.paid_invoices_of_subscription("sub_1", |_| false)),
            "GET /v1/invoices?subscription=sub_1&status=paid&expand[]=data.payments\
             &expand[]=data.parent.subscription_details.subscription&limit=10",
        ),
        (
            ask!(api => api.paid_invoices_of_customer("cus_1")),
            "GET /v1/invoices?customer=cus_1&status=paid&expand[]=data.payments&limit=10",
        ),
        (ask!(api => api.invoice("in_1")), "GET /v1/invoices/in_1?expand[]=payments"),
        (
            ask!(api => api.invoice_of_payment("pi_1")),
            "GET /v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]=pi_1&expand[]=data.invoice",
        ),
        (ask!(api => api.cancel_subscription("sub_1")), "DELETE /v1/subscriptions/sub_1"),
        (ask!(api => api.cancel_subscription_at_period_end("sub_1")), "POST /v1/subscriptions/sub_1"),
        (ask!(api => api.payment_intent("pi_1")), "GET /v1/payment_intents/pi_1?expand[]=latest_charge"),
        (
            ask!(api => api.payment_intents_of_customer("cus_1")),
            "GET /v1/payment_intents?customer=cus_1&limit=100",
        ),
        (ask!(api => api.charge("ch_1")), "GET /v1/charges/ch_1"),
        (ask!(api => api.charges_of_customer("cus_1", &[])), "GET /v1/charges?customer=cus_1&limit=100"),
        (ask!(api => api.refunds_of_payment("pi_1")), "GET /v1/refunds?payment_intent=pi_1&limit=100"),
        (ask!(api => api.disputes_of_payment("pi_1")), "GET /v1/disputes?payment_intent=pi_1&limit=100"),
        (
            ask!(api => api.undelivered_events(DateTime::from_timestamp(1_793_000_000, 0).unwrap())),
            "GET /v1/events?delivery_success=false&created[gte]=1793000000&limit=50",
        ),
        (
            ask!(api => api.events_since(DateTime::from_timestamp(1_793_000_000, 0).unwrap())),
            "GET /v1/events?created[gte]=1793000000&limit=50",
        ),
        (ask!(api => api.create_refund("pi_1", None, "key-1", &[])), "POST /v1/refunds"),
    ];
    for (ask, line) in cases {
        let server = Server::new(answer);
        let api = server.api();
        ask(&api).await.unwrap_or_else(|error| panic!("{line}: {error} {error:?}"));
        assert_eq!(server.lines(), [line]);
        assert_eq!(api.calls(), 1, "{line}");
        let request = &server.requests()[0];
        assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()), "{line}");
        assert_eq!(request.header("stripe-version"), Some(API_VERSION), "{line}");
    }
}

#[tokio::test]
async fn an_id_is_encoded() {
    let server = Server::new(answer);
    server.api().price("a/b?c=d&e#f ü%2F").await.unwrap();
    server.api().charges_of_customer("x&limit=1", &[]).await.unwrap();
    let sent: Vec<_> = server.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(
        sent,
        [
            "GET /v1/prices/a%2Fb%3Fc%3Dd%26e%23f%20%C3%BC%252F?expand%5B%5D=product",
            "GET /v1/charges?customer=x%26limit%3D1&limit=100",
        ]
    );
}

#[tokio::test]
async fn an_id_that_would_name_another_endpoint_is_missing_without_a_call() {
    for id in ["", ".", ".."] {
        let server = Server::new(answer);
        let api = server.api();
        assert!(matches!(api.price(id).await, Err(scrip_stripe::Error::Missing)), "{id:?}");
        assert!(matches!(api.cancel_subscription(id).await, Err(scrip_stripe::Error::Missing)), "{id:?}");
        assert_eq!((api.calls(), server.requests().len()), (0, 0), "{id:?}");
    }
}

#[tokio::test]
async fn a_refund_is_asked_for_by_a_form() {
    let form = "application/x-www-form-urlencoded";
    for (amount, metadata, parameters) in [
        (None, &[][..], json!([["payment_intent", "pi_1"]])),
        (
            Some(600),
            &[("scrip_attempt", "2"), ("note", "a & b")],
            json!([
                ["payment_intent", "pi_1"],
                ["amount", "600"],
                ["metadata[scrip_attempt]", "2"],
                ["metadata[note]", "a & b"],
            ]),
        ),
    ] {
        let server = Server::new(answer);
        let made = server.api().create_refund("pi_1", amount, "scrip-refund-1", metadata).await.unwrap();
        assert_eq!((made.id.as_str(), made.status.as_str(), made.amount), ("re_1", "succeeded", 900));
        let request = &server.requests()[0];
        assert_eq!(json!(request.parameters), parameters);
        assert_eq!(request.header("content-type"), Some(form));
        assert_eq!(request.header("idempotency-key"), Some("scrip-refund-1"));
    }
}

#[tokio::test]
async fn a_subscription_that_ends_later_is_asked_for_by_a_form() {
    let server = Server::new(answer);
    server.api().cancel_subscription_at_period_end("sub_1").await.unwrap();
    assert_eq!(server.requests()[0].parameters, [("cancel_at_period_end".to_owned(), "true".to_owned())]);
}

#[tokio::test]
async fn a_payment_of_several_invoices_is_for_the_newest_that_it_paid() {
    for (payments, invoice_id) in [
        (vec![], None),
        (vec![("in_2", "open")], Some("in_2")),
        (vec![("in_3", "open"), ("in_2", "paid"), ("in_1", "paid")], Some("in_2")),
        (vec![("in_3", "canceled"), ("in_2", "open")], Some("in_3")),
    ] {
        let all: Vec<_> =
            payments.iter().map(|(id, status)| invoice_payment("inpay_1", id, status)).collect();
        let server = Server::new(move |_| list(&all, false));
        assert_eq!(
            server.api().invoice_of_payment("pi_1").await.unwrap().as_ref().map(Expandable::id),
            invoice_id,
            "{payments:?}"
        );
    }
}

#[tokio::test]
async fn what_no_session_made_has_none() {
    let server = Server::new(|_| list(&[], false));
    assert_eq!(server.api().session_of_payment("pi_1").await.unwrap(), None);
    assert_eq!(server.api().session_of_subscription("sub_1").await.unwrap(), None);
}
