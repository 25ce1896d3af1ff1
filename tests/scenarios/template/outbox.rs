//! The outbox: which of the table's changes become events, and by what. `crate::outbox` shows what an event looks like.

use super::with_everything;
use serde_json::{Value, json};

fn pipe() -> Value {
    with_everything()["Resources"]["OutboxPipe"]["Properties"].clone()
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
    // At once: an event waits no longer than for a read of the stream.
    assert_eq!(stream["MaximumBatchingWindowInSeconds"], Value::Null);
}

#[test]
fn the_quote_function_makes_the_events_and_the_bus_gets_them_as_they_are() {
    let pipe = pipe();
    // The alias, so that a rollout and its alarms hold for the pipe too.
    assert_eq!(pipe["Enrichment"], json!({"Ref": "QuoteFunction.Alias"}));
    assert_eq!(pipe["EnrichmentParameters"], Value::Null);
    let quote = &with_everything()["Resources"]["QuoteFunction"]["Properties"];
    assert_eq!(quote["AutoPublishAlias"], "live");
    let expected = json!({"EventBridgeEventBusParameters": {"Source": "scrip", "DetailType": "$.type"}});
    assert_eq!(pipe["TargetParameters"], expected);
}
