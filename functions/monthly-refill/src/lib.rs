//! The first-of-month refill: settles every account that is due (docs/rules.md, The monthly sweep).
//!
//! The month comes from the event, never from the clock. A run may be repeated, late, in parallel with another or killed
//! half-way, with the same result, because the write that settles an account also removes it from the index of due ones.
//!
//! With a queue, the schedule's event only sends a message for each shard, and the queue's workers settle the shards.
//! Without a queue, the function settles all shards itself.

mod input;
mod queue;
mod sweep;

use std::{
    env,
    time::{Duration, SystemTime},
};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use chrono::{DateTime, TimeDelta, Utc};
use lambda_runtime::{Error, LambdaEvent};
use scrip_accounts::Period;
use scrip_api::Metric;
use scrip_ledger::{DUE_SHARDS, Ledger};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::Instrument;

use input::{Input, Message, Work};
pub use queue::Queue;
use sweep::{Counts, Sweep, log_counts};

/// How long before Lambda's timeout a worker stops. It can complete an account in that time.
const DEADLINE_MARGIN: Duration = Duration::from_secs(12);

/// How long a month's sweep may take before the accounts that are left count as overdue.
const SWEEP_TIME: TimeDelta = TimeDelta::hours(2);

/// The function: settles accounts for a schedule and for its queue.
#[derive(Debug)]
pub struct RefillFunction {
    ledger: Ledger,
    queue: Option<Queue>,
}

impl RefillFunction {
    /// Makes the function from the environment: the table, and the queue of `REFILL_QUEUE_URL` if that is set.
    ///
    /// # Errors
    /// If a variable isn't set or is malformed.
    pub async fn from_env() -> Result<Self, Error> {
        let config = scrip_api::aws_config().await?;
        let queue = env::var("REFILL_QUEUE_URL").ok().map(|url| Queue::new(&config, url));
        Ok(Self::new(scrip_api::ledger_from_env(&config).await?, queue))
    }

    /// Makes the function with a ledger and a queue.
    #[must_use]
    pub fn new(ledger: Ledger, queue: Option<Queue>) -> Self {
        Self { ledger, queue }
    }

    /// Handles an invocation.
    ///
    /// # Errors
    /// The same as of [`RefillFunction::answer`].
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let LambdaEvent { payload, context } = event;
        let time_left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let span = tracing::info_span!("refill", request_id = context.request_id);
        let answer = self.answer(payload, scrip_api::now(), time_left).instrument(span).await;
        let ids = (context.request_id.as_str(), context.xray_trace_id.as_deref());
        scrip_api::log_invocation(ids, self.ledger.take_usage(), &answer);
        answer
    }

    /// Answers an event of one of the schedules, or a batch of the queue's records.
    ///
    /// `now` is only used to refuse a month that hasn't begun. `time_left` is the time until Lambda's timeout.
    ///
    /// # Errors
    /// If the event is malformed, names a month that hasn't begun, or the time is over before the end of the sweep. Then the
    /// event is delivered again, and the next run settles the accounts that are left.
    pub async fn answer(
        &self,
        event: Value,
        now: DateTime<Utc>,
        time_left: Duration,
    ) -> Result<Value, Error> {
        let (ledger, queue) = (&self.ledger, self.queue.as_ref());
        let until = Instant::now() + time_left.saturating_sub(DEADLINE_MARGIN);
        match Input::parse(event)? {
            Input::Schedule(time) => {
                let period = check_begun(Period::of(time), now)?;
                match queue {
                    Some(queue) => fan_out(queue, period).await,
                    None => sweep_all(ledger, period, until).await,
                }
            }
            Input::Check(time) => check(ledger, time).await,
            Input::Batch(batch) => handle_batch(ledger, queue, batch, now, until).await,
        }
    }
}

/// Counts the accounts that aren't settled though the month began at least [`SWEEP_TIME`] ago. There should be none.
async fn check(ledger: &Ledger, time: DateTime<Utc>) -> Result<Value, Error> {
    let period = Period::of(time);
    if time - period.start() < SWEEP_TIME {
        return Ok(json!({"period": period, "overdue": null}));
    }
    let mut overdue = 0;
    for shard in 0..DUE_SHARDS {
        overdue += Sweep::overdue(ledger, period, shard).await?;
    }
    let of_period = period.to_string();
    if overdue > 0 {
        tracing::error!(period = of_period, overdue, "overdue accounts");
    } else {
        tracing::info!(period = of_period, overdue, "overdue accounts");
    }
    scrip_api::count(&[Metric::overdue_accounts(overdue)]);
    Ok(json!({"period": period, "overdue": overdue}))
}

/// Checks that a month has begun.
fn check_begun(period: Period, now: DateTime<Utc>) -> Result<Period, Error> {
    if period.start() > now {
        return Err(format!("{period} hasn't begun: nothing was refilled").into());
    }
    Ok(period)
}

/// Sends a message for each shard to the queue. If a message is sent twice, the second sweep of its shard finds nothing due.
async fn fan_out(queue: &Queue, period: Period) -> Result<Value, Error> {
    let shards: Vec<Message> =
        (0..DUE_SHARDS).map(|shard| Message { period, work: Work::Shard(shard) }).collect();
    queue.send(&shards).await?;
    tracing::info!(period = period.to_string(), shards = DUE_SHARDS, "refill queued");
    Ok(json!({"period": period, "queued": DUE_SHARDS}))
}

async fn sweep_all(ledger: &Ledger, period: Period, until: Instant) -> Result<Value, Error> {
    let sweep = Sweep::new(ledger, period, until);
    let mut counts = Counts::default();
    for shard in 0..DUE_SHARDS {
        counts.add(&sweep.shard(shard).await?.counts);
    }
    log_counts!(counts, period, "refill done");
    Ok(counts.answer(period))
}

/// Handles the messages of a batch, and reports those that must be delivered again.
async fn handle_batch(
    ledger: &Ledger,
    queue: Option<&Queue>,
    batch: SqsEvent,
    now: DateTime<Utc>,
    until: Instant,
) -> Result<Value, Error> {
    let mut response = SqsBatchResponse::default();
    for record in batch.records {
        let done = match Message::parse(record.body.as_deref()) {
            Ok(message) => work(ledger, queue, &message, now, until).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            let id = record.message_id.unwrap_or_default();
            tracing::error!(item = id, cause = %error, "refill item failed");
            response.add_failure(id);
        }
    }
    Ok(serde_json::to_value(response)?)
}

/// Does the work of one message.
async fn work(
    ledger: &Ledger,
    queue: Option<&Queue>,
    message: &Message,
    now: DateTime<Utc>,
    until: Instant,
) -> Result<(), Error> {
    let period = check_begun(message.period, now)?;
    let sweep = Sweep::new(ledger, period, until);
    match &message.work {
        Work::Account(account) => sweep.account(account).await,
        Work::Shard(shard) => {
            let swept = sweep.shard(*shard).await?;
            // Each failed account gets its own message, which is retried and then lands in the dead-letter queue.
            let failed =
                swept.failed.into_iter().map(|account| Message { period, work: Work::Account(account) });
            let failed: Vec<_> = failed.collect();
            match queue {
                _ if failed.is_empty() => Ok(()),
                Some(queue) => queue.send(&failed).await,
                None => Err(format!("{} accounts failed", failed.len()).into()),
            }
        }
    }
}
