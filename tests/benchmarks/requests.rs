//! Requests as the gateway hands them to a function.

use std::collections::BTreeMap;

use http::request::Parts;
use scrip_local::{clock, event::GatewayRequest};
use serde_json::{Value, json};

/// An ordinary operation: 4 credits.
pub const OPERATION: &str = r#"{"operation":"text_to_image","width":768,"height":512,"steps":80,"images":2}"#;
/// The price of [`OPERATION`].
pub const CREDITS: u64 = 4;

/// A request to the API, which becomes a gateway event or the request that a function handles.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    route: &'static str,
    account: Option<String>,
    key: Option<String>,
}

impl ApiRequest {
    /// A quote of [`OPERATION`]: no account, no database.
    pub fn quote() -> Self {
        Self { route: "POST /v1/quotes", account: None, key: None }
    }

    /// A debit of [`OPERATION`].
    pub fn debit(account: &str, key: &str) -> Self {
        let (account, key) = (Some(account.to_owned()), Some(key.to_owned()));
        Self { route: "POST /v1/accounts/{account_id}/debits", account, key }
    }

    /// The event, as text.
    pub fn event(&self) -> String {
        let claims = self.claims();
        self.gateway_request(&claims).event(&self.head(), OPERATION.as_bytes()).to_string()
    }

    /// The request that a function makes of the event.
    pub fn request(&self) -> lambda_http::Request {
        let claims = self.claims();
        self.gateway_request(&claims).request(&self.head(), OPERATION.as_bytes())
    }

    fn claims(&self) -> Value {
        json!({"sub": self.account, "scope": "credits:debit credits:read"})
    }

    fn gateway_request<'a>(&self, claims: &'a Value) -> GatewayRequest<'a> {
        let path_parameters: BTreeMap<_, _> =
            self.account.iter().map(|account| ("account_id".to_owned(), account.clone())).collect();
        GatewayRequest {
            route_key: self.route,
            path: "/",
            path_parameters,
            claims: claims.as_object().filter(|_| self.account.is_some()),
            scoped: self.account.is_some(),
            request_id: "request",
            received_at: clock::now(),
        }
    }

    fn head(&self) -> Parts {
        let mut head = http::Request::post("/").header("content-type", "application/json");
        if let Some(key) = &self.key {
            head = head.header("idempotency-key", key);
        }
        head.body(()).expect("a request").into_parts().0
    }
}
