//! Moving the stack's clock: renewals, the provider's events and the monthly refill happen on the way, in order.

use super::context::{Answer, PageError, SharedPage, started};
use crate::cashier::SentEvent;
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::Period;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{iter, time::Duration};

/// How far the clock is moved at once, at most.
const MOVE_MAX: TimeDelta = TimeDelta::days(400);
/// How far behind the clock a time may be that still means now: a browser knows the time by an answer that took a while.
const LAG_MAX: TimeDelta = TimeDelta::seconds(5);
/// How long a run of the monthly refill may take.
const REFILL_TIME_MAX: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    to: DateTime<Utc>,
    /// Whether the schedule of the monthly refill runs on the first of each month on the way.
    runs_schedule: bool,
}

/// The time after the move, and what happened on the way.
#[derive(Serialize)]
struct MoveResult {
    now: DateTime<Utc>,
    events: Vec<SentEvent>,
    /// The counts of each run of the monthly refill.
    refills: Vec<Value>,
}

pub(super) fn router() -> Router<SharedPage> {
    Router::new().route("/local/clock", post(go))
}

async fn go(State(page): State<SharedPage>, Json(request): Json<Move>) -> Answer<MoveResult> {
    let page = started(&page)?;
    let from = page.clock.now();
    let to = reached(from, request.to);
    if to < from {
        let why = format!("the clock is at {from}, and only moves forward");
        return Err(PageError(StatusCode::CONFLICT, why));
    }
    if to - from > MOVE_MAX {
        let why = format!("it moves {} days at once, at most", MOVE_MAX.num_days());
        return Err(PageError(StatusCode::BAD_REQUEST, why));
    }
    let (mut events, mut refills) = (Vec::new(), Vec::new());
    for first in month_starts(from, to).filter(|_| request.runs_schedule) {
        events.extend(page.cashier.travel_to(first).await);
        // The event of the schedule.
        let counts = page.refill.answer(json!({ "time": first }), first, REFILL_TIME_MAX).await;
        refills.push(counts.map_err(|why| PageError(StatusCode::BAD_GATEWAY, why.to_string()))?);
    }
    events.extend(page.cashier.travel_to(to).await);
    Ok(Json(MoveResult { now: page.clock.now(), events, refills }))
}

/// Where a move from one time to another leads: nowhere if the other is only just past.
fn reached(from: DateTime<Utc>, to: DateTime<Utc>) -> DateTime<Utc> {
    if to < from && from - to <= LAG_MAX { from } else { to }
}

/// The first moments of the months that begin after `from`, up to `to`.
fn month_starts(from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let months = iter::successors(Some(Period::of(from).next()), |month| Some(month.next()));
    months.map(Period::start).take_while(move |first| *first <= to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_just_past_means_now() {
        let now = "2026-11-30T23:59:30Z".parse::<DateTime<Utc>>().unwrap();
        for (behind, expected) in [
            (TimeDelta::minutes(-1), now + TimeDelta::minutes(1)),
            (TimeDelta::milliseconds(1), now),
            (LAG_MAX, now),
            (LAG_MAX + TimeDelta::milliseconds(1), now - LAG_MAX - TimeDelta::milliseconds(1)),
        ] {
            assert_eq!(reached(now, now - behind), expected, "{behind}");
        }
    }

    #[test]
    fn each_month_that_begins_on_the_way_is_a_stop() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (from, to, stops) in [
            ("2026-11-01T00:00:00Z", "2026-11-30T23:59:59Z", &[][..]),
            ("2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z", &["2026-12-01T00:00:00Z"]),
            (
                "2026-11-15T00:00:00Z",
                "2027-01-01T00:00:01Z",
                &["2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
            ),
        ] {
            let expected: Vec<_> = stops.iter().map(|stop| at(stop)).collect();
            assert_eq!(month_starts(at(from), at(to)).collect::<Vec<_>>(), expected, "{from} {to}");
        }
    }
}
