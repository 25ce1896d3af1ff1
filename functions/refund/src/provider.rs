//! The payment provider's API, as far as a refund needs it: a few requests to Stripe.
//!
//! A client of its own, since a whole Stripe library weighs more than the function. It reuses the HTTP and TLS
//! stack that the AWS clients are on. What the provider surely refused is told from what may have happened.

use std::{
    env, fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws::Aws;
use credits::{AccountId, Payment, PaymentId, Purchase, PurchaseId, RefundId, SubscriptionId};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use lambda_http::{
    Error,
    http::{Method, Request, StatusCode, header},
};
use ledger::RequestHash;
use runtime::{Parameter, Problem};
use serde_json::{Value, json};

/// An answer that hasn't come by then may still have been carried out.
const TIMEOUT: Duration = Duration::from_secs(8);
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A way to Stripe's API: sends a request and reads the whole answer; `None` where none came.
pub type Transport = Box<dyn Fn(Request<Full<Bytes>>) -> Exchange + Send + Sync>;

/// An exchange that is under way.
pub type Exchange = Pin<Box<dyn Future<Output = Option<(StatusCode, Bytes)>> + Send>>;

/// Stripe's API.
pub struct Provider {
    transport: Transport,
    base_url: String,
    key: Parameter,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// What came of a request for money.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The money goes back; the provider's refund, where it is named.
    Done(Option<RefundId>),
    /// It surely doesn't, for that reason.
    Refused(String),
    /// It may.
    Unknown,
}

/// What is known of an invoice's payment.
enum Found {
    Payment(PaymentId),
    /// It was paid by no payment of the provider's.
    Nothing,
    Unknown,
}

impl Provider {
    /// The API at `STRIPE_API_BASE`, with the key in the parameter that `STRIPE_API_KEY_PARAMETER` names.
    ///
    /// # Errors
    /// Where a variable isn't set.
    pub fn from_env(aws: &Aws) -> Result<Self, Error> {
        let base_url =
            env::var("STRIPE_API_BASE").map_err(|_| "set STRIPE_API_BASE, as https://api.stripe.com")?;
        Ok(Self::new(&base_url, Parameter::from_env(aws, "STRIPE_API_KEY_PARAMETER")?))
    }

    /// The API at that URL, with the key in that parameter. Nothing is read or connected to yet: most of what the
    /// function is called for doesn't need it.
    #[must_use]
    pub fn new(base_url: &str, key: Parameter) -> Self {
        let http = Arc::new(OnceLock::new());
        let transport = move |request| -> Exchange {
            let http = Arc::clone(&http);
            Box::pin(async move {
                let http = if let Some(http) = http.get() {
                    http
                } else {
                    // What can't be made now may be at the next call.
                    let made = connector()?;
                    http.get_or_init(|| made)
                };
                let answer = http.request(request).await.ok()?;
                let status = answer.status();
                let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await.ok()?;
                Some((status, body.to_bytes()))
            })
        };
        Self::over(Box::new(transport), base_url, key)
    }

    /// The API by another way than the network: a simulated one.
    #[must_use]
    pub fn over(transport: Transport, base_url: &str, key: Parameter) -> Self {
        Self { transport, base_url: base_url.trim_end_matches('/').to_owned(), key }
    }

    /// Asks for the whole payment back. The key is the same for every attempt until one is refused or fails,
    /// so it goes back once.
    pub(crate) async fn refund(&self, account: &AccountId, purchase: &Purchase) -> Result<Asked, Problem> {
        let payment_id = match &purchase.payment.payment_id {
            Some(id) => id.clone(),
            None => match self.payment_of(&purchase.payment).await? {
                Found::Payment(id) => id,
                Found::Nothing => return Ok(Asked::Refused("no_payment".to_owned())),
                Found::Unknown => return Ok(Asked::Unknown),
            },
        };
        let key = RequestHash::of(&(account, &purchase.payment.id, purchase.refunds_failed))?;
        let key = format!("scrip-refund-{}", key.as_str());
        // Its failure, should it come, names this: that tells it from a refund of the dashboard's.
        let form = format!("payment_intent={payment_id}&metadata[scrip_attempt]={}", purchase.refunds_failed);
        let Some((status, body)) = self.ask(Method::POST, "/v1/refunds", Some(&key), form).await? else {
            return Ok(Asked::Unknown);
        };
        let refund_id = body["id"].as_str().and_then(|id| RefundId::parse(id).ok());
        let code =
            body["error"]["code"].as_str().or_else(|| body["error"]["type"].as_str()).unwrap_or("unnamed");
        match status {
            _ if status.is_success() && body["status"] == "failed" => Ok(Asked::Refused("failed".to_owned())),
            _ if status.is_success() => Ok(Asked::Done(refund_id)),
            StatusCode::BAD_REQUEST if code == "charge_already_refunded" => Ok(Asked::Done(None)),
            // Our key or our pace is at fault, or another attempt is under way: nothing is said of the money.
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::CONFLICT
            | StatusCode::TOO_MANY_REQUESTS => {
                log(status, code);
                Ok(Asked::Unknown)
            }
            _ if status.is_client_error() => Ok(Asked::Refused(code.chars().take(64).collect())),
            _ => {
                log(status, code);
                Ok(Asked::Unknown)
            }
        }
    }

    /// Whether a subscription was paid by another invoice than that since; `None` where nobody knows. A renewal may be
    /// paid whose event is still on its way.
    pub(crate) async fn is_paid_anew(
        &self,
        subscription: &SubscriptionId,
        invoice: &PurchaseId,
    ) -> Result<Option<bool>, Problem> {
        let Some(known) = self.look_up(&format!("/v1/subscriptions/{subscription}")).await? else {
            return Ok(None);
        };
        let newest = known["latest_invoice"].as_str().and_then(|id| PurchaseId::parse(id).ok());
        let Some(newest) = newest.filter(|newest| newest != invoice) else { return Ok(Some(false)) };
        let newest = self.look_up(&format!("/v1/invoices/{newest}")).await?;
        Ok(newest.map(|newest| newest["status"] == "paid"))
    }

    /// An object of the provider's, null where there is none; `None` where nobody knows.
    async fn look_up(&self, path: &str) -> Result<Option<Value>, Problem> {
        let Some((status, body)) = self.ask(Method::GET, path, None, String::new()).await? else {
            return Ok(None);
        };
        if status.is_success() {
            return Ok(Some(body));
        }
        if status == StatusCode::NOT_FOUND {
            return Ok(Some(Value::Null));
        }
        log(status, body["error"]["code"].as_str().unwrap_or("unnamed"));
        Ok(None)
    }

    /// Ends a subscription; whether it surely is ended.
    pub(crate) async fn cancel(&self, subscription: &SubscriptionId) -> Result<bool, Problem> {
        let path = format!("/v1/subscriptions/{subscription}");
        let Some((status, body)) = self.ask(Method::DELETE, &path, None, String::new()).await? else {
            return Ok(false);
        };
        let is_missing = status == StatusCode::NOT_FOUND || body["error"]["code"] == "resource_missing";
        if !status.is_success() && !is_missing {
            log(status, body["error"]["code"].as_str().unwrap_or("unnamed"));
        }
        Ok(status.is_success() || is_missing)
    }

    /// The payment of an invoice whose event didn't name it.
    async fn payment_of(&self, payment: &Payment) -> Result<Found, Problem> {
        let path = format!("/v1/invoice_payments?invoice={}", payment.id);
        let Some((status, body)) = self.ask(Method::GET, &path, None, String::new()).await? else {
            return Ok(Found::Unknown);
        };
        if !status.is_success() {
            log(status, body["error"]["code"].as_str().unwrap_or("unnamed"));
            return Ok(Found::Unknown);
        }
        let id = body["data"][0]["payment"]["payment_intent"].as_str();
        Ok(id.and_then(|id| PaymentId::parse(id).ok()).map_or(Found::Nothing, Found::Payment))
    }

    /// One request; `None` where no whole answer came. A key that isn't accepted may have been rotated: it is
    /// read again, once.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        idempotency_key: Option<&str>,
        form: String,
    ) -> Result<Option<(StatusCode, Value)>, Problem> {
        let answer =
            self.send(&method, path, idempotency_key, form.clone(), &self.key.value().await?).await?;
        if matches!(&answer, Some((StatusCode::UNAUTHORIZED, _)))
            && let Some(key) = self.key.read_again().await?
        {
            return self.send(&method, path, idempotency_key, form, &key).await;
        }
        Ok(answer)
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        idempotency_key: Option<&str>,
        form: String,
        key: &str,
    ) -> Result<Option<(StatusCode, Value)>, Problem> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base_url))
            .header(header::AUTHORIZATION, format!("Bearer {}", key.trim()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let request =
            request.body(Full::from(form)).map_err(|_| Problem::internal("a request to Stripe isn't one"))?;
        let answer = tokio::time::timeout(TIMEOUT, (self.transport)(request)).await.ok().flatten();
        Ok(answer.map(|(status, body)| (status, serde_json::from_slice(&body).unwrap_or(Value::Null))))
    }
}

/// A client with the machine's root certificates; none, and a line that says why, where it has none.
fn connector() -> Option<Client<HttpsConnector<HttpConnector>, Full<Bytes>>> {
    let trusting =
        HttpsConnectorBuilder::new().with_provider_and_native_roots(rustls::crypto::ring::default_provider());
    let trusting = trusting.inspect_err(|why| {
        runtime::event(&json!({
            "level": "error", "message": "the payment provider can't be asked", "cause": why.to_string(),
        }));
    });
    // The local stack's provider speaks plain HTTP on loopback.
    let https = trusting.ok()?.https_or_http().enable_http1().build();
    Some(Client::builder(TokioExecutor::new()).build(https))
}

fn log(status: StatusCode, code: &str) {
    runtime::event(&json!({
        "level": "error", "message": "the payment provider didn't answer the question", "status": status.as_u16(),
        "code": code,
    }));
}
