//! Events of new entries, in the form that EventBridge's rules match (docs/events.md).
//!
//! A record of the table's stream has numbers as strings and the account in a key. An event has the form of an entry of
//! `GET …/entries`.

use scrip_accounts::AccountId;
use scrip_ledger::{Error, NewEntry, read_stream_record};
use serde::{Serialize, Serializer, ser};
use serde_json::{Value, json};

use crate::entries::EntryBody;

/// A new entry as an event.
#[derive(Debug)]
pub(crate) struct Event(NewEntry);

#[derive(Serialize)]
struct EventBody<'a> {
    /// `credits.` and the entry's kind. The pipe copies it to the event's `detail-type`.
    r#type: String,
    /// The same in each delivery of the entry.
    event_id: String,
    account_id: &'a AccountId,
    #[serde(flatten)]
    entry: EntryBody<'a>,
}

/// Reads a record of the table's stream.
///
/// # Errors
/// If the record is not that of a valid entry.
pub(crate) fn of_record(record: &str) -> Result<Event, Error> {
    read_stream_record(record).map(Event)
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let NewEntry { account_id, entry } = &self.0;
        let Value::String(kind) = json!(entry.event.kind()) else {
            return Err(ser::Error::custom("a kind of entry is a name"));
        };
        let event = EventBody {
            r#type: format!("credits.{kind}"),
            event_id: format!("{account_id}#{}", entry.account.sequence),
            account_id,
            entry: EntryBody::from(entry),
        };
        event.serialize(serializer)
    }
}
