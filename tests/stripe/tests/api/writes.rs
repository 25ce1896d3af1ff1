//! What the API changes: refunds, and the ends of subscriptions.

use super::{KEY, code, dahlia, delete, exchange, post, start};
use axum::http::Request;
use scrip_stripe_model::{ApiError, CartSpec, Event, Fault, Generation, PriceSpec, Receipt, Stripe};
use serde_json::Value;

fn shop() -> (Stripe, Receipt) {
    let stripe = Stripe::new("writes", Generation::Dahlia, start());
    let pack = stripe.add_price(&PriceSpec::once(900));
    let bought = stripe.checkout(&CartSpec::payment("alice", &[(&pack, 1)]));
    (stripe, bought)
}

fn subscribed() -> (Stripe, String) {
    let stripe = Stripe::new("ends", Generation::Dahlia, start());
    let plan = stripe.add_price(&PriceSpec::monthly(1900));
    let id = stripe.checkout(&CartSpec::subscription("alice", &[(&plan, 1)])).subscription.unwrap();
    (stripe, id)
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(Event::kind).collect()
}

#[tokio::test]
async fn a_refund_gives_back_what_is_asked_or_all_that_is_left() {
    let (stripe, bought) = shop();
    let intent = bought.payment_intent.unwrap();
    let form = format!("payment_intent={intent}&amount=300&reason=requested_by_customer&metadata[attempt]=0");
    let (status, _, part) = post(&stripe, "/v1/refunds", Some("a"), &form).await;
    assert_eq!((status, &part["amount"], &part["status"]), (200, &300.into(), &"succeeded".into()));
    assert_eq!(
        (&part["metadata"]["attempt"], &part["payment_intent"]),
        (&"0".into(), &intent.as_str().into())
    );
    let form = format!("payment_intent={intent}&expand[]=charge");
    let (status, _, rest) = post(&stripe, "/v1/refunds", Some("b"), &form).await;
    assert_eq!((status, &rest["amount"], &rest["charge"]["object"]), (200, &600.into(), &"charge".into()));
    let (status, _, body) =
        post(&stripe, "/v1/refunds", Some("c"), &format!("payment_intent={intent}")).await;
    assert_eq!((status, code(&body)), (400, Some("charge_already_refunded")));
    let kinds: Vec<_> = stripe.take_events().iter().map(|event| event.kind().to_owned()).collect();
    let one = ["refund.created", "charge.refunded", "refund.updated"];
    assert_eq!(kinds, [one, one].concat());
}

#[tokio::test]
async fn a_refund_that_is_not_possible_is_refused() {
    type Before = fn(&Stripe, &str);
    let cases: [(&str, Before, u16, Option<&str>); 9] = [
        ("payment_intent={}", |stripe, charge| drop(stripe.dispute(charge)), 400, Some("charge_disputed")),
        (
            "payment_intent={}",
            |stripe, charge| drop(stripe.refund_in_dashboard(charge, None)),
            400,
            Some("charge_already_refunded"),
        ),
        ("payment_intent={}&amount=901", |_, _| {}, 400, None),
        ("payment_intent={}&amount=0", |_, _| {}, 400, Some("parameter_invalid_integer")),
        ("payment_intent={}&amount=x", |_, _| {}, 400, Some("parameter_invalid_integer")),
        ("payment_intent={}&reason=whim", |_, _| {}, 400, None),
        ("payment_intent={}&sum=1", |_, _| {}, 400, Some("parameter_unknown")),
        ("payment_intent=pi_none", |_, _| {}, 404, Some("resource_missing")),
        ("amount=1", |_, _| {}, 400, Some("parameter_missing")),
    ];
    for (form, before, status, expected) in cases {
        let (stripe, bought) = shop();
        before(&stripe, bought.charge.as_deref().unwrap());
        let made = stripe.books();
        let form = form.replace("{}", bought.payment_intent.as_deref().unwrap());
        let (found, _, body) = post(&stripe, "/v1/refunds", None, &form).await;
        assert_eq!((found, code(&body)), (status, expected), "{form}: {body}");
        assert_eq!(body["error"]["type"], "invalid_request_error", "{form}");
        assert_eq!(stripe.books(), made, "{form}");
    }
}

#[tokio::test]
async fn a_key_stands_for_one_request_and_its_first_answer() {
    let (stripe, bought) = shop();
    let whole = format!("payment_intent={}", bought.payment_intent.unwrap());
    let part = format!("{whole}&amount=100");
    // The fault of the first call, its status, and whether its answer is stored for the second.
    let cases = [
        (Fault::None, 200, true),
        (Fault::Answer(ApiError::broken()), 500, true),
        (Fault::Answer(ApiError::card_declined()), 402, true),
        (Fault::Answer(ApiError::rate_limited()), 429, false),
        (Fault::Answer(ApiError::lock_timeout()), 429, false),
        (Fault::Answer(ApiError::key_in_use()), 409, false),
    ];
    for (at, (fault, status, is_kept)) in cases.into_iter().enumerate() {
        let key = format!("key-{at}");
        stripe.faults().next(fault.clone());
        let (found, headers, first) = post(&stripe, "/v1/refunds", Some(&key), &part).await;
        assert_eq!((found, headers.get("idempotent-replayed")), (status, None), "{fault:?}");
        let (found, headers, second) = post(&stripe, "/v1/refunds", Some(&key), &part).await;
        assert_eq!(headers.contains_key("idempotent-replayed"), is_kept, "{fault:?}");
        assert_eq!((found == status) && (second == first), is_kept, "{fault:?}");
        let (found, _, body) = post(&stripe, "/v1/refunds", Some(&key), &whole).await;
        assert_eq!((found, &body["error"]["type"]), (400, &"idempotency_error".into()), "{fault:?}");
    }
    // The one that went through, and those whose second call did.
    assert_eq!(stripe.books().purchases[0].refunded, 400);
}

#[tokio::test]
async fn a_refusal_is_kept_for_its_key_and_a_malformed_call_is_not() {
    let (stripe, bought) = shop();
    let form = format!("payment_intent={}", bought.payment_intent.unwrap());
    let (dispute, _) = stripe.dispute(bought.charge.as_deref().unwrap());
    let (status, _, refused) = post(&stripe, "/v1/refunds", Some("kept"), &form).await;
    assert_eq!((status, code(&refused)), (400, Some("charge_disputed")));
    let (status, ..) = post(&stripe, "/v1/refunds", Some("free"), &format!("{form}&sum=1")).await;
    assert_eq!(status, 400);
    let _ = stripe.win_dispute(&dispute);
    let (status, headers, again) = post(&stripe, "/v1/refunds", Some("kept"), &form).await;
    assert_eq!((status, again, headers.contains_key("idempotent-replayed")), (400, refused, true));
    assert_eq!(post(&stripe, "/v1/refunds", Some("free"), &form).await.0, 200);
}

#[tokio::test]
async fn a_subscription_is_ended_once() {
    let (stripe, id) = subscribed();
    let path = format!("/v1/subscriptions/{id}");
    let (status, ended) = delete(&stripe, &path).await;
    assert_eq!((status, &ended["status"], &ended["id"]), (200, &"canceled".into(), &id.as_str().into()));
    assert_eq!(kinds(&stripe.take_events()), ["customer.subscription.deleted"]);
    let (status, body) = delete(&stripe, &path).await;
    assert_eq!((status, code(&body)), (404, Some("resource_missing")));
    // It is still shown.
    assert_eq!(dahlia(&stripe, &path).await.1["status"], "canceled");
    // To change it is refused otherwise: not as missing, and without a code.
    let (status, _, body) = post(&stripe, &path, None, "cancel_at_period_end=true").await;
    assert_eq!((status, code(&body)), (400, None));
    assert!(
        body["error"]["message"].as_str().unwrap().starts_with("A canceled subscription can only update")
    );
    for path in ["/v1/subscriptions/sub_none"] {
        assert_eq!(delete(&stripe, path).await.0, 404);
        assert_eq!(post(&stripe, path, None, "cancel_at_period_end=true").await.0, 404);
    }
    assert_eq!(kinds(&stripe.take_events()), Vec::<&str>::new());
}

#[tokio::test]
async fn an_end_may_credit_the_rest_and_invoice_it() {
    for (form, lines) in [("", 0), ("?prorate=true", 0), ("?prorate=true&invoice_now=true", 1)] {
        let (stripe, id) = subscribed();
        stripe.advance(chrono::TimeDelta::days(10));
        let (status, _) = delete(&stripe, &format!("/v1/subscriptions/{id}{form}")).await;
        assert_eq!(status, 200);
        let (_, invoices) = dahlia(&stripe, &format!("/v1/invoices?subscription={id}")).await;
        assert_eq!(invoices["data"].as_array().unwrap().len(), 1 + lines, "{form}");
    }
}

#[tokio::test]
async fn a_subscription_is_let_end_with_its_period_and_again_not() {
    let (stripe, id) = subscribed();
    let path = format!("/v1/subscriptions/{id}");
    for (form, ends, events) in [
        ("cancel_at_period_end=true", true, 1),
        ("cancel_at_period_end=true", true, 0),
        ("metadata[note]=x", true, 1),
        ("cancel_at_period_end=false&metadata[note]=", false, 2),
        ("cancel_at_period_end=false", false, 0),
    ] {
        let (status, _, shown) = post(&stripe, &path, None, form).await;
        assert_eq!((status, &shown["cancel_at_period_end"]), (200, &ends.into()), "{form}");
        assert_eq!(shown["canceled_at"].is_null(), !ends, "{form}");
        assert_eq!(kinds(&stripe.take_events()), vec!["customer.subscription.updated"; events], "{form}");
        let noted = shown["metadata"]["note"].as_str();
        assert_eq!(noted, (form == "metadata[note]=x").then_some("x"), "{form}");
    }
    let _ = post(&stripe, &path, None, "cancel_at_period_end=true").await;
    let _ = stripe.advance_to(stripe.period_end(&id));
    assert_eq!(dahlia(&stripe, &path).await.1["status"], "canceled");
    for (form, expected) in
        [("cancel_at_period_end=soon", None), ("cancel_at_the_end=true", Some("parameter_unknown"))]
    {
        let (status, _, body) = post(&stripe, &path, None, form).await;
        assert_eq!((status, code(&body)), (400, expected), "{form}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let (stripe, bought) = shop();
    let body = format!("{{\"payment_intent\": \"{}\"}}", bought.payment_intent.unwrap());
    let request = Request::post("/v1/refunds")
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap();
    let answer = stripe.answer(request, &format!("Bearer {KEY}")).await;
    assert_eq!(answer.status().as_u16(), 400);
    // What expands wrongly changes nothing.
    let form = format!(
        "payment_intent={}&expand[]=metadata",
        stripe.books().purchases[0].payments[0].payment_intent
    );
    let answer = exchange(&stripe, Request::post("/v1/refunds"), KEY, form).await.unwrap();
    assert_eq!((answer.0, stripe.books().purchases[0].refunded), (400, 0));
    let _: Value = answer.2;
}
