//! Lists are read to their end, within a bound.

use scrip_accounts::PaymentId;
use scrip_stripe::Error;
use serde_json::{Value, json};

use crate::server::{
    SentRequest, Server, charge, event, invoice, invoice_line, invoice_payment, list, page, refund, session,
    session_line, subscription, subscription_item,
};

fn numbered(count: usize, item: fn(&str) -> Value, prefix: &str) -> Vec<Value> {
    (0..count).map(|number| item(&format!("{prefix}_{number}"))).collect()
}

fn charge_of(number: usize) -> Value {
    let mut charge = charge(&format!("ch_{number}"));
    charge["payment_intent"] = json!(format!("pi_{number}"));
    charge
}

fn is_of(request: &SentRequest, path: &str) -> bool {
    let line = request.decoded();
    line.split('?').next() == Some(path)
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    for (count, calls) in [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (250, 3)] {
        let all = numbered(count, refund, "re");
        let server = Server::new(move |request| page(&all, request));
        let api = server.api();
        let refunds = api.refunds_of_payment("pi_1").await.unwrap();
        assert_eq!((refunds.len(), api.calls()), (count, calls));
        let ids: Vec<_> = refunds.iter().map(|refund| refund.id.clone()).collect();
        assert_eq!(ids, (0..count).map(|number| format!("re_{number}")).collect::<Vec<_>>());
        let cursors: Vec<_> = server
            .requests()
            .iter()
            .map(|request| request.parameter("starting_after").map(str::to_owned))
            .collect();
        let expected = (0..calls).map(|call| (call > 0).then(|| format!("re_{}", call * 100 - 1)));
        assert_eq!(cursors, expected.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_list_without_an_end_is_an_error() {
    let server = Server::new(|_| list(&[refund("re_1")], true));
    let api = server.api();
    let error = api.refunds_of_payment("pi_1").await.unwrap_err();
    assert!(matches!(error, Error::TooMany { kind: "refunds" }), "{error}");
    assert_eq!(api.calls(), 100);
    let server = Server::new(|_| list(&[event("evt_1")], true));
    let api = server.api();
    let error = api.events_since(chrono::DateTime::UNIX_EPOCH).await.unwrap_err();
    assert!(matches!(error, Error::TooMany { kind: "events" }), "{error}");
    assert_eq!(api.calls(), 1_000);
}

#[tokio::test]
async fn an_empty_page_ends_a_list() {
    let server = Server::new(|_| list(&[], true));
    assert_eq!(server.api().refunds_of_payment("pi_1").await.unwrap(), []);
}

#[tokio::test]
async fn a_session_has_all_its_lines() {
    for (count, calls) in [(1, 1), (10, 1), (11, 2), (100, 2), (101, 3)] {
        let all = numbered(count, session_line, "li");
        let server = Server::new(move |request| {
            if is_of(request, "GET /v1/checkout/sessions/cs_1") {
                return session("cs_1", &list(&all[..count.min(10)], count > 10));
            }
            assert!(is_of(request, "GET /v1/checkout/sessions/cs_1/line_items"), "{request:?}");
            assert_eq!(request.parameter("expand[]"), Some("data.price.product"));
            page(&all, request)
        });
        let api = server.api();
        let lines = api.session("cs_1").await.unwrap().line_items.unwrap();
        assert_eq!((lines.data.len(), lines.has_more, api.calls()), (count, false, calls));
    }
}

#[tokio::test]
async fn a_subscription_has_all_its_items() {
    for (count, calls) in [(1, 1), (11, 2)] {
        let all = numbered(count, subscription_item, "si");
        let server = Server::new(move |request| {
            if is_of(request, "GET /v1/subscriptions/sub_1") {
                return subscription("sub_1", &list(&all[..count.min(10)], count > 10));
            }
            assert!(is_of(request, "GET /v1/subscription_items"), "{request:?}");
            assert_eq!(request.parameter("subscription"), Some("sub_1"));
            page(&all, request)
        });
        let api = server.api();
        let items = api.subscription("sub_1").await.unwrap().items;
        assert_eq!((items.data.len(), items.has_more, api.calls()), (count, false, calls));
    }
}

/// Invoices by number, newest first, of which those at or below a number are known, each with so many lines.
fn invoices(count: usize, lines: usize) -> Server {
    let all_lines = numbered(lines, invoice_line, "il");
    let shown = list(&all_lines[..lines.min(10)], lines > 10);
    let newest_first = (0..count).rev().map(|number| {
        let id = format!("in_{number}");
        let payments = list(&[invoice_payment("inpay_1", &id, "paid")], false);
        invoice(&id, &shown, &payments)
    });
    let all: Vec<_> = newest_first.collect();
    Server::new(move |request| {
        if is_of(request, "GET /v1/invoices") { page(&all, request) } else { page(&all_lines, request) }
    })
}

#[tokio::test]
async fn invoices_are_read_back_to_the_first_page_with_a_known_one() {
    // The highest number that is known, how many there are, how many are read, and by how many calls.
    for (known, count, read, calls) in [
        (None, 0, 0, 1),
        (None, 9, 9, 1),
        (None, 25, 25, 3),
        (Some(24), 25, 10, 1),
        (Some(23), 25, 10, 1),
        (Some(15), 25, 10, 1),
        (Some(14), 25, 20, 2),
        (Some(0), 25, 25, 3),
    ] {
        let server = invoices(count, 1);
        let api = server.api();
        let is_known = |id: &str| {
            let number: usize = id.trim_start_matches("in_").parse().unwrap();
            known.is_some_and(|known| number <= known)
        };
        let invoices = api.paid_invoices_of_subscription("sub_1", is_known).await.unwrap();
        assert_eq!((invoices.len(), api.calls()), (read, calls), "{known:?} of {count}");
    }
}

#[tokio::test]
async fn an_old_invoice_that_is_paid_late_is_read_with_its_page() {
    let server = invoices(8, 1);
    // All but the third are known.
    let read = server.api().paid_invoices_of_subscription("sub_1", |id| id != "in_3").await.unwrap();
    assert!(read.iter().any(|invoice| invoice.id == "in_3"));
}

#[tokio::test]
async fn charges_are_read_back_to_the_payments_that_are_looked_for() {
    // The payments that are looked for, how many charges are read, and by how many calls.
    for (payments, read, calls) in [
        (vec![], 100, 1),
        (vec!["pi_449", "pi_350"], 100, 1),
        (vec!["pi_449", "pi_349"], 200, 2),
        (vec!["pi_150"], 300, 3),
        // Not without end: other payments are the same customer's.
        (vec!["pi_0"], 300, 3),
        (vec!["pi_unknown"], 300, 3),
    ] {
        let newest_first: Vec<_> = (0..450).rev().map(charge_of).collect();
        let server = Server::new(move |request| page(&newest_first, request));
        let api = server.api();
        let payments: Vec<_> = payments.into_iter().map(|id| PaymentId::parse(id).unwrap()).collect();
        let charges = api.charges_of_customer("cus_1", &payments).await.unwrap();
        assert_eq!((charges.len(), api.calls()), (read, calls), "{payments:?}");
    }
}

#[tokio::test]
async fn only_unknown_invoices_are_completed() {
    for (lines, known, calls) in [(10, 0, 1), (13, 0, 4), (13, 2, 2), (13, 3, 1), (101, 2, 3)] {
        let server = invoices(3, lines);
        let api = server.api();
        let is_known = |id: &str| (0..known).any(|number| id == format!("in_{number}"));
        let invoices = api.paid_invoices_of_subscription("sub_1", is_known).await.unwrap();
        assert_eq!(api.calls(), calls, "{lines} lines, {known} known");
        for invoice in invoices {
            let read = if is_known(&invoice.id) { lines.min(10) } else { lines };
            assert_eq!(invoice.lines.data.len(), read, "{}", invoice.id);
        }
    }
}

#[tokio::test]
async fn an_invoice_has_all_its_lines_and_payments() {
    for (lines, payments, calls) in [(10, 10, 1), (13, 1, 2), (1, 11, 2), (13, 11, 3)] {
        let all_lines = numbered(lines, invoice_line, "il");
        let all_payments = numbered(payments, |id| invoice_payment(id, "in_1", "paid"), "inpay");
        let server = Server::new(move |request| {
            if is_of(request, "GET /v1/invoices/in_1/lines") {
                return page(&all_lines, request);
            }
            if is_of(request, "GET /v1/invoice_payments") {
                assert_eq!(request.parameter("invoice"), Some("in_1"));
                return page(&all_payments, request);
            }
            let shown = |all: &[Value]| list(&all[..all.len().min(10)], all.len() > 10);
            invoice("in_1", &shown(&all_lines), &shown(&all_payments))
        });
        let api = server.api();
        let invoice = api.invoice("in_1").await.unwrap();
        let read = (invoice.lines.data.len(), invoice.payments.unwrap().data.len(), api.calls());
        assert_eq!(read, (lines, payments, calls));
    }
}

#[tokio::test]
async fn events_are_read_to_their_end() {
    let all = numbered(120, event, "evt");
    let server = Server::new(move |request| page(&all, request));
    let api = server.api();
    let events = api.undelivered_events(chrono::DateTime::UNIX_EPOCH).await.unwrap();
    assert_eq!((events.len(), api.calls()), (120, 3));
    assert_eq!(events[119].id, "evt_119");
}
