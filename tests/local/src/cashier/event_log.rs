//! The provider's events in the order in which they came, and what came of each.
//!
//! Invariant: an event is in it once, however often it is sent, and stays until it was sent at least once: what is held
//! back must be there when it is released.

use super::sent_event::SentEvent;
use chrono::{DateTime, Utc};
use scrip_stripe_model::Event;
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// How many events are kept, held-back ones aside: of those that were sent, the oldest are forgotten first.
const KEPT_EVENTS_MAX: usize = 200;

/// The events, and whether new ones are held back.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    is_holding_back: bool,
    lines: VecDeque<Line>,
}

#[derive(Debug)]
struct Line {
    event: Event,
    sent: SentEvent,
    sent_at: Option<DateTime<Utc>>,
}

/// An event and what came of it, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct EventLine {
    /// The event, and what the webhook answered last.
    #[serde(flatten)]
    pub sent: SentEvent,
    /// The id of what it is about.
    pub about: String,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was sent last; none while it is held back.
    pub sent_at: Option<DateTime<Utc>>,
}

impl EventLog {
    /// Whether events wait instead of being sent.
    pub(super) fn is_holding_back(&self) -> bool {
        self.with(|log| log.is_holding_back)
    }

    pub(super) fn hold_back(&self, is_holding_back: bool) {
        self.with(|log| log.is_holding_back = is_holding_back);
    }

    /// Notes what came of an event; one that was sent before is updated in its place.
    pub(super) fn note(&self, event: &Event, sent: &SentEvent, sent_at: Option<DateTime<Utc>>) {
        self.with(|log| {
            if let Some(line) = log.lines.iter_mut().find(|line| line.event.id() == event.id()) {
                let attempts = line.sent.attempts + sent.attempts;
                line.sent = SentEvent { attempts, ..sent.clone() };
                line.sent_at = sent_at;
                return;
            }
            while log.lines.len() >= KEPT_EVENTS_MAX {
                let Some(oldest) = log.lines.iter().position(|line| line.sent_at.is_some()) else { break };
                log.lines.remove(oldest);
            }
            log.lines.push_back(Line { event: event.clone(), sent: sent.clone(), sent_at });
        });
    }

    /// The event of that id.
    pub(super) fn event(&self, id: &str) -> Option<Event> {
        self.with(|log| log.lines.iter().find(|line| line.event.id() == id).map(|line| line.event.clone()))
    }

    /// The events that the webhook has not taken, oldest first: held back, or refused at each attempt.
    pub(super) fn undelivered(&self) -> Vec<Event> {
        self.with(|log| {
            let undelivered = log.lines.iter().filter(|line| !line.sent.is_delivered());
            undelivered.map(|line| line.event.clone()).collect()
        })
    }

    /// All of it, newest first.
    pub(super) fn lines(&self) -> Vec<EventLine> {
        let shown = |line: &Line| EventLine {
            sent: line.sent.clone(),
            about: line.event.object()["id"].as_str().unwrap_or_default().to_owned(),
            created_at: DateTime::from_timestamp(line.event.created(), 0),
            sent_at: line.sent_at,
        };
        self.with(|log| log.lines.iter().rev().map(shown).collect())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Contents) -> T) -> T {
        act(&mut self.contents.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(number: usize) -> Event {
        Event::from_json(json!({"id": format!("evt_{number:04}"), "type": "invoice.paid", "created": 0}))
    }

    /// Notes an event as the webhook answered it, or as held back.
    fn note(log: &EventLog, number: usize, status: Option<u16>) {
        let sent = SentEvent {
            status,
            attempts: usize::from(status.is_some()),
            ..SentEvent::not_yet(&event(number))
        };
        log.note(&event(number), &sent, status.map(|_| DateTime::UNIX_EPOCH));
    }

    #[test]
    fn only_events_that_were_sent_are_forgotten() {
        let log = EventLog::default();
        note(&log, 0, None);
        for number in 1..=KEPT_EVENTS_MAX {
            note(&log, number, Some(200));
        }
        let is_kept = |number: usize| log.event(event(number).id()).is_some();
        assert_eq!((is_kept(0), is_kept(1), is_kept(2)), (true, false, true));

        // More are held back than are kept otherwise.
        for number in 1000..1000 + KEPT_EVENTS_MAX + 50 {
            note(&log, number, None);
        }
        let held: Vec<_> = log.undelivered().iter().map(|event| event.id().to_owned()).collect();
        assert_eq!((held.len(), held[0].as_str()), (KEPT_EVENTS_MAX + 51, event(0).id()));
        for event in log.undelivered() {
            let sent = SentEvent { status: Some(200), attempts: 1, ..SentEvent::not_yet(&event) };
            log.note(&event, &sent, Some(DateTime::UNIX_EPOCH));
        }
        note(&log, 1, Some(200));
        assert_eq!((log.lines().len(), log.lines()[0].sent.id.as_str()), (KEPT_EVENTS_MAX, event(1).id()));
    }

    #[test]
    fn an_event_that_was_refused_is_undelivered_and_counts_its_attempts() {
        let log = EventLog::default();
        for (status, undelivered, attempts) in [(None, 1, 0), (Some(409), 1, 1), (Some(200), 0, 2)] {
            note(&log, 1, status);
            assert_eq!((log.undelivered().len(), log.lines()[0].sent.attempts), (undelivered, attempts));
        }
    }
}
