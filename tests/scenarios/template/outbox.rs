//! The outbox: which of the table's changes become events, and what such an event looks like.

use super::with_everything;
use serde_json::{Value, json};

const README: &str = include_str!("../../../README.md");

fn pipe() -> Value {
    with_everything()["Resources"]["OutboxPipe"]["Properties"].clone()
}

/// A debit's entry as the table's stream carries it.
fn record() -> Value {
    let credits = |playground: &str, tune: &str, tune_image: &str| json!({"M": {"playground": {"N": playground}, "tune": {"N": tune}, "tune_image": {"N": tune_image}}});
    json!({
        "eventName": "INSERT", "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {"pk": {"S": "ACCOUNT#alice"}, "sk": {"S": "ENTRY#000000000042"}},
            "NewImage": {
                "pk": {"S": "ACCOUNT#alice"}, "sk": {"S": "ENTRY#000000000042"}, "sequence": {"N": "42"},
                "kind": {"S": "debit"}, "reference": {"S": "job-1"}, "at": {"S": "2026-11-22T10:00:00.250Z"},
                "credits": credits("-4", "0", "0"), "balance": credits("996", "1", "64"),
            },
        },
    })
}

#[test]
fn new_entries_become_events_and_nothing_else_does() {
    let source = &pipe()["SourceParameters"];
    let pattern = source["FilterCriteria"]["Filters"][0]["Pattern"].as_str().unwrap();
    assert_eq!(source["FilterCriteria"]["Filters"].as_array().unwrap().len(), 1);
    let expected =
        json!({"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "ENTRY#"}]}}}});
    assert_eq!(serde_json::from_str::<Value>(pattern).unwrap(), expected);
    // From the first entry on, and in their order: a batch that fails is halved, not skipped.
    let stream = &source["DynamoDBStreamParameters"];
    assert_eq!(stream["StartingPosition"], "TRIM_HORIZON");
    assert_eq!(stream["OnPartialBatchItemFailure"], "AUTOMATIC_BISECT");
    // The most events that the bus takes at once.
    assert_eq!(stream["BatchSize"], 10);
    assert_eq!(stream["ParallelizationFactor"], Value::Null);
}

#[test]
fn an_event_is_what_the_readme_shows() {
    let target = &pipe()["TargetParameters"];
    let mut detail = target["InputTemplate"].as_str().unwrap().to_owned();
    while let Some((before, rest)) = detail.split_once("<$.") {
        let (path, after) = rest.split_once('>').unwrap();
        let record = record();
        let value = path.split('.').fold(&record, |value, step| &value[step]);
        let value = value.as_str().unwrap_or_else(|| panic!("a stream's record has no {path}"));
        detail = format!("{before}{value}{after}");
    }
    let envelope = &target["EventBridgeEventBusParameters"];
    let event = json!({
        "source": envelope["Source"],
        "detail-type": envelope["DetailType"],
        "detail": serde_json::from_str::<Value>(&detail).unwrap(),
    });
    let (_, section) = README.split_once("## Events").unwrap();
    let shown = section.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(event, serde_json::from_str::<Value>(shown).unwrap());
}
