//! The function's input: an event of its schedules, or records of its own queue.

use aws_lambda_events::sqs::SqsEvent;
use chrono::{DateTime, Utc};
use lambda_runtime::Error;
use scrip_accounts::{AccountId, Period};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A parsed event.
pub(crate) enum Input {
    /// The monthly schedule's event, with its scheduled time.
    Schedule(DateTime<Utc>),
    /// The hourly check's event, with its scheduled time.
    Check(DateTime<Utc>),
    /// Records of the queue.
    Batch(SqsEvent),
}

/// A message of the queue: a piece of a month's sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// The month to settle for.
    pub(crate) period: Period,
    /// The piece of the sweep.
    #[serde(flatten)]
    pub(crate) work: Work,
}

/// The accounts that a message is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// All accounts of a shard.
    Shard(u64),
    /// One account that failed when its shard was swept.
    #[serde(rename = "account_id")]
    Account(AccountId),
}

#[derive(Deserialize)]
struct Schedule {
    time: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Check {
    overdue_at: DateTime<Utc>,
}

impl Message {
    /// Reads the body of a record.
    pub(crate) fn parse(body: Option<&str>) -> Result<Self, Error> {
        Ok(serde_json::from_str(body.ok_or("the record has no body")?)?)
    }
}

impl Input {
    pub(crate) fn parse(event: Value) -> Result<Self, Error> {
        if event.get("overdue_at").is_some() {
            let check: Check = serde_json::from_value(event)
                .map_err(|error| format!("the event's `overdue_at` is no time: {error}"))?;
            return Ok(Self::Check(check.overdue_at));
        }
        if event.get("Records").is_none() {
            let schedule: Schedule = serde_json::from_value(event)
                .map_err(|error| format!("the event has no scheduled `time`: {error}"))?;
            return Ok(Self::Schedule(schedule.time));
        }
        Ok(Self::Batch(serde_json::from_value(event)?))
    }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::sqs::SqsMessage;
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_readable_json() {
        let period: Period = "2026-12".parse().unwrap();
        let account = AccountId::parse("alice").unwrap();
        for (work, text) in [
            (Work::Shard(3), r#"{"period":"2026-12","shard":3}"#),
            (Work::Account(account), r#"{"period":"2026-12","account_id":"alice"}"#),
        ] {
            let message = Message { period, work };
            assert_eq!(serde_json::to_string(&message).unwrap(), text);
            assert_eq!(serde_json::from_str::<Message>(text).unwrap(), message);
        }
    }

    #[test]
    fn an_event_is_of_a_schedule_or_a_batch() {
        let schedule = json!({"time": "2026-12-01T00:00:00Z", "source": "aws.scheduler"});
        let Input::Schedule(time) = Input::parse(schedule).unwrap() else { panic!() };
        assert_eq!(time.to_rfc3339(), "2026-12-01T00:00:00+00:00");
        let Input::Check(time) = Input::parse(json!({"overdue_at": "2026-12-01T02:00:00Z"})).unwrap() else {
            panic!()
        };
        assert_eq!(time.to_rfc3339(), "2026-12-01T02:00:00+00:00");
        let batch = json!({"Records": [
            {"messageId": "a", "body": r#"{"period":"2026-12","shard":3}"#, "eventSource": "aws:sqs"},
            {"messageId": "b", "body": "garbage"},
        ]});
        let Input::Batch(batch) = Input::parse(batch).unwrap() else { panic!() };
        let read = |record: &SqsMessage| {
            let message = Message::parse(record.body.as_deref());
            (record.message_id.clone().unwrap(), message.is_ok())
        };
        let read: Vec<_> = batch.records.iter().map(read).collect();
        assert_eq!(read, [("a".to_owned(), true), ("b".to_owned(), false)]);
        for event in [
            json!({}),
            json!({"time": "yesterday"}),
            json!({"Records": 1}),
            json!({"overdue_at": 1}),
            json!(null),
        ] {
            assert!(Input::parse(event.clone()).is_err(), "{event}");
        }
    }
}
