//! What each answer without success stands for, and that no error gives anything away.

use scrip_stripe::Error;
use serde_json::json;

use crate::server::{Answer, KEY, Server, charge, error, refund};

const INVALID: &str = "invalid_request_error";

/// An error in a few words.
fn summary(error: &Error) -> String {
    match error {
        Error::Missing => "missing".to_owned(),
        Error::Unauthenticated => "unauthenticated".to_owned(),
        Error::Forbidden { permission } => format!("forbidden {}", permission.as_deref().unwrap_or("-")),
        Error::RateLimited => "rate limited".to_owned(),
        Error::Unavailable { status } => format!("unavailable {status}"),
        Error::Unreachable => "unreachable".to_owned(),
        Error::OutOfTime => "out of time".to_owned(),
        Error::Refused { status, code } => format!("refused {status} {code}"),
        Error::Unreadable { kind, .. } => format!("unreadable {kind}"),
        Error::TooMany { kind } => format!("too many {kind}"),
    }
}

/// Both errors of an answer: of a GET, and of the POST of a refund.
async fn errors(answer: &(u16, String)) -> [Error; 2] {
    let content = answer.clone();
    let server = Server::new(move |_| content.clone());
    let api = server.api();
    let of_get = api.charge("ch_1").await.unwrap_err();
    [of_get, api.create_refund("pi_1", None, "key", &[]).await.unwrap_err()]
}

#[tokio::test]
async fn an_answer_without_success_is_an_error() {
    let long = "x".repeat(100);
    let cut = format!("refused 400 {}", &long[..64]);
    let invalid = |status, code| error(status, INVALID, code, "In Stripe's words: rk_test_51secret");
    for (answer, expected, is_transient) in [
        // A path that Stripe doesn't have: the base URL is wrong, and of the object nothing is known.
        (invalid(404, None), "refused 404 invalid_request_error", false),
        ((404, "<html>".to_owned()), "refused 404 unnamed", false),
        (invalid(401, None), "unauthenticated", false),
        ((401, "<html>".to_owned()), "unauthenticated", false),
        (invalid(429, Some("rate_limit")), "rate limited", true),
        (invalid(429, Some("lock_timeout")), "rate limited", true),
        (error(500, "api_error", None, "Broken"), "unavailable 500", true),
        ((503, "<html>".to_owned()), "unavailable 503", true),
        ((302, String::new()), "unavailable 302", true),
        // The outcome of the other request of that key isn't known.
        (error(409, "idempotency_error", Some("idempotency_key_in_use"), ""), "unavailable 409", true),
        (invalid(409, None), "unavailable 409", true),
        (error(400, "idempotency_error", None, "Other parameters"), "unavailable 400", true),
        (invalid(400, Some("charge_disputed")), "refused 400 charge_disputed", false),
        (error(402, "card_error", Some("card_declined"), "Declined"), "refused 402 card_declined", false),
        (invalid(400, None), "refused 400 invalid_request_error", false),
        ((400, "{\"error\": 7}".to_owned()), "refused 400 unnamed", false),
        (invalid(400, Some("a b\n<'é")), "refused 400 ab", false),
        (invalid(400, Some(&long)), &cut, false),
    ] {
        for error in errors(&answer).await {
            assert_eq!(summary(&error), expected, "{answer:?}");
            assert_eq!(error.is_transient(), is_transient, "{answer:?}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_missing_object_is_not_a_refused_refund() {
    for status in [404, 400] {
        let [of_get, of_post] =
            errors(&error(status, INVALID, Some("resource_missing"), "No such thing")).await;
        assert_eq!(
            (summary(&of_get).as_str(), summary(&of_post).as_str()),
            ("missing", "refused 404 resource_missing")
        );
        assert!(!of_get.is_transient() && !of_post.is_transient());
    }
}

#[tokio::test]
async fn a_missing_permission_is_named_and_the_key_is_not() {
    let lacks = "The provided key 'rk_test_secret_read' does not have the required permissions for this endpoint on \
                 account 'acct_1'.";
    for (message, expected) in [
        (
            format!("{lacks} Having the 'rak_charge_read' permission would allow this request to continue."),
            "forbidden rak_charge_read",
        ),
        (
            format!("{lacks} Having the 'rak_refund_write', 'rak_invoice_read' permissions would allow it."),
            "forbidden rak_refund_write, rak_invoice_read",
        ),
        (
            format!("{lacks} Enabling \"Prices Read\" ('plan_read') permissions on this key would allow it."),
            "forbidden plan_read",
        ),
        (format!("{lacks} Having more permissions would allow this request to continue."), "forbidden -"),
        ("Having the 'sk_live_51secret' permission, or 'é_read', or 'acct_1'".to_owned(), "forbidden -"),
        ("Having the 'rak_charge_read".to_owned(), "forbidden rak_charge_read"),
        (lacks.to_owned(), "forbidden -"),
        (String::new(), "forbidden -"),
    ] {
        for error in errors(&error(403, INVALID, None, &message)).await {
            assert_eq!(summary(&error), expected, "{message}");
            assert!(!error.is_transient() && !error.to_string().contains("secret"), "{error}");
        }
    }
    let [of_get, _] = errors(&(403, "<html>".to_owned())).await;
    assert_eq!(summary(&of_get), "forbidden -");
}

#[tokio::test]
async fn a_subscription_that_has_ended_is_missing() {
    let server = Server::new(|_| error(404, INVALID, Some("resource_missing"), "No such subscription"));
    assert!(matches!(server.api().cancel_subscription("sub_1").await, Err(Error::Missing)));
}

#[tokio::test]
async fn no_answer_is_unreachable() {
    let server = Server::new(|_| Answer { after: std::time::Duration::ZERO, content: None });
    let got = server.api().charge("ch_1").await.unwrap_err();
    assert!(matches!(got, Error::Unreachable) && got.is_transient(), "{got}");
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_not_sent() {
    let server = Server::new(|_| charge("ch_1"));
    let api = server.api_by("rk_test_1\nX-Other: 1");
    assert!(matches!(api.charge("ch_1").await, Err(Error::Unauthenticated)));
    assert_eq!(server.requests().len(), 0);
    server.api_by(" rk_test_1\n").charge("ch_1").await.unwrap();
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer rk_test_1"));
}

#[tokio::test]
async fn an_answer_of_another_form_is_unreadable() {
    let without = |field: &str| {
        let mut charge = charge("ch_1");
        charge.as_object_mut().unwrap().remove(field);
        charge.to_string()
    };
    let with = |field: &str, value: serde_json::Value| {
        let mut charge = charge("ch_1");
        charge[field] = value;
        charge.to_string()
    };
    for body in [
        String::new(),
        "<html>secret".to_owned(),
        "[]".to_owned(),
        without("id"),
        without("created"),
        with("amount", json!("secret")),
        with("amount", json!(1.5)),
        with("created", json!(8_210_266_876_799_i64)),
        with("created", json!(-1)),
        with("payment_intent", json!(7)),
    ] {
        let content = (200, body.clone());
        let server = Server::new(move |_| content.clone());
        let got = server.api().charge("ch_1").await.unwrap_err();
        assert_eq!(summary(&got), "unreadable charge", "{body}");
        assert!(!got.is_transient() && !got.to_string().contains("secret"), "{got}");
        assert!(std::error::Error::source(&got).is_some(), "{got}");
    }
}

#[tokio::test]
async fn nothing_that_is_printed_holds_the_key() {
    let server = Server::new(|_| refund("re_1"));
    let api = server.api();
    assert!(!format!("{api:?}").contains(KEY), "{api:?}");
}
