//! The events of an account: made, kept for thirty days, delivered or not, rendered in a version.
//!
//! Invariant: `emit` is the only maker of events. Every event is kept, also one of a type that only newer
//! versions have; the outbox and receipts hold those of the account's own version.

use super::{
    Stripe,
    account::Account,
    event::Event,
    generation::Generation,
    history::{Record, data},
    snapshot::Snapshot,
};
use chrono::TimeDelta;
use serde_json::json;
use std::sync::Arc;

/// How long an event can be read.
const KEPT: TimeDelta = TimeDelta::days(30);

impl Stripe {
    /// Notes that an event reached its endpoint.
    pub fn mark_delivered(&self, event: &str) {
        self.with(|account| {
            let known = account.events.iter_mut().filter(|known| known.event.id() == event);
            known.for_each(|known| Arc::make_mut(known).delivered = true);
        });
    }

    /// The events of the last thirty days that no [`Stripe::mark_delivered`] names, oldest first.
    #[must_use]
    pub fn undelivered(&self) -> Vec<Event> {
        self.with(|account| {
            let waiting = account.kept_events().filter(|known| !known.delivered);
            waiting.map(|known| known.event.clone()).collect()
        })
    }

    /// The events of the last thirty days, oldest first, as an endpoint of that version gets them.
    #[must_use]
    pub fn events_in(&self, generation: Generation) -> Vec<Event> {
        self.with(|account| {
            let sent = account.events.iter().filter(|known| generation.has_event(known.event.kind()));
            sent.map(|known| known.render(generation)).collect()
        })
    }

    /// An event as an endpoint of that version gets it; none if it doesn't, or the event is older than thirty
    /// days or was altered by a test.
    #[must_use]
    pub fn rendered(&self, event: &Event, generation: Generation) -> Option<Event> {
        self.with(|account| {
            let known = account.events.iter().find(|known| known.event.id() == event.id())?;
            generation.has_event(event.kind()).then(|| known.render(generation))
        })
    }

    /// The event as it comes from a merchant who is connected to this account.
    #[must_use]
    pub fn as_connected(&self, event: &Event, merchant: &str) -> Event {
        let mut json = event.json().clone();
        json["account"] = json!(merchant);
        Event::from_json(json)
    }
}

impl Account {
    /// The events of the last thirty days that the account's version has, oldest first.
    pub fn kept_events(&self) -> impl DoubleEndedIterator<Item = &Record> {
        let since = (self.now - KEPT).timestamp();
        let generation = self.generation;
        self.events
            .iter()
            .map(Arc::as_ref)
            .filter(move |known| known.event.created() > since && generation.has_event(known.event.kind()))
    }

    /// Makes an event about an object. With what it was before, the event says which members differ.
    pub fn emit(&mut self, kind: &str, object: Snapshot, before: Option<Snapshot>) {
        let (request, key) = self.request.clone();
        let event = Event::from_json(json!({
            "id": self.id("evt_1", 23), "object": "event", "api_version": self.generation.api_version(),
            "created": self.now.timestamp(), "data": data(&object, before.as_ref(), self.generation),
            "livemode": false, "pending_webhooks": 1,
            "request": { "id": request, "idempotency_key": key }, "type": kind,
        }));
        let since = (self.now - KEPT).timestamp();
        self.events.retain(|known| known.event.created() > since);
        if self.generation.has_event(kind) {
            self.outbox.push(event.clone());
        }
        self.events.push(Arc::new(Record { event, object, before, delivered: false }));
    }
}
