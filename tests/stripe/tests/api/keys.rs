//! API keys: which are taken, what a restricted one may do, and how Stripe says what it lacks.

use super::{KEY, code, exchange, start};
use axum::http::Request;
use scrip_stripe_model::{CartSpec, Generation, PermissionWording, PriceSpec, Stripe};
use serde_json::Value;

const RESTRICTED: &str = "rk_test_51ModelKeyOfTheWebhook";

fn shop() -> Stripe {
    let stripe = Stripe::new("keys", Generation::Dahlia, start());
    let (plan, pack) = (stripe.add_price(&PriceSpec::monthly(1900)), stripe.add_price(&PriceSpec::once(900)));
    let _ = stripe.checkout(&CartSpec::subscription("alice", &[(&plan, 1), (&pack, 1)]));
    stripe
}

async fn call(stripe: &Stripe, method: &str, path: &str, key: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path);
    let (status, _, body) = exchange(stripe, request, key, String::new()).await.unwrap();
    (status, body)
}

#[tokio::test]
async fn each_call_needs_its_permission() {
    let stripe = shop();
    let calls = [
        ("GET", "/v1/checkout/sessions", "checkout_session_read"),
        ("GET", "/v1/checkout/sessions/cs_1/line_items", "checkout_session_read"),
        ("GET", "/v1/subscriptions/sub_1", "subscription_read"),
        ("GET", "/v1/subscription_items?subscription=sub_1", "subscription_read"),
        ("POST", "/v1/subscriptions/sub_1", "subscription_write"),
        ("DELETE", "/v1/subscriptions/sub_1", "subscription_write"),
        ("GET", "/v1/invoices", "invoice_read"),
        ("GET", "/v1/invoices/in_1/lines", "invoice_read"),
        ("GET", "/v1/invoice_payments", "invoice_read"),
        ("GET", "/v1/payment_intents", "payment_intent_read"),
        ("GET", "/v1/charges", "charge_read"),
        ("GET", "/v1/refunds", "charge_read"),
        ("POST", "/v1/refunds", "charge_write"),
        ("GET", "/v1/disputes", "dispute_read"),
        ("GET", "/v1/prices/price_1", "plan_read"),
        ("GET", "/v1/products", "product_read"),
        ("GET", "/v1/customers", "customer_read"),
        ("GET", "/v1/events", "event_read"),
        ("GET", "/v1/prices/price_1?expand[]=product", "product_read"),
        ("GET", "/v1/payment_intents/pi_1?expand[]=latest_charge", "charge_read"),
        ("GET", "/v1/subscriptions?expand[]=data.latest_invoice", "invoice_read"),
    ];
    let every: Vec<_> = calls.iter().map(|(.., permission)| *permission).collect();
    for (method, path, permission) in calls {
        stripe.restrict_key(RESTRICTED, &every);
        assert_ne!(call(&stripe, method, path, RESTRICTED).await.0, 403, "{method} {path}");
        // To write is to read as well, so reading is lacking only if writing is.
        let others: Vec<_> = every
            .iter()
            .copied()
            .filter(|known| *known != permission && *known != permission.replace("_read", "_write"))
            .collect();
        stripe.restrict_key(RESTRICTED, &others);
        let (status, body) = call(&stripe, method, path, RESTRICTED).await;
        assert_eq!(
            (status, &body["error"]["type"]),
            (403, &"invalid_request_error".into()),
            "{method} {path}"
        );
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("Having the 'rak_{permission}' permission would allow")),
            "{message}"
        );
        assert!(!message.contains(RESTRICTED), "{message}");
        // The server's own key may do it.
        assert_ne!(call(&stripe, method, path, KEY).await.0, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn a_missing_permission_is_named_in_either_wording() {
    let stripe = shop();
    stripe.restrict_key(RESTRICTED, &["invoice_read"]);
    let started = "The provided key 'rk_test_****************ebhook' does not have the required permissions for this \
                   endpoint on account 'acct_1ModelOfStripe00'.";
    for (wording, expected, expected_code) in [
        (
            PermissionWording::Having,
            format!(
                "{started} Having the 'rak_charge_read' permission would allow this request to continue."
            ),
            None,
        ),
        (
            PermissionWording::Enabling,
            format!(
                "Permission denied. {started} Enabling \"Charges and Refunds Read\" ('charge_read') permissions on \
                 this key would allow this request to continue."
            ),
            Some("more_permissions_required"),
        ),
    ] {
        stripe.word_permissions(wording);
        let (status, body) = call(&stripe, "GET", "/v1/refunds", RESTRICTED).await;
        assert_eq!((status, code(&body)), (403, expected_code), "{wording:?}");
        assert_eq!(body["error"]["message"], expected);
    }
}

#[tokio::test]
async fn the_servers_own_key_can_be_restricted_and_unknown_keys_are_refused() {
    let stripe = shop();
    assert_eq!(call(&stripe, "GET", "/v1/charges", KEY).await.0, 200);
    stripe.restrict_key(KEY, &["charge_read"]);
    assert_eq!(call(&stripe, "GET", "/v1/charges", KEY).await.0, 200);
    let (status, body) = call(&stripe, "GET", "/v1/events", KEY).await;
    assert_eq!(status, 403);
    assert!(!body.to_string().contains(KEY), "{body}");
    stripe.lift_restriction(KEY);
    assert_eq!(call(&stripe, "GET", "/v1/events", KEY).await.0, 200);
    assert_eq!(call(&stripe, "GET", "/v1/events", RESTRICTED).await.0, 401);
    stripe.restrict_key(RESTRICTED, &["event_read"]);
    assert_eq!(call(&stripe, "GET", "/v1/events", RESTRICTED).await.0, 200);
    stripe.lift_restriction(RESTRICTED);
    assert_eq!(call(&stripe, "GET", "/v1/events", RESTRICTED).await.0, 401);
}
