//! Events on their way to a webhook.

use super::{kinds, stripe, time};
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use scrip_local::delivery::{Course, Endpoint};
use scrip_stripe_model::{
    Checkout, Event, Generation, Interval,
    server::{Server, loopback},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

fn events() -> Vec<Event> {
    let stripe = stripe("delivery", Generation::Basil);
    stripe.subscribe(&Checkout::new("a", "basic_monthly", 2_900), Interval::Month).events
}

#[test]
fn a_course_is_the_same_for_the_same_seed() {
    let events = events();
    let course = |shuffle, copies| Course { shuffle, copies, ..Course::default() };
    assert_eq!(course(None, 1).round(&events, 0), events);
    let twice = course(Some(7), 2).round(&events, 0);
    assert_eq!(twice, course(Some(7), 2).round(&events, 0));
    assert_ne!(twice, course(Some(8), 2).round(&events, 0));
    for event in &events {
        assert_eq!(twice.iter().filter(|sent| *sent == event).count(), 2, "{}", event.kind());
    }
    assert_ne!(kinds(&course(Some(7), 1).round(&events, 0)), kinds(&events));
    assert_eq!(course(None, 3).round(&events, 1), events, "copies are made once");
}

/// The requests that reached the webhook: the body, the signature's time and `Local-Time`.
type Arrivals = Arc<Mutex<Vec<(String, String, String)>>>;

/// A webhook that refuses each event so many times before it accepts it.
async fn webhook(refusals: usize) -> (Server, Endpoint, Arrivals) {
    let arrived = Arrivals::default();
    let seen = Arc::clone(&arrived);
    let refused: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let answer = move |headers: HeaderMap, body: String| {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let signed = header("stripe-signature");
        let signed_at = signed.split(',').next().unwrap_or_default().to_owned();
        seen.lock().unwrap().push((body.clone(), signed_at, header("local-time")));
        let mut refused = refused.lock().unwrap();
        let refused = refused.entry(body).or_default();
        *refused += 1;
        let (status, text) = if *refused > refusals {
            (StatusCode::OK, r#"{"outcome":"applied"}"#)
        } else {
            (StatusCode::CONFLICT, r#"{"code":"not_yet"}"#)
        };
        std::future::ready((status, text).into_response())
    };
    let server = Server::start(loopback(0).await.unwrap(), Router::new().fallback(answer)).unwrap();
    let endpoint = Endpoint::new(&format!("http://{}/v1/webhooks/stripe", server.address()), &["secret"]);
    (server, endpoint, arrived)
}

#[tokio::test]
async fn an_event_is_sent_until_it_is_taken() {
    let (server, endpoint, arrived) = webhook(2).await;
    let (events, at) = (events(), time("2026-01-15T12:00:00Z"));
    let attempts = endpoint.deliver(&events, &Course::default(), at).await;
    assert_eq!(attempts.len(), 3 * events.len());
    assert_eq!((attempts[0].status, &attempts[0].answer["code"]), (Some(409), &"not_yet".into()));
    let last = &attempts[2 * events.len()..];
    assert!(last.iter().all(|attempt| attempt.round == 2 && attempt.is_delivered()));
    assert_eq!(last[0].answer["outcome"], "applied");
    let arrived = arrived.lock().unwrap().clone();
    let first: Vec<_> = arrived.iter().filter(|(body, ..)| *body == events[0].body()).collect();
    let signed: Vec<_> =
        first.iter().map(|(_, signed_at, local)| (signed_at.as_str(), local.as_str())).collect();
    assert_eq!(
        signed,
        [
            ("t=1768478400", "2026-01-15T12:00:00.000Z"),
            ("t=1768479000", "2026-01-15T12:10:00.000Z"),
            ("t=1768479600", "2026-01-15T12:20:00.000Z"),
        ]
    );
    server.stop().await;
}

#[tokio::test]
async fn rounds_end() {
    let (server, endpoint, _) = webhook(usize::MAX).await;
    let at = time("2026-01-15T12:00:00Z");
    let course = Course { rounds_max: 2, copies: 3, ..Course::default() };
    let attempts = endpoint.deliver(&events()[..1], &course, at).await;
    assert_eq!(attempts.iter().map(|attempt| attempt.round).collect::<Vec<_>>(), [0, 0, 0, 1]);
    server.stop().await;
    let unanswered = endpoint.send(&events()[0], at).await;
    assert_eq!(unanswered.status, None);
}
