//! The history that an account keeps for a time: its events, and the answers for idempotency keys.

use super::{event::Event, generation::Generation, records::Time, snapshot::Snapshot};
use serde_json::{Map, Value, json};

/// An event, with the objects that rendering it in another version needs.
#[derive(Debug, Clone)]
pub struct Record {
    pub event: Event,
    pub object: Snapshot,
    pub before: Option<Snapshot>,
    /// Whether every endpoint took it.
    pub delivered: bool,
}

impl Record {
    pub fn render(&self, generation: Generation) -> Event {
        let mut json = self.event.json().clone();
        json["api_version"] = json!(generation.api_version());
        json["data"] = data(&self.object, self.before.as_ref(), generation);
        Event::from_json(json)
    }
}

/// An answer that is stored for an idempotency key.
#[derive(Debug, Clone)]
pub struct StoredAnswer {
    pub path: String,
    pub parameters: Vec<(String, String)>,
    pub request_id: String,
    pub status: u16,
    pub body: Value,
    pub since: Time,
}

/// What an event says of its object (`data`) in a version; with what it was before, which members differ.
pub fn data(object: &Snapshot, before: Option<&Snapshot>, generation: Generation) -> Value {
    let object = object.render(generation);
    let previous = before.map(|before| differing(&before.render(generation), &object));
    let mut data = Map::from_iter([("object".to_owned(), object)]);
    data.extend(previous.map(|previous| ("previous_attributes".to_owned(), previous)));
    Value::Object(data)
}

/// The members of `before` that are otherwise now.
fn differing(before: &Value, now: &Value) -> Value {
    let members = before.as_object().into_iter().flatten();
    let differing = members.filter(|(name, was)| now.get(name.as_str()) != Some(was));
    Value::Object(differing.map(|(name, was)| (name.clone(), was.clone())).collect::<Map<_, _>>())
}
