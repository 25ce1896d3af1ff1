//! A request of a caller through the gateway, and its answer.

use chrono::{DateTime, Utc};
use http::request::Parts;
use scrip_local::event::GatewayRequest;
use serde_json::{Value, json};

use crate::{
    action::{End, Work},
    entry::Amounts,
    functions::Function,
};

const DEBIT: &str = "POST /v1/accounts/{account_id}/debits";
const HOLD: &str = "POST /v1/accounts/{account_id}/holds";
const CAPTURE: &str = "POST /v1/accounts/{account_id}/holds/{hold_id}/capture";
const RELEASE: &str = "POST /v1/accounts/{account_id}/holds/{hold_id}/release";
const SHOW_HOLD: &str = "GET /v1/accounts/{account_id}/holds/{hold_id}";
const ADJUSTMENT: &str = "POST /v1/accounts/{account_id}/adjustments";
const REVERSAL: &str = "POST /v1/accounts/{account_id}/debits/{debit_id}/reversals";

/// The subject of the callers' tokens.
pub const CALLER: &str = "caller";
/// The seconds of a hold whose request names none.
const EXPIRES_IN_DEFAULT: i64 = 900;

/// A request of a caller through the gateway.
#[derive(Debug, Clone)]
pub struct Request {
    pub function: Function,
    pub route: &'static str,
    pub path: Vec<(&'static str, String)>,
    pub query: String,
    pub headers: Vec<(&'static str, String)>,
    pub scope: Option<&'static str>,
    pub body: String,
}

/// The answer to a request that was under way between two steps, at a time.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub is_replay: bool,
    pub body: Value,
    pub steps: (u64, u64),
    pub at: DateTime<Utc>,
    /// How often it was asked before without an answer.
    pub unanswered: u32,
}

impl Request {
    /// A request without path, query, headers or token.
    pub fn plain(function: Function, route: &'static str, body: String) -> Self {
        let (path, query, headers) = (Vec::new(), String::new(), Vec::new());
        Self { function, route, path, query, headers, scope: None, body }
    }

    /// A debit.
    pub fn debit(account: &str, key: &str, work: Work) -> Self {
        Self {
            function: Function::Debit,
            route: DEBIT,
            path: vec![("account_id", account.to_owned())],
            query: String::new(),
            headers: vec![("idempotency-key", key.to_owned())],
            scope: Some("credits:debit credits:any-account"),
            body: work.operation.to_owned(),
        }
    }

    /// A hold for so many seconds. What is the default is left out.
    pub fn hold(account: &str, key: &str, work: Work, seconds: i64) -> Self {
        let mut body: Value = serde_json::from_str(work.operation).expect("it is JSON");
        if seconds != EXPIRES_IN_DEFAULT {
            body["expires_in"] = seconds.into();
        }
        Self { route: HOLD, body: body.to_string(), ..Self::debit(account, key, work) }
    }

    /// The capture or release of a hold.
    pub fn end_of_hold(account: &str, hold: &str, end: End) -> Self {
        let (route, body) = match end {
            End::Whole => (CAPTURE, json!({})),
            End::Part(unit, count) => (CAPTURE, json!({unit: count})),
            End::Release => (RELEASE, json!({})),
        };
        let scope = Some("credits:settle credits:any-account");
        let path = vec![("account_id", account.to_owned()), ("hold_id", hold.to_owned())];
        Self { path, scope, ..Self::plain(Function::Debit, route, body.to_string()) }
    }

    /// A look at a hold.
    pub fn shown_hold(account: &str, hold: &str) -> Self {
        let scope = Some("credits:read credits:any-account");
        let path = vec![("account_id", account.to_owned()), ("hold_id", hold.to_owned())];
        Self { path, scope, ..Self::plain(Function::Quote, SHOW_HOLD, String::new()) }
    }

    /// A look at an account, or at what is below it.
    pub fn read(account: &str, route: &'static str, query: String) -> Self {
        let scope = Some("credits:read credits:any-account");
        let path = vec![("account_id", account.to_owned())];
        Self { path, query, scope, ..Self::plain(Function::Quote, route, String::new()) }
    }

    /// A reversal of a debit or captured hold: of that many playground credits, or of all that is left.
    pub fn reversal(account: &str, key: &str, debit: &str, playground: Option<u64>) -> Self {
        let body = match playground {
            Some(playground) => {
                json!({"credits": {"playground": playground, "tune": 0, "tune_image": 0}, "reason": "failed"})
            }
            None => json!({}),
        };
        Self {
            function: Function::Refund,
            route: REVERSAL,
            path: vec![("account_id", account.to_owned()), ("debit_id", debit.to_owned())],
            query: String::new(),
            headers: vec![("idempotency-key", key.to_owned())],
            scope: Some("credits:settle credits:any-account"),
            body: body.to_string(),
        }
    }

    /// An adjustment.
    pub fn adjustment(account: &str, key: &str, [playground, tune, tune_image]: Amounts) -> Self {
        let credits = json!({"playground": playground, "tune": tune, "tune_image": tune_image});
        Self {
            function: Function::Refund,
            route: ADJUSTMENT,
            path: vec![("account_id", account.to_owned())],
            query: String::new(),
            headers: vec![("idempotency-key", key.to_owned())],
            scope: Some("credits:adjust"),
            body: json!({"credits": credits, "reason": "goodwill"}).to_string(),
        }
    }

    /// The request as the gateway hands it to the function.
    pub fn made(&self, at: DateTime<Utc>, attempt: u32) -> lambda_http::Request {
        let claims = self.scope.map(|scope| json!({"sub": CALLER, "scope": scope}));
        let request_id = format!("request-{attempt}");
        let request = GatewayRequest {
            route_key: self.route,
            path: "/",
            path_parameters: self
                .path
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            claims: claims.as_ref().and_then(Value::as_object),
            scoped: self.scope.is_some(),
            request_id: &request_id,
            received_at: at,
        };
        request.request(&self.head(), self.body.as_bytes())
    }

    fn head(&self) -> Parts {
        let method = self.route.split(' ').next().unwrap_or_default();
        let method = if ["GET", "POST"].contains(&method) { method } else { "POST" };
        let mut head = http::Request::builder().method(method).uri(format!("/?{}", self.query));
        head = head.header("content-type", "application/json");
        for (name, value) in &self.headers {
            head = head.header(*name, value);
        }
        head.body(()).expect("a request").into_parts().0
    }
}
