//! A server in memory: answers each request by a function, and keeps the requests.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use scrip_stripe::{Api, Client};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The key of all calls.
pub const KEY: &str = "rk_test_51secret";

/// A request as the server got it.
#[derive(Debug, Clone)]
pub struct SentRequest {
    /// Method, path and query as they were sent.
    pub line: String,
    /// The query or the form, decoded.
    pub parameters: Vec<(String, String)>,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
}

impl SentRequest {
    /// Method, path and query, decoded, to be read.
    pub fn decoded(&self) -> String {
        percent_decode_str(&self.line).decode_utf8().unwrap().into_owned()
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An answer: status and body, after a while; `None` never comes.
pub struct Answer {
    pub after: Duration,
    pub content: Option<(u16, String)>,
}

impl From<Value> for Answer {
    fn from(body: Value) -> Self {
        (200, body.to_string()).into()
    }
}

impl From<(u16, String)> for Answer {
    fn from(content: (u16, String)) -> Self {
        Self { after: Duration::ZERO, content: Some(content) }
    }
}

/// The server: a client of it, and the requests that it got.
pub struct Server {
    client: Client,
    requests: Arc<Mutex<Vec<SentRequest>>>,
}

impl Server {
    /// A server that answers by that function.
    pub fn new<A: Into<Answer>>(answer: impl Fn(&SentRequest) -> A + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&requests);
        let transport = move |request: Request<Full<Bytes>>| -> scrip_stripe::Exchange {
            let request = read(request);
            let answer: Answer = answer(&request).into();
            received.lock().unwrap().push(request);
            Box::pin(async move {
                tokio::time::sleep(answer.after).await;
                answer
                    .content
                    .map(|(status, body)| (StatusCode::from_u16(status).unwrap(), Bytes::from(body)))
            })
        };
        Self { client: Client::over(Box::new(transport), "https://stripe.test/"), requests }
    }

    /// A conversation of a minute.
    pub fn api(&self) -> Api<'_> {
        self.api_for(Duration::from_mins(1))
    }

    /// A conversation of that time.
    pub fn api_for(&self, time: Duration) -> Api<'_> {
        self.client.api(KEY, Instant::now() + time)
    }

    /// A conversation by another key.
    pub fn api_by(&self, key: &str) -> Api<'_> {
        self.client.api(key, Instant::now() + Duration::from_mins(1))
    }

    /// The requests, oldest first.
    pub fn requests(&self) -> Vec<SentRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// The lines of the requests, decoded.
    pub fn lines(&self) -> Vec<String> {
        self.requests().iter().map(SentRequest::decoded).collect()
    }
}

fn read(request: Request<Full<Bytes>>) -> SentRequest {
    let (parts, body) = request.into_parts();
    let uri = parts.uri.to_string();
    let line = uri.strip_prefix("https://stripe.test").expect("the base is as it was given").to_owned();
    let body = whole_body(body);
    let query = if body.is_empty() { parts.uri.query().unwrap_or_default().to_owned() } else { body };
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let parameters = pairs.map(|(name, value)| (decode(name), decode(value))).collect();
    let headers = parts.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    SentRequest { line: format!("{} {line}", parts.method), parameters, headers }
}

/// Reads a body that is in memory, so that it is there at once.
fn whole_body(body: Full<Bytes>) -> String {
    let mut body = std::pin::pin!(body.collect());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match body.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Ok(bytes)) => String::from_utf8(bytes.to_bytes().to_vec()).unwrap(),
        _ => panic!("a body in memory is there at once"),
    }
}

/// A page of a list.
pub fn list(data: &[Value], has_more: bool) -> Value {
    json!({"object": "list", "data": data, "has_more": has_more, "url": "/v1/…"})
}

/// The page of a list that is asked for.
pub fn page(all: &[Value], request: &SentRequest) -> Value {
    let after = request.parameter("starting_after");
    let from = after.map_or(0, |id| all.iter().position(|item| item["id"] == id).unwrap() + 1);
    let limit = request.parameter("limit").map_or(10, |limit| limit.parse().unwrap());
    let to = all.len().min(from + limit);
    list(&all[from..to], to < all.len())
}

pub fn price(id: &str) -> Value {
    json!({
        "id": id, "object": "price", "lookup_key": null, "metadata": {}, "product": "prod_1", "type": "one_time",
        "unit_amount": 900, "recurring": null,
    })
}

pub fn session(id: &str, lines: &Value) -> Value {
    json!({
        "id": id, "object": "checkout.session", "mode": "payment", "status": "complete", "payment_status": "paid",
        "customer": null, "client_reference_id": "alice", "metadata": {}, "payment_intent": "pi_1", "invoice": null,
        "subscription": null, "amount_total": 2700, "currency": "usd", "created": 1_793_696_400, "line_items": lines,
        "payment_link": "plink_1",
    })
}

pub fn session_line(id: &str) -> Value {
    json!({
        "id": id, "object": "item", "quantity": 3, "amount_total": 2700, "price": price("price_1"), "metadata": null,
    })
}

pub fn subscription(id: &str, items: &Value) -> Value {
    json!({
        "id": id, "object": "subscription", "status": "active", "customer": "cus_1", "items": items,
        "metadata": {"account_id": "alice"}, "latest_invoice": "in_1", "cancel_at_period_end": false,
        "canceled_at": null, "ended_at": null, "trial_start": null, "trial_end": null, "pause_collection": null,
        "pending_update": null, "created": 1_793_696_400,
    })
}

pub fn subscription_item(id: &str) -> Value {
    json!({
        "id": id, "object": "subscription_item", "quantity": 1, "price": price("price_1"),
        "current_period_start": 1_793_696_400, "current_period_end": 1_796_288_400,
    })
}

pub fn invoice(id: &str, lines: &Value, payments: &Value) -> Value {
    json!({
        "id": id, "object": "invoice", "status": "paid", "customer": "cus_1", "metadata": {}, "amount_paid": 1900,
        "billing_reason": "subscription_cycle", "amount_due": 1900, "total": 1900, "currency": "usd",
        "created": 1_793_696_400, "status_transitions": {"paid_at": 1_793_696_401, "finalized_at": 1_793_696_400},
        "parent": {
            "type": "subscription_details", "quote_details": null,
            "subscription_details": {"subscription": "sub_1", "metadata": {"account_id": "alice"}},
        },
        "lines": lines, "payments": payments,
    })
}

pub fn invoice_line(id: &str) -> Value {
    json!({
        "id": id, "object": "line_item", "amount": 1900, "quantity": 1, "description": "1 × Basic", "metadata": {},
        "period": {"start": 1_793_696_400, "end": 1_796_288_400}, "discount_amounts": [],
        "pricing": {"type": "price_details", "price_details": {"price": "price_1", "product": "prod_1"}},
        "parent": {
            "type": "subscription_item_details", "invoice_item_details": null,
            "subscription_item_details": {"proration": false, "subscription": "sub_1", "subscription_item": "si_1"},
        },
    })
}

pub fn invoice_payment(id: &str, invoice: &str, status: &str) -> Value {
    json!({
        "id": id, "object": "invoice_payment", "status": status, "invoice": invoice, "amount_paid": 1900,
        "is_default": true, "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
    })
}

pub fn charge(id: &str) -> Value {
    json!({
        "id": id, "object": "charge", "payment_intent": "pi_1", "amount": 1900, "amount_refunded": 0,
        "refunded": false, "disputed": false, "created": 1_793_696_400,
    })
}

pub fn payment_intent(id: &str) -> Value {
    json!({
        "id": id, "object": "payment_intent", "status": "succeeded", "amount": 1900, "amount_received": 1900,
        "currency": "usd", "customer": null, "metadata": {}, "created": 1_793_696_400, "latest_charge": charge("ch_1"),
    })
}

pub fn refund(id: &str) -> Value {
    json!({
        "id": id, "object": "refund", "amount": 900, "status": "succeeded", "created": 1_793_696_400,
        "payment_intent": "pi_1", "charge": "ch_1", "metadata": {"scrip_attempt": "0"}, "failure_reason": null,
    })
}

pub fn dispute(id: &str) -> Value {
    json!({
        "id": id, "object": "dispute", "amount": 900, "status": "needs_response", "created": 1_793_696_400,
        "payment_intent": "pi_1", "charge": "ch_1", "balance_transactions": [],
    })
}

pub fn event(id: &str) -> Value {
    json!({
        "id": id, "object": "event", "type": "invoice.paid", "created": 1_793_696_400, "api_version": "2019-02-19",
        "data": {"object": {"id": "in_1", "object": "invoice", "subscription": "sub_1"}},
    })
}

/// An answer that names an error.
pub fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> (u16, String) {
    (status, json!({"error": {"type": kind, "code": code, "message": message}}).to_string())
}
