//! Holds under contention: one of many requests ends a hold, and no credit is held twice.

use std::{collections::HashSet, sync::Arc};

use serde_json::json;

use super::{four, images, owner};
use crate::api::{Reply, credits, enhance};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_forty_times_at_once_is_one_hold() {
    let api = Arc::new(owner(&["basic_monthly"]).await);
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let api = Arc::clone(&api);
            tokio::spawn(async move { api.hold("once", &four()).await })
        })
        .collect();
    let (mut bodies, mut firsts) = (HashSet::new(), 0);
    for call in calls {
        let reply = call.await.unwrap();
        reply.is(201);
        firsts += usize::from(reply.header("idempotent-replayed").is_none());
        bodies.insert(reply.text);
    }
    assert_eq!((bodies.len(), firsts), (1, 1));
    assert_eq!(api.balance_and_held().await, (credits(992, 0, 0), credits(8, 0, 0)));
    assert_eq!(api.statement().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_at_once_are_as_many_as_there_are_credits_and_places() {
    // What is left, how many holds of one credit at once -> how many are made, and how the others are refused.
    for (left, made, refusal) in [(10, 10, (402, "insufficient_credits")), (100, 16, (409, "too_many_holds"))]
    {
        let api = Arc::new(owner(&["basic_monthly"]).await);
        let spent = 1000 - left;
        let work = json!({"operation": "text_to_image", "width": 1024, "height": 1024, "steps": 150, "images": spent / 10});
        api.debit("setup", &work).await.is(201);
        let calls: Vec<_> = (0..30)
            .map(|number| {
                let api = Arc::clone(&api);
                tokio::spawn(async move { api.hold(&format!("h-{number}"), &enhance(1)).await })
            })
            .collect();
        let mut held = 0;
        for call in calls {
            let reply = call.await.unwrap();
            if reply.status == 201 {
                held += 1;
            } else {
                reply.is_problem(refusal.0, refusal.1);
            }
        }
        assert_eq!(held, made);
        assert_eq!(api.balance_and_held().await, (credits(left - made, 0, 0), credits(made, 0, 0)));
        assert_eq!(i64::try_from(api.statement().await.len()), Ok(2 + made));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_captures_and_releases_at_once_one_ends_the_hold() {
    let api = Arc::new(owner(&["basic_monthly"]).await);
    for round in 0..4 {
        let hold = format!("h-{round}");
        api.hold(&hold, &four()).await.is(201);
        let (before, entries) = (api.balance().await, api.statement().await.len());
        let calls: Vec<_> = (0..24)
            .map(|number| {
                let (api, hold) = (Arc::clone(&api), hold.clone());
                tokio::spawn(async move {
                    match number % 4 {
                        0 => api.capture(&hold, &json!({})).await,
                        1 => api.capture(&hold, &images(1)).await,
                        2 => api.capture(&hold, &images(3)).await,
                        _ => api.release(&hold).await,
                    }
                })
            })
            .collect();
        let mut replies: Vec<Reply> = Vec::new();
        for call in calls {
            replies.push(call.await.unwrap());
        }
        let (done, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
        // One request of the four, six times.
        let bodies: HashSet<_> = done.iter().map(|reply| &reply.text).collect();
        assert_eq!((bodies.len(), done.len(), refused.len()), (1, 6, 18));
        let (status, captured) = (&done[0].json["status"], &done[0].json["captured"]);
        for reply in refused {
            reply.is_problem(409, "hold_settled");
            assert_eq!((&reply.json["hold_status"], &reply.json["captured"]), (status, captured));
        }
        let returned = done[0].json["returned"]["playground"].as_i64().unwrap();
        let balance = before["playground"].as_i64().unwrap() + returned;
        assert_eq!(api.balance_and_held().await, (credits(balance, 0, 0), credits(0, 0, 0)));
        assert_eq!(api.statement().await.len(), entries + 1);
    }
}
