//! Holds and the turn of a month: what is held is no part of the balance that expires, and what comes back in a month
//! expires with it.

use serde_json::json;

use super::{images, kinds_after, time};
use crate::api::{Api, credits, enhance};

/// Ten minutes before the month ends, and five minutes into the next.
const BEFORE: &str = "2026-11-30T23:50:00Z";
const TURN: &str = "2026-12-01T00:00:00Z";
const EXPIRY: &str = "2026-12-01T00:05:00Z";

/// An account with 1000 credits of November, of which 8 are held over the month's end. The plan is paid for another year,
/// or to the end of November.
async fn holder(is_paid: bool) -> Api {
    let api = Api::new().at(BEFORE);
    let paid_through = if is_paid { "2027-11-03T09:00:00Z" } else { TURN };
    api.buy_at("basic_monthly", time("2026-11-03T09:00:00Z"), time(paid_through)).await;
    api.hold("h", &json!({"operation": "upscale", "factor": 4, "images": 4})).await.is(201);
    api
}

#[tokio::test]
async fn an_open_hold_outlasts_its_month() {
    for (is_paid, rows) in [
        // When -> the balance and what is held.
        (
            true,
            [
                ("2026-11-30T23:59:59.999Z", 992, 8),
                (TURN, 1000, 8),
                ("2026-12-01T00:04:59.999Z", 1000, 8),
                (EXPIRY, 1008, 0),
                ("2026-12-31T23:59:59.999Z", 1008, 0),
                ("2027-01-01T00:00:00Z", 1000, 0),
            ],
        ),
        (
            false,
            [
                ("2026-11-30T23:59:59.999Z", 992, 8),
                (TURN, 0, 8),
                ("2026-12-01T00:04:59.999Z", 0, 8),
                (EXPIRY, 8, 0),
                ("2026-12-31T23:59:59.999Z", 8, 0),
                ("2027-01-01T00:00:00Z", 0, 0),
            ],
        ),
    ] {
        let mut api = holder(is_paid).await;
        for (at, balance, held) in rows {
            api = api.at(at);
            assert_eq!(
                api.balance_and_held().await,
                (credits(balance, 0, 0), credits(held, 0, 0)),
                "{is_paid} {at}"
            );
        }
        assert_eq!(api.statement().await.len(), 2, "reads write nothing");
    }
}

#[tokio::test]
async fn a_hold_of_last_month_is_captured_and_released_in_the_next() {
    let at = "2026-12-01T00:04:59.999Z";
    for (is_paid, end, balance, entries) in [
        (true, Some(json!({})), 1000, &["expiry", "refill", "capture"][..]),
        (true, Some(images(3)), 1002, &["expiry", "refill", "capture"]),
        (true, None, 1008, &["expiry", "refill", "release"]),
        (false, Some(images(3)), 2, &["expiry", "capture"]),
        (false, None, 8, &["expiry", "release"]),
    ] {
        let api = holder(is_paid).await.at(at);
        let reply = match &end {
            Some(body) => api.capture("h", body).await,
            None => api.release("h").await,
        };
        assert_eq!(reply.is(200).json["balance"], credits(balance, 0, 0), "{is_paid} {end:?}");
        assert_eq!(kinds_after(&api, 2).await, entries, "{is_paid} {end:?}");
        // Returned credits expire with the month in which they came back.
        let january = api.at("2027-01-01T00:00:00Z");
        let refilled = if is_paid { 1000 } else { 0 };
        assert_eq!(january.balance().await, credits(refilled, 0, 0), "{is_paid} {end:?}");
    }
}

/// Each in its order of time, in the write that comes next.
#[tokio::test]
async fn expiries_of_holds_come_before_or_after_the_turn_as_they_happened() {
    for (seconds, entries, balance) in [
        // It is over a second before the month is: it expires with November.
        (599, ["release", "expiry", "refill", "debit"], 999),
        // In the first moment of December, and later: it comes on top.
        (600, ["expiry", "refill", "release", "debit"], 1007),
        (900, ["expiry", "refill", "release", "debit"], 1007),
    ] {
        let mut api = Api::new().at(BEFORE);
        api.buy_at("basic_monthly", time("2026-11-03T09:00:00Z"), time("2027-11-03T09:00:00Z")).await;
        let work = json!({"operation": "upscale", "factor": 4, "images": 4, "expires_in": seconds});
        api.hold("h", &work).await.is(201);
        api = api.at("2026-12-02T00:00:00Z");
        assert_eq!(api.balance().await, credits(balance + 1, 0, 0), "{seconds}");
        let reply = api.debit("d", &enhance(1)).await;
        assert_eq!(reply.is(201).json["balance"], credits(balance, 0, 0), "{seconds}");
        assert_eq!(kinds_after(&api, 2).await, entries, "{seconds}");
    }
}
