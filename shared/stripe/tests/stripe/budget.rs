//! The time of a conversation: each call has eight seconds at most, and all together what is left until the deadline.

use std::time::Duration;

use scrip_stripe::Error;
use tokio::time::Instant;

use crate::server::{Answer, Server, charge, list, refund};

fn slow(seconds: u64) -> Server {
    Server::new(move |_| Answer {
        after: Duration::from_secs(seconds),
        content: Some((200, charge("ch_1").to_string())),
    })
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_eight_seconds_at_most() {
    for (seconds, is_read) in [(0, true), (7, true), (9, false), (3_600, false)] {
        let server = slow(seconds);
        let (api, began) = (server.api(), Instant::now());
        match api.charge("ch_1").await {
            Ok(_) => assert!(is_read, "{seconds}"),
            Err(error) => assert!(!is_read && matches!(error, Error::Unreachable), "{seconds}: {error}"),
        }
        assert_eq!(began.elapsed().as_secs(), seconds.min(8));
        assert_eq!(api.calls(), 1, "a call that isn't answered counts");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_ends_at_its_deadline() {
    let server = slow(6);
    let (api, began) = (server.api_for(Duration::from_secs(20)), Instant::now());
    let mut results = Vec::new();
    for _ in 0..5 {
        results.push(match api.charge("ch_1").await {
            Ok(_) => "read",
            Err(Error::Unreachable) => "cut off",
            Err(Error::OutOfTime) => "not sent",
            Err(error) => panic!("{error}"),
        });
    }
    assert_eq!(results, ["read", "read", "read", "cut off", "not sent"]);
    assert_eq!((began.elapsed().as_secs(), api.calls(), server.requests().len()), (20, 4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_list_ends_at_the_deadline_too() {
    let server = Server::new(|_| Answer {
        after: Duration::from_secs(2),
        content: Some((200, list(&[refund("re_1")], true).to_string())),
    });
    let api = server.api_for(Duration::from_secs(5));
    assert!(matches!(api.refunds_of_payment("pi_1").await, Err(Error::Unreachable)));
    assert_eq!(api.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_the_deadline() {
    let server = slow(0);
    let api = server.api_for(Duration::ZERO);
    assert!(matches!(api.create_refund("pi_1", None, "key", &[]).await, Err(Error::OutOfTime)));
    assert_eq!((api.calls(), server.requests().len()), (0, 0));
}
