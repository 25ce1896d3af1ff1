//! The table's stream, as an EventBridge pipe or Lambda delivers it: a record for each written item, in DynamoDB's
//! JSON.

use scrip_accounts::{AccountId, Entry};
use serde::Deserialize;

use crate::{
    Error,
    items::{Item, read_entry},
    keys,
};

/// A new entry and its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The account.
    pub account_id: AccountId,
    /// The entry that was appended.
    pub entry: Entry,
}

/// A record of a new item. Entries never change, so a record of a change is refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(rename = "eventName")]
    _event_name: InsertEvent,
    dynamodb: StreamImage,
}

#[derive(Deserialize)]
enum InsertEvent {
    #[serde(rename = "INSERT")]
    Insert,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamImage {
    new_image: serde_dynamo::Item,
}

/// Reads the new entry from a record of the stream.
///
/// # Errors
/// [`Error::Internal`] if the record is not of a new entry, or the entry can't be read. The error names the row and
/// shows nothing of its content.
///
/// # Examples
///
/// ```
/// use scrip_ledger::read_stream_record;
///
/// let new = read_stream_record(
///     r#"{"eventName": "INSERT", "dynamodb": {"NewImage": {
///         "pk": {"S": "ACCOUNT#alice"}, "sk": {"S": "ENTRY#000000000001"}, "sequence": {"N": "1"},
///         "kind": {"S": "refill"}, "reference": {"S": "2026-11"}, "period": {"S": "2026-11"},
///         "at": {"S": "2026-11-22T10:00:00Z"},
///         "credits": {"M": {"playground": {"N": "4"}, "tune": {"N": "0"}, "tune_image": {"N": "0"}}},
///         "balance": {"M": {"playground": {"N": "4"}, "tune": {"N": "0"}, "tune_image": {"N": "0"}}}}}}"#,
/// )?;
/// assert_eq!((new.account_id.as_str(), new.entry.reference.as_str()), ("alice", "2026-11"));
/// # Ok::<(), scrip_ledger::Error>(())
/// ```
pub fn read_stream_record(record: &str) -> Result<NewEntry, Error> {
    const DOING: &str = "read a record of the stream";
    let record: Record = serde_json::from_str(record)
        .map_err(|_| Error::internal(DOING, "it is not the record of a new item"))?;
    let item: Item = record.dynamodb.new_image.into();
    let key = |name| item.get(name).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
    let (pk, sk) = (key(keys::PK), key(keys::SK));
    let unreadable = || Error::internal(DOING, format!("{pk} {sk} is no entry that can be read"));
    let account_id = keys::account_of_partition(&pk).ok_or_else(unreadable)?;
    let stored = read_entry(item).map_err(|_| unreadable())?;
    Ok(NewEntry { account_id, entry: stored.entry })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::chain;

    /// A refill's entry as the stream carries it.
    fn record() -> Value {
        let credits = |playground: &str| json!({"M": {"playground": {"N": playground}, "tune": {"N": "0"}, "tune_image": {"N": "0"}}});
        json!({
            "eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "Keys": {"pk": {"S": "ACCOUNT#alice"}, "sk": {"S": "ENTRY#000000000042"}},
                "NewImage": {
                    "pk": {"S": "ACCOUNT#alice"}, "sk": {"S": "ENTRY#000000000042"}, "sequence": {"N": "42"},
                    "kind": {"S": "refill"}, "reference": {"S": "2026-11"}, "period": {"S": "2026-11"},
                    "at": {"S": "2026-11-22T10:00:00.250Z"}, "credits": credits("4"), "balance": credits("1000"),
                },
                "SequenceNumber": "1", "SizeBytes": 300, "StreamViewType": "NEW_IMAGE",
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/scrip-ledger/stream/1",
        })
    }

    #[test]
    fn a_record_of_a_new_entry_is_that_entry() {
        let read = read_stream_record(&record().to_string()).unwrap();
        assert_eq!(read.account_id.as_str(), "alice");
        assert_eq!((read.entry.account.sequence.get(), read.entry.reference.as_str()), (42, "2026-11"));
        assert_eq!(read.entry.account.balance.playground(), 1000);
    }

    #[test]
    fn any_other_record_is_an_error_that_shows_nothing_of_the_entry() {
        let image = |name: &str, value: Value| {
            let mut record = record();
            record["dynamodb"]["NewImage"][name] = value;
            record
        };
        let with = |name: &str, value: Value| {
            let mut record = record();
            record[name] = value;
            record
        };
        let no_item = "could not read a record of the stream: it is not the record of a new item";
        let row = |pk: &str, sk: &str| {
            format!("could not read a record of the stream: {pk} {sk} is no entry that can be read")
        };
        let entry = row("ACCOUNT#alice", "ENTRY#000000000042");
        for (record, error) in [
            (with("eventName", json!("MODIFY")), no_item),
            (with("eventName", json!("REMOVE")), no_item),
            (with("dynamodb", json!({"Keys": {}})), no_item),
            (image("balance", json!({"X": "secret"})), no_item),
            (json!({}), no_item),
            (json!("secret"), no_item),
            (image("kind", json!({"S": "secret"})), &entry),
            (image("reference", json!({"N": "7"})), &entry),
            (image("balance", Value::Null), no_item),
            (image("credits", json!({"S": "secret"})), &entry),
            (image("sk", json!({"S": "ENTRY#000000000041"})), &row("ACCOUNT#alice", "ENTRY#000000000041")),
            (image("sk", json!({"S": "DUE"})), &row("ACCOUNT#alice", "DUE")),
            (image("pk", json!({"S": "CUSTOMER#alice"})), &row("CUSTOMER#alice", "ENTRY#000000000042")),
            (image("pk", json!({"N": "1"})), &row("", "ENTRY#000000000042")),
        ] {
            let read = read_stream_record(&record.to_string()).unwrap_err();
            assert_eq!(chain(&read), error, "{record}");
        }
    }
}
